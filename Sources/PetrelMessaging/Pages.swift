// The two notices that come in pages: what changed, and the messages of a conversation.

/// What changed since a cursor: oldest change first, one head a conversation.
public struct SyncPage: Equatable, Sendable {
    /// Which life of the server's store this is.
    public var incarnation: UInt64
    /// The newest entry of the feed when the page was made.
    public var snapshot: FeedSequence
    /// Where the next sync goes on.
    public var cursor: FeedSequence
    /// Entries after this page.
    public var remaining: UInt64
    /// The conversations that changed.
    public var heads: [ConversationHead]

    /// Creates the page.
    public init(
        incarnation: UInt64, snapshot: FeedSequence, cursor: FeedSequence, remaining: UInt64,
        heads: [ConversationHead]
    ) {
        self.incarnation = incarnation
        self.snapshot = snapshot
        self.cursor = cursor
        self.remaining = remaining
        self.heads = heads
    }
}

/// Where a conversation stands.
public struct ConversationHead: Equatable, Sendable {
    /// The conversation.
    public var conversation: ConversationID
    /// Its newest change in the account's feed.
    public var feed: FeedSequence
    /// The place of the newest message; 0 if there is none.
    public var last: ConversationSequence
    /// The place of the oldest message kept.
    public var first: ConversationSequence
    /// The other member.
    public var peer: AccountID
    /// The other member's handle.
    public var peerHandle: String
    /// What the other member has received: all up to that place.
    public var delivered: ConversationSequence

    /// Creates the head.
    public init(
        conversation: ConversationID, feed: FeedSequence, last: ConversationSequence,
        first: ConversationSequence, peer: AccountID, peerHandle: String,
        delivered: ConversationSequence
    ) {
        self.conversation = conversation
        self.feed = feed
        self.last = last
        self.first = first
        self.peer = peer
        self.peerHandle = peerHandle
        self.delivered = delivered
    }
}

/// As much of the messages asked for as fits.
public struct Page: Equatable, Sendable {
    /// The conversation.
    public var conversation: ConversationID
    /// The messages, in the order asked for.
    public var records: [MessageRecord]
    /// Places whose messages are damaged or expired.
    public var unavailable: [ConversationSequence]
    /// Whether nothing of what was asked for is left.
    public var isComplete: Bool

    /// Creates the page.
    public init(
        conversation: ConversationID, records: [MessageRecord],
        unavailable: [ConversationSequence], isComplete: Bool
    ) {
        self.conversation = conversation
        self.records = records
        self.unavailable = unavailable
        self.isComplete = isComplete
    }
}
