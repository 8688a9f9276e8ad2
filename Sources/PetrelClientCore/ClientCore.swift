// The client's brain: one account on one device, over whatever network there is.

public import PetrelBase
public import PetrelCrypto
public import PetrelMessaging
internal import PetrelTransport
internal import PetrelWire

/// Connects, keeps the outbox, syncs and heals gaps; does no I/O of its own.
///
/// The owner passes datagrams, the time and its wishes in, calls `finishBatch` after each batch of
/// them, sends what `transmit` gives, calls `advance` at `deadline`, and reads `takeEvents`. What
/// arrived in a batch becomes durable in one transaction; only then is it told and acknowledged.
public struct ClientCore: ~Copyable {
    /// What the server said in this session about who the device is.
    enum Standing {
        case unknown
        case stranger
        case known
    }

    /// A wish to register or to log in, until it is answered.
    struct Enrolment {
        var command: Command.Kind
        /// The request that it travels in; `nil` while it waits for a session.
        var request: UInt64?
    }

    /// An acknowledgement that the server's transport does not have yet.
    struct OpenAcknowledgement {
        var message: UInt64
        var watermarks: [Watermark]
    }

    /// A transaction that the store refused, and what may only be told once it is done.
    struct Stalled {
        var error: ClientStoreError
        var changes: [ClientChange]
        var events: [ClientEvent]
        var retryAt: Instant
    }

    /// A cookie of a server under load, and how long it is worth showing.
    struct HeldCookie {
        var cookie: Cookie
        var server: Address
        var until: Instant
    }

    let configuration: ClientConfiguration
    let identity: KeyPair
    let server: PublicKey
    var store: any ClientStore
    var random: any RandomNumberGenerator & Sendable

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
    /// The entries of the outbox that the HELLO under way carries.
    var earlyEntries: [OutboxEntry] = []
    /// From when on what is said in the session makes the client ask for a new one.
    var renewAt = Instant.distantFuture
    /// Whether HELLO is said because the session is old: that it is heard means nothing.
    var isRenewing = false
    /// Whether the system says that there is no network.
    var isOffline = false
    var session: Session?
    /// Where the session's server takes UDP.
    var sessionServer = Address.none
    var race = CarrierRace()
    var announcedTCP = AnnouncedTCP.unknown
    /// Whether the HELLO is to be sent over the connection as well.
    var isHelloCopyDue = false
    var sessionEvents = SessionEvents()
    /// What is done about the NAT before the device.
    var keepalive: Keepalive
    /// Whether the session still works; a session that does not may have a last packet to send.
    var sessionIsLive = false
    /// The session's queue was full: wait until it takes more.
    var isBlocked = false

    var outbox: Outbox
    var sync: SyncEngine
    var awaited = AwaitedReceipts()
    var known: ClientIdentity?
    var standing = Standing.unknown
    var enrolment: Enrolment?
    var requests: UInt64 = 0
    var acknowledgements: [OpenAcknowledgement] = []
    /// Verdicts on what was sent before the welcome, which they have overtaken.
    var earlyVerdicts: [Verdict] = []
    /// The server's clock less the device's, in milliseconds.
    var clockOffset: Int64 = 0

    /// What the batch changes besides what the sync engine puts out.
    var changes: [ClientChange] = []
    /// What may be told once the batch is stored.
    var pendingEvents: [ClientEvent] = []
    var stalled: Stalled?
    var stallPause = Interval.zero
    var events: [ClientEvent] = []
    var stateTold = ConnectionState.idle
    var caughtUpTold = false

    /// Notices that did not follow the schema and were ignored.
    public internal(set) var malformedNotices: UInt64 = 0
    /// Datagrams that belonged to nothing here.
    public internal(set) var strayDatagrams: UInt64 = 0

