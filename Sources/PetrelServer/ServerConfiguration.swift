// How a server is set up: typed values with defaults, and the bounds of each.

internal import Glibc
public import PetrelBase
public import PetrelCrypto
public import PetrelServerCore
public import PetrelServices
internal import PetrelStore
internal import PetrelTransport
public import PetrelWire

/// The settings of a server; `validated()` says which one is out of bounds.
public struct ServerConfiguration: Sendable {
    /// What a server does about SIGINT and SIGTERM.
    public enum Signals: Equatable, Sendable {
        /// Either of them stops it gracefully, and a database page that is damaged beyond use ends
        /// the process with a sentence and status 74; only one server of a process can do this.
        case stop
        /// They are somebody else's.
        case ignored
    }

    /// Where it listens; port 0 lets the kernel choose.
    public var listen: Address
    /// The TCP port, at the same address, for clients that UDP does not get through to; 0 lets the
    /// kernel choose, `nil` is none.
    public var tcpPort: UInt16?
    /// What TCP connections may cost.
    public var streams = StreamLimits()
    /// Where keys and data are; created if its parent exists.
    public var directory: String
    /// Threads that serve sessions, 1 to 64; the limits in `core` are of each.
    public var workers = ServerConfiguration.workersDefault
    /// The most bytes that the store can hold.
    public var mapBytes = LocalStore.defaultMapBytes
    /// What accounts, groups and conversations may have.
    public var limits = ServiceLimits()
    /// What one guess at a password costs.
    public var passwordCost = PasswordHash.Cost.standard
    /// Passwords hashed at the same time; each takes the memory that its cost says.
    public var hashThreads = 2
    /// How long a stop may take to tell all clients and finish what is being written.
    public var stopTimeout = Interval.seconds(2)
    /// Where the secrets of sessions are written, to decrypt captures with; `nil` for nowhere.
    ///
    /// A file of mode 0600, for tests only: who has it reads everything.
    public var keyLog: String?
    /// An existing directory for what the sessions observe, as qlog; `nil` for nowhere.
    ///
    /// For looking at bad networks: it costs time with every packet, and room without a bound.
    public var qlogDirectory: String?
    /// What signals do.
    public var signals = Signals.stop
    /// The limits of the core; its seed is drawn at start.
    public var core = ServerCoreConfiguration(seed: 0)

    /// The operator's delivery classes, which clients are told of; 8 at most.
    public var classes: [ClassPolicy] {
        get { core.session.classes }
        set { core.session.classes = newValue }
    }

    /// Creates the defaults.
    public init(listen: Address, directory: String) {
        self.listen = listen
        self.directory = directory
    }

    /// Returns the settings.
    ///
    /// - Throws: at the first setting that is out of bounds.
    public func validated() throws(ServerError) -> ServerConfiguration {
        try check("data directory", directory, !directory.isEmpty, "a path")
        try check("map bytes", mapBytes, mapBytes >= 1 << 20, "1048576 or more")
        try check("workers", workers, 1...Steering.workersMax ~= workers, "1...64")
        try check("hash threads", hashThreads, 1...16 ~= hashThreads, "1...16")
        try check("sessions", core.sessionsMax, 1...1_000_000 ~= core.sessionsMax, "1...1000000")
        try check(
            "half-open sessions", core.halfOpenMax, 1...65_536 ~= core.halfOpenMax, "1...65536")
        let connections = streams.connectionsMax
        try check("TCP connections", connections, 1...65_536 ~= connections, "1...65536")
        do {
            _ = try core.session.validated()
        } catch {
            throw ServerError(
                kind: .configuration, happened: "The setting \(error.name) is out of bounds.",
                advice: "Use \(error.accepted).")
        }
        return self
    }

    /// As many workers as this machine has processors, but 64 at most.
    public static var workersDefault: Int {
        max(1, min(Steering.workersMax, sysconf(Int32(_SC_NPROCESSORS_ONLN))))
    }

    private func check<Value>(
        _ name: String, _ value: Value, _ holds: Bool, _ accepted: String
    ) throws(ServerError) {
        guard holds else {
            throw ServerError(
                kind: .configuration, happened: "The setting \(name) is \(value).",
                advice: "Use \(accepted).")
        }
    }
}
