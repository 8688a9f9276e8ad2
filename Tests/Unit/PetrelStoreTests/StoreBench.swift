// A store under test of either kind, on a directory that is removed afterwards.

import Dispatch
import Foundation
import PetrelBase
import PetrelMessaging
import PetrelServices
import PetrelStore
import Synchronization
import Testing

/// The implementations that keep the contract.
enum StoreKind: CaseIterable, Sendable {
    case memory
    case local
}

/// A directory of a test's own.
final class TemporaryDirectory {
    let path: String

    init() {
        path = NSTemporaryDirectory() + "petrel-store-" + UUID().uuidString
    }

    /// Where the store is; it does not exist yet.
    var store: String { path + "/data" }

    func make() throws {
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }
}

/// A store that a test waits for, whether or not it has a thread of its own.
final class StoreBench {
    private final class Met: Sendable {
        let records = Mutex<[DamagedRecord]>([])
    }

    /// Strangers may say what they like, so that stories need not begin with introductions.
    private static var limits: ServiceLimits {
        var limits = ServiceLimits()
        limits.strangerMessagesMax = .max
        return limits
    }

    private(set) var store: any Store
    let directory = TemporaryDirectory()
    let kind: StoreKind
    private let mapBytes: Int
    private let workers: Int
    private let woken = DispatchSemaphore(value: 0)
    private let met = Met()
    private var ticket: UInt64 = 0

    init(_ kind: StoreKind, mapBytes: Int = 64 << 20, workers: Int = 1) throws {
        self.kind = kind
        self.workers = workers
        self.mapBytes = mapBytes
        try directory.make()
        store = MemoryStore(workers: workers, limits: Self.limits)
        if kind == .local { store = try open() }
    }

    deinit { local?.close() }

    var local: LocalStore? { store as? LocalStore }

    /// The damaged records that the store on disk told of.
    var damageMet: [DamagedRecord] { met.records.withLock { $0 } }

    private func open() throws -> LocalStore {
        let woken = woken
        return try LocalStore(
            directory: directory.store, mapBytes: mapBytes, workers: workers,
            limits: Self.limits,
            damageMet: { [met] record in met.records.withLock { $0.append(record) } },
            wake: { woken.signal() })
    }

    /// Closes the store and opens it again: what was told must be there.
    func reopen() throws {
        switch kind {
        case .local:
            local?.close()
            store = try open()
        case .memory:
            guard var memory = store as? MemoryStore else { return }
            memory.restart()
            store = memory
        }
    }

    /// Submits all operations and returns what became of them, in their order.
    func run(_ operations: [StoreOperation]) throws -> [Result<StoreOutcome, StoreFailure>] {
        let first = ticket
        for operation in operations {
            try store.submit(operation, ticket: ticket)
            ticket += 1
        }
        var completions: [StoreCompletion] = []
        store.takeCompletions(into: &completions)
        while completions.count < operations.count {
            try #require(woken.wait(timeout: .now() + 60) == .success, "the store does not answer")
            store.takeCompletions(into: &completions)
        }
        #expect(completions.map(\.ticket) == Array(first..<ticket))
        return completions.map(\.result)
    }

    /// Submits an operation of a worker.
    func submit(_ operation: StoreOperation, ticket: Int, by worker: Int) throws {
        try store.submit(operation, ticket: UInt64(ticket), by: worker)
    }

    /// Takes completions of a worker until it has `count` of them.
    func take(of worker: Int, count: Int) throws -> [StoreCompletion] {
        var completions: [StoreCompletion] = []
        store.takeCompletions(of: worker, into: &completions)
        while completions.count < count {
            try #require(woken.wait(timeout: .now() + 60) == .success, "the store does not answer")
            store.takeCompletions(of: worker, into: &completions)
        }
        return completions
    }

    /// Submits one operation and returns its outcome; a failure fails the test.
    @discardableResult
    func outcome(_ operation: StoreOperation) throws -> StoreOutcome {
        try #require(try run([operation]).first).get()
    }

    /// Creates accounts with those numbers; account n has the handle `user-n` and one device.
    func enrol(_ accounts: UInt64...) throws {
        for account in accounts {
            let outcome = try outcome(.sample(createAccount: account))
            #expect(outcome.enrolled == .init(account: .init(account), device: .init(1)))
        }
    }

    /// Appends a message and returns its place; anything but a place fails the test.
    func append(_ operation: StoreOperation) throws -> AppendedMessage {
        guard case .appended(let appended) = try outcome(operation) else {
            throw Unexpected()
        }
        return appended
    }

