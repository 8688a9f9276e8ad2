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
        let bytes = [UInt8](repeating: UInt8(account + 1), count: SecretKey.byteCount)
        return KeyPair(secret: SecretKey(copying: bytes.span.bytes))
    }

    private static func deviceKey(of account: Int) throws -> DeviceKey {
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
        for account in 0..<accounts {
            let create = CreateAccount(
                account: AccountID(UInt64(account + 1)), handle: "bench-\(account)",
                password: [UInt8](repeating: 0x78, count: 64), key: try deviceKey(of: account),
                deviceName: "bench", helloCounter: 0, time: .now)
            try fixture.store.submit(.createAccount(create), ticket: UInt64(account))
        }
        for account in stride(from: 0, to: accounts, by: 2) {
            try fixture.submit(from: account, ticket: UInt64(accounts + account))
        }
        var outcomes = 0
        var completions: [StoreCompletion] = []
        while outcomes < accounts + accounts / 2 {
            try fixture.await(&completions)
            for completion in completions {
                guard case .success(let outcome) = completion.result else {
                    throw BenchFailure("\(completion.result)")
                }
                if case .refused(let error) = outcome { throw BenchFailure("\(error)") }
            }
            outcomes += completions.count
        }
    }

    /// Submits a message from an account to its peer.
    func submit(from account: Int, ticket: UInt64) throws {
        var random = SecureRandom()
        let sender = AccountID(UInt64(account + 1))
        let append = AppendMessage(
            account: sender, device: DeviceID(1),
            clientMessageID: ClientMessageID(time: WallTime.now, random: &random),
            target: .peer(
                AccountID(UInt64(account + 2)), ifNew: Self.conversation(of: account)),
            event: .message(
                Content(
                    contentType: "text/plain",
                    body: [UInt8](repeating: 0x61, count: CoreBenchmark.messageByteCount))),
            digest: InlineWords4(random.next(), random.next(), 0, 0), time: WallTime.now)
        try store.submit(.appendMessage(append), ticket: ticket)
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
