// Where the server is, where this device keeps what is its own, and how the client behaves.

/// What a `PetrelClient` is made of.
///
///     var configuration = Configuration(server: "petrel://example.org/#…", directory: path)
///     configuration.deviceName = "kitchen tablet"
public struct Configuration: Sendable {
    /// The server's address as it was given out: `petrel://host[:port]/#KEY`, or as an invitation
    /// has it, `petrel://host[:port]/?invite=CODE#KEY`.
    public var server: String
    /// The directory of this device's key and store; made if its parent exists, and private.
    public var directory: String
    /// What the owner calls this device, at most 64 bytes; shown to the account's other devices.
    public var deviceName: String
    /// Whether the client uses the network, or only reads what is on the disk.
    public enum Network: Equatable, Sendable {
        /// It connects, and connects again, by itself.
        case automatic
        /// It never does; messages wait in the outbox.
        case none
    }

    /// Whether the client uses the network.
    public var network = Network.automatic
    /// Where the secrets of sessions are written, to decrypt captures with; `nil` for nowhere.
    ///
    /// A file of mode 0600, for tests only: who has it reads everything.
    public var keyLog: String?
    /// An existing directory for what the sessions observe, as qlog; `nil` for nowhere.
    ///
    /// For looking at bad networks (`Protocol/qlog.md`).
    public var qlogDirectory: String?
    /// How often a session that is otherwise silent shows that it is alive, at least, while the
    /// application is in the foreground.
    public var keepalive = Duration.seconds(20)
    /// Whether the client finds out how rarely its network wants to hear from it.
    public enum KeepaliveSearch: Equatable, Sendable {
        /// It measures, beside the session: some datagrams within half an hour, once in a network.
        case automatic
        /// It never does; in the background it is heard every 25 s.
        case none
    }

    /// Whether the client finds out how rarely its network wants to hear from it.
    public var keepaliveSearch = KeepaliveSearch.automatic

    /// What the client does where UDP does not get through.
    public enum TCP: Equatable, Sendable {
        /// It tries the TCP port that the server announced; before it ever did, the number of the
        /// UDP port. No port, if the server announced none.
        case automatic
        /// It tries that TCP port.
        case port(UInt16)
        /// Nothing.
        case none
    }

    /// What the client does where UDP does not get through.
    public var tcp = TCP.automatic

    /// Whether the first messages travel in the first datagram.
    ///
    /// Who steals the server's secret key later can read these; `false` keeps them for the second.
    public var sendsInFirstDatagram = true

    /// How many events of a conversation are fetched without being asked for, the newest ones;
    /// `nil` for all that the server keeps.
    ///
    /// Of large groups it is 200 at most.
    ///
    /// With a number, `messages(in:)` and `inbox` wait at what was not fetched: it is for screens.
    public var tailMax: Int?

    /// Creates a configuration with defaults for all else.
    public init(server: String, directory: String, deviceName: String = "petrel") {
        self.server = server
        self.directory = directory
        self.deviceName = deviceName
    }
}
