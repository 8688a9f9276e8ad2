// One worker's brain: routes datagrams to sessions, commands to services, notices back.

public import PetrelBase
public import PetrelCrypto
internal import PetrelMessaging
public import PetrelServices
internal import PetrelTransport
internal import PetrelWire

/// Everything that a worker of the server decides; its shell brings datagrams, time and hashes.
///
/// After each call the shell takes what `takeHashJobs`, `takeLetters` and `transmit` have, until
/// there is nothing, and comes back at `deadline`, when a datagram or a letter of another worker
/// arrives, or when the store has completions.
///
/// A session's way: HELLO → half open (answered, without effect) → confirmed by its first packet →
/// stranger or enrolled → over. Only what a confirmed session says reaches a service.
///
/// For a datagram of an established session nothing is allocated and nothing is hashed but the
/// connection ID; a command may cost what its decoding costs.
public struct ServerCore: ~Copyable {
    let configuration: ServerCoreConfiguration
    let identity: KeyPair
    let helloKey: Mac1Key
    var store: any Store
    var random: RandomStream

    // Sessions.
    var sessions: Slab<SessionRecord>
    var table: SessionTable
    var dormant: DormantTable
    /// The slot that was asked last to lie down.
    var nextTried = 0
    var deadlines: DeadlineQueue
    var halfOpen: HalfOpenTable
    var admission: Admission
    var hosts = LiveHosts()
    var counters: CounterTable
    var live = LiveDevices()
    var probes: ProbeTable
    /// Sessions whose devices were revoked by themselves, and when they are closed; soonest first.
    var departing: [(handle: Handle, at: Instant)] = []

    // What is only true now.
    var largeGroups = LargeGroups()
    var viewers = Viewers()
    var bursts = Bursts()
    var presence = PresenceService()
    /// Sends, and questions, of accounts.
    var sends: AccountBuckets
    var questions: AccountBuckets

    // What is to be sent.
    /// Slots whose sessions may have something to send, each once.
    var ready: RingBuffer<Int>
    var isReady: [Bool]
    /// The slot that `transmit` is at.
    var current: Int?

    // What is under way elsewhere.
    var accounts = AccountService()
    var operations: RingBuffer<PendingOperation>
    var nextTicket: UInt64 = 1
    var judgements: [UInt64: PendingJudgement] = [:]
    /// Passwords that are being hashed, for all workers; of worker 0 only.
    var attempts: [UInt64: PendingAttempt] = [:]
    var hashJobs: [HashJobTicketed] = []
    var nextPurge: Instant
    var nextExpiry: Instant
    var nextDeletions: Instant
    var letters: [WorkerLetter] = []
    /// Datagrams among `letters`.
    var forwardedWaiting = 0

    // Reused from call to call.
    var events = SessionEvents()
    var completions: [StoreCompletion] = []

    /// What was counted.
    public internal(set) var metrics = CoreMetrics()
    var keyLog: [String] = []
    var traces: [SessionTrace] = []
    /// Whether the store failed: nothing is acknowledged any more, and the process must end.
    public internal(set) var hasFailed = false
    /// When a core that stops closes its sessions.
    var closesAt = Instant.distantFuture
    /// Whether `stop` was called.
    public internal(set) var isStopping = false

    /// Creates a core without sessions, which answers to the public half of `identity`.
    public init(
        configuration: ServerCoreConfiguration, identity: consuming KeyPair, store: any Store,
        now: Instant
    ) {
        precondition(
            1...Steering.workersMax ~= configuration.workers
                && configuration.worker < configuration.workers)
        let slots = configuration.sessionsMax
        helloKey = Mac1Key(serverKey: identity.publicKey)
        random = RandomStream(seed: configuration.seed, label: "server core")
        admission = Admission(
            configuration: configuration, identity: identity, secret: random.next(), now: now)
        sessions = Slab(capacity: slots)
        table = SessionTable(capacity: slots * configuration.session.connectionIDsMax)
        dormant = DormantTable(capacity: configuration.dormantMax)
        deadlines = DeadlineQueue(capacity: slots)
        halfOpen = HalfOpenTable(capacity: configuration.halfOpenMax)
        counters = CounterTable(capacity: configuration.countersMax)
        probes = ProbeTable(capacity: configuration.probesMax)
        sends = AccountBuckets(capacity: configuration.accountsCountedMax)
        questions = AccountBuckets(capacity: configuration.accountsCountedMax)
        ready = RingBuffer(capacity: slots)
        isReady = Array(repeating: false, count: slots)
        operations = RingBuffer(capacity: configuration.operationsMax)
        nextPurge =
            configuration.worker == 0 ? now + configuration.purgeInterval : .distantFuture
        nextExpiry =
            configuration.worker == 0 ? now + configuration.expiryInterval : .distantFuture
        // What a crash interrupted goes on as soon as the core runs.
        nextDeletions = configuration.worker == 0 ? now : .distantFuture
        self.configuration = configuration
        self.identity = identity
        self.store = store
    }

    /// Returns the key log lines of new sessions once; none unless they reveal secrets.
    public mutating func takeKeyLog() -> [String] {
        defer { keyLog.removeAll() }
        return keyLog
    }

    /// The key that clients must know.
    public var publicKey: PublicKey { identity.publicKey }
    /// Which worker this is.
    public var worker: Int { Int(configuration.worker) }
    /// Sessions, half-open, dormant and closing ones included.
    public var sessionsCount: Int { sessions.count + halfOpen.count + dormant.count }
    /// HELLOs that wait to be opened: received, and neither accepted nor dropped yet.
    public var waitingCount: Int { admission.waitingCount }
    /// Sessions that wait for the client's first packet.
    public var halfOpenCount: Int { halfOpen.count }
    /// Operations that were submitted and are not durable yet.
    public var operationsCount: Int { operations.count }
    /// Whether, after `stop`, nothing is left to send or to wait for.
    public var isDrained: Bool {
        isStopping && sessions.count + dormant.count == 0 && operations.count == 0
    }

    /// When `advance` must be called next.
    public var deadline: Instant {
        min(
            deadlines.first?.deadline ?? .distantFuture,
            halfOpen.deadline, dormant.deadline, admission.deadline, probes.deadline, nextPurge,
            min(nextExpiry, nextDeletions), min(bursts.deadline, presence.deadline),
            departing.first?.at ?? .distantFuture, closesAt)
    }

    /// Ends the core and hands its store back.
    public consuming func takeStore() -> any Store { store }

    /// Lends the store to `body`.
    public mutating func withStore<Result>(_ body: (inout any Store) -> Result) -> Result {
        body(&store)
    }
}

extension DeviceKey {
    /// The key of a device as it is stored.
    init(_ key: PublicKey) { self.init(InlineWords4(key.bytes)) }
}

extension InlineWords4 {
    /// 32 bytes as four big-endian numbers.
    ///
    /// - Precondition: there are 32.
    init(_ bytes: RawSpan) {
        precondition(bytes.byteCount == 32)
        func word(_ index: Int) -> UInt64 {
            UInt64(
                bigEndian: bytes.unsafeLoadUnaligned(
                    fromByteOffset: index * 8, as: UInt64.self))
        }
        self.init(word(0), word(1), word(2), word(3))
    }
}
