// One session with one peer: its parts and its story; what it does is in the extensions.

public import PetrelBase
public import PetrelCrypto
internal import PetrelWire

/// A relation with a peer that proved its key, across addresses and losses.
///
///     unconfirmed ── first packet opened ──▶ active ── close ──▶ closing ── CLOSE sent ──▶ closed
///       (server)                              │ CLOSE received, silence ────────────────────▲
///                                             └──────────────────────────────────────────────┘
///
/// Sans I/O: the owner brings datagrams, time and messages; after every call it takes what
/// `transmit` has, until there is nothing, and comes back at `deadline`.
public struct Session: ~Copyable {
    enum Phase: Equatable, Sendable {
        case unconfirmed
        case active
        case closing(ErrorCode)
        case closed
    }

    /// Packets that could not be opened, after which the keys are given up (RFC 9001 §6.6).
    static let failedOpensMax: UInt64 = 1 << 36

    /// Small frames that wait for the next packet.
    struct PendingControl: Sendable {
        var challenge: UInt64?
        var challengeToPrevious: UInt64?
        var response: (data: UInt64, observed: Address)?
        var keepalive = false
        var keepaliveAnswer = false
        var credit = false
        var blocked = false
        var ping = false
        var goAway: GoAwayFrame?
        /// A keepalive that asks for nothing.
        var quiet = false
        var probe = false
        var probeAnswer = false

        var isEmpty: Bool {
            challenge == nil && response == nil && !keepalive && !keepaliveAnswer && !credit
                && !blocked && !ping && goAway == nil && !quiet && !probe && !probeAnswer
        }
    }

    let side: ConnectionID.Side
    let configuration: SessionConfiguration
    /// The ID of the handshake under which the peer writes to us; the name of the session.
    let localID: ConnectionID
    var localIDs: LocalIDs
    /// Which of them the newest packet carried.
    var localIDInUse: UInt64
    var remoteIDs: RemoteIDs
    /// What the server calls the session: its name in key logs and qlogs, the same at both ends.
    public let serverConnectionID: UInt64
    /// The key that the peer proved: the device's, or the server's.
    public let peerKey: PublicKey
    let peerParameters: TransportParameters
    var keys: KeyPhases
    var keyUpdate = KeyUpdate()

    var phase: Phase
    var path: Path
    var replay = ReplayWindow()
    var largestReceived: UInt64?
    var acks = AckTracker()
    var ackPolicy = AckPolicy()
    var detector: LossDetector
    var copies: CopyLine
    var parities: [WaitingParity] = []
    var congestion: Congestion
    var pacer = Pacer()
    var pathMTU: PathMTU
    var ecn: ECNValidator
    /// What the peer's packets were marked with.
    var marksReceived = ECNCounts()
    var urgency = UrgentAllowance()
    var queue: SendQueue
    var ephemeral = EphemeralSender()
    var reassembler: Reassembler
    var ephemeralReceiver = EphemeralReceiver()
    var bulk = BulkReceiver()
    var bulkControls = BulkControls()
    var control = PendingControl()
    var timers = SessionTimers()
    var random = SecureRandom()
    var probesPending = 0
    /// The packet of the last probe.
    var lastProbe: UInt64?
    /// Whether a copy has waited for long enough for a packet that goes out anyway.
    var isCopyDue = false
    var nextSkip: UInt64
    var quietInARow = 0
    var failedOpens: UInt64 = 0
    var trace: TraceLog
    var keyLog: [String] = []
    /// The messages of the client's HELLO, until its first packet confirms them.
    var early = EarlyMessages()

    /// What the client was told of the end of the server.
    var departure: GoAwayFrame?
    /// How the client keeps its NAT's binding alive, and what it knows of it.
    var binding: BindingWatch
    /// The measurement on another flow that is being agreed on.
    var probes = ProbeTalk()
    /// The data of a challenge by which a client asks for its address.
    var addressQuestion: UInt64?
    /// What a client asks at another address.
    var sideProbe: SideProbe?
    /// Whether the next packet is the first one from another address, as far as is known: it is
    /// large, so that the answer has room for what waits there.
    var asksFromNewAddress = false
    /// Where the server saw the client last, as far as it was asked.
    public internal(set) var observedAddress: Address?
    /// A number that a server's owner gives out with each answer to a keepalive.
    public var keepaliveHint: UInt64 = 0
    /// When the peer was last heard.
    public internal(set) var lastHeard: Instant
    /// When the last packet was sent.
    var lastSent: Instant
    /// When the last message was taken in or handed over.
    var lastMessage: Instant
    /// Since when something that asks for an answer has had none; `nil` if nothing waits.
    public internal(set) var unansweredSince: Instant?
    /// What was counted.
    public internal(set) var statistics = SessionStatistics()

