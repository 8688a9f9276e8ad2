// What every store promises, told as stories; each runs on all implementations.

import PetrelBase
import PetrelMessaging
import PetrelServices
import Testing

@Suite struct StoreContractTests {
    @Test(arguments: StoreKind.allCases)
    func workersHearOfEachOthersNewsInTheOrderOfCommits(_ kind: StoreKind) throws {
        let bench = try StoreBench(kind, workers: 3)
        let append = StoreOperation.sample(append: 1, from: 1, to: .peer(2, new: 70))
        let submitted: [(operation: StoreOperation, worker: Int)] = [
            (.sample(createAccount: 1), 0), (.sample(createAccount: 2), 1), (append, 0),
            (append, 1),  // a repetition, which is nobody else's news
            (.sample(append: 2, from: 2, to: .peer(1, new: 71)), 1),
            (.sample(append: 3, from: 2, to: .peer(9, new: 72)), 0),  // refused
            (.sample(append: 4, from: 1, to: .peer(2, new: 73)), 0),
        ]
        for (ticket, entry) in submitted.enumerated() {
            try bench.submit(entry.operation, ticket: ticket, by: entry.worker)
        }
        // A new account has an entry in its own feed, which only its own devices could miss.
        let news = [0, 1, 2, 4, 6]
        for worker in 0..<3 {
            let expected = submitted.indices.filter {
                submitted[$0].worker == worker || news.contains($0)
            }
            let taken = try bench.take(of: worker, count: expected.count)
            #expect(taken.map(\.ticket) == expected.map(UInt64.init))
            for (completion, index) in zip(taken, expected) {
                #expect(
                    completion.submitter
                        == (submitted[index].worker == worker
                            ? .taker : .another(submitted[index].operation)))
            }
        }
        for worker in 0..<3 { #expect(try bench.take(of: worker, count: 0).isEmpty) }
    }

    @Test(arguments: StoreKind.allCases)
    func accountsAndDevices(_ kind: StoreKind) throws {
        let bench = try StoreBench(kind)
        #expect(bench.store.incarnation == 1)
        #expect(try bench.store.account(handle: "user-1") == nil)
        try bench.enrol(1)
        let account = AccountRecord(
            id: .init(1), handle: "user-1", password: [1, 2, 3],
            created: .init(milliseconds: 1_000))
        #expect(try bench.store.account(handle: "user-1") == account)
        #expect(try bench.store.account(.init(1)) == account)
        let device = try bench.store.device(key: .sample(1))
        #expect(
            device
                == DeviceRecord(
                    account: .init(1), device: .init(1), key: .sample(1), name: "first",
                    helloCounter: 7, feed: .init(0)))
        #expect(try bench.store.newestFeed(.init(1)) == .init(1))

        let refusals: [(StoreOperation, MessagingError)] = [
            (.sample(createAccount: 2, handle: "user-1"), .handleTaken),
            (.sample(createAccount: 2, key: 1), .alreadyEnrolled),
            (.sample(createAccount: 1), .alreadyEnrolled),
            // An identifier drawn twice must not overwrite an account.
            (.sample(createAccount: 1, handle: "other", key: 2), .busy),
            (.sample(enrolDevice: 1, key: 1), .alreadyEnrolled),
            (.sample(enrolDevice: 9, key: 2), .notEnrolled),
        ]
        for (operation, refusal) in refusals {
            #expect(try bench.outcome(operation).refusal == refusal)
        }
        #expect(try bench.store.account(.init(1)) == account)
        #expect(try bench.store.account(.init(2)) == nil)
        #expect(try bench.store.device(key: .sample(2)) == nil)

