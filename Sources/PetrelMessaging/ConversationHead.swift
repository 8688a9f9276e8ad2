// Where a conversation stands for an account.

public import PetrelBase

/// Where a conversation stands for an account.
public struct ConversationHead: Equatable, Sendable {
    /// The conversation.
    public var conversation: ConversationID
    /// The newest place that the account may see; 0 if there is none.
    public var last: ConversationSequence
    /// The oldest place kept that the account may see.
    public var first: ConversationSequence
    /// Bytes of all bodies ever committed in it.
    public var byteCount: UInt64
    /// All up to there is with the peer; in a group with at least one other.
    public var delivered: ConversationSequence
    /// All up to there was read by the peer; in a group by at least one other.
    public var readByPeer: ConversationSequence
    /// All up to there was read by this account.
    public var read: ConversationSequence
    /// What it is for this account alone.
    public var settings: ConversationSettings
    /// How long messages are kept; 0 for ever.
    public var retentionSeconds: UInt64
    /// Who is in it.
    public var kind: Kind

    /// Creates it from its parts.
    public init(
        conversation: ConversationID, last: ConversationSequence, first: ConversationSequence,
        byteCount: UInt64 = 0, delivered: ConversationSequence = .init(0),
        readByPeer:
            ConversationSequence = .init(0), read: ConversationSequence = .init(0),
        settings:
            ConversationSettings = .init(), retentionSeconds: UInt64 = 0, kind: Kind
    ) {
        self.conversation = conversation
        self.last = last
        self.first = first
        self.byteCount = byteCount
        self.delivered = delivered
        self.readByPeer = readByPeer
        self.read = read
        self.settings = settings
        self.retentionSeconds = retentionSeconds
        self.kind = kind
    }

    /// Who is in a conversation.
    public enum Kind: Equatable, Sendable {
        /// The account and that other one; in notes to oneself, the account.
        case peer(Person)
        /// A group.
        case group(GroupState)
    }
}

/// A group as one account sees it.
public struct GroupState: Equatable, Sendable {
    /// What it is called.
    public var name: String
    /// How many members it has.
    public var membersCount: UInt32
    /// What this account may do.
    public var role: Role
    /// Whether this account is in it.
    public var standing: Standing
    /// Whether everybody who knows its number may join.
    public var isOpen: Bool
    /// Whether it is told of by digests and makes no entries in feeds.
    public var isLarge: Bool
    /// When this account may speak again; long ago if it may.
    public var mutedUntil: WallTime

    /// Creates it from its parts.
    public init(
        name: String, membersCount: UInt32, role: Role, standing: Standing = .member,
        isOpen: Bool = false, isLarge: Bool = false, mutedUntil: WallTime = .init(milliseconds: 0)
    ) {
        self.name = name
        self.membersCount = membersCount
        self.role = role
        self.standing = standing
        self.isOpen = isOpen
        self.isLarge = isLarge
        self.mutedUntil = mutedUntil
    }
}

/// Whether an account is in a group.
public enum Standing: UInt8, Sendable, CaseIterable {
    /// It is.
    case member = 0
    /// It left.
    case left = 1
    /// It was put out.
    case removed = 2
    /// The group was dissolved.
    case dissolved = 3
}

/// What a conversation is for one account alone.
public struct ConversationSettings: Equatable, Sendable {
    /// Whether it stands above the others.
    public var isPinned: Bool
    /// Until when it makes no sound.
    public var mutedUntil: WallTime
    /// All up to there is hidden.
    public var cleared: ConversationSequence
    /// Places that are hidden besides, lowest first.
    public var hidden: [ConversationSequence]

    /// Creates it from its parts.
    public init(
        isPinned: Bool = false, mutedUntil: WallTime = .init(milliseconds: 0),
        cleared:
            ConversationSequence = .init(0), hidden: [ConversationSequence] = []
    ) {
        self.isPinned = isPinned
        self.mutedUntil = mutedUntil
        self.cleared = cleared
        self.hidden = hidden
    }
}

/// A change of what a conversation is for an account alone.
public enum ConversationChange: Equatable, Sendable {
    /// It stands above the others, or no longer.
    case pinned(Bool)
    /// It makes no sound until then; 0 ms: it does again.
    case mutedUntil(WallTime)
    /// All up to there is hidden.
    case cleared(upTo: ConversationSequence)
    /// The event at that place is hidden: deleted for this account.
    case hidden(ConversationSequence)
}

/// A member of a conversation, as other members see it.
public struct GroupMember: Equatable, Sendable {
    /// Who.
    public var person: Person
    /// The name in the profile.
    public var name: String
    /// What the member may do.
    public var role: Role
    /// When the member may speak again; long ago if it may.
    public var mutedUntil: WallTime
    /// What it has received; 0 where that is not told.
    public var delivered: ConversationSequence
    /// What it has read; 0 where that is not told.
    public var read: ConversationSequence

    /// Creates it from its parts.
    public init(
        person: Person, name: String, role: Role, mutedUntil: WallTime,
        delivered:
            ConversationSequence, read: ConversationSequence
    ) {
        self.person = person
        self.name = name
        self.role = role
        self.mutedUntil = mutedUntil
        self.delivered = delivered
        self.read = read
    }
}
