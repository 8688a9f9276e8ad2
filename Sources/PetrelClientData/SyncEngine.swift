// What the account has and this device lacks: the feed's cursor, heads, holes and pages.

public import PetrelBase
public import PetrelMessaging

/// Keeps this device's copy of the account's conversations complete (messaging.md §2).
///
/// Pushed and pulled messages go through the same code, under the same key of conversation and
/// place: what is held is dropped, anything else is kept and extends the held ranges. A place that
/// is skipped leaves a hole; it may be filled by a push that is only late, and is pulled otherwise.
/// The cursor passes a change only together with what the change says, so that the owner may stop
/// at any moment and lose nothing.
///
/// Sans I/O. Events come in; `nextCommand` says what to ask the server; `takeOutput` gives what has
/// to become durable, in one transaction, before anybody hears of it.
public struct SyncEngine: Sendable {
    /// What must be stored together, and then told.
    public struct Output: Equatable, Sendable {
        /// The messages, conversations and cursor to store.
        public var changes: [ClientChange] = []
        /// The messages that are new here, in the order of their arrival.
        public var messages: [MessageRecord] = []
        /// The conversations that they stand in, each once.
        public var arrivals: [ConversationID] = []
        /// Watermarks of other members that rose.
        public var received: [Watermark] = []
    }

    struct Conversation: Sendable {
        var local: LocalConversation
        /// Changed since the last output.
        var isDirty = false
        /// New messages since the last output.
        var hasArrivals = false
        /// Listed in `wanted`: there are holes.
        var isWanted = false
        /// When to pull the newest hole.
        var pullAt = Instant.distantFuture
        /// The pull under way: its request, and when it counts as lost.
        var pull: Request?
        /// Pages in a row that brought nothing.
        var fruitless = 0
        /// The watermark that the server was told in this session.
        var told: ConversationSequence
        /// When that was; `nil` if it is not listed in `recentlyTold`.
        var toldAt: Instant?
        /// The watermark that reached the server in this session.
        var arrived = ConversationSequence(0)
        /// The newest place that is worth a receipt, because somebody else filled it.
        var foreign: ConversationSequence
        /// Listed in `untold`.
        var isUntold = false
    }

    struct Request: Sendable {
        var number: UInt64
        var lostAt: Instant
    }

    var conversations: [ConversationID: Conversation] = [:]
    /// Conversations with holes, longest known first.
    var wanted: [ConversationID] = []
    /// Conversations whose received prefix grew, longest known first.
    var untold: [ConversationID] = []
    private var dirty: [ConversationID] = []
    private var output = Output()

    /// Which life of the server's store `cursor` belongs to; 0 before the first.
    public internal(set) var incarnation: UInt64
    /// All changes of the account up to here are known here.
    public internal(set) var cursor: FeedSequence
    var cursorIsDirty = false
    /// The newest change that anything told of.
    public internal(set) var newest: FeedSequence
    var account = AccountID(0)

    var isOpen = false
    /// Ask for changes even if none is known of.
    var mustSync = false
    var syncAt = Instant.distantFuture
    var sync: Request?
    var pullsOpen = 0

    var acknowledgeAt = Instant.distantFuture
    var acknowledgedLast: Instant?
    /// Acknowledgements that the server's transport does not have yet.
    var acknowledgementsOpen = 0
    var toldFeed = FeedSequence(0)
    /// The latest acknowledgements by request: one that is refused is told again.
    var acknowledgementRequests: [(number: UInt64, conversations: [ConversationID])] = []
    /// Conversations whose watermark was told lately: the server may have died before it stored it,
    /// or may never have got it, for acknowledgements do not arrive in the order of their loss.
    var recentlyTold: [ConversationID] = []

