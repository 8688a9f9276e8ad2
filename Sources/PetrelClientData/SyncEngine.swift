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
        /// Watermarks of other members that rose: what they received.
        public var received: [Watermark] = []
        /// Watermarks of other members that rose: what they read.
        public var read: [Watermark] = []
        /// Conversations of which something else changed, or where something was erased.
        public var changed: [ConversationID] = []
        /// Contacts that changed.
        public var contacts: [Contact] = []
        /// The own account, if it changed.
        public var account: AccountState?
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
        /// Something besides its messages changed since the last output.
        var isChanged = false
        /// Places that somebody asked for, though they are not fetched otherwise.
        var asked: ClosedRange<UInt64>?
        /// What it adds to the progress of all.
        var share = SyncProgress()
        /// A message that was seen here is about this account.
        var mentionsMe = false
        /// The newest place when the server told last, in this process, what the conversation is.
        var described = ConversationSequence(0)
        /// The own read mark that the server was told in this session.
        var readTold = ConversationSequence(0)
        /// Listed in `unsaidReads`.
        var isReadUnsaid = false
    }

    struct Request: Sendable {
        var number: UInt64
        var lostAt: Instant
        /// Of a pull, the places that are asked for.
        var range: ClosedRange<UInt64>?
    }

    struct TellingRequest: Sendable {
        var number: UInt64
        var delivered: [ConversationID]
        var read: [ConversationID]
    }

    var conversations: [ConversationID: Conversation] = [:]
    /// Conversations with holes, longest known first.
    var wanted: [ConversationID] = []
    /// Conversations whose received prefix grew, longest known first.
    var untold: [ConversationID] = []
    /// Conversations whose own read mark the server is to be told, longest known first.
    var unsaidReads: [ConversationID] = []
    /// Conversations whose own read mark was told in this session.
    var toldReads: [ConversationID] = []
    var dirty: [ConversationID] = []
    var output = Output()
    /// What is fetched without being asked for.
    let rules: SyncRules
    /// How far all has come.
    public internal(set) var progress = SyncProgress()

    /// Which life of the server's store `cursor` belongs to; 0 before the first.
    public internal(set) var incarnation: UInt64
    /// All changes of the account up to here are known here.
    public internal(set) var cursor: FeedSequence
    var cursorIsDirty = false
    /// The newest change that anything told of.
    public internal(set) var newest: FeedSequence
    var account = AccountID(0)
    /// The entries of the newest items of conversations, relations and the account: pushes and
    /// pages overtake each other, and what is older must undo nothing [M-2.3-7].
    var itemFeeds: [SubjectName: FeedSequence] = [:]

    var isOpen = false
    /// Ask for changes even if none is known of.
    var mustSync = false
    /// What made no entry in the feed has changed since the latest round of syncs began.
    var isOutdated = false
    var syncAt = Instant.distantFuture
    var sync: Request?
    var pullsOpen = 0
    /// The last large group that this round of syncs told of; 0 at its beginning.
    var largeAfter = ConversationID(0)

    var acknowledgeAt = Instant.distantFuture
    var acknowledgedLast: Instant?
    /// Acknowledgements that the server's transport does not have yet.
    var acknowledgementsOpen = 0
    var toldFeed = FeedSequence(0)
    /// The latest acknowledgements by request: one that is refused is told again.
    var acknowledgementRequests: [TellingRequest] = []
    /// Conversations whose watermark was told lately: the server may have died before it stored it,
    /// or may never have got it, for acknowledgements do not arrive in the order of their loss.
    var recentlyTold: [ConversationID] = []

    /// Creates an engine from what the client's store holds.
    public init(
        incarnation: UInt64, cursor: FeedSequence, conversations: [LocalConversation],
        rules: SyncRules = SyncRules()
    ) {
        self.rules = rules
        self.incarnation = incarnation
        self.cursor = cursor
        newest = cursor
        for local in conversations {
            // Who wrote what is held is not looked up: at worst an own message is receipted.
            self.conversations[local.id] = Conversation(
                local: local, told: local.acknowledged, foreign: local.held.highest)
            noteShare(local.id)
            noteHoles(local.id, at: Instant(nanoseconds: .min))
            noteUntold(local.id)
            noteUnsaid(local.id)
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
            if conversation.isChanged { taken.changed.append(id) }
            conversations[id]?.isChanged = false
            conversations[id]?.isDirty = false
            conversations[id]?.hasArrivals = false
        }
        dirty.removeAll()
        taken.changes.append(contentsOf: taken.contacts.map { .contact($0) })
        if let account = taken.account { taken.changes.append(.account(account)) }
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
        // What this session tells is not older than what the last one told.
        itemFeeds.removeAll()
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
        largeAfter = ConversationID(0)
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
        for id in toldReads {
            conversations[id]?.readTold = ConversationSequence(0)
            noteUnsaid(id)
        }
        toldReads.removeAll()
        acknowledgementRequests.removeAll()
        if acknowledgementsOpen > 0 { toldFeed = FeedSequence(0) }
        acknowledgementsOpen = 0
        acknowledgeAt = .distantFuture
    }

    /// A message was pushed.
    public mutating func received(_ push: PushedMessage, now: Instant) {
        let id = push.record.conversation
        take(push.record)
        noteHoles(id, at: now + Self.patience)
        advance(
            to: push.feed, after: push.previousFeed,
            isKnown: isKnown(id) && !push.record.event.changesHead, now: now)
        noteAcknowledgement(now: now)
    }

    /// An own message was given its place; `record` is the whole of it, if it was still here.
    public mutating func received(_ verdict: Verdict, own record: MessageRecord?, now: Instant) {
        let id = verdict.conversation
        if let record { take(record) }
        change(id) { local in
            local.head = max(local.head, verdict.sequence)
            guard local.kind == nil, verdict.peer.number != 0 else { return }
            local.kind = .peer(Person(account: verdict.peer, handle: verdict.peerHandle))
        }
        noteHoles(id, at: now + Self.patience)
        // What is not here names people, and so changes a group.
        advance(
            to: verdict.feed, after: verdict.previousFeed,
            isKnown: isKnown(id) && record?.event.changesHead == false, now: now)
        noteAcknowledgement(now: now)
    }

    /// Another member has received or read messages.
    public mutating func received(_ receipt: Receipt, now: Instant) {
        let id = receipt.conversation
        if receipt.account != account, conversations[id] != nil {
            raiseDelivered(id, to: receipt.delivered)
            raiseRead(id, to: receipt.read)
        }
        advance(to: receipt.feed, after: receipt.previousFeed, isKnown: isKnown(id), now: now)
        noteAcknowledgement(now: now)
    }

    /// Something else of the account changed, and was pushed.
    public mutating func received(_ change: PushedChange, now: Instant) {
        take(change.item, now: now)
        #if PETREL_PLANTED
            if PlantedBug.changePassesGap.isActive {
                let feed = change.item.feed
                return advance(to: feed, after: cursor, isKnown: true, now: now)
            }
        #endif
        advance(to: change.item.feed, after: change.previousFeed, isKnown: true, now: now)
        noteAcknowledgement(now: now)
    }

    /// Newer events stand in a large group than those that were pushed.
    public mutating func receivedDigest(
        _ id: ConversationID, last: ConversationSequence, now: Instant
    ) {
        change(id) { $0.head = max($0.head, last) }
        noteHoles(id, at: now)
        guard !isKnown(id) else { return }
        noteOutdated(at: now + Self.patience)
    }

    /// The server's newest change, as each answered keepalive tells it: heals a lost push.
    public mutating func keepaliveAnswered(hint: FeedSequence, now: Instant) {
        guard hint > newest else { return }
        newest = hint
        scheduleSync(at: now + Self.patience)
    }
}

