// Stories of pushes, pages, holes, lost sessions and crashes: nothing lost, nothing twice.

import PetrelBase
import PetrelMessaging
import Testing

@testable import PetrelClientData
@testable import TestServer

@Suite struct SyncEngineTests {
    private let talk = ConversationID(10)

    private func settled(_ count: Int = 0) throws -> Desk {
        var desk = Desk()
        for i in 0..<count { _ = desk.server.commit(talk, "old \(i)") }
        desk.open()
        try desk.settle()
        desk.asked.removeAll()
        return desk
    }

    @Test func aFreshDeviceGetsEverythingNewestFirst() throws {
        var desk = Desk()
        for i in 0..<8 { _ = desk.server.commit(talk, "old \(i)") }
        _ = desk.server.commit(ConversationID(11), "other")
        _ = desk.server.commit(ConversationID(12), "third")
        desk.open()
        #expect(!desk.engine.isCaughtUp)
        try desk.settle()
        #expect(desk.engine.isCaughtUp)
        #expect(
            desk.told.filter { $0.conversation == talk }.map(\.sequence.number)
                == [8, 7, 6, 5, 4, 3, 2, 1])
        #expect(desk.told.count == 10)
        #expect(desk.pulls.filter { $0.upperBound > 1 } == [1...8, 1...5, 1...2])
        #expect(try desk.store.cursor() == (77, FeedSequence(10)))
    }

    @Test func aPushInOrderMovesTheCursorAndAsksForNothing() throws {
        var desk = try settled(2)
        desk.engine.received(desk.server.commit(talk, "new"), now: desk.now)
        try desk.settle()
        #expect(desk.engine.cursor == FeedSequence(3))
        #expect(desk.syncs == 0 && desk.pulls.isEmpty)
        #expect(
            desk.acknowledged == [
                [Watermark(conversation: talk, sequence: ConversationSequence(3))]
            ])
        #expect(desk.told.map(\.sequence.number) == [2, 1, 3])
    }

    @Test func aPushDoesNotWaitForThePull() throws {
        var desk = Desk()
        for i in 0..<3 { _ = desk.server.commit(talk, "old \(i)") }
        desk.open()
        guard let (sync, request) = desk.ask() else { return #expect(Bool(false)) }
        let page = desk.server.answer(sync)
        desk.engine.received(desk.server.commit(talk, "pushed"), now: desk.now)
        try desk.keep()
        #expect(desk.told.map(\.sequence.number) == [4])
        // Its feed entry comes after three that are not known here.
        #expect(desk.engine.cursor == FeedSequence(0))
        desk.deliver(page, request)
        try desk.settle()
        #expect(desk.told.map(\.sequence.number) == [4, 3, 2, 1])
        #expect(desk.engine.cursor == FeedSequence(4))
    }

    @Test func aDuplicateIsDropped() throws {
        var desk = try settled(1)
        let push = desk.server.commit(talk, "once")
        for _ in 0..<3 { desk.engine.received(push, now: desk.now) }
        try desk.settle()
        #expect(desk.told.map(\.sequence.number) == [1, 2])
    }

    @Test func aLatePushFillsTheHoleBeforeItIsPulled() throws {
        var desk = try settled(1)
        let second = desk.server.commit(talk, "second")
        let third = desk.server.commit(talk, "third")
        desk.engine.received(third, now: desk.now)
        desk.now = desk.now + .milliseconds(299)
        #expect(desk.engine.nextCommand(now: desk.now) == nil)
        desk.engine.received(second, now: desk.now)
        try desk.settle()
        #expect(desk.pulls.isEmpty)
        #expect(desk.engine.cursor == FeedSequence(3))
        #expect(desk.told.map(\.sequence.number) == [1, 3, 2])
    }

    @Test func aLostPushIsPulledAfterThePatience() throws {
        var desk = try settled(1)
        _ = desk.server.commit(talk, "lost")
        desk.engine.received(desk.server.commit(talk, "third"), now: desk.now)
        let hole = desk.now + .milliseconds(300)
        desk.now = hole - Interval(nanoseconds: 1)
        #expect(desk.engine.nextCommand(now: desk.now) == nil)
        desk.now = hole
        #expect(desk.engine.nextCommand(now: desk.now) != nil)
        try desk.settle()
        #expect(desk.pulls == [2...2])
        #expect(desk.told.map(\.sequence.number) == [1, 3, 2])
    }

    @Test func aGapInTheFeedIsClosedBySyncOnly() throws {
        var desk = try settled(1)
        _ = desk.server.commit(ConversationID(50), "never pushed")
        desk.engine.received(desk.server.commit(talk, "pushed"), now: desk.now)
        #expect(desk.engine.cursor == FeedSequence(1))
        try desk.settle()
        #expect(desk.syncs >= 1)
        #expect(desk.engine.cursor == FeedSequence(3))
        #expect(desk.told.count == 3)
    }

    @Test func aKeepaliveHealsALostPush() throws {
        var desk = try settled(1)
        _ = desk.server.commit(talk, "lost")
        desk.engine.keepaliveAnswered(hint: FeedSequence(2), now: desk.now)
        #expect(!desk.engine.isCaughtUp)
        try desk.settle()
        #expect(desk.told.map(\.sequence.number) == [1, 2])
        let syncs = desk.syncs
        desk.engine.keepaliveAnswered(hint: FeedSequence(2), now: desk.now)
        try desk.settle()
        #expect(desk.syncs == syncs)
    }

    @Test func aSessionThatDiesInMidPullLosesNothingAndPullsNothingTwice() throws {
        var desk = Desk()
        for i in 0..<9 { _ = desk.server.commit(talk, "old \(i)") }
        desk.open()
        while desk.told.isEmpty, let (command, request) = desk.ask() {
            desk.deliver(desk.server.answer(command), request)
            try desk.keep()
        }
        #expect(desk.told.map(\.sequence.number) == [9, 8, 7])
        let late = desk.ask()
        desk.engine.sessionEnded()
        #expect(desk.engine.nextCommand(now: desk.now) == nil)
        #expect(desk.engine.deadline == .distantFuture)
        try desk.crash()
        desk.open()
        // An answer to the old session's request changes nothing that is already right.
        if let (command, request) = late { desk.deliver(desk.server.answer(command), request) }
        try desk.settle()
        #expect(desk.told.map(\.sequence.number) == [9, 8, 7, 6, 5, 4, 3, 2, 1])
    }

    @Test func aCrashBeforeTheAcknowledgementRepeatsTheAcknowledgementOnly() throws {
        var desk = try settled(1)
        let push = desk.server.commit(talk, "stored, not acknowledged")
        desk.engine.received(push, now: desk.now)
        try desk.keep()
        #expect(desk.told.count == 2)
        try desk.crash()
        desk.open()
        desk.engine.received(push, now: desk.now)
        try desk.settle()
        #expect(desk.told.count == 2)
        #expect(
            desk.acknowledged.contains {
                $0.contains(Watermark(conversation: talk, sequence: ConversationSequence(2)))
            })
    }

    @Test func aCrashBeforeTheTransactionLosesNothing() throws {
        var desk = try settled(1)
        desk.engine.received(desk.server.commit(talk, "not stored"), now: desk.now)
        try desk.crash()
        desk.open()
        try desk.settle()
        #expect(desk.told.map(\.sequence.number) == [1, 2])
    }

    @Test func aRequestWithoutAnswerIsRepeated() throws {
        var desk = try settled(1)
        _ = desk.server.commit(talk, "lost")
        desk.engine.keepaliveAnswered(hint: FeedSequence(2), now: desk.now)
        desk.now = desk.now + .milliseconds(300)
        let first = desk.ask()
        #expect(first != nil && desk.ask() == nil)
        #expect(desk.engine.deadline == desk.now + .seconds(15))
        desk.now = desk.now + .seconds(15)
        try desk.settle()
        #expect(desk.told.map(\.sequence.number) == [1, 2])
    }

    @Test func damagedPlacesCountAsHeld() throws {
        var desk = Desk()
        desk.server.damaged = [2, 3]
        for i in 0..<5 { _ = desk.server.commit(talk, "old \(i)") }
        desk.open()
        try desk.settle()
        #expect(desk.told.map(\.sequence.number) == [5, 4, 1])
        #expect(desk.engine.isCaughtUp)
        #expect(desk.engine.conversation(talk)?.held.contiguous == ConversationSequence(5))
    }

    @Test func anotherIncarnationStartsTheFeedAgain() throws {
        var desk = try settled(4)
        desk.server.incarnation = 78
        _ = desk.server.commit(ConversationID(60), "after the restore")
        desk.engine.sessionEnded()
        desk.open()
        #expect(desk.engine.cursor == FeedSequence(0))
        try desk.settle()
        #expect(try desk.store.cursor() == (78, FeedSequence(5)))
        #expect(desk.told.count == 5)
    }

    /// After a crash between the two, only an own message is missing before somebody else's.
    @Test func whatWasHeldAheadOfAHoleIsAcknowledgedAfterARestart() throws {
        var desk = Desk()
        let own = OutgoingMessage(
            clientMessageID: ClientMessageID(high: 1, low: 1), target: .conversation(talk),
            event: .message(Content(contentType: "", body: [1])))
        _ = desk.server.commit(own: own)
        let push = desk.server.commit(talk, "theirs")
        desk.open()
        desk.engine.received(push, now: desk.now)
        try desk.keep()
        #expect(desk.engine.conversation(talk)?.held.highest == ConversationSequence(2))
        try desk.crash()
        desk.open()
        try desk.settle()
        let mark = Watermark(conversation: talk, sequence: ConversationSequence(2))
        #expect(desk.acknowledged.flatMap { $0 } == [mark])
    }

    /// The server may die after its transport took an acknowledgement and before its disk did.
    @Test func anAcknowledgementIsRepeatedAfterARestartUnlessItsSessionLivedOn() throws {
        var desk = try settled(2)
        try desk.crash()
        desk.open()
        try desk.settle()
        let mark = Watermark(conversation: talk, sequence: ConversationSequence(2))
        #expect(desk.acknowledged.flatMap { $0 } == [mark])
        // Another conversation makes the engine acknowledge once more, much later.
        desk.now = desk.now + .seconds(130)
        desk.engine.received(desk.server.commit(ConversationID(11), "later"), now: desk.now)
        try desk.settle()
        desk.asked.removeAll()
        try desk.crash()
        desk.open()
        try desk.settle()
        #expect(desk.acknowledged.flatMap { $0 }.map(\.conversation) == [ConversationID(11)])
    }

    @Test func aReceiptRaisesTheWatermarkOnce() throws {
        var desk = try settled(2)
        let receipt = desk.server.receipt(talk, upTo: 2)
        desk.engine.received(receipt, now: desk.now)
        desk.engine.received(receipt, now: desk.now)
        let output = desk.engine.takeOutput()
        #expect(
            output.received
                == [Watermark(conversation: talk, sequence: ConversationSequence(2))])
        #expect(desk.engine.conversation(talk)?.peerDelivered == ConversationSequence(2))
        #expect(desk.engine.cursor == FeedSequence(3))
    }

    @Test func aServerThatPromisesTooMuchIsNotAskedInALoop() throws {
        var desk = try settled(1)
        let lie = ConversationHead(
            conversation: talk, last: ConversationSequence(9), first: ConversationSequence(1),
            kind: .peer(Person(account: ServerModel.peer, handle: "peer")))
        desk.engine.keepaliveAnswered(hint: FeedSequence(2), now: desk.now)
        desk.now = desk.now + .milliseconds(300)
        guard let (_, sync) = desk.ask() else { return #expect(Bool(false)) }
        let page = SyncPage(
            incarnation: 77, snapshot: FeedSequence(2), cursor: FeedSequence(2), remaining: 0,
            items: [SyncItem(feed: FeedSequence(2), kind: .conversation(lie))])
        desk.deliver(.syncPage(page), sync)
        let start = desk.now
        var pulls = 0
        while desk.now < start + .seconds(120) {
            if let (command, request) = desk.ask() {
                if case .pull = command { pulls += 1 }
                desk.deliver(desk.server.answer(command), request)
                try desk.keep()
            } else {
                desk.now = desk.engine.deadline
            }
        }
        #expect(pulls > 0 && pulls < 10)
    }
}