    /// Creates an engine from what the client's store holds.
    public init(incarnation: UInt64, cursor: FeedSequence, conversations: [LocalConversation]) {
        self.incarnation = incarnation
        self.cursor = cursor
        newest = cursor
        for local in conversations {
            // Who wrote what is held is not looked up: at worst an own message is receipted.
            self.conversations[local.id] = Conversation(
                local: local, told: local.acknowledged, foreign: local.held.highest)
            noteHoles(local.id, at: Instant(nanoseconds: .min))
            noteUntold(local.id)
        }
    }

    /// Whether nothing is missing: all known changes are here, and no conversation has a hole.
    public var isCaughtUp: Bool {
        isOpen && sync == nil && !mustSync && cursor >= newest && wanted.isEmpty
    }

    /// What is known of a conversation.
    public func conversation(_ id: ConversationID) -> LocalConversation? {
        conversations[id]?.local
    }

    /// Hands over what has to be stored and told since the last call.
    public mutating func takeOutput() -> Output {
        var taken = Output()
        swap(&taken, &output)
        taken.changes.append(contentsOf: taken.messages.map { .message($0) })
        for id in dirty {
            guard let conversation = conversations[id] else { continue }
            taken.changes.append(.conversation(conversation.local))
            if conversation.hasArrivals { taken.arrivals.append(id) }
            conversations[id]?.isDirty = false
            conversations[id]?.hasArrivals = false
        }
        dirty.removeAll()
        if cursorIsDirty {
            taken.changes.append(.cursor(incarnation: incarnation, feed: cursor))
            cursorIsDirty = false
        }
        return taken
    }
}

/// What arrives without having been asked for.
extension SyncEngine {
    /// The server knows the device: its session begins.
    public mutating func sessionOpened(_ welcome: Welcome, now: Instant) {
        sessionEnded()
        isOpen = true
        account = welcome.account
        if welcome.incarnation != incarnation {
            incarnation = welcome.incarnation
            cursor = FeedSequence(0)
            cursorIsDirty = true
            toldFeed = FeedSequence(0)
        }
        newest = max(cursor, welcome.feed)
        mustSync = true
        syncAt = now
        for id in wanted { conversations[id]?.pullAt = now }
        noteAcknowledgement(now: now)
    }

    /// The session is over, and with it all that was asked in it.
    public mutating func sessionEnded() {
        isOpen = false
        sync = nil
        pullsOpen = 0
        for id in wanted { conversations[id]?.pull = nil }
        #if PETREL_PLANTED
            if PlantedBug.receiptsForgotten.isActive { recentlyTold.removeAll() }
        #endif
        for id in recentlyTold {
            conversations[id]?.told = ConversationSequence(0)
            conversations[id]?.toldAt = nil
            conversations[id]?.arrived = ConversationSequence(0)
            noteUntold(id)
        }
        recentlyTold.removeAll()
        acknowledgementRequests.removeAll()
        if acknowledgementsOpen > 0 { toldFeed = FeedSequence(0) }
        acknowledgementsOpen = 0
        acknowledgeAt = .distantFuture
    }

    /// A message was pushed.
    public mutating func received(_ push: PushedMessage, now: Instant) {
        take(push.record)
        noteHoles(push.record.conversation, at: now + Self.patience)
        advance(
            to: push.feed, after: push.previousFeed, of: push.record.conversation, now: now)
        noteAcknowledgement(now: now)
    }

    /// An own message was given its place; `record` is the whole of it, if it was still here.
    public mutating func received(_ verdict: Verdict, own record: MessageRecord?, now: Instant) {
        let id = verdict.conversation
        if let record { take(record) }
        change(id) { local in
            local.head = max(local.head, verdict.sequence)
            local.peer = verdict.peer
            local.peerHandle = verdict.peerHandle
        }
        noteHoles(id, at: now + Self.patience)
        advance(to: verdict.feed, after: verdict.previousFeed, of: id, now: now)
        noteAcknowledgement(now: now)
    }

    /// Another member has received messages.
    public mutating func received(_ receipt: Receipt, now: Instant) {
        let id = receipt.conversation
        if receipt.account != account, conversations[id] != nil {
            raiseDelivered(id, to: receipt.sequence)
        }
        advance(to: receipt.feed, after: receipt.previousFeed, of: id, now: now)
        noteAcknowledgement(now: now)
    }

