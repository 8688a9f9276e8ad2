// The client: one account on one device. Open it, register or log in once, send and read.

internal import PetrelBase
internal import PetrelClientCore
internal import PetrelClientData
internal import PetrelClientNetwork
internal import PetrelCrypto
internal import PetrelEvent
public import PetrelMessaging
internal import PetrelStore
internal import PetrelTransport
internal import PetrelWire

/// A device of an account, connected to its server for as long as it is open.
///
///     let client = try PetrelClient(Configuration(server: address, directory: path))
///     try await client.register(handle: "anna", password: password)
///     let message = try await client.send("Good morning", to: "bob")
///     print(try await message.reached(.committed))
///     for await message in try client.inbox() { print(message.sender, message.text ?? "") }
///
/// It connects, and connects again, by itself; messages wait in the outbox on disk meanwhile. All
/// methods may be called from any task.
public final class PetrelClient: Sendable {
    /// The public key of this device, 64 hexadecimal digits.
    public let deviceKey: String
    private let configuration: Configuration
    private let shared: Shared
    private let store: FileClientStore

    /// Opens the device's directory, making key and store if they are not there, and connects.
    ///
    /// - Throws: `PetrelError` if the address, the directory or the key file cannot be used.
    public init(_ configuration: Configuration) throws(PetrelError) {
        let address = try Self.address(configuration.server)
        let store = try Self.store(configuration.directory)
        let logs = try Self.logs(configuration.qlogDirectory)
        let identity = try DeviceKeyFile.open("\(configuration.directory)/device.key")
        deviceKey = identity.publicKey.hexadecimal
        self.configuration = configuration
        self.store = store
        var settings = ClientConfiguration()
        settings.sendsEarly = configuration.sendsInFirstDatagram
        settings.session.keepaliveInterval = Interval(configuration.keepalive)
        settings.keepalive.isSearching = configuration.keepaliveSearch == .automatic
        settings.session.revealsSecrets = configuration.keyLog != nil
        settings.session.isTracing = logs != nil
        settings.tcp = TCPFallback(configuration.tcp)
        do {
            settings.session = try settings.session.validated()
        } catch {
            throw PetrelError(
                .inputInvalid, "the keepalive interval is \(configuration.keepalive)",
                advice: "use \(error.accepted)")
        }
        do {
            let core = try ClientCore(
                configuration: settings, identity: identity,
                server: PublicKey(address.key.span.bytes), addresses: [], store: store)
            shared = Shared(
                account: core.account.map { Account($0) },
                mailbox: try Mailbox(capacity: Self.requestsMax))
            let runner = Handover(
                try Runner(
                    shared: shared, store: store, core: core, host: address.host,
                    port: address.port, network: configuration.network,
                    keyLogPath: configuration.keyLog,
                    logs: logs))
            guard Thread.start({ runner.value.run() }) else {
                throw PetrelError(
                    .system, "the system has no threads left", advice: "raise its limit")
            }
        } catch let error as ClientStoreError {
            throw PetrelError(error)
        } catch let error as SystemError {
            throw PetrelError(error)
        } catch let error as PetrelError {
            throw error
        } catch {
            throw PetrelError(.system, "\(error)", advice: "report this")
        }
    }

    deinit { _ = shared.submit(.close) }

    /// Whether the server is reached now.
    public var state: ConnectionState { shared.states.value }

    /// Whether the server is reached over UDP or over TCP; `nil` while it is not reached.
    public var carrier: Carrier? { shared.carrier.value }

    /// The connection's states: the present one first; told again when `carrier` changes.
    public var states: ConnectionStates { ConnectionStates(latest: shared.states) }

    /// Why the server takes no messages for now, such as a full disk; `nil` if it does.
    ///
    /// They stay in the outbox and are sent again by themselves.
    public var obstacle: PetrelError? { shared.obstacle.value }

    /// What is in the way of messages: the present obstacle first, `nil` for none.
    public var obstacles: Obstacles { Obstacles(latest: shared.obstacle) }

    /// Who the client is; `nil` before it was registered or logged in.
    public var account: Account? { shared.account.value }

    /// The delivery classes of the server, its operator's included, as it told them last; empty
    /// before it was reached.
    public var classes: [ServiceClass] { shared.classes.value }

    /// Ends the session and all sequences; what is in the outbox is sent when it is opened again.
    public func close() async {
        _ = shared.submit(.close)
        var version: UInt64?
        while let next = await shared.states.next(after: version) { version = next.version }
    }

    /// Tells that the device changed networks, so that no time-out has to find out.
    ///
    /// `label` says which network it is, by whatever identifies it: the name of a Wi-Fi, of a
    /// carrier. What is learnt of a network, such as how long it remembers a silent client, is kept
    /// under a hash of its label; of a network without one it is learnt anew each time.
    public func networkChanged(label: String = "") {
        _ = shared.submit(.networkChanged(label: Self.hash(ofLabel: label)))
    }