    /// Creates the brain over what `store` holds; nothing is sent before `connect`.
    ///
    /// - Throws: what the store says when it is read.
    public init(
        configuration: ClientConfiguration, identity: consuming KeyPair, server: PublicKey,
        addresses: [Address], store: any ClientStore,
        random: any RandomNumberGenerator & Sendable = SecureRandom()
    ) throws(ClientStoreError) {
        let (incarnation, cursor) = try store.cursor()
        let sync = SyncEngine(
            incarnation: incarnation, cursor: cursor, conversations: try store.conversations())
        let outbox = Outbox(last: try store.lastOutboxIndex())
        let known = try store.identity()
        let networks = try store.networks()
        self.configuration = configuration
        self.identity = identity
        self.server = server
        self.store = store
        self.random = random
        self.connector = Connector(addresses: addresses)
        self.sync = sync
        self.outbox = outbox
        self.known = known
        keepalive = Keepalive(
            plan: KeepalivePlan(configuration.keepalive, stored: networks))
    }
}

/// What the owner wants.
extension ClientCore {
    /// Connects, and stays connected until `close`; tries a store that failed once more.
    public mutating func connect(now: Instant) {
        guard stalled == nil else {
            stalled?.retryAt = now
            return
        }
        connector.connect(now: now)
    }

    /// Creates an account with this device as its first; answered by an event.
    ///
    /// - Throws: `handleInvalid`, `enrolmentUnderWay` or `closed`.
    public mutating func register(
        handle: String, password: [UInt8], deviceName: String
    ) throws(ClientRefusal) {
        let registration = Registration(
            handle: handle, password: password, deviceName: deviceName)
        try enrol(.register(registration), handle: handle)
    }

    /// Adds this device to an account; answered by an event.
    ///
    /// - Throws: `handleInvalid`, `enrolmentUnderWay` or `closed`.
    public mutating func logIn(
        handle: String, password: [UInt8], deviceName: String
    ) throws(ClientRefusal) {
        let registration = Registration(
            handle: handle, password: password, deviceName: deviceName)
        try enrol(.logIn(registration), handle: handle)
    }

    /// Puts a message into the outbox; when this returns it is on disk and will arrive.
    ///
    /// - Throws: `ClientRefusal`, having stored nothing.
    public mutating func send(
        to target: OutgoingTarget, contentType: String = "", body: [UInt8], wall: WallTime
    ) throws(ClientRefusal) -> (index: UInt64, id: ClientMessageID) {
        guard connector.state != .closed else { throw .closed }
        guard body.count <= MessagingLimits.bodyBytesMax else {
            throw .bodyTooLarge(byteCount: body.count, limit: MessagingLimits.bodyBytesMax)
        }
        guard contentType.utf8.count <= MessagingLimits.contentTypeBytesMax else {
            throw .contentTypeTooLarge(
                byteCount: contentType.utf8.count, limit: MessagingLimits.contentTypeBytesMax)
        }
        guard !outbox.isFull else { throw .outboxFull(limit: Int(Outbox.entriesMax)) }
        var target = target
        if case .handle(let typed) = target {
            guard let handle = AccountHandle(typed) else { throw .handleInvalid(typed) }
            target = .handle(handle.text)
        }
        let id = ClientMessageID(time: serverTime(wall), random: &random)
        let entry = OutboxEntry(
            index: outbox.nextIndex, clientMessageID: id, target: target,
            contentType: contentType, body: body, written: wall)
        do throws(ClientStoreError) {
            try store.apply([.enqueue(entry)])
        } catch {
            throw .store(error)
        }
        outbox.appended(entry)
        events.append(.deliveryChanged(index: entry.index, id: id, state: .queued))
        return (entry.index, id)
    }

    /// Nobody waits for the enrolment any more; it may have happened all the same.
    public mutating func abandonEnrolment() { enrolment = nil }

    /// The server is to be found at these addresses from now on.
    public mutating func reach(_ addresses: [Address]) { connector.reach(addresses) }

