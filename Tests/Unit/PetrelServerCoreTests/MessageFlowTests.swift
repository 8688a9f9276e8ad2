// From a send to its verdict and everybody's push: order, repetitions, catching up, full queues.

import PetrelBase
import PetrelMessaging
import PetrelServerCore
import PetrelServices
import Testing

struct MessageFlowTests {
    @Test func aMessageIsCommittedAndPushed() throws {
        let bench = Bench()
        let anna = try bench.member("anna")
        let bob = try bench.member("bob")
        let message = bench.message(1, "hello", to: .handle("bob"))
        let request = try anna.ask(.send(message), now: bench.now)
        bench.run(.milliseconds(50))
        guard case .verdict(let verdict) = try anna.answer(request),
            case .message(let pushed) = bob.take().first?.kind
        else {
            Issue.record("no verdict or no push")
            return
        }
        #expect(verdict.clientMessageID == message.clientMessageID)
        #expect(verdict.sequence == .init(1))
        #expect(verdict.peerHandle == "bob")
        #expect(verdict.feed == .init(2))
        #expect(verdict.previousFeed == .init(1))
        #expect(pushed.record.conversation == verdict.conversation)
        #expect(pushed.record.sequence == .init(1))
        #expect(pushed.record.senderHandle == "anna")
        #expect(pushed.record.body == message.body)
        #expect(pushed.record.time == verdict.time)
        #expect(pushed.feed == .init(2))
    }

    @Test func nothingIsToldBeforeItIsDurable() throws {
        let bench = Bench()
        let anna = try bench.member("anna")
        let bob = try bench.member("bob")
        bench.store.inner.holdsCompletions = true
        try anna.ask(.send(bench.message(1, "hello", to: .handle("bob"))), now: bench.now)
        bench.run(.milliseconds(50))
        #expect(anna.take().isEmpty)
        #expect(bob.take().isEmpty)
        bench.store.inner.flush()
        bench.run(.milliseconds(50))
        #expect(anna.take().count == 1)
        #expect(bob.take().count == 1)
    }