        for key in UInt64(2)...10 {
            let outcome = try bench.outcome(.sample(enrolDevice: 1, key: key))
            #expect(outcome.enrolled == .init(account: .init(1), device: .init(UInt32(key))))
        }
        let eleventh = try bench.outcome(.sample(enrolDevice: 1, key: 11))
        #expect(eleventh == .refused(Refused(.tooManyDevices, limit: 10)))
        try bench.reopen()
        #expect(try bench.store.device(key: .sample(10))?.name == "device 10")
        #expect(try bench.store.device(key: .sample(11)) == nil)
    }

    @Test(arguments: StoreKind.allCases)
    func aConversation(_ kind: StoreKind) throws {
        let bench = try StoreBench(kind)
        try bench.enrol(1, 2)
        let first = try bench.append(.sample(append: 1, from: 1, to: .peer(2, new: 70)))
        #expect(first.conversation == .init(70) && first.sequence == .init(1))
        #expect(first.time == .init(milliseconds: 5_000) && !first.isDuplicate)
        #expect(first.peer == Person(account: .init(2), handle: "user-2"))
        #expect(first.feeds == [FeedStep(1, 1, after: 0), FeedStep(2, 1, after: 0)])
        // The other side knows the pair under the same name, whatever it offers.
        let second = try bench.append(
            .sample(append: 1, from: 2, to: .peer(1, new: 71), body: [9], time: 6_000))
        #expect(second.conversation == .init(70))
        #expect(second.sequence == .init(2))
        #expect(second.feeds == [FeedStep(1, 2, after: 1), FeedStep(2, 2, after: 1)])
        let third = try bench.append(.sample(append: 2, from: 1, to: .to(70)))
        #expect(third.sequence == .init(3))

        // 1 has its first message, not the one of 2, so its third does not raise the mark; 2 has
        // not said that it received the first, so its own does not either.
        #expect(try bench.store.delivered(70) == [1, 0])
        let head = try #require(try bench.store.head(of: .init(70), for: .init(1)))
        #expect(head.last == .init(3) && head.first == .init(1))
        #expect(head.kind == .peer(Person(account: .init(2), handle: "user-2")))
        #expect(try bench.store.head(of: .init(71), for: .init(1)) == nil)
        let slice = try bench.store.changes(of: .init(1), after: .init(1), limit: 10)
        #expect(slice.items == [SyncItem(feed: .init(4), kind: .conversation(head))])
        #expect(slice.newest == .init(4) && slice.remaining == 0)
        let message = try #require(
            try bench.store.messages(MessageRequest(70, 2...2)).messages.first)
        #expect(
            message
                == MessageRecord(
                    conversation: .init(70), sequence: .init(2), sender: .init(2),
                    senderDevice: .init(1), senderHandle: "",
                    clientMessageID: .init(high: 1, low: 1), time: .init(milliseconds: 6_000),
                    event: .message(Content(contentType: "", body: [9]))))
    }

    @Test(arguments: StoreKind.allCases)
    func repetitions(_ kind: StoreKind) throws {
        let bench = try StoreBench(kind)
        try bench.enrol(1, 2)
        let operation = StoreOperation.sample(
            append: 1, from: 1, to: .peer(2, new: 70), digest: 5, time: 5_000)
        let first = try bench.append(operation)
        try bench.reopen()
        func expectRepetition(_ again: AppendedMessage) {
            #expect(again.isDuplicate && again.feeds.isEmpty)
            #expect(again.conversation == first.conversation)
            #expect(again.sequence == first.sequence && again.time == first.time)
        }
        expectRepetition(try bench.append(operation))
        // Later, or named by its conversation: the digest decides.
        let later = StoreOperation.sample(
            append: 1, from: 1, to: .to(70), digest: 5, time: 9_000)
        expectRepetition(try bench.append(later))
        let other = StoreOperation.sample(append: 1, from: 1, to: .to(70), digest: 6)
        #expect(try bench.outcome(other).refusal == .identifierConflict)
        // Another account may use the same identifier.
        let peers = try bench.append(.sample(append: 1, from: 2, to: .to(70), digest: 6))
        #expect(peers.sequence == .init(2))
        #expect(try bench.store.newestFeed(.init(1)) == .init(3))
        #expect(try bench.store.messages(MessageRequest(70, 1...9)).messages.count == 2)
    }

    @Test(arguments: StoreKind.allCases)
    func refusedMessagesChangeNothing(_ kind: StoreKind) throws {
        let bench = try StoreBench(kind)
        try bench.enrol(1, 2, 3)
        _ = try bench.append(.sample(append: 1, from: 1, to: .peer(2, new: 70)))
        let refusals: [(StoreOperation, MessagingError)] = [
            (.sample(append: 2, from: 9, to: .peer(1, new: 71)), .notEnrolled),
            (.sample(append: 2, from: 1, device: 2, to: .peer(2, new: 71)), .notEnrolled),
            (.sample(append: 2, from: 1, to: .peer(9, new: 71)), .unknownRecipient),
            (.sample(append: 2, from: 1, to: .to(71)), .unknownConversation),
            (.sample(append: 2, from: 3, to: .to(70)), .unknownConversation),
            // An identifier drawn twice must not join a conversation of others.
            (.sample(append: 2, from: 3, to: .peer(1, new: 70)), .busy),
            (
                .sample(append: 2, from: 1, to: .to(70), body: Array(repeating: 0, count: 65_537)),
                .tooLarge
            ),
            (.sample(createAccount: 4, handle: ""), .handleInvalid),
            (.sample(createAccount: 4, handle: String(repeating: "h", count: 256)), .handleInvalid),
            (
                .sample(createAccount: 4, password: Array(repeating: 0, count: 1_025)), .malformed
            ),
            (
                .sample(acknowledge: 1, delivered: Array(repeating: (70, 1), count: 1_001)),
                .malformed
            ),
            (.sample(acknowledge: 9, feed: 1), .notEnrolled),
            (.sample(acknowledge: 1, device: 2, feed: 1), .notEnrolled),
            (
                .raiseHelloCounter(
                    account: .init(9), device: .init(1), counter: 1, time: .init(milliseconds: 1)),
                .notEnrolled
            ),
            (.replacePassword(account: .init(9), old: [], record: []), .notEnrolled),
        ]
        for (operation, refusal) in refusals {
            #expect(try bench.outcome(operation).refusal == refusal)
        }
        for account in UInt64(1)...2 {
            #expect(try bench.store.newestFeed(.init(account)) == .init(2))
        }
        #expect(try bench.store.newestFeed(.init(3)) == .init(1))
        #expect(try bench.store.last(70, seenBy: 1) == 1)
        #expect(try bench.store.last(71, seenBy: 1) == nil)
        #expect(try bench.store.account(.init(4)) == nil)
        #expect(try bench.store.account(handle: "") == nil)
        #expect(try bench.store.account(handle: String(repeating: "h", count: 600)) == nil)
    }

    @Test(arguments: StoreKind.allCases)
    func aFeedKeepsTheNewestChangeOfEachConversation(_ kind: StoreKind) throws {
        let bench = try StoreBench(kind)
        try bench.enrol(1, 2, 3, 4)
        var id: UInt64 = 0
        for peer in [UInt64(2), 3, 4, 2, 2, 3] {
            id += 1
            _ = try bench.append(.sample(append: id, from: 1, to: .peer(peer, new: 70 + peer)))
        }
        // Change 1 is the account itself; 2...7 went to 72, 73, 74, 72, 72, 73: alive are
        // 4 (74), 6 (72), 7 (73).
        let cases: [(after: UInt64, limit: Int, feeds: [UInt64], remaining: Int)] = [
            (0, 10, [1, 4, 6, 7], 0), (0, 2, [1, 4], 2), (0, 0, [], 4), (4, 10, [6, 7], 0),
            (5, 1, [6], 1), (7, 10, [], 0), (.max, 10, [], 0), (0, -1, [], 4),
        ]
        for (after, limit, feeds, remaining) in cases {
            let slice = try bench.store.changes(
                of: .init(1), after: .init(after), limit: limit)
            #expect(slice.items.map(\.feed.number) == feeds)
            #expect(slice.remaining == remaining)
            #expect(slice.newest == .init(7))
        }
        let all = try bench.store.changes(of: .init(1), after: .init(0), limit: 10)
        #expect(all.conversations.map(\.head.conversation.number) == [74, 72, 73])
        #expect(all.conversations.map(\.head.last.number) == [1, 3, 2])
        let stranger = try bench.store.changes(of: .init(9), after: .init(0), limit: 10)
        #expect(stranger == FeedSlice(items: [], newest: .init(0), remaining: 0))
    }

    @Test(arguments: StoreKind.allCases)
    func pagesOfMessages(_ kind: StoreKind) throws {
        let bench = try StoreBench(kind)
        try bench.enrol(1, 2)
        for place in UInt64(1)...10 {
            let body = [UInt8](repeating: UInt8(place), count: 100)
            _ = try bench.append(
                .sample(append: place, from: 1, to: .peer(2, new: 70), body: body))
        }
        let cases: [(MessageRequest, places: [UInt64], isComplete: Bool)] = [
            (MessageRequest(70, 1...10), Array(1...10), true),
            (MessageRequest(70, 0...(.max)), Array(1...10), true),
            (MessageRequest(70, 8...99, .newestFirst), [10, 9, 8], true),
            (MessageRequest(70, 3...6, limit: 2), [3, 4], false),
            (MessageRequest(70, 3...6, .newestFirst, limit: 2), [6, 5], false),
            (MessageRequest(70, 3...4, limit: 2), [3, 4], true),
            (MessageRequest(70, 1...10, bytes: 250), [1, 2], false),
            (MessageRequest(70, 1...10, bytes: 0), [1], false),
            (MessageRequest(70, 10...10, bytes: 0), [10], true),
            (MessageRequest(70, 1...10, limit: 0), [], false),
            (MessageRequest(70, 11...20), [], true),
            (MessageRequest(71, 1...10), [], true),
        ]
        for (request, places, isComplete) in cases {
            let slice = try bench.store.messages(request)
            #expect(slice.messages.map(\.sequence.number) == places)
            #expect(slice.isComplete == isComplete)
            #expect(slice.damaged.isEmpty)
        }
    }

    @Test(arguments: StoreKind.allCases)
    func bodiesOfEverySize(_ kind: StoreKind) throws {
        let bench = try StoreBench(kind)
        try bench.enrol(1, 2)
        // Around the longest value, and around full chunks, every size.
        let sizes =
            [0, 1, 1_024, 4_096, 65_535, 65_536] + Array(1_815...1_835) + Array(2_295...2_315)
        var random = RandomStream(seed: 1, label: "bodies")
        let bodies = sizes.map { size in
            (0..<size).map { _ in UInt8(truncatingIfNeeded: random.next()) }
        }
        for (index, body) in bodies.enumerated() {
            _ = try bench.append(
                .sample(
                    append: UInt64(index), from: 1, to: .peer(2, new: 70), body: body,
                    contentType: "text/\(index)"))
        }
        try bench.reopen()
        let slice = try bench.store.messages(MessageRequest(70, 1...100))
        #expect(slice.messages.map(\.content?.body) == bodies)
        #expect(slice.messages.map(\.content?.contentType) == sizes.indices.map { "text/\($0)" })
    }

    @Test(arguments: StoreKind.allCases)
    func acknowledgements(_ kind: StoreKind) throws {
        let bench = try StoreBench(kind)
        try bench.enrol(1, 2, 3)
        for id in UInt64(1)...4 {
            _ = try bench.append(.sample(append: id, from: 1, to: .peer(2, new: 70)))
        }
        _ = try bench.append(.sample(append: 5, from: 1, to: .peer(3, new: 71)))
        // Conversation 71 is not of 2, 72 is nobody's, place 9 is beyond the head.
        let outcome = try bench.outcome(
            .sample(
                acknowledge: 2, feed: 3,
                delivered: [(71, 1), (72, 1), (70, 9), (70, 2), (70, 1), (70, 4)]))
        let marks = [
            RaisedMark(
                conversation: .init(70), account: .init(2), delivered: .init(2), read: nil,
                feeds: [FeedStep(1, 6, after: 5)]),
            RaisedMark(
                conversation: .init(70), account: .init(2), delivered: .init(4), read: nil,
                feeds: [FeedStep(1, 7, after: 6)]),
        ]
        #expect(outcome == .acknowledged(marks))
        #expect(try bench.store.device(key: .sample(2))?.feed == .init(3))
        #expect(try bench.store.newestFeed(.init(2)) == .init(5))
        // Lower values, and a cursor that was never given out, change nothing.
        for feed in [UInt64(1), 0, 6, .max] {
            let again = try bench.outcome(
                .sample(acknowledge: 2, feed: feed, delivered: [(70, 3), (70, 4)]))
            #expect(again == .acknowledged([]))
        }
        try bench.reopen()
        #expect(try bench.store.device(key: .sample(2))?.feed == .init(3))
        #expect(try bench.store.delivered(70) == [4, 4])
        // Now that 2 has all, what it says is contiguous.
        _ = try bench.append(.sample(append: 1, from: 2, to: .to(70)))
        #expect(try bench.store.delivered(70) == [4, 5])
        let slice = try bench.store.changes(of: .init(1), after: .init(0), limit: 9)
        #expect(slice.conversations.map(\.feed) == [6, 9])
    }

    @Test(arguments: StoreKind.allCases)
    func notesToOneself(_ kind: StoreKind) throws {
        let bench = try StoreBench(kind)
        try bench.enrol(1)
        let note = try bench.append(.sample(append: 1, from: 1, to: .peer(1, new: 70)))
        #expect(note.feeds == [FeedStep(1, 1, after: 0)])
        let next = try bench.append(.sample(append: 2, from: 1, to: .peer(1, new: 71)))
        #expect(next.conversation == .init(70))
        #expect(try bench.store.delivered(70) == [2])
    }

    @Test(arguments: StoreKind.allCases)
    func countersAndPasswords(_ kind: StoreKind) throws {
        let bench = try StoreBench(kind)
        try bench.enrol(1)
        for (counter, expected) in [(UInt64(9), UInt64(9)), (8, 9), (.max, .max), (0, .max)] {
            let outcome = try bench.outcome(
                .raiseHelloCounter(
                    account: .init(1), device: .init(1), counter: counter,
                    time: .init(milliseconds: 3_000)))
            #expect(outcome == .done)
            #expect(try bench.store.device(key: .sample(1))?.helloCounter == expected)
        }
        let record = [UInt8](repeating: 5, count: 1_024)
        let outcome = try bench.outcome(
            .replacePassword(account: .init(1), old: [1, 2, 3], record: record))
        #expect(outcome == .done)
        try bench.reopen()
        #expect(try bench.store.account(.init(1))?.password == record)
        #expect(try bench.store.device(key: .sample(1))?.helloCounter == .max)
    }

    @Test(arguments: StoreKind.allCases)
    func forgetting(_ kind: StoreKind) throws {
        let bench = try StoreBench(kind)
        try bench.enrol(1, 2)
        func append(_ id: UInt64, time: Int64) throws -> AppendedMessage {
            try bench.append(
                .sample(append: id, from: 1, to: .peer(2, new: 70), digest: id, time: time))
        }
        // Before 1970 as well: order must be that of numbers with a sign.
        for (id, time) in [(UInt64(1), Int64(-50)), (2, 10), (3, 20), (4, 30)] {
            #expect(try !append(id, time: time).isDuplicate)
        }
        let purges: [(before: Int64, limit: Int, kept: [UInt64])] = [
            (-50, 9, [1, 2, 3, 4]), (30, 0, [1, 2, 3, 4]), (30, -1, [1, 2, 3, 4]),
            (30, 1, [2, 3, 4]), (30, 1, [3, 4]), (30, 9, [4]),
        ]
        for (before, limit, kept) in purges {
            let outcome = try bench.outcome(
                .purgeDeduplication(before: .init(milliseconds: before), limit: limit))
            #expect(outcome == .done)
            for id in kept { #expect(try append(id, time: 40).isDuplicate) }
        }
        // What was forgotten is taken for new; refusing what is that old is the services' part.
        #expect(try append(1, time: 50).sequence == .init(5))
    }
}