    /// Whether somebody looks at the application.
    public enum Visibility: Sendable {
        /// It is on the screen: a server that is gone is noticed soon.
        case foreground
        /// It is not: as few packets as the network allows keep the client reachable.
        case background
    }

    /// Tells whether somebody looks at the application; `foreground` until it is told otherwise.
    public func visibilityChanged(to visibility: Visibility) {
        _ = shared.submit(.visibilityChanged(visibility))
    }

    /// Folds a label (FNV-1a); 0 for none.
    static func hash(ofLabel label: String) -> UInt64 {
        guard !label.isEmpty else { return 0 }
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for byte in label.utf8 { hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01B3 }
        return max(1, hash)
    }

    /// Tells that the device has no network: nothing is tried until `networkChanged` is called.
    public func networkLost() { _ = shared.submit(.networkLost) }

    /// Waits until nothing of the account is missing here.
    ///
    /// - Throws: `closed` or `cancelled`.
    public func caughtUp() async throws(PetrelError) {
        try await wait(for: shared.caughtUp) { $0 }
    }

    /// Waits until the server is reached.
    ///
    /// - Throws: `closed` or `cancelled`.
    public func connected() async throws(PetrelError) {
        try await wait(for: shared.states) { state in
            if case .connected = state { true } else { false }
        }
    }

    private func wait<Value: Sendable>(
        for latest: Latest<Value>, _ isReached: (Value) -> Bool
    ) async throws(PetrelError) {
        var version: UInt64?
        while let next = await latest.next(after: version) {
            if isReached(next.value) { return }
            version = next.version
        }
        throw Task.isCancelled ? .cancelled : .closed
    }

    private static func address(_ text: String) throws(PetrelError) -> ServerAddress {
        do throws(ServerAddressError) {
            return try ServerAddress(text)
        } catch {
            throw PetrelError(error)
        }
    }

    private static func logs(_ path: String?) throws(PetrelError) -> LogDirectory? {
        guard let path else { return nil }
        do throws(SystemError) {
            return try LogDirectory(path: path)
        } catch {
            throw PetrelError(
                .inputInvalid, "the qlog directory \(path) cannot be used: \(error)",
                advice: "name a directory that exists and can be written to")
        }
    }

    private static func store(_ directory: String) throws(PetrelError) -> FileClientStore {
        do throws(StoreError) {
            return try FileClientStore(directory: directory)
        } catch {
            throw PetrelError(error)
        }
    }

    private static let requestsMax = 4_096
}

/// Enrolling and sending.
extension PetrelClient {
    /// Creates an account whose first device this is; waits for the server, however long.
    ///
    /// Doing it again with the same handle, an answer having been lost, succeeds.
    ///
    /// - Throws: `refused`, `inputInvalid`, `busy`, `closed` or `cancelled`.
    @discardableResult
    public func register(
        handle: String, password: String
    ) async throws(PetrelError) -> Account {
        try await enrol(.register, handle, password)
    }

    /// Adds this device to an account; waits for the server, however long.
    ///
    /// - Throws: `refused`, `inputInvalid`, `busy`, `closed` or `cancelled`.
    @discardableResult
    public func logIn(handle: String, password: String) async throws(PetrelError) -> Account {
        try await enrol(.logIn, handle, password)
    }

    /// Sends a text to an account; returns when the outbox has it on disk.
    ///
    /// - Throws: `inputInvalid`, `busy`, `storeFull`, `storeFailed` or `closed`; nothing is sent.
    @discardableResult
    public func send(_ text: String, to handle: String) async throws(PetrelError) -> Outgoing {
        try await send(Array(text.utf8), contentType: "", to: .handle(handle))
    }

    /// Sends bytes to an account; returns when the outbox has them on disk.
    ///
    /// - Throws: `inputInvalid`, `busy`, `storeFull`, `storeFailed` or `closed`; nothing is sent.
    @discardableResult
    public func send(
        _ body: [UInt8], contentType: String, to handle: String
    ) async throws(PetrelError) -> Outgoing {
        try await send(body, contentType: contentType, to: .handle(handle))
    }

    /// Sends bytes into a conversation; returns when the outbox has them on disk.
    ///
    /// - Throws: `inputInvalid`, `busy`, `storeFull`, `storeFailed` or `closed`; nothing is sent.
    @discardableResult
    public func send(
        _ body: [UInt8], contentType: String, in conversation: ConversationID
    ) async throws(PetrelError) -> Outgoing {
        try await send(body, contentType: contentType, to: .conversation(conversation))
    }

    private func send(
        _ body: [UInt8], contentType: String, to target: OutgoingTarget
    ) async throws(PetrelError) -> Outgoing {
        try await ask { .send(target, contentType: contentType, body: body, $0) }
    }