    /// Whether the server is still to be told of messages that were received here.
    public var owesAcknowledgement: Bool { sessionIsLive && sync.owesAcknowledgement }

    /// Gets ready for `close`: tells the server at once what was received, so that senders hear of
    /// it; worth a short wait until `owesAcknowledgement` is false.
    public mutating func prepareToClose(now: Instant) {
        guard sessionIsLive else { return }
        sync.hurryAcknowledgement(now: now)
    }

    /// Ends the session and all attempts, for good; `transmit` has a last packet.
    public mutating func close(now: Instant) {
        session?.close(.done, now: now, into: &sessionEvents)
        sessionIsOver()
        handshake = nil
        enrolment = nil
        connector.close()
        race.end()
        tellState()
    }

    private mutating func enrol(
        _ command: Command.Kind, handle: String
    ) throws(ClientRefusal) {
        guard connector.state != .closed else { throw .closed }
        guard enrolment == nil else { throw .enrolmentUnderWay }
        guard AccountHandle(handle) != nil else { throw .handleInvalid(handle) }
        enrolment = Enrolment(command: command, request: nil)
        if standing == .known, let known { enrolmentAnswered(known, isAnswer: false) }
    }
}

/// What the owner may look at.
extension ClientCore {
    /// Whether the client reaches its server.
    public var state: ConnectionState {
        if connector.state == .closed { return .closed }
        if let stalled { return .storeFailed(stalled.error) }
        guard connector.state == .connected(roundTrip: nil) else { return connector.state }
        guard handshake == nil || isRenewing else { return .connecting(attempt: resumption) }
        switch session {
        case .some(let session): return .connected(roundTrip: session.roundTrip)
        case .none: return .connected(roundTrip: nil)
        }
    }

    /// Whether an enrolment waits for its answer.
    public var isEnrolling: Bool { enrolment != nil }

    /// Who the client is; `nil` before it was enrolled.
    public var account: ClientIdentity? { known }

    /// Whether nothing of the account is missing here, as far as is known.
    public var isCaughtUp: Bool { sync.isCaughtUp }

    /// Returns the key log lines of the session once; none unless it reveals secrets.
    public mutating func takeKeyLog() -> [String] { session?.takeKeyLog() ?? [] }

    /// Moves the events since the last call to the end of `list`.
    public mutating func takeEvents(into list: inout [ClientEvent]) {
        list.append(contentsOf: events)
        events.removeAll(keepingCapacity: true)
    }

    /// The conversations, by identifier, as they are stored.
    public func conversations() throws(ClientStoreError) -> [LocalConversation] {
        try store.conversations()
    }

    /// Messages of a conversation from a place on, oldest first, holes skipped: for a screen.
    public func messages(
        _ conversation: ConversationID, from sequence: ConversationSequence, limit: Int
    ) throws(ClientStoreError) -> [MessageRecord] {
        try store.messages(conversation, from: sequence, limit: limit)
    }

    /// Messages after a place that nothing is missing before: for whoever must see all in order.
    public func contiguousMessages(
        _ conversation: ConversationID, after sequence: ConversationSequence, limit: Int
    ) throws(ClientStoreError) -> [MessageRecord] {
        guard let local = try store.conversation(conversation) else { return [] }
        let end = local.held.contiguous
        guard sequence < end else { return [] }
        return try store.messages(
            conversation, from: ConversationSequence(sequence.number + 1), limit: limit
        ).filter { $0.sequence <= end }
    }

    /// The messages that the server refused for good.
    public func failed() throws(ClientStoreError) -> [FailedEntry] { try store.failed() }

    /// What the server's clock shows when the device's shows `wall`.
    func serverTime(_ wall: WallTime) -> WallTime {
        let (sum, overflow) = wall.milliseconds.addingReportingOverflow(clockOffset)
        return overflow ? wall : WallTime(milliseconds: sum)
    }
}