@Suite struct SyncEnginePropertyTests {
    /// Pushes are lost, doubled and reordered, sessions end and processes crash; in the end all
    /// that was committed is stored and was told exactly once.
    @Test(arguments: 1...60 as ClosedRange<UInt64>)
    func nothingIsLostAndNothingComesTwice(seed: UInt64) throws {
        var random = RandomStream(seed: seed, label: "sync engine")
        var desk = Desk()
        var late: [PushedMessage] = []
        var lost: [(Command.Kind, UInt64)] = []
        desk.open()
        for step in 0..<300 {
            desk.now = desk.now + random.interval(below: .milliseconds(400))
            switch random.below(12) {
            case 0...3:
                let talk = ConversationID(10 + random.below(4))
                late.append(desk.server.commit(talk, "step \(step)"))
            case 4...6:
                guard !late.isEmpty else { continue }
                let push = late.remove(at: Int(random.below(UInt64(late.count))))
                if random.chance(0.2) { continue }
                desk.engine.received(push, now: desk.now)
                if random.chance(0.2) { late.append(push) }
            case 7, 8:
                try desk.keep()
                desk.engine.advance(now: desk.now)
                guard let (command, request) = desk.ask() else { continue }
                if random.chance(0.3) {
                    lost.append((command, request))
                } else {
                    desk.deliver(desk.server.answer(command), request)
                }
            case 9:
                guard let (command, request) = lost.popLast() else { continue }
                desk.deliver(desk.server.answer(command), request)
            case 10:
                try desk.keep()
                desk.engine.keepaliveAnswered(
                    hint: FeedSequence(desk.server.feed), now: desk.now)
            default:
                if random.chance(0.5) { try desk.crash() } else { desk.engine.sessionEnded() }
                desk.open()
                lost.removeAll()
            }
        }
        desk.engine.sessionEnded()
        desk.open()
        try desk.settle()
        #expect(desk.engine.isCaughtUp)
        for number in 10...13 as ClosedRange<UInt64> {
            let id = ConversationID(number)
            let all = desk.server.records[id] ?? []
            #expect(
                try desk.store.messages(id, from: ConversationSequence(1), limit: 1_000) == all)
            let told = desk.told.filter { $0.conversation == id }
            #expect(told.sorted { $0.sequence < $1.sequence } == all)
        }
    }
}
