// What became of an operation; told only when it is durable.

public import PetrelBase
public import PetrelMessaging

/// What became of an operation; told only when it is durable.
public enum StoreOutcome: Equatable, Sendable {
    /// The device exists now; for some of the accounts that it concerns, something else changed.
    case enrolled(account: AccountID, device: DeviceID, AccountChanges)
    /// The event has its place.
    case appended(AppendedMessage)
    /// The watermarks are raised; these marks were news, with the feed entries they made.
    case acknowledged([RaisedMark])
    /// The change was made, with these feed entries.
    case changed(AccountChanges)
    /// Events were erased, and deleted accounts left these groups.
    case expired([AppendedMessage])
    /// Done, with nothing to tell.
    case done
    /// Refused: nothing was changed.
    case refused(Refused)
}

/// The place that an event got, and who must hear of it.
public struct AppendedMessage: Equatable, Sendable {
    /// A group, as far as it matters for telling its members.
    public struct Audience: Equatable, Sendable {
        /// Whether it is large: members without an entry are told as well.
        public var isLarge: Bool
        /// How many members it has after the event.
        public var membersCount: Int
        /// Who has become a member by the event.
        public var joined: [AccountID]
        /// Who is a member no longer.
        public var departed: [AccountID]
        /// Who owns the group now because its owner left; the event does not name it.
        public var heir: AccountID?

        /// Creates it from its parts.
        public init(
            isLarge: Bool, membersCount: Int, joined: [AccountID] = [],
            departed: [AccountID] = [], heir: AccountID? = nil
        ) {
            self.isLarge = isLarge
            self.membersCount = membersCount
            self.joined = joined
            self.departed = departed
            self.heir = heir
        }
    }

    /// The event as it is stored; people in it have account and handle.
    public var record: MessageRecord
    /// Whether this was a repetition; nothing was changed then, `feeds` is empty, and of `record`
    /// only place and time mean anything.
    public var isDuplicate: Bool
    /// The feed entries made: for each member, in a large group for whom the event mentions or
    /// concerns.
    public var feeds: [FeedStep]
    /// The other in a 1:1 conversation.
    public var peer: Person?
    /// Who is to be told in a group; `nil` in a 1:1 conversation.
    public var group: Audience?

    /// Creates it from its parts.
    public init(
        record: MessageRecord, isDuplicate: Bool, feeds: [FeedStep], peer: Person? = nil,
        group: Audience? = nil
    ) {
        self.record = record
        self.isDuplicate = isDuplicate
        self.feeds = feeds
        self.peer = peer
        self.group = group
    }
}

extension AppendedMessage {
    /// The conversation.
    public var conversation: ConversationID { record.conversation }
    /// The place in it.
    public var sequence: ConversationSequence { record.sequence }
    /// When it was first taken in.
    public var time: WallTime { record.time }
}

/// A new entry in an account's feed, and the entry before it.
public struct FeedStep: Equatable, Sendable {
    /// Whose feed.
    public var account: AccountID
    /// The new entry.
    public var feed: FeedSequence
    /// The newest entry before.
    public var previous: FeedSequence

    /// Creates it from its parts.
    public init(account: AccountID, feed: FeedSequence, previous: FeedSequence) {
        self.account = account
        self.feed = feed
        self.previous = previous
    }
}

/// What an entry of a feed is about; of each subject only the newest entry is kept.
public enum FeedSubject: Hashable, Sendable {
    /// A conversation.
    case conversation(ConversationID)
    /// The relation to that account.
    case contact(AccountID)
    /// The account itself: profile, privacy, devices.
    case account
}

/// What an operation changed besides events and marks.
public struct AccountChanges: Equatable, Sendable {
    /// An entry in a feed, and what it is about.
    public struct Step: Equatable, Sendable {
        /// The entry.
        public var feed: FeedStep
        /// What it is about.
        public var subject: FeedSubject

        /// Creates it from its parts.
        public init(feed: FeedStep, subject: FeedSubject) {
            self.feed = feed
            self.subject = subject
        }
    }

    /// The feed entries made.
    public var steps: [Step]
    /// Devices that are shut out: their sessions end at once.
    public var revoked: [DeviceName]

    /// Creates it from its parts.
    public init(steps: [Step] = [], revoked: [DeviceName] = []) {
        self.steps = steps
        self.revoked = revoked
    }
}

/// A device of an account.
public struct DeviceName: Hashable, Sendable {
    /// The account.
    public var account: AccountID
    /// The device.
    public var device: DeviceID

    /// Creates it from its parts.
    public init(account: AccountID, device: DeviceID) {
        self.account = account
        self.device = device
    }
}

/// Watermarks of a member that rose, and who must hear of it.
public struct RaisedMark: Equatable, Sendable {
    /// The conversation.
    public var conversation: ConversationID
    /// Whose watermarks.
    public var account: AccountID
    /// All up to this place was received; `nil` if that is no news for others.
    public var delivered: ConversationSequence?
    /// All up to this place was read; `nil` if that is no news for others, or not for them.
    public var read: ConversationSequence?
    /// The feed entries made: for the other in a 1:1 conversation, and for the account itself if
    /// its own read mark rose.
    public var feeds: [FeedStep]
    /// The group, if it is one whose members are told.
    public var group: AppendedMessage.Audience?

    /// Creates it from its parts.
    public init(
        conversation: ConversationID, account: AccountID, delivered: ConversationSequence?,
        read: ConversationSequence?, feeds: [FeedStep], group: AppendedMessage.Audience? = nil
    ) {
        self.conversation = conversation
        self.account = account
        self.delivered = delivered
        self.read = read
        self.feeds = feeds
        self.group = group
    }
}
