// What every client store promises, and what only one on a disk can meet.

import Foundation
import PetrelBase
import PetrelClientData
import PetrelMessaging
import PetrelServices
import Testing

@testable import PetrelStore

/// A client store of either kind, on a directory that is removed afterwards.
private final class ClientBench {
    var store: any ClientStore
    let directory = TemporaryDirectory()
    let kind: StoreKind

    init(_ kind: StoreKind) throws {
        self.kind = kind
        try directory.make()
        store = MemoryClientStore()
        if kind == .local { store = try FileClientStore(directory: directory.store) }
    }

    deinit { file?.close() }

    var file: FileClientStore? { store as? FileClientStore }

    func reopen() throws {
        guard kind == .local else { return }
        file?.close()
        store = try FileClientStore(directory: directory.store)
    }
}

extension OutboxEntry {
    fileprivate init(_ index: UInt64, body: [UInt8] = [1], to target: OutgoingTarget? = nil) {
        self.init(
            index: index, clientMessageID: .init(high: index, low: 1),
            target: target ?? .handle("peer-\(index)"),
            event: .message(Content(contentType: "text/markdown", body: body)),
            written: .init(milliseconds: Int64(index)))
    }
}

extension MessageRecord {
    fileprivate init(_ conversation: UInt64, _ sequence: UInt64, body: [UInt8] = [1]) {
        self.init(
            conversation: .init(conversation), sequence: .init(sequence), sender: .init(3),
            senderDevice: .init(4), senderHandle: "sender", clientMessageID: .init(high: 5, low: 6),
            time: .init(milliseconds: 7),
            event: .message(Content(contentType: "", body: body)))
    }
}

/// All that can be read of a client store.
private struct Portrait: Equatable {
    var identity: ClientIdentity?
    var numbers: [UInt64]
    var outbox: [OutboxEntry]
    var failed: [FailedEntry]
    var conversations: [LocalConversation]
    var messages: [[MessageRecord]]
    var overlays: [[Overlay]]
    var expiring: [Expiry]
    var contacts: [Contact]
    var account: AccountState?

    init(_ store: any ClientStore) throws {
        let cursor = try store.cursor()
        identity = try store.identity()
        numbers = [
            try store.helloCounter(), cursor.incarnation, cursor.feed.number,
            try store.lastOutboxIndex(),
        ]
        outbox = try store.outbox(after: 0, limit: .max)
        failed = try store.failed()
        contacts = try store.contacts()
        account = try store.accountState()
        expiring = try store.expiring(limit: .max)
        overlays = try (0..<5).flatMap { id in
            [
                try store.overlays(.init(id), from: .init(0), limit: .max),
                try store.overlays(.init(id), from: .init(4), limit: 2),
            ]
        }
        conversations = try store.conversations()
        messages = try (0..<5).flatMap { id in
            [
                try store.messages(.init(id), from: .init(0), limit: .max),
                try store.messages(.init(id), from: .init(5), limit: 3),
            ]
        }
    }
}

@Suite struct ClientStoreTests {
    @Test(arguments: StoreKind.allCases)
    func aNewStoreIsEmpty(_ kind: StoreKind) throws {
        let bench = try ClientBench(kind)
        let portrait = try Portrait(bench.store)
        #expect(portrait.identity == nil)
        #expect(portrait.numbers == [0, 0, 0, 0])
        #expect(portrait.outbox.isEmpty && portrait.failed.isEmpty)
        #expect(portrait.conversations.isEmpty && portrait.messages.allSatisfy(\.isEmpty))
        #expect(try bench.store.conversation(.init(1)) == nil)
    }

