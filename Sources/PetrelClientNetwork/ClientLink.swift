// A client's way to its server, over whatever network there is; knows nothing of what is said.

public import PetrelBase
public import PetrelCrypto
internal import PetrelTransport
public import PetrelWire

/// Connects, races carriers, shakes hands again, keeps alive, roams, and carries bytes.
///
/// It does no I/O. The owner passes datagrams and the time in, calls `finishBatch` after each batch
/// of them, sends what `transmit` gives, calls `advance` at `deadline`, and reads `events` after
/// each of these calls but `transmit`. A HELLO needs a counter that is on disk before it leaves:
/// whenever `isHelloDue`, the owner stores one and calls `beginAttempt`.
///
///     datagrams, time, bytes to send ──▶ ClientLink ──▶ datagrams, one deadline, events
public struct ClientLink: ~Copyable {
    /// A cookie of a server under load, and how long it is worth showing.
    struct HeldCookie {
        var cookie: Cookie
        var server: Address
        var until: Instant
    }

    let configuration: LinkConfiguration
    let identity: KeyPair
    let server: PublicKey
    /// Where its chance comes from; the owner may draw from it as well.
    public var random: any RandomNumberGenerator & Sendable

    var connector: Connector
    var handshake: ClientHandshake?
    var handshakeAddress = Address.none
    var handshakeStarted = Instant(nanoseconds: 0)
    var heldCookie: HeldCookie?
    /// The attempt under way, if the session is live beside it.
    var resumption = 0
    /// When an attempt beside the session is due without it having been silent for long: its path
    /// may be gone, or its server leaves.
    var attemptAt = Instant.distantFuture
    /// Whether the server leaves: that it is heard means nothing.
    var serverLeaves = false
    /// From when on what is said in the session makes the client ask for a new one.
    var renewAt = Instant.distantFuture
    /// Whether HELLO is said because the session is old: that it is heard means nothing.
    var isRenewing = false
    /// Whether the system says that there is no network.
    public internal(set) var isOffline = false
    var session: Session?
    /// Where the session's server takes UDP.
    var sessionServer = Address.none
    var race = CarrierRace()
    var announcedTCP = AnnouncedTCP.unknown
    /// Whether the HELLO is to be sent over the connection as well.
    var isHelloCopyDue = false
    /// What is done about the NAT before the device.
    var keepalive: Keepalive
    /// Whether there is a session that works; one that does not may have a last packet to send.
    public internal(set) var isOpen = false
    /// Whether the session's queue was full: wait for the next event.
    public internal(set) var isBlocked = false
    /// Whether NATs may be measured in this session; the owner says so in each, once the server has
    /// shown that it knows this device.
    public var mayMeasure = false

    /// What happened since `removeEvents`, oldest first.
    public internal(set) var events: [LinkEvent] = []
    var sessionEvents = SessionEvents()
    /// How many of `sessionEvents` were seen to.
    var sessionEventsTaken = 0
    /// Datagrams that belonged to nothing here.
    public internal(set) var strayDatagrams: UInt64 = 0

    /// Creates a link that waits for `connect`.
    ///
    /// - Parameters:
    ///   - configuration: the settings.
    ///   - identity: the device's key.
    ///   - server: the key that the server must prove.
    ///   - addresses: where the server may be found.
    ///   - networks: what `takeUnsavedNetworks` gave last, in this process or an earlier one.
    ///   - random: where its chance comes from.
    public init(
        configuration: LinkConfiguration, identity: consuming KeyPair, server: PublicKey,
        addresses: [Address], networks: [BindingLifetime] = [],
        random: any RandomNumberGenerator & Sendable = SecureRandom()
    ) {
        self.configuration = configuration
        self.identity = identity
        self.server = server
        self.random = random
        connector = Connector(addresses: addresses)
        keepalive = Keepalive(plan: KeepalivePlan(configuration.keepalive, stored: networks))
    }
}

/// What the owner wants.
extension ClientLink {
    /// Connects, and stays connected until `suspend` or `close`.
    public mutating func connect(now: Instant) { connector.connect(now: now) }

    /// The server is to be found at these addresses from now on.
    public mutating func reach(_ addresses: [Address]) { connector.reach(addresses) }

    /// Ends the session and all attempts until `connect`; `transmit` has a last packet.
    ///
    /// The owner is not told of what it asked for.
    public mutating func suspend(now: Instant) {
        endSession(now: now)
        connector.suspend()
    }

    /// Ends the session and all attempts, for good; `transmit` has a last packet.
    ///
    /// The owner is not told of what it asked for.
    public mutating func close(now: Instant) {
        endSession(now: now)
        connector.close()
    }

    private mutating func endSession(now: Instant) {
        session?.close(.done, now: now, into: &sessionEvents)
        sessionEventsTaken = sessionEvents.list.count
        sessionIsOver()
        handshake = nil
        race.end()
    }

    /// Forgets what belonged to the session; the session itself may have a last packet to send.
    mutating func sessionIsOver() {
        isOpen = false
        isRenewing = false
        mayMeasure = false
        keepalive.search.cancel()
    }
}

/// What the owner may look at.
extension ClientLink {
    /// Whether the server is reached.
    public var state: LinkState {
        guard connector.state == .connected(roundTrip: nil) else { return connector.state }
        guard handshake == nil || isRenewing else { return .connecting(attempt: resumption) }
        switch session {
        case .some(let session): return .connected(roundTrip: session.roundTrip)
        case .none: return .connected(roundTrip: nil)
        }
    }

    /// The built-in classes, and those that the server described in the present session.
    public var classes: [ClassPolicy] {
        mutating get {
            let table = session?.classes ?? ClassTable()
            return ClassPolicy.builtIn + table.defined
        }
    }

    /// The bytes of a message event, until `removeEvents`.
    @_lifetime(borrow self)
    public func bytes(_ range: Range<Int>) -> RawSpan { sessionEvents.bytes(range) }

    /// Forgets all events and their bytes.
    public mutating func removeEvents() {
        events.removeAll(keepingCapacity: true)
        sessionEvents.removeAll()
        sessionEventsTaken = 0
    }
}
