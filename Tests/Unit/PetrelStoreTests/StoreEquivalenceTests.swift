// Chance against both stores: the same operations have the same outcomes and leave the same state.

import PetrelBase
import PetrelMessaging
import PetrelServices
import PetrelStore
import Testing

/// Draws operations that often meet each other: few accounts, few identifiers, few times.
private struct OperationSource {
    var random: RandomStream

    init(seed: UInt64) { random = RandomStream(seed: seed, label: "operations") }

    mutating func below(_ bound: UInt64) -> UInt64 { random.below(bound) }

    mutating func next() -> StoreOperation {
        let account = below(7)
        switch below(20) {
        case 0: return .sample(createAccount: account, handle: "h\(below(7))", key: below(30))
        case 1: return .sample(enrolDevice: account, key: below(30))
        case 2:
            return .raiseHelloCounter(
                account: .init(account), device: .init(UInt32(below(3))), counter: below(100),
                time: .init(milliseconds: Int64(below(400))))
        case 3:
            let record = [UInt8](repeating: UInt8(below(256)), count: Int(below(1_100)))
            let old: [UInt8] = random.chance(0.5) ? [1, 2, 3] : record
            return .replacePassword(account: .init(account), old: old, record: record)
        case 4:
            return .purgeDeduplication(
                before: .init(milliseconds: Int64(below(400)) - 100), limit: Int(below(4)))
        case 5..<8: return acknowledge(account)
        case 8: return .sample(contact: account, peer: below(7), contactChange())
        case 9: return event(account)
        default: return append(account)
        }
    }

    private mutating func append(_ account: UInt64) -> StoreOperation {
        let target: AppendMessage.Target =
            random.chance(0.7)
            ? .peer(below(7), new: 70 + below(12)) : .to(70 + below(12))
        let size = random.chance(0.1) ? below(70_000) : below(50)
        return .sample(
            append: below(60), from: account, device: UInt32(1 + below(2)), to: target,
            body: [UInt8](repeating: UInt8(below(256)), count: Int(size)), digest: below(2),
            time: Int64(below(400)) - 100)
    }

    private mutating func contactChange() -> ContactChange {
        let changes: [ContactChange] = [
            .request(greeting: "hello"), .accept, .decline, .remove, .block, .unblock, .alias("a"),
        ]
        return changes[Int(below(UInt64(changes.count)))]
    }

    /// Something else than a message, in a conversation that may be a group.
    private mutating func event(_ account: UInt64) -> StoreOperation {
        let person = Person(account: .init(below(7)), handle: "h")
        let place = ConversationSequence(1 + below(12))
        let events: [ConversationEvent] = [
            .created(GroupCreation(name: "g", members: [person], isOpen: true)), .joined, .left,
            .added([person]), .removed(person), .recall(sequence: place), .dissolved,
            .edit(sequence: place, Content(contentType: "", body: [1])),
            .reaction(Reaction(sequence: place, text: "+")), .retention(seconds: 60),
            .role(person, .admin),
        ]
        let event = events[Int(below(UInt64(events.count)))]
        let id = 70 + below(12)
        var target = AppendMessage.Target.to(id)
        if case .created = event { target = .newGroup(.init(id)) }
        return .appendMessage(
            AppendMessage(
                account: .init(account), device: .init(1),
                clientMessageID: .init(high: 2, low: below(60)), target: target, event: event,
                digest: .init(below(2), 0, 0, 0), time: .init(milliseconds: Int64(below(400)))))
    }

    private mutating func acknowledge(_ account: UInt64) -> StoreOperation {
        let marks = (0..<below(5)).map { _ in
            (conversation: 70 + below(12), sequence: below(20))
        }
        let isRead = random.chance(0.4)
        return .sample(
            acknowledge: account, device: UInt32(1 + below(2)), feed: below(40),
            delivered: isRead ? [] : marks, read: isRead ? marks : [])
    }
}

/// All that can be read of a store with the accounts and conversations of `OperationSource`.
private struct Portrait: Equatable {
    var accounts: [AccountRecord?]
    var devices: [DeviceRecord?]
    var feeds: [FeedSlice]
    var heads: [ConversationHead?]
    var messages: [MessageSlice]

    init(_ store: any Store) throws {
        accounts = try (0..<7).map { try store.account(handle: "h\($0)") }
        devices = try (0..<30).map { try store.device(key: .sample($0)) }
        feeds = try (0..<7).flatMap { account in
            try [0, 3, 20].map { cursor in
                try store.changes(of: .init(account), after: .init(cursor), limit: 5)
            }
        }
        heads = try (0..<7).flatMap { account in
            try (70..<82).map { try store.head(of: .init($0), for: .init(account)) }
        }
        messages = try (70..<82).flatMap { id in
            [
                try store.messages(MessageRequest(id, 1...1_000, bytes: 1 << 30)),
                try store.messages(MessageRequest(id, 2...9, .newestFirst, limit: 3, bytes: 60)),
            ]
        }
    }
}

@Suite struct StoreEquivalenceTests {
    @Test(arguments: UInt64(1)...6)
    func bothStoresAgree(_ seed: UInt64) throws {
        let memory = try StoreBench(.memory)
        let local = try StoreBench(.local)
        var source = OperationSource(seed: seed)
        var appendedCount = 0
        for round in 0..<24 {
            let operations = (0..<1 + source.below(60)).map { _ in source.next() }
            let expected = try memory.run(operations)
            let found = try local.run(operations)
            for (operation, pair) in zip(operations, zip(expected, found)) where pair.0 != pair.1 {
                Issue.record("seed \(seed), round \(round): \(operation) gave \(pair)")
            }
            if round % 3 == 2 { try local.reopen() }
            #expect(try Portrait(memory.store) == Portrait(local.store), "seed \(seed), \(round)")
            appendedCount += expected.count {
                if case .success(.appended) = $0 { true } else { false }
            }
        }
        // Chance must reach what it is meant to reach.
        #expect(appendedCount > 20)
        #expect(local.local?.damaged == [])
    }

    @Test(arguments: UInt64(1)...20)
    func placesAndFeedsAreInOrder(_ seed: UInt64) throws {
        let bench = try StoreBench(.memory)
        var source = OperationSource(seed: seed)
        var newest: [AccountID: FeedSequence] = [:]
        var last: [ConversationID: ConversationSequence] = [:]
        for _ in 0..<600 {
            guard case .success(let outcome) = try bench.run([source.next()])[0] else { continue }
            var steps: [FeedStep] = []
            switch outcome {
            case .appended(let appended) where !appended.isDuplicate:
                let before = last[appended.conversation]?.number ?? 0
                #expect(appended.sequence.number == before + 1, "seed \(seed)")
                last[appended.conversation] = appended.sequence
                steps = appended.feeds
            case .acknowledged(let marks): steps = marks.flatMap(\.feeds)
            case .enrolled(_, _, let changes), .changed(let changes):
                steps = changes.steps.map(\.feed)
            default: break
            }
            for step in steps {
                #expect(step.previous == newest[step.account, default: .init(0)], "seed \(seed)")
                #expect(step.feed > step.previous)
                newest[step.account] = step.feed
            }
        }
        for account in UInt64(0)..<7 {
            let slice = try bench.store.changes(of: .init(account), after: .init(0), limit: 100)
            let ids = slice.conversations.map(\.head.conversation)
            #expect(Set(ids).count == ids.count, "one live entry of each conversation")
            #expect(slice.newest == newest[.init(account), default: .init(0)])
        }
    }
}