extension SyncEngine {
    /// Moves the cursor over a pushed change, if nothing is missing in between.
    ///
    /// Nor does it pass a conversation whose members are not known, or where an event has changed
    /// them or what is kept: its head says what is so now, and a sync brings it. What made no entry
    /// in the feed moves nothing.
    mutating func advance(
        to feed: FeedSequence, after previous: FeedSequence, isKnown: Bool, now: Instant
    ) {
        newest = max(newest, feed)
        guard feed > cursor else {
            guard !isKnown, feed.number == 0 else { return }
            return noteOutdated(at: now + Self.patience)
        }
        #if PETREL_PLANTED
            let previous = PlantedBug.cursorPassesGap.isActive ? cursor : previous
        #endif
        guard previous <= cursor, isKnown else { return scheduleSync(at: now + Self.patience) }
        cursor = feed
        cursorIsDirty = true
    }

    /// Whether the server told who is in a conversation.
    func isKnown(_ id: ConversationID) -> Bool { conversations[id]?.local.kind != nil }

    /// Something is to be learnt that no cursor tells: the next round of syncs brings it.
    mutating func noteOutdated(at instant: Instant) {
        isOutdated = true
        mustSync = true
        scheduleSync(at: instant)
    }

    mutating func scheduleSync(at instant: Instant) {
        syncAt = min(syncAt, instant)
    }

    /// How long a push may be late before what it carries is asked for (UDP reorders).
    static let patience = Interval.milliseconds(300)
}