    private func enrol(
        _ kind: Request.Enrolment, _ handle: String, _ password: String
    ) async throws(PetrelError) -> Account {
        let deviceName = configuration.deviceName
        let ticket = shared.makeTicket()
        let result = await withTaskCancellationHandler {
            await answer(
                to: {
                    .enrol(
                        kind, ticket: ticket, handle: handle, password: Array(password.utf8),
                        deviceName: deviceName, $0)
                },
                wasSubmitted: {
                    // Cancelled before that, the request to abandon it may have gone ahead of it.
                    guard Task.isCancelled else { return }
                    _ = shared.submit(.abandonEnrolment(ticket: ticket))
                })
        } onCancel: {
            _ = shared.submit(.abandonEnrolment(ticket: ticket))
        }
        return try result.get()
    }

    private func ask<Value: Sendable>(
        _ request: (Answer<Value>) -> Request
    ) async throws(PetrelError) -> Value {
        try await answer(to: request).get()
    }

    private func answer<Value: Sendable>(
        to request: (Answer<Value>) -> Request, wasSubmitted: () -> Void = {}
    ) async -> Result<Value, PetrelError> {
        await withCheckedContinuation { answer in
            guard let error = shared.submit(request(answer)) else { return wasSubmitted() }
            answer.resume(returning: .failure(error))
        }
    }
}

/// Reading.
extension PetrelClient {
    /// The conversations, by identifier.
    ///
    /// - Throws: `storeFailed`.
    public func conversations() throws(PetrelError) -> [Conversation] {
        try read { () throws(ClientStoreError) in
            try store.conversations().map { local in
                let last = max(local.head, local.held.highest).number
                return Conversation(
                    id: local.id, peer: local.peerHandle, newest: last,
                    contiguous: local.held.contiguous.number,
                    delivered: local.peerDelivered.number,
                    missing: last - min(last, local.held.count))
            }
        }
    }

    /// Messages on disk from a place on, oldest first, `limit` at most; what is missing is skipped.
    ///
    /// - Throws: `storeFailed`.
    public func history(
        of conversation: ConversationID, from number: UInt64 = 1, limit: Int = 100
    ) throws(PetrelError) -> [Message] {
        let account = account
        return try read { () throws(ClientStoreError) in
            try store.messages(
                conversation, from: ConversationSequence(number), limit: limit
            ).compactMap { Message($0, seenBy: account) }
        }
    }

    /// The messages of a conversation after a place, in order and without a gap, for ever.
    public func messages(in conversation: ConversationID, after number: UInt64 = 0) -> Messages {
        Messages(
            reader: Reader(store: store, shared: shared), conversation: conversation,
            after: number)
    }

    /// What others say in all conversations, in order and without a gap in each, for ever.
    ///
    /// - Throws: `storeFailed`.
    public func inbox(from start: InboxStart = .now) throws(PetrelError) -> Inbox {
        var positions: [ConversationID: UInt64] = [:]
        switch start {
        case .beginning: break
        case .after(let given): positions = given
        case .now:
            for conversation in try conversations() {
                positions[conversation.id] = conversation.contiguous
            }
        }
        return Inbox(reader: Reader(store: store, shared: shared), positions: positions)
    }

    /// Messages that wait for the server, oldest first, `limit` at most.
    ///
    /// - Throws: `storeFailed`.
    public func waiting(limit: Int = 100) throws(PetrelError) -> [String] {
        try read { () throws(ClientStoreError) in
            try store.outbox(after: 0, limit: limit).map(\.clientMessageID.text)
        }
    }

    /// How many messages the outbox has ever taken in on this device.
    ///
    /// - Throws: `storeFailed`.
    public func queuedCount() throws(PetrelError) -> UInt64 {
        try read { () throws(ClientStoreError) in try store.lastOutboxIndex() }
    }

    /// Messages that the server refused for good.
    ///
    /// - Throws: `storeFailed`.
    public func failed() throws(PetrelError) -> [FailedMessage] {
        try read { () throws(ClientStoreError) in
            try store.failed().compactMap { failed in
                guard case .message(let content) = failed.entry.event else { return nil }
                return FailedMessage(
                    id: failed.entry.clientMessageID.text, body: content.body,
                    error: PetrelError(
                        refusal: failed.code, reason: failed.reason, retryAfter: .zero))
            }
        }
    }

    private func read<Value>(
        _ body: () throws(ClientStoreError) -> Value
    ) throws(PetrelError) -> Value {
        do throws(ClientStoreError) {
            return try body()
        } catch {
            throw PetrelError(error)
        }
    }
}

/// Carries the runner from the thread that makes it to the one that runs it.
///
/// Sound because the maker never touches it again.
private struct Handover: @unchecked Sendable {
    let value: Runner
    init(_ value: Runner) { self.value = value }
}
