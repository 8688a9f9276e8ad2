// The client: one account on one device. Open it, register or log in once, send and read.

internal import PetrelBase
internal import PetrelClientCore
internal import PetrelClientData
internal import PetrelClientNetwork
internal import PetrelCrypto
internal import PetrelEvent
internal import PetrelMessaging
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
    let configuration: Configuration
    let address: ServerAddress
    let shared: Shared
    let store: FileClientStore

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
        self.address = address
        self.store = store
        let settings = try Self.settings(configuration)
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
            try runner.value.showStored()
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

    /// The account: the present one first; `nil` before it was registered or logged in.
    public var accounts: Updates<Account?> { Updates(latest: shared.account) }

    /// How far this device has come with what it missed.
    public var syncProgress: SyncProgress { shared.progress.value }

    /// How far this device has come with what it missed: the present progress first.
    public var syncProgressUpdates: Updates<SyncProgress> { Updates(latest: shared.progress) }

    /// What a status line shows: round trip, last contact, carrier.
    ///
    /// It changes with each packet, so look at it once in a while.
    public var linkStatus: LinkStatus { shared.status(now: EventLoop.now) }

    /// Ends the session and all sequences; what is in the outbox is sent when it is opened again.
    public func close() async {
        _ = shared.submit(.close)
        var version: UInt64?
        while let next = await shared.states.next(after: version) { version = next.version }
    }

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

    private static func settings(
        _ configuration: Configuration
    ) throws(PetrelError) -> ClientConfiguration {
        var settings = ClientConfiguration()
        settings.sendsEarly = configuration.sendsInFirstDatagram
        settings.session.keepaliveInterval = Interval(configuration.keepalive)
        settings.keepalive.isSearching = configuration.keepaliveSearch == .automatic
        settings.session.revealsSecrets = configuration.keyLog != nil
        settings.session.isTracing = configuration.qlogDirectory != nil
        settings.tcp = TCPFallback(configuration.tcp)
        if let events = configuration.tailMax {
            settings.syncRules.others = .tail(events: UInt64(max(0, events)))
        }
        do {
            settings.session = try settings.session.validated()
        } catch {
            throw PetrelError(
                .inputInvalid, "the keepalive interval is \(configuration.keepalive)",
                advice: "use \(error.accepted)")
        }
        return settings
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

/// Carries the runner from the thread that makes it to the one that runs it.
///
/// Sound because the maker never touches it again.
private struct Handover: @unchecked Sendable {
    let value: Runner
    init(_ value: Runner) { self.value = value }
}