    @Test func allDevicesHearAllOfItInOrder() throws {
        let bench = Bench()
        let anna = try bench.member("anna")
        let bob = try bench.member("bob")
        let tablet = try bench.stranger()
        try tablet.ask(.logIn(bench.form("anna")), now: bench.now)
        bench.run(.milliseconds(50))
        _ = tablet.take()
        for number in 1...40 as ClosedRange<UInt64> {
            let (sender, peer) = number % 3 == 0 ? (bob, "anna") : (anna, "bob")
            try sender.ask(
                .send(bench.message(number, "m\(number)", to: .handle(peer))), now: bench.now)
            if number % 5 == 0 { bench.run(.milliseconds(20)) }
        }
        bench.run(.seconds(2))
        func places(_ peer: Peer) -> [UInt64] {
            peer.take().compactMap { notice in
                switch notice.kind {
                case .message(let pushed): pushed.record.sequence.number
                case .verdict(let verdict): verdict.sequence.number
                default: nil
                }
            }
        }
        for peer in [anna, bob, tablet] { #expect(places(peer) == Array(1...40)) }
    }

    @Test func aRepetitionHasTheSamePlaceAndAConflictIsNamed() throws {
        let bench = Bench()
        let anna = try bench.member("anna")
        let bob = try bench.member("bob")
        let message = bench.message(1, "hello", to: .handle("bob"))
        var other = message
        other.body = Array("other".utf8)
        let requests = try [message, message, other].map {
            try anna.ask(.send($0), now: bench.now)
        }
        bench.run(.milliseconds(50))
        guard case .verdict(let first) = try anna.answer(requests[0]),
            case .verdict(let second) = try anna.answer(requests[1]),
            case .refusal(let refusal) = try anna.answer(requests[2])
        else {
            Issue.record("wrong answers")
            return
        }
        #expect(first.sequence == second.sequence)
        #expect(first.conversation == second.conversation)
        #expect(first.time == second.time)
        #expect(second.feed == .init(0))
        #expect(second.peerHandle == "bob")
        #expect(refusal.error == .identifierConflict)
        #expect(refusal.clientMessageID == message.clientMessageID)
        #expect(bob.take().count == 1)
        #expect(bench.metrics.messagesCommitted == 1)
        #expect(bench.metrics.messagesRepeated == 1)
    }

    /// The session died between the commit and its verdict: asking is sending again, and the answer
    /// is that of the first time, also after another session came in between.
    @Test func aLostVerdictIsAskedForByRepeating() throws {
        let bench = Bench()
        let anna = try bench.member("anna")
        let bob = try bench.member("bob")
        let message = bench.message(1, "hello", to: .handle("bob"))
        try anna.ask(.send(message), now: bench.now)
        bench.run(.milliseconds(50))
        #expect(bench.metrics.messagesCommitted == 1)
        // Whatever the device was told in that session is lost with it.
        _ = anna.take()
        for round in 1...3 as ClosedRange<UInt64> {
            try anna.connect(now: bench.now)
            bench.run(.milliseconds(50))
            _ = anna.take()
            let request = try anna.ask(.send(message), now: bench.now)
            bench.run(.milliseconds(50))
            guard case .verdict(let verdict) = try anna.answer(request) else {
                Issue.record("no verdict")
                return
            }
            #expect(verdict.sequence == .init(1))
            #expect(verdict.feed == .init(0))
            #expect(bench.metrics.messagesRepeated == round)
        }
        // One that never arrived has no other answer than that of being sent.
        let second = try anna.ask(
            .send(bench.message(2, "there", to: .handle("bob"))), now: bench.now)
        bench.run(.milliseconds(50))
        guard case .verdict(let verdict) = try anna.answer(second) else {
            Issue.record("no verdict")
            return
        }
        #expect(verdict.sequence == .init(2))
        #expect(bench.metrics.messagesCommitted == 2)
        let pushed = bob.take().compactMap { notice in
            if case .message(let message) = notice.kind { message.record.body } else { nil }
        }
        #expect(pushed == [Array("hello".utf8), Array("there".utf8)])
    }

    @Test func whoWasAwaySyncsAndPulls() throws {
        let bench = Bench()
        let anna = try bench.member("anna")
        let bob = try bench.member("bob")
        bob.close(now: bench.now)
        bench.run(.milliseconds(50))
        for number in 1...60 as ClosedRange<UInt64> {
            try anna.ask(
                .send(bench.message(number, "m\(number)", to: .handle("bob"))), now: bench.now)
        }
        bench.run(.seconds(1))
        try bob.connect(now: bench.now)
        bench.run(.milliseconds(50))
        guard case .welcome(let welcome) = bob.take().first?.kind else {
            Issue.record("not known")
            return
        }
        #expect(welcome.feed == .init(61))
        let sync = try bob.ask(
            .sync(incarnation: welcome.incarnation, cursor: .init(0), limit: 0), now: bench.now)
        bench.run(.milliseconds(50))
        guard case .syncPage(let changes) = try bob.answer(sync) else {
            Issue.record("no changes")
            return
        }
        let head = try #require(changes.heads.last)
        #expect(head.last == .init(60))
        #expect(head.peerHandle == "anna")
        let pull = try bob.ask(
            .pull(conversation: head.conversation, from: 1, to: 60, newestFirst: true),
            now: bench.now)
        bench.run(.seconds(1))
        guard case .page(let page) = try bob.answer(pull) else {
            Issue.record("no page")
            return
        }
        #expect(page.records.map(\.sequence.number) == (11...60).reversed())
        #expect(page.records.allSatisfy { $0.senderHandle == "anna" })
        #expect(!page.isComplete)
    }

    @Test func receiptsReachTheSender() throws {
        let bench = Bench()
        let anna = try bench.member("anna")
        let bob = try bench.member("bob")
        try anna.ask(.send(bench.message(1, "hello", to: .handle("bob"))), now: bench.now)
        bench.run(.milliseconds(50))
        guard case .message(let pushed) = bob.take().first?.kind else {
            Issue.record("no push")
            return
        }
        _ = anna.take()
        let mark = Watermark(
            conversation: pushed.record.conversation, sequence: pushed.record.sequence)
        for _ in 0..<2 {
            try bob.ask(.acknowledge(feed: pushed.feed, delivered: [mark]), now: bench.now)
            bench.run(.milliseconds(50))
        }
        let told = anna.take()
        #expect(told.count == 1)
        guard case .receipt(let receipt) = told.first?.kind else {
            Issue.record("no receipt")
            return
        }
        #expect(receipt.conversation == pushed.record.conversation)
        #expect(receipt.delivered == .init(1))
        #expect(receipt.feed == .init(3))
        #expect(receipt.previousFeed == .init(2))
        #expect(bob.take().isEmpty)
    }

    @Test func keepalivesTellOfWhatIsNew() throws {
        let bench = Bench()
        let anna = try bench.member("anna")
        let bob = try bench.member("bob")
        try anna.ask(.send(bench.message(1, "hello", to: .handle("bob"))), now: bench.now)
        bench.run(.seconds(45))
        #expect(bob.hint == 2)
        #expect(anna.hint == 2)
    }

    /// A session that takes nothing costs a bounded queue; its client heals by the hint.
    @Test func pushesAreSkippedWhenTheQueueIsFull() throws {
        let bench = Bench { $0.pushMessagesMax = 8 }
        let anna = try bench.member("anna")
        let bob = try bench.member("bob")
        bob.isDeaf = true
        for number in 1...30 as ClosedRange<UInt64> {
            try anna.ask(
                .send(bench.message(number, "m", to: .handle("bob"))), now: bench.now)
        }
        bench.run(.seconds(1))
        #expect(anna.take().count == 30)
        #expect(bench.metrics.pushesQueued == 8)
        #expect(bench.metrics.pushesSkipped == 22)
        bob.isDeaf = false
        bench.run(.seconds(40))
        #expect(bob.hint == 31)
    }

    /// A device's messages never overtake each other, also when the store is busy in between.
    @Test func aBusyStoreKeepsTheOrder() throws {
        let bench = Bench()
        let anna = try bench.member("anna")
        _ = try bench.member("bob")
        let messages = (1...4 as ClosedRange<UInt64>).map {
            bench.message($0, "m\($0)", to: .handle("bob"))
        }
        bench.store.refusal = .busy
        let first = try anna.ask(.send(messages[0]), now: bench.now)
        bench.run(.milliseconds(20))
        bench.store.refusal = nil
        let others = try messages[1...2].map { try anna.ask(.send($0), now: bench.now) }
        bench.run(.milliseconds(20))
        for request in [first] + others {
            guard case .refusal(let refusal) = try anna.answer(request) else {
                Issue.record("not refused")
                return
            }
            #expect(refusal.error == .busy)
            #expect(refusal.retryAfter > .zero)
        }
        for message in messages { try anna.ask(.send(message), now: bench.now) }
        bench.run(.milliseconds(50))
        let places = anna.take().compactMap { notice -> UInt64? in
            guard case .verdict(let verdict) = notice.kind else { return nil }
            return verdict.clientMessageID.low * 10 + verdict.sequence.number
        }
        #expect(places == [11, 22, 33, 44])
    }

    @Test func aFullStoreSaysSo() throws {
        let bench = Bench()
        let anna = try bench.member("anna")
        bench.store.inner.isFull = true
        let message = bench.message(1, "m", to: .handle("anna"))
        let request = try anna.ask(.send(message), now: bench.now)
        bench.run(.milliseconds(50))
        guard case .refusal(let refusal) = try anna.answer(request) else {
            Issue.record("not refused")
            return
        }
        #expect(refusal.error == .storageFull)
        #expect(!bench.hasFailed)
        bench.store.inner.isFull = false
        try anna.ask(.send(message), now: bench.now)
        bench.run(.milliseconds(50))
        #expect(bench.metrics.messagesCommitted == 1)
    }

    @Test func aFailedStoreEndsTheServer() throws {
        let bench = Bench()
        let anna = try bench.member("anna")
        bench.store.inner.holdsCompletions = true
        let request = try anna.ask(
            .send(bench.message(1, "m", to: .handle("anna"))), now: bench.now)
        bench.run(.milliseconds(50))
        #expect(!bench.hasFailed)
        bench.store.inner.fail(keeping: 1)
        bench.run(.milliseconds(50))
        #expect(bench.hasFailed)
        guard case .refusal(let refusal) = try anna.answer(request) else {
            Issue.record("not refused")
            return
        }
        #expect(refusal.error == .storageFailed)
        let later = try anna.ask(.send(bench.message(2, "m", to: .handle("anna"))), now: bench.now)
        bench.run(.milliseconds(50))
        guard case .refusal(let second) = try anna.answer(later) else {
            Issue.record("not refused")
            return
        }
        #expect(second.error == .storageFailed)
    }
}