    @Test(arguments: StoreKind.allCases)
    func whatIsKeptSurvives(_ kind: StoreKind) throws {
        let bench = try ClientBench(kind)
        let identity = ClientIdentity(account: .init(1), device: .init(2), handle: "ann")
        var held = HeldRanges([1...3, 7...9])
        // Many holes: the record is longer than one value holds.
        for i in UInt64(5)..<400 { held.insert(3 * i...3 * i) }
        let conversation = LocalConversation(
            id: .init(70), kind: .peer(Person(account: .init(9), handle: "bob")), head: .init(12),
            first: .init(2), held: held, heldBytes: 5, byteCount: 6, peerDelivered: .init(4),
            peerRead: .init(2), acknowledged: .init(3), read: .init(8), readConfirmed: .init(7),
            unread: HeldRanges([9...9, 12...12]),
            settings: .init(
                isPinned: true, mutedUntil: .init(milliseconds: 6), cleared: .init(1),
                hidden: [.init(4)]), retentionSeconds: 77)
        var cafe = BindingLifetime(
            label: .max, safe: .seconds(72), learnt: WallTime(milliseconds: 5))
        cafe.proven = .seconds(90)
        cafe.refuted = .seconds(120)
        try bench.store.apply([
            .identity(identity), .helloCounter(41), .conversation(conversation),
            .conversation(LocalConversation(id: .init(3))), .cursor(incarnation: 6, feed: .init(8)),
            .networks([cafe, .init(label: 1, safe: .seconds(25))]),
            .message(MessageRecord(70, 2)), .message(MessageRecord(70, 1)),
        ])
        try bench.reopen()
        #expect(
            try bench.store.networks() == [cafe, .init(label: 1, safe: .seconds(25))])
        #expect(try bench.store.identity() == identity)
        #expect(try bench.store.helloCounter() == 41)
        #expect(try bench.store.cursor() == (6, .init(8)))
        #expect(try bench.store.conversation(.init(70)) == conversation)
        #expect(try bench.store.conversations().map(\.id.number) == [3, 70])
        // Replaced whole, by a shorter one.
        let shorter = LocalConversation(id: .init(70), head: .init(13))
        try bench.store.apply([.conversation(shorter), .helloCounter(40)])
        try bench.reopen()
        #expect(try bench.store.conversation(.init(70)) == shorter)
        #expect(try bench.store.helloCounter() == 40, "the caller decides what rises")
    }

    @Test(arguments: StoreKind.allCases)
    func theOutbox(_ kind: StoreKind) throws {
        let bench = try ClientBench(kind)
        let long = [UInt8](repeating: 3, count: 65_536)
        let entries = [
            OutboxEntry(1), OutboxEntry(2, body: long),
            OutboxEntry(3, to: .conversation(.init(70))),
            OutboxEntry(300, body: long),
        ]
        try bench.store.apply(entries.map { .enqueue($0) })
        try bench.reopen()
        #expect(try bench.store.outbox(after: 0, limit: .max) == entries)
        #expect(try bench.store.outbox(after: 1, limit: 2) == Array(entries[1...2]))
        #expect(try bench.store.outbox(after: 300, limit: 2) == [])
        #expect(try bench.store.outbox(after: .max, limit: 2) == [])
        #expect(try bench.store.outbox(after: 0, limit: 0) == [])
        try bench.store.apply([
            .fail(index: 2, code: 10, reason: "no such account", limit: 0), .dequeue(index: 1),
            .fail(index: 9, code: 1, reason: "there is no such entry", limit: 0),
            .dequeue(index: 9),
            .fail(index: 300, code: 77, reason: "", limit: 0),
        ])
        try bench.reopen()
        #expect(try bench.store.outbox(after: 0, limit: .max) == [entries[2]])
        #expect(
            try bench.store.failed() == [
                FailedEntry(entry: entries[1], code: 10, reason: "no such account"),
                FailedEntry(entry: entries[3], code: 77, reason: ""),
            ])
        try bench.store.apply([.dequeue(index: 3)])
        #expect(try bench.store.outbox(after: 0, limit: .max) == [])
        #expect(try bench.store.lastOutboxIndex() == 300, "indices are never reused")
    }

    @Test(arguments: StoreKind.allCases)
    func storingAMessageTwiceChangesNothing(_ kind: StoreKind) throws {
        let bench = try ClientBench(kind)
        let first = MessageRecord(70, 1, body: [1])
        try bench.store.apply([.message(first), .message(MessageRecord(70, 1, body: [2]))])
        try bench.store.apply([.message(MessageRecord(70, 1, body: [3]))])
        #expect(try bench.store.messages(.init(70), from: .init(0), limit: 9) == [first])
    }

    @Test(arguments: UInt64(1)...5)
    func bothStoresAgree(_ seed: UInt64) throws {
        let memory = try ClientBench(.memory)
        let file = try ClientBench(.local)
        var random = RandomStream(seed: seed, label: "client changes")
        for round in 0..<40 {
            let changes = (0..<1 + random.below(8)).map { _ in change(&random) }
            try memory.store.apply(changes)
            try file.store.apply(changes)
            if round % 10 == 9 { try file.reopen() }
            guard round % 5 == 4 else { continue }
            #expect(try Portrait(memory.store) == Portrait(file.store), "seed \(seed), \(round)")
        }
        #expect(file.file?.damaged == [])
    }

    private func change(_ random: inout RandomStream) -> ClientChange {
        let small = random.below(12)
        let size = random.chance(0.2) ? random.below(70_000) : random.below(40)
        let body = [UInt8](repeating: UInt8(small), count: Int(size))
        switch random.below(16) {
        case 0:
            return .identity(
                ClientIdentity(account: .init(small), device: .init(1), handle: "h\(small)"))
        case 1: return .helloCounter(small)
        case 2, 3: return .enqueue(OutboxEntry(small, body: body))
        case 4: return .dequeue(index: small)
        case 5:
            return .fail(
                index: small, code: UInt32(small), reason: "because \(small)", limit: small)
        case 6: return .message(MessageRecord(random.below(5), small, body: body))
        case 8...11: return .message(event(&random))
        case 12: return .erase(.init(random.below(5)), .init(small), .expired)
        case 13: return .trim(.init(random.below(5)), below: .init(small / 3))
        case 14:
            return .contact(
                Contact(
                    person: Person(account: .init(1 + random.below(4)), handle: "abc"),
                    state: random.chance(0.5) ? .contact : .none))
        case 15:
            return .account(
                AccountState(
                    profile: Profile(name: "n\(small)"), privacy: Privacy(presence: .nobody),
                    devices: [
                        DeviceState(
                            device: .init(1), name: "phone", created: .init(milliseconds: 1),
                            connected: .init(milliseconds: 2))
                    ], bytesUsed: small, bytesMax: 9, hasRecovery: true))
        case 7:
            let held = HeldRanges([1...(1 + small), 20...(20 + random.below(5))])
            return .conversation(
                LocalConversation(id: .init(random.below(5)), head: .init(small), held: held))
        default: return .cursor(incarnation: small, feed: .init(random.below(9)))
        }
    }

    /// An event of any kind that becomes something of another.
    private func event(_ random: inout RandomStream) -> MessageRecord {
        var record = MessageRecord(random.below(5), random.below(12))
        record.sender = .init(1 + random.below(3))
        let target = ConversationSequence(1 + random.below(12))
        let content = Content(
            contentType: "text/plain", body: [UInt8](repeating: 1, count: Int(random.below(4_000))))
        var mortal = content
        mortal.lifetimeSeconds = UInt32(random.below(3))
        record.event =
            switch random.below(6) {
            case 0: .edit(sequence: target, content)
            case 1: .recall(sequence: target)
            case 2: .reaction(Reaction(sequence: target, text: "+1"))
            case 3: .reaction(Reaction(sequence: target, text: "+1", isWithdrawn: true))
            case 4: .gone(.hidden)
            default: .message(mortal)
            }
        return record
    }
}