    /// The server's newest change, as each answered keepalive tells it: heals a lost push.
    public mutating func keepaliveAnswered(hint: FeedSequence, now: Instant) {
        guard hint > newest else { return }
        newest = hint
        scheduleSync(at: now + Self.patience)
    }
}

extension SyncEngine {
    /// Keeps a message, unless its place is held; pushes and pages both end here.
    mutating func take(_ record: MessageRecord) {
        guard record.sequence.number > 0 else { return }
        let id = record.conversation
        guard conversations[id]?.local.held.contains(record.sequence) != true else { return }
        let isForeign = record.sender != account
        change(id) { local in
            local.held.insert(record.sequence)
            local.head = max(local.head, record.sequence)
            guard isForeign, local.peer.number == 0 else { return }
            local.peer = record.sender
            local.peerHandle = record.senderHandle
        }
        conversations[id]?.hasArrivals = true
        if isForeign, let foreign = conversations[id]?.foreign {
            conversations[id]?.foreign = max(foreign, record.sequence)
        }
        output.messages.append(record)
        noteUntold(id)
    }

    /// Moves the cursor over a pushed change, if nothing is missing in between.
    ///
    /// Nor does it pass a conversation whose members are not known: only its head names them.
    private mutating func advance(
        to feed: FeedSequence, after previous: FeedSequence, of id: ConversationID, now: Instant
    ) {
        newest = max(newest, feed)
        guard feed > cursor else { return }
        let isKnown = conversations[id].map { $0.local.peer.number != 0 } ?? false
        #if PETREL_PLANTED
            let previous = PlantedBug.cursorPassesGap.isActive ? cursor : previous
        #endif
        guard previous <= cursor, isKnown else { return scheduleSync(at: now + Self.patience) }
        cursor = feed
        cursorIsDirty = true
    }

    mutating func raiseDelivered(_ id: ConversationID, to sequence: ConversationSequence) {
        guard sequence > (conversations[id]?.local.peerDelivered ?? ConversationSequence(0)) else {
            return
        }
        change(id) { $0.peerDelivered = sequence }
        output.received.append(Watermark(conversation: id, sequence: sequence))
    }

    /// Changes what is known of a conversation, which exists from then on.
    mutating func change(_ id: ConversationID, _ body: (inout LocalConversation) -> Void) {
        let zero = ConversationSequence(0)
        let unknown = Conversation(local: LocalConversation(id: id), told: zero, foreign: zero)
        body(&conversations[id, default: unknown].local)
        guard conversations[id]?.isDirty == false else { return }
        conversations[id]?.isDirty = true
        dirty.append(id)
    }

    /// Lists or unlists the conversation by whether it has holes, which are pulled at `instant`.
    mutating func noteHoles(_ id: ConversationID, at instant: Instant) {
        guard let conversation = conversations[id] else { return }
        #if PETREL_PLANTED
            let instant = PlantedBug.holesNotPulled.isActive ? .distantFuture : instant
        #endif
        let hasHoles = conversation.local.held.contiguous < conversation.local.head
        if hasHoles && !conversation.isWanted {
            conversations[id]?.isWanted = true
            conversations[id]?.pullAt = instant
            wanted.append(id)
        } else if hasHoles {
            conversations[id]?.pullAt = min(conversation.pullAt, instant)
        } else if conversation.isWanted {
            if conversation.pull != nil { pullsOpen -= 1 }
            conversations[id]?.pull = nil
            conversations[id]?.isWanted = false
            conversations[id]?.fruitless = 0
            wanted.removeAll { $0 == id }
        }
    }

    mutating func scheduleSync(at instant: Instant) {
        syncAt = min(syncAt, instant)
    }

    /// How long a push may be late before what it carries is asked for (UDP reorders).
    static let patience = Interval.milliseconds(300)
}
