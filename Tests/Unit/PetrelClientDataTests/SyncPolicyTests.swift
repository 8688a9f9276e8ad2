// Groups, large ones, marks, settings, progress: what a sync engine makes of heads and pushes.

import PetrelBase
import PetrelMessaging
import Testing

@testable import PetrelClientData
@testable import TestServer

@Suite struct SyncPolicyTests {
    private let talk = ConversationID(10)
    private let small = ConversationID(20)
    private let large = ConversationID(30)

    private func group(_ name: String, isLarge: Bool = false) -> GroupState {
        GroupState(
            name: name, membersCount: isLarge ? 900 : 3, role: .member, isLarge: isLarge)
    }

    @Test func ofALargeGroupOnlyTheTailIsFetchedUntilSomebodyAsks() throws {
        var desk = Desk(rules: SyncRules(largeGroups: .tail(events: 10)))
        desk.server.groups[large] = group("many", isLarge: true)
        desk.server.pageMax = 50
        for i in 1...500 { _ = desk.server.commit(large, "old \(i)") }
        desk.open()
        try desk.settle()
        #expect(desk.engine.isCaughtUp)
        #expect(desk.told.map(\.sequence.number) == (491...500).reversed())
        #expect(desk.engine.cursor == FeedSequence(0), "nothing of it is in the feed")
        #expect(desk.engine.progress.eventsHeld == 10 && desk.engine.progress.eventsMissing == 0)
        desk.engine.fetch(large, before: ConversationSequence(491), now: desk.now)
        #expect(desk.engine.progress.eventsMissing == 50)
        try desk.settle()
        #expect(desk.told.last?.sequence == ConversationSequence(441))
        #expect(desk.told.count == 60)
        #expect(desk.engine.isCaughtUp && desk.engine.progress.eventsMissing == 0)
        // What was skipped is acknowledged with the tail that is here.
        let marks = desk.acknowledged.flatMap { $0 }
        #expect(marks == [Watermark(conversation: large, sequence: ConversationSequence(500))])
    }

    @Test func largeGroupsAreToldPageByPage() throws {
        var desk = Desk()
        for number in 30...36 as ClosedRange<UInt64> {
            desk.server.groups[ConversationID(number)] = group("g\(number)", isLarge: true)
            _ = desk.server.commit(ConversationID(number), "hello")
        }
        _ = desk.server.commit(talk, "one")
        desk.open()
        try desk.settle()
        #expect(desk.engine.isCaughtUp)
        #expect(try desk.store.conversations().map(\.id.number) == [10] + (30...36))
        #expect(desk.told.count == 8)
    }

    @Test func aDigestRaisesTheHeadAndAPushWithoutEntryMovesNothing() throws {
        var desk = Desk()
        desk.server.groups[large] = group("many", isLarge: true)
        _ = desk.server.commit(large, "first")
        desk.open()
        try desk.settle()
        desk.asked.removeAll()
        desk.engine.received(desk.server.commit(large, "second"), now: desk.now)
        _ = desk.server.commit(large, "third")
        desk.engine.receivedDigest(large, last: ConversationSequence(3), now: desk.now)
        #expect(!desk.engine.isCaughtUp)
        try desk.settle()
        #expect(desk.pulls == [3...3] && desk.syncs == 0)
        #expect(desk.engine.cursor == FeedSequence(0))
    }

    @Test func aPushOfAnUnknownConversationAsksWhoIsInIt() throws {
        for isLarge in [false, true] {
            var desk = Desk()
            desk.open()
            try desk.settle()
            desk.asked.removeAll()
            let id = isLarge ? large : small
            desk.server.groups[id] = group("new", isLarge: isLarge)
            desk.engine.received(desk.server.commit(id, "hello"), now: desk.now)
            #expect(!desk.engine.isCaughtUp)
            try desk.settle()
            #expect(desk.syncs >= 1)
            #expect(desk.engine.conversation(id)?.group?.name == "new")
            #expect(desk.engine.isCaughtUp)
        }
    }

    @Test func smallConversationsAreFetchedFirst() throws {
        var desk = Desk()
        desk.server.headsMax = 100
        desk.server.groups[small] = group("few")
        desk.server.groups[large] = group("many", isLarge: true)
        for id in [large, small, talk] { _ = desk.server.commit(id, "hello") }
        desk.open()
        try desk.settle()
        let order = desk.asked.compactMap { command -> UInt64? in
            if case .pull(let id, _, _, _) = command { id.number } else { nil }
        }
        #expect(order == [10, 20, 30])
    }

    @Test func aReadMarkIsToldUntilTheHeadSaysSo() throws {
        var desk = Desk()
        for i in 1...3 { _ = desk.server.commit(talk, "old \(i)") }
        desk.open()
        try desk.settle()
        #expect(desk.engine.conversation(talk)?.unreadCount == 3)
        desk.engine.read(talk, upTo: ConversationSequence(2), now: desk.now)
        desk.engine.read(talk, upTo: ConversationSequence(1), now: desk.now)
        try desk.settle()
        let mark = Watermark(conversation: talk, sequence: ConversationSequence(2))
        #expect(desk.reads == [mark])
        #expect(desk.engine.conversation(talk)?.unreadCount == 1)
        try desk.crash()
        desk.open()
        try desk.settle()
        #expect(desk.reads == [mark, mark], "nobody knows whether the server has it")
        desk.server.read[talk] = 2
        desk.server.noteChange(talk)
        desk.engine.sessionEnded()
        desk.open()
        try desk.settle()
        try desk.crash()
        desk.open()
        let told = desk.reads.count
        try desk.settle()
        #expect(desk.reads.count == told)
    }