@Suite struct FileClientStoreDiskTests {
    @Test func aSecondOpenerIsRefused() throws {
        let bench = try ClientBench(.local)
        let path = bench.directory.store
        let error = #expect(throws: StoreError.self) { try FileClientStore(directory: path) }
        #expect(error?.kind == .inUse)
        #expect(error?.path == path)
        bench.file?.close()
        #expect(throws: ClientStoreError.failed(code: 0)) { try bench.store.identity() }
        #expect(throws: ClientStoreError.failed(code: 0)) {
            try bench.store.apply([.helloCounter(1)])
        }
        try FileClientStore(directory: path).close()
    }

    @Test func damagedRecordsHideNoOthers() throws {
        let bench = try ClientBench(.local)
        let file = try #require(bench.file)
        try bench.store.apply([
            .enqueue(OutboxEntry(1)), .enqueue(OutboxEntry(2)), .enqueue(OutboxEntry(3)),
            .helloCounter(5), .message(MessageRecord(70, 1)), .message(MessageRecord(70, 2)),
        ])
        for index in UInt64(1)...2 { try file.environment.damage(.number(index), in: .outbox) }
        try file.environment.damage(.text("hello-counter"), in: .meta)
        let message = Key.message(.init(1), of: .init(70))
        try file.environment.damage(message, in: .message)

        #expect(try bench.store.outbox(after: 0, limit: 1) == [OutboxEntry(3)])
        #expect(throws: ClientStoreError.damaged) { try bench.store.helloCounter() }
        let read = try bench.store.messages(.init(70), from: .init(0), limit: 9)
        #expect(read == [MessageRecord(70, 2)])
        #expect(file.damaged.map(\.table) == ["outbox", "outbox", "meta", "message"])
        // The same message, pulled again, heals its record.
        try bench.store.apply([.message(MessageRecord(70, 1))])
        let healed = try bench.store.messages(.init(70), from: .init(0), limit: 9)
        #expect(healed == [MessageRecord(70, 1), MessageRecord(70, 2)])
    }

    @Test func chunksGoWithTheirRecord() throws {
        let bench = try ClientBench(.local)
        let file = try #require(bench.file)
        func chunksCount() throws -> Int {
            try ReadTransaction(file.environment).count(.blob, from: .number(0), prefix: 0)
        }
        let long = [UInt8](repeating: 1, count: 10_000)
        try bench.store.apply([
            .enqueue(OutboxEntry(1, body: long)), .enqueue(OutboxEntry(2, body: long)),
        ])
        let both = try chunksCount()
        try bench.store.apply([.enqueue(OutboxEntry(1))])
        #expect(try chunksCount() == both / 2)
        try bench.store.apply([.fail(index: 2, code: 1, reason: "", limit: 0)])
        #expect(try chunksCount() == both / 2, "moved")
        #expect(try bench.store.failed().map(\.entry.event.bodyByteCount) == [long.count])
        try bench.store.apply([.enqueue(OutboxEntry(3, body: long)), .dequeue(index: 3)])
        #expect(try chunksCount() == both / 2)
    }

    @Test func aFullMapChangesNothing() throws {
        let directory = TemporaryDirectory()
        try directory.make()
        let store = try FileClientStore(directory: directory.store, mapBytes: 512 << 10)
        defer { store.close() }
        try store.apply([.helloCounter(1)])
        let changes = (UInt64(1)...20).map { index in
            ClientChange.enqueue(OutboxEntry(index, body: Array(repeating: 1, count: 65_536)))
        }
        #expect(throws: ClientStoreError.full) { try store.apply([.helloCounter(2)] + changes) }
        #expect(try store.helloCounter() == 1)
        #expect(try store.outbox(after: 0, limit: 9) == [])
        #expect(try store.lastOutboxIndex() == 0)
        try store.apply([.helloCounter(3)])
        #expect(try store.helloCounter() == 3)
    }

    @Test func whatIsTooLongIsRefused() throws {
        let bench = try ClientBench(.local)
        let name = String(repeating: "n", count: 3_000)
        let identity = ClientIdentity(account: .init(1), device: .init(1), handle: name)
        #expect(throws: ClientStoreError.failed(code: EMSGSIZE)) {
            try bench.store.apply([.helloCounter(1), .identity(identity)])
        }
        #expect(try bench.store.helloCounter() == 0)
        try bench.store.apply([.helloCounter(2)])
        #expect(try bench.store.helloCounter() == 2)
    }
}
