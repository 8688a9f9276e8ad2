// The notices that come in pages: what changed, the events of a conversation, its members.

/// What changed since a cursor: oldest change first, one item a subject.
public struct SyncPage: Equatable, Sendable {
    /// Which life of the server's store this is.
    public var incarnation: UInt64
    /// The newest entry of the feed when the page was made.
    public var snapshot: FeedSequence
    /// Where the next sync goes on.
    public var cursor: FeedSequence
    /// Entries after this page.
    public var remaining: UInt64
    /// What changed.
    public var items: [SyncItem]
    /// Large groups, which make no entries; by number, and only once nothing remains.
    public var large: [ConversationHead]
    /// Whether there are large groups after these.
    public var largeRemain: Bool

    /// Creates the page.
    public init(
        incarnation: UInt64, snapshot: FeedSequence, cursor: FeedSequence, remaining: UInt64,
        items: [SyncItem], large: [ConversationHead] = [], largeRemain: Bool = false
    ) {
        self.incarnation = incarnation
        self.snapshot = snapshot
        self.cursor = cursor
        self.remaining = remaining
        self.items = items
        self.large = large
        self.largeRemain = largeRemain
    }
}

/// Something of an account that changed, as it is now.
public struct SyncItem: Equatable, Sendable {
    /// What changed.
    public enum Kind: Equatable, Sendable {
        /// A conversation.
        case conversation(ConversationHead)
        /// The relation to another account.
        case contact(Contact)
        /// The account itself.
        case account(AccountState)
    }

    /// The entry of its newest change in the account's feed.
    public var feed: FeedSequence
    /// What changed.
    public var kind: Kind

    /// Creates the item.
    public init(feed: FeedSequence, kind: Kind) {
        self.feed = feed
        self.kind = kind
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

/// Members of a conversation, by account.
public struct MembersPage: Equatable, Sendable {
    /// The conversation.
    public var conversation: ConversationID
    /// The members, by account.
    public var members: [GroupMember]
    /// Whether there is none after these.
    public var isComplete: Bool

    /// Creates the page.
    public init(conversation: ConversationID, members: [GroupMember], isComplete: Bool) {
        self.conversation = conversation
        self.members = members
        self.isComplete = isComplete
    }
}
