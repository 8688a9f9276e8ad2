// A store with accounts, each the peer of another, and messages for it.

import Glibc
import PetrelBase
import PetrelCrypto
import PetrelEvent
import PetrelMessaging
import PetrelServices
import PetrelStore

/// A store on disk whose even accounts talk with the odd ones behind them.
struct StoreFixture {
    /// The store.
    let store: LocalStore
    private let commits: Mailbox<Void>

    /// Opens the store in `path`.
    init(_ path: String) throws {
        let commits = try Mailbox<Void>(capacity: 1)
        store = try LocalStore(directory: path, limits: Self.limits) { _ = commits.post(()) }
        self.commits = commits
    }

    /// Strangers may say as much as a benchmark wants.
    static var limits: ServiceLimits {
        var limits = ServiceLimits()
        limits.strangerMessagesMax = .max
        return limits
    }

    /// The keys of the only device of an account.
    static func identity(of account: Int) -> KeyPair {
        KeyPair(secret: SecretKey(copying: secret(of: account).span.bytes))
    }

    /// The bytes of the secret key of the only device of an account.
    static func secret(of account: Int) -> [UInt8] {
        let number = UInt64(account + 1).littleEndian
        return (0..<SecretKey.byteCount).map {
            UInt8(truncatingIfNeeded: number >> UInt64($0 % 8 * 8))
        }
    }

    /// The key of the only device of an account, as the store has it.
    static func deviceKey(of account: Int) throws -> DeviceKey {
        let key = identity(of: account).publicKey
        var reader = ByteReader(key.bytes)
        return DeviceKey(
            InlineWords4(
                try reader.readUInt64(), try reader.readUInt64(), try reader.readUInt64(),
                try reader.readUInt64()))
    }

    /// The conversation of an account with its peer.
    static func conversation(of account: Int) -> ConversationID {
        ConversationID(UInt64(account / 2 + 1))
    }

    /// Makes a store with that many accounts, and the conversations between them.
    static func create(in path: String, accounts: Int) throws {
        let fixture = try StoreFixture(path)
        defer { fixture.store.close() }
        try fixture.perform((0..<accounts).map(Self.account))
        try fixture.perform(
            stride(from: 0, to: accounts, by: 2).map {
                .appendMessage(
                    Self.message(
                        from: $0,
                        to: .peer(
                            AccountID(UInt64($0 + 2)), ifNew: Self.conversation(of: $0))))
            })
    }

    /// Creates that account.
    static func account(_ account: Int) throws -> StoreOperation {
        .createAccount(
            CreateAccount(
                account: AccountID(UInt64(account + 1)), handle: "bench-\(account)",
                password: [UInt8](repeating: 0x78, count: 64), key: try deviceKey(of: account),
                deviceName: "bench", helloCounter: 0, time: .now))
    }

    /// A message, or another event, from an account.
    static func message(
        from account: Int, to target: AppendMessage.Target,
        _ event: ConversationEvent = .message(
            Content(
                contentType: "text/plain",
                body: [UInt8](repeating: 0x61, count: CoreBenchmark.messageByteCount)))
    ) -> AppendMessage {
        var random = SecureRandom()
        return AppendMessage(
            account: AccountID(UInt64(account + 1)), device: DeviceID(1),
            clientMessageID: ClientMessageID(time: WallTime.now, random: &random),
            target: target, event: event,
            digest: InlineWords4(random.next(), random.next(), 0, 0), time: WallTime.now)
    }

    /// Performs all of them, of which none may be refused.
    func perform(_ operations: [StoreOperation]) throws {
        var completions: [StoreCompletion] = []
        var open = 0
        for (i, operation) in operations.enumerated() {
            try store.submit(operation, ticket: UInt64(i))
            open += 1
            while open >= Self.openMax || open > 0 && i == operations.count - 1 {
                try self.await(&completions)
                open -= completions.count
                for completion in completions {
                    let outcome = try completion.result.get()
                    if case .refused(let error) = outcome { throw BenchFailure("\(error)") }
                }
            }
        }
    }

    /// Operations without an outcome at any time, while a store is prepared.
    private static let openMax = 1_024

    /// Submits a message from an account to its peer.
    func submit(from account: Int, ticket: UInt64) throws {
        let target = AppendMessage.Target.peer(
            AccountID(UInt64(account + 2)), ifNew: Self.conversation(of: account))
        try store.submit(
            .appendMessage(Self.message(from: account, to: target)), ticket: ticket)
    }

    /// Waits for completions and puts them in the place of what is in `completions`.
    func await(_ completions: inout [StoreCompletion]) throws {
        completions.removeAll(keepingCapacity: true)
        while completions.isEmpty {
            var descriptor = pollfd(fd: commits.descriptor, events: Int16(POLLIN), revents: 0)
            guard poll(&descriptor, 1, 5_000) == 1 else {
                throw BenchFailure("the store does not answer")
            }
            var rings: [Void] = []
            commits.drain(into: &rings)
            store.takeCompletions(into: &completions)
        }
    }
}
