// The client's brain: one account on one device, over whatever network there is.

public import PetrelBase
public import PetrelClientData
internal import PetrelClientNetwork
public import PetrelCrypto
public import PetrelMessaging

/// Connects, keeps the outbox, syncs and heals gaps; does no I/O of its own.
///
/// It lets a link carry bytes, an outbox and a sync engine decide what to say, and a store keep
/// what they must not lose; what stands between them is here.
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

    /// A wish to register, to log in or to recover, until it is answered.
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

    let configuration: ClientConfiguration
    var store: any ClientStore
    var link: ClientLink
    /// The entries of the outbox that the HELLO under way carries.
    var earlyEntries: [OutboxEntry] = []

    var outbox: Outbox
    var sync: SyncEngine
    var awaited = AwaitedReceipts()
    var known: ClientIdentity?
    var standing = Standing.unknown { didSet { link.mayMeasure = standing == .known } }
    var enrolment: Enrolment?
    var requests: UInt64 = 0
    var acknowledgements: [OpenAcknowledgement] = []
    /// Verdicts on what was sent before the welcome, which they have overtaken.
    var earlyVerdicts: [Verdict] = []
    /// The server's clock less the device's, in milliseconds.
    var clockOffset: Int64 = 0
    var questions = Questions()
    var surroundings = Surroundings()
    /// Conversations that keep messages for a time only.
    var retained: [ConversationID] = []
    /// When something is to be erased, by the server's clock.
    var expiryDue: WallTime?
    var expireAt = Instant.distantFuture
    var mustPlanExpiry = true

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

    /// Creates the brain over what `store` holds; nothing is sent before `connect`.
    ///
    /// - Throws: what the store says when it is read.
    public init(
        configuration: ClientConfiguration, identity: consuming KeyPair, server: PublicKey,
        addresses: [Address], store: any ClientStore,
        random: any RandomNumberGenerator & Sendable = SecureRandom()
    ) throws(ClientStoreError) {
        let (incarnation, cursor) = try store.cursor()
        let conversations = try store.conversations()
        let sync = SyncEngine(
            incarnation: incarnation, cursor: cursor, conversations: conversations,
            rules: configuration.syncRules)
        let outbox = Outbox(last: try store.lastOutboxIndex())
        let known = try store.identity()
        let networks = try store.networks()
        self.configuration = configuration
        self.store = store
        link = ClientLink(
            configuration: configuration.link, identity: identity, server: server,
            addresses: addresses, networks: networks, random: random)
        self.sync = sync
        self.outbox = outbox
        self.known = known
        retained = conversations.filter { $0.retentionSeconds > 0 }.map(\.id)
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
        link.connect(now: now)
    }

    /// Creates an account with this device as its first; answered by an event.
    ///
    /// - Throws: `handleInvalid`, `enrolmentUnderWay` or `closed`.
    public mutating func register(
        handle: String, password: [UInt8], deviceName: String, invitation: String = "",
        recovery: RecoveryDigest? = nil
    ) throws(ClientRefusal) {
        let registration = Registration(
            handle: handle, password: password, deviceName: deviceName, invitation: invitation,
            recovery: recovery)
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

    /// Adds this device to an account whose password is lost, with a new one; answered by an event.
    ///
    /// All other devices are shut out.
    ///
    /// - Throws: `handleInvalid`, `passwordUnacceptable`, `enrolmentUnderWay` or `closed`.
    public mutating func recover(
        handle: String, code: String, password: [UInt8], deviceName: String,
        recovery: RecoveryDigest? = nil
    ) throws(ClientRefusal) {
        try validatePassword(password)
        let form = Recovery(
            handle: handle, code: code, password: password, deviceName: deviceName,
            recovery: recovery)
        try enrol(.recover(form), handle: handle)
    }

    /// Puts a message into the outbox; when this returns it is on disk and will arrive.
    ///
    /// - Throws: `ClientRefusal`, having stored nothing.
    public mutating func send(
        to target: OutgoingTarget, contentType: String = "", body: [UInt8], wall: WallTime
    ) throws(ClientRefusal) -> (index: UInt64, id: ClientMessageID) {
        let content = Content(contentType: contentType, body: body)
        return try send(to: target, event: .message(content), wall: wall)
    }

    /// Puts an event into the outbox; when this returns it is on disk and will arrive.
    ///
    /// - Throws: `ClientRefusal`, having stored nothing.
    public mutating func send(
        to target: OutgoingTarget, event: ConversationEvent, wall: WallTime
    ) throws(ClientRefusal) -> (index: UInt64, id: ClientMessageID) {
        guard link.state != .closed else { throw .closed }
        try event.validate(for: target)
        guard !outbox.isFull else { throw .outboxFull(limit: Int(Outbox.entriesMax)) }
        var target = target
        if case .handle(let typed) = target {
            guard let handle = AccountHandle(typed) else { throw .handleInvalid(typed) }
            target = .handle(handle.text)
        }
        let id = ClientMessageID(time: serverTime(wall), random: &link.random)
        let entry = OutboxEntry(
            index: outbox.nextIndex, clientMessageID: id, target: target, event: event,
            written: wall)
        do throws(ClientStoreError) {
            try store.apply([.enqueue(entry)])
        } catch {
            throw .store(error)
        }
        outbox.appended(entry)
        surroundings.said(entry.target)
        events.append(.deliveryChanged(index: entry.index, id: id, state: .queued))
        return (entry.index, id)
    }

    /// Nobody waits for the enrolment any more; it may have happened all the same.
    public mutating func abandonEnrolment() { enrolment = nil }

    /// The server is to be found at these addresses from now on.
    public mutating func reach(_ addresses: [Address]) { link.reach(addresses) }

    /// Whether the server is still to be told of messages that were received here.
    public var owesAcknowledgement: Bool { link.isOpen && sync.owesAcknowledgement }

    /// Gets ready for `close`: tells the server at once what was received, so that senders hear of
    /// it; worth a short wait until `owesAcknowledgement` is false.
    public mutating func prepareToClose(now: Instant) {
        guard link.isOpen else { return }
        sync.hurryAcknowledgement(now: now)
    }

    /// Ends the session and all attempts, for good; `transmit` has a last packet.
    public mutating func close(now: Instant) {
        link.close(now: now)
        sessionIsOver()
        enrolment = nil
        tellState()
    }

    private mutating func enrol(
        _ command: Command.Kind, handle: String
    ) throws(ClientRefusal) {
        guard link.state != .closed else { throw .closed }
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
        let reached = link.state
        if let stalled, reached != .closed { return .storeFailed(stalled.error) }
        return ConnectionState(reached)
    }

    /// Whether an enrolment waits for its answer.
    public var isEnrolling: Bool { enrolment != nil }

    /// Who the client is; `nil` before it was enrolled.
    public var account: ClientIdentity? { known }

    /// Whether nothing of the account is missing here, as far as is known.
    public var isCaughtUp: Bool { sync.isCaughtUp }

    /// Moves the events since the last call to the end of `list`.
    public mutating func takeEvents(into list: inout [ClientEvent]) {
        list.append(contentsOf: events)
        events.removeAll(keepingCapacity: true)
    }

    /// The conversations, by identifier, as they are stored.
    public func conversations() throws(ClientStoreError) -> [LocalConversation] {
        try store.conversations()
    }

    /// Events of a conversation from a place on, oldest first, without what is missing and what the
    /// account hid: for a screen.
    public func messages(
        _ conversation: ConversationID, from sequence: ConversationSequence, limit: Int
    ) throws(ClientStoreError) -> [MessageRecord] {
        try visible(
            try store.conversation(conversation), conversation, from: sequence, limit: limit)
    }

    /// Events after a place that nothing is missing before: for whoever must see all in order.
    public func contiguousMessages(
        _ conversation: ConversationID, after sequence: ConversationSequence, limit: Int
    ) throws(ClientStoreError) -> [MessageRecord] {
        guard let local = try store.conversation(conversation) else { return [] }
        let end = local.held.contiguous
        guard sequence < end else { return [] }
        return try visible(
            local, conversation, from: ConversationSequence(sequence.number + 1), limit: limit
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