    init(
        side: ConnectionID.Side, configuration: SessionConfiguration, localID: ConnectionID,
        remoteID: ConnectionID, peerKey: PublicKey, peerParameters: TransportParameters,
        secrets: borrowing NoiseSecrets, address: Address, now: Instant
    ) {
        self.side = side
        self.configuration = configuration
        self.localID = localID
        localIDs = LocalIDs(first: localID.value)
        localIDInUse = localID.value
        remoteIDs = RemoteIDs(first: remoteID, resetToken: peerParameters.resetToken)
        self.peerKey = peerKey
        self.peerParameters = peerParameters
        switch side {
        case .client:
            keys = KeyPhases(
                reading: secrets.responderToInitiator, writing: secrets.initiatorToResponder)
            phase = .active
        case .server:
            keys = KeyPhases(
                reading: secrets.initiatorToResponder, writing: secrets.responderToInitiator)
            phase = .unconfirmed
        }
        binding = BindingWatch(configuration)
        detector = LossDetector(rules: configuration.recoveryRules)
        copies = CopyLine(configuration)
        path = Path(address: address)
        congestion = Congestion(configuration.congestionAlgorithm)
        pathMTU = PathMTU(byteCountMax: configuration.datagramByteCountMax)
        ecn = ECNValidator(isWanted: configuration.marksPackets)
        queue = SendQueue(
            messagesMax: configuration.queuedMessagesMax,
            byteCountMax: configuration.queuedByteCountMax, credit: peerParameters.initialCredit,
            classes: ClassTable(
                side == .server ? configuration.classes : peerParameters.classes),
            reportsProgress: configuration.reportsProgress)
        reassembler = Reassembler(credit: configuration.receiveCredit)
        trace = TraceLog(isOn: configuration.isTracing)
        lastHeard = now
        lastSent = now
        lastMessage = now
        nextSkip = 0
        nextSkip = 64 + random.next() % 256
        let serverID = side == .server ? localID : remoteID
        serverConnectionID = serverID.value
        timers[.silence] = now + silenceMax
        if configuration.revealsSecrets {
            keyLog = KeyLog.lines(secrets, serverID: serverID)
        }
    }

    var remoteID: ConnectionID { remoteIDs.current }
    /// The connection ID that the peer writes on its first packets; a client's is 32 bits.
    public var connectionID: UInt64 { localID.value }
    /// Where packets go now.
    public var address: Address { path.address }
    /// Whether the session is over and can be dropped.
    public var isClosed: Bool { phase == .closed }
    /// Whether the peer has shown that it holds the keys.
    public var isConfirmed: Bool { phase != .unconfirmed }
    /// The policies of the classes that messages can be sent as; a client learns of the operator's
    /// from the server.
    public var classes: ClassTable { queue.classes }
    /// Messages towards the peer that it does not have yet.
    public var queuedMessages: Int { queue.count }
    /// Their bytes.
    public var queuedByteCount: Int { queue.byteCount }
    /// The smoothed round trip; `nil` before the first sample.
    public var roundTrip: Interval? { detector.rtt.hasSample ? detector.rtt.smoothed : nil }
    /// The probe timeout before backoff: how long an answer may take.
    public var probeInterval: Interval {
        detector.probeInterval(ackDelayMax: peerAckDelayMax)
    }
    /// The longest that the peer holds an acknowledgement.
    var peerAckDelayMax: Interval { max(peerParameters.ackDelayMax, ackPolicy.inForce) }
    /// When `advance` must be called next; `.distantFuture` if never.
    public var deadline: Instant { phase == .closed ? .distantFuture : timers.deadline }

    /// Moves the collected trace events to the end of `list`.
    public mutating func takeTrace(into list: inout [TimedTraceEvent]) { trace.take(into: &list) }

    /// Returns the key log lines once; empty unless the configuration reveals secrets.
    public mutating func takeKeyLog() -> [String] {
        defer { keyLog = [] }
        return keyLog
    }
}

/// What a session counted.
public struct SessionStatistics: Equatable, Sendable {
    /// Packets sent.
    public var packetsSent = 0
    /// Their bytes, without IP and UDP headers.
    public var bytesSent = 0
    /// Packets opened.
    public var packetsReceived = 0
    /// Their bytes.
    public var bytesReceived = 0
    /// Packets declared lost.
    public var packetsLost = 0
    /// Of these, packets that arrived after all.
    public var lossesSpurious = 0
    /// Probes sent.
    public var probes = 0
    /// Of what was repeated because it was overdue, packets that had arrived.
    public var probesNeedless = 0
    /// Messages that travelled once more in a packet that went out anyway.
    public var bundles = 0
    /// Of these, the ones that arrived when all before had not.
    public var bundlesUseful = 0
    /// Copies sent before anything was known to be lost.
    public var copies = 0
    /// Of these, the ones that arrived when the message itself had not.
    public var copiesUseful = 0
    /// PARITY frames sent for long messages.
    public var paritiesSent = 0
    /// Fragments of the peer's messages that PARITY frames made up for.
    public var paritiesUseful = 0
    /// Messages and ephemeral values handed to the owner.
    public var messagesReceived = 0
    /// Changes of the peer's address followed.
    public var addressMoves = 0
    /// Changes of the connection ID that our packets carry.
    public var connectionIDsUsed = 0
    /// Renewals of the key that packets are sealed with.
    public var keyUpdates = 0
    /// Probes of a larger datagram.
    public var sizeProbes = 0
}