    struct Unexpected: Error {}
}

extension StoreOperation {
    static func sample(
        createAccount account: UInt64, handle: String? = nil, key: UInt64? = nil,
        password: [UInt8] = [1, 2, 3]
    ) -> StoreOperation {
        .createAccount(
            CreateAccount(
                account: .init(account), handle: handle ?? "user-\(account)", password: password,
                key: .sample(key ?? account), deviceName: "first", helloCounter: 7,
                time: .init(milliseconds: 1_000)))
    }

    static func sample(enrolDevice account: UInt64, key: UInt64) -> StoreOperation {
        .enrolDevice(
            EnrolDevice(
                account: .init(account), key: .sample(key), deviceName: "device \(key)",
                helloCounter: 1, time: .init(milliseconds: 2_000)))
    }

    static func sample(
        contact account: UInt64, peer: UInt64, _ change: ContactChange
    ) -> StoreOperation {
        .changeContact(
            ChangeContact(
                account: .init(account), device: .init(1), peer: .init(peer), change: change))
    }

    /// Says `body` under the client's identifier `id`.
    static func sample(
        append id: UInt64, from account: UInt64, device: UInt32 = 1,
        to target: AppendMessage.Target, body: [UInt8] = [104, 105], contentType: String = "",
        digest: UInt64 = 0, time: Int64 = 5_000
    ) -> StoreOperation {
        .appendMessage(
            AppendMessage(
                account: .init(account), device: .init(device),
                clientMessageID: .init(high: 1, low: id), target: target,
                event: .message(Content(contentType: contentType, body: body)),
                digest: .init(digest, 0, 0, 0), time: .init(milliseconds: time)))
    }

    static func sample(
        acknowledge account: UInt64, device: UInt32 = 1, feed: UInt64 = 0,
        delivered: [(conversation: UInt64, sequence: UInt64)] = [],
        read: [(conversation: UInt64, sequence: UInt64)] = []
    ) -> StoreOperation {
        .acknowledge(
            AcknowledgeDelivery(
                account: .init(account), device: .init(device), feed: .init(feed),
                delivered: delivered.map {
                    .init(conversation: .init($0.conversation), sequence: .init($0.sequence))
                },
                read: read.map {
                    .init(conversation: .init($0.conversation), sequence: .init($0.sequence))
                }))
    }
}

extension DeviceKey {
    static func sample(_ number: UInt64) -> DeviceKey { DeviceKey(.init(number, 2, 3, number)) }
}

extension AppendMessage.Target {
    static func to(_ conversation: UInt64) -> Self { .conversation(.init(conversation)) }
    static func peer(_ account: UInt64, new: UInt64) -> Self {
        .peer(.init(account), ifNew: .init(new))
    }
}

extension StoreOutcome {
    /// The device that was enrolled, if one was.
    var enrolled: DeviceName? {
        guard case .enrolled(let account, let device, _) = self else { return nil }
        return DeviceName(account: account, device: device)
    }

    /// Why nothing was changed, if nothing was.
    var refusal: MessagingError? {
        guard case .refused(let refusal) = self else { return nil }
        return refusal.error
    }
}

extension Store {
    /// The newest place of a conversation, as one of its members sees it.
    func last(_ conversation: UInt64, seenBy account: UInt64) throws -> UInt64? {
        try head(of: .init(conversation), for: .init(account))?.last.number
    }

    /// What the members of a conversation have received, by account.
    func delivered(_ conversation: UInt64) throws -> [UInt64] {
        try members(of: .init(conversation), after: .init(0), limit: 99).map(\.delivered.number)
    }
}

extension FeedSlice {
    /// The conversations that changed, with their entries.
    var conversations: [(feed: UInt64, head: ConversationHead)] {
        items.compactMap { item in
            guard case .conversation(let head) = item.kind else { return nil }
            return (item.feed.number, head)
        }
    }
}

/// Entries of feeds, counted from the one that an account's creation makes.
extension FeedStep {
    init(_ account: UInt64, _ feed: UInt64, after previous: UInt64) {
        self.init(account: .init(account), feed: .init(feed + 1), previous: .init(previous + 1))
    }
}

extension MessageRequest {
    init(
        _ conversation: UInt64, _ range: ClosedRange<UInt64>, _ order: Order = .oldestFirst,
        limit: Int = 100, bytes: Int = 1 << 20
    ) {
        self.init(
            conversation: .init(conversation), range: range, order: order, limit: limit,
            byteLimit: bytes)
    }
}