    @Test func unreadIsExactOnceNothingIsMissing() throws {
        var desk = Desk()
        for i in 1...9 { _ = desk.server.commit(talk, "old \(i)") }
        desk.server.read[talk] = 4
        desk.open()
        while desk.told.isEmpty, let (command, request) = desk.ask() {
            desk.deliver(desk.server.answer(command), request)
            try desk.keep()
        }
        let partial = try #require(desk.engine.conversation(talk))
        #expect(partial.unreadCount == 3 && !partial.unreadIsExact)
        try desk.settle()
        let whole = try #require(desk.engine.conversation(talk))
        #expect(whole.unreadCount == 5 && whole.unreadIsExact)
        // An own message, and what another device hides or recalls, is not unread.
        var settings = ConversationSettings()
        settings.hidden = [ConversationSequence(9)]
        desk.server.settings[talk] = settings
        desk.server.noteChange(talk)
        let recall = desk.server.commit(talk, .recall(sequence: ConversationSequence(8)))
        desk.engine.received(recall, now: desk.now)
        desk.engine.keepaliveAnswered(hint: recall.feed, now: desk.now)
        try desk.settle()
        #expect(desk.engine.conversation(talk)?.unreadCount == 3)
    }

    @Test func pushedChangesAreTakenLikeItems() throws {
        var desk = Desk()
        _ = desk.server.commit(talk, "one")
        desk.open()
        try desk.settle()
        let contact = Contact(
            person: Person(account: ServerModel.peer, handle: "peer"), state: .contact)
        desk.engine.received(
            PushedChange(
                item: SyncItem(feed: FeedSequence(2), kind: .contact(contact)),
                previousFeed: FeedSequence(1)), now: desk.now)
        let state = AccountState(
            profile: Profile(name: "Anna"), privacy: Privacy(), devices: [], bytesUsed: 1,
            bytesMax: 2, hasRecovery: true)
        desk.engine.received(
            PushedChange(
                item: SyncItem(feed: FeedSequence(4), kind: .account(state)),
                previousFeed: FeedSequence(3)), now: desk.now)
        let output = desk.engine.takeOutput()
        try desk.store.apply(output.changes)
        #expect(output.contacts == [contact] && output.account == state)
        #expect(try desk.store.contacts() == [contact])
        #expect(try desk.store.accountState() == state)
        #expect(try desk.store.cursor().feed == FeedSequence(2), "3 is missing")
    }

    @Test func aHigherFirstPlaceFillsWhatIsGone() throws {
        var desk = Desk()
        for i in 1...9 { _ = desk.server.commit(talk, "old \(i)") }
        desk.server.first[talk] = 7
        desk.open()
        try desk.settle()
        #expect(desk.told.map(\.sequence.number) == [9, 8, 7])
        #expect(desk.engine.conversation(talk)?.held.contiguous == ConversationSequence(9))
        #expect(desk.engine.progress.eventsHeld == 3)
        #expect(desk.engine.progress.bytes == 15)
    }

    @Test func receiptsTellWhatWasRead() throws {
        var desk = Desk()
        for i in 1...2 { _ = desk.server.commit(talk, "old \(i)") }
        desk.open()
        try desk.settle()
        let receipt = Receipt(
            conversation: talk, account: ServerModel.peer, delivered: ConversationSequence(0),
            read: ConversationSequence(2), feed: FeedSequence(3), previousFeed: FeedSequence(2))
        desk.engine.received(receipt, now: desk.now)
        desk.engine.received(receipt, now: desk.now)
        let output = desk.engine.takeOutput()
        let mark = Watermark(conversation: talk, sequence: ConversationSequence(2))
        #expect(output.received == [mark] && output.read == [mark])
    }

    @Test func progressIsTrueAtEveryStep() throws {
        var desk = Desk()
        desk.server.groups[small] = group("few")
        for i in 1...20 { _ = desk.server.commit(i % 2 == 0 ? talk : small, "old \(i)") }
        desk.open()
        for _ in 0..<200 {
            let all = [talk, small].compactMap { desk.engine.conversation($0) }
            let heads = all.reduce(0) { $0 + $1.head.number }
            let held = all.reduce(0) { $0 + $1.held.count }
            #expect(desk.engine.progress.eventsHeld == held)
            #expect(desk.engine.progress.eventsMissing == heads - held)
            #expect(
                desk.engine.progress.conversationsRemaining
                    == UInt64(all.count { $0.held.count < $0.head.number }))
            guard let (command, request) = desk.ask() else { break }
            desk.deliver(desk.server.answer(command), request)
            try desk.keep()
        }
        #expect(desk.engine.progress.eventsMissing == 0 && desk.told.count == 20)
    }
}
