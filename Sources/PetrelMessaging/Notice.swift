// What the server tells a client, as a value that follows the schema.

public import PetrelBase

/// A notice of the server.
public struct Notice: Equatable, Sendable {
    /// What is told.
    public enum Kind: Equatable, Sendable {
        /// The device is known.
        case welcome(Welcome)
        /// The device is not known: it may only register, log in or recover.
        case stranger(Stranger)
        /// A command was refused.
        case refusal(Refusal)
        /// A message has its place.
        case verdict(Verdict)
        /// An event was committed in a conversation of the account.
        case message(PushedMessage)
        /// Another member has received or read.
        case receipt(Receipt)
        /// The answer to a sync.
        case syncPage(SyncPage)
        /// The answer to a pull.
        case page(Page)
        /// The change that was asked for is made.
        case done
        /// A conversation, a contact or the account changed, other than by an event or a receipt.
        case change(PushedChange)
        /// Newer events stand in a large group than those that were pushed.
        case digest(ConversationID, last: ConversationSequence)
        /// The answer to an invite: what to give to whom is invited, and until when it works.
        case invitation(code: String, expires: WallTime)
        /// The answer to a look-up.
        case card(Card)
        /// The answer to a question for members.
        case members(MembersPage)
        /// Who is here now.
        case presences([Presence])
        /// Somebody types.
        case typing(TypingNotice)
    }

    /// The number of the command that this answers; 0 if it answers none.
    public var request: UInt64
    /// What is told.
    public var kind: Kind

    /// Creates the notice.
    public init(request: UInt64, kind: Kind) {
        self.request = request
        self.kind = kind
    }
}

/// Who the device is for the server.
public struct Welcome: Equatable, Sendable {
    /// The account.
    public var account: AccountID
    /// The device's number in it.
    public var device: DeviceID
    /// The account's handle.
    public var handle: String
    /// Which life of the server's store this is.
    public var incarnation: UInt64
    /// The newest entry of the account's feed.
    public var feed: FeedSequence
    /// The server's clock.
    public var time: WallTime

    /// Creates the notice.
    public init(
        account: AccountID, device: DeviceID, handle: String, incarnation: UInt64,
        feed: FeedSequence, time: WallTime
    ) {
        self.account = account
        self.device = device
        self.handle = handle
        self.incarnation = incarnation
        self.feed = feed
        self.time = time
    }
}

/// Why a command was refused; nothing of it was stored.
public struct Refusal: Equatable, Sendable {
    /// The number of the error; it may be one that this version does not know.
    public var code: UInt32
    /// A sentence for people.
    public var reason: String
    /// When to try again, in whole milliseconds; zero if retrying does not help.
    public var retryAfter: Interval
    /// The message that was refused, if the command was a send.
    public var clientMessageID: ClientMessageID?
    /// The limit that was met, in the unit of the rule; 0 if none was.
    public var limit: UInt64

    /// Creates the notice.
    public init(
        code: UInt32, reason: String, retryAfter: Interval, clientMessageID: ClientMessageID?,
        limit: UInt64 = 0
    ) {
        self.code = code
        self.reason = reason
        self.retryAfter = retryAfter
        self.clientMessageID = clientMessageID
        self.limit = limit
    }

    /// The error, if this version knows it.
    public var error: MessagingError? { MessagingError(rawValue: code) }
}

/// A message was committed: this is its place, for ever.
public struct Verdict: Equatable, Sendable {
    /// What the client called the message.
    public var clientMessageID: ClientMessageID
    /// The conversation.
    public var conversation: ConversationID
    /// The place in it.
    public var sequence: ConversationSequence
    /// When the server took it in.
    public var time: WallTime
    /// The entry that it made in the sender's feed; 0 for a repetition.
    public var feed: FeedSequence
    /// The entry before.
    public var previousFeed: FeedSequence
    /// The other member of the conversation.
    public var peer: AccountID
    /// The other member's handle.
    public var peerHandle: String

    /// Creates the notice.
    public init(
        clientMessageID: ClientMessageID, conversation: ConversationID,
        sequence: ConversationSequence, time: WallTime, feed: FeedSequence,
        previousFeed: FeedSequence, peer: AccountID, peerHandle: String
    ) {
        self.clientMessageID = clientMessageID
        self.conversation = conversation
        self.sequence = sequence
        self.time = time
        self.feed = feed
        self.previousFeed = previousFeed
        self.peer = peer
        self.peerHandle = peerHandle
    }
}

/// A message, and the entry that it made in the account's feed.
public struct PushedMessage: Equatable, Sendable {
    /// The message.
    public var record: MessageRecord
    /// The new entry.
    public var feed: FeedSequence
    /// The entry before.
    public var previousFeed: FeedSequence

    /// Creates the notice.
    public init(record: MessageRecord, feed: FeedSequence, previousFeed: FeedSequence) {
        self.record = record
        self.feed = feed
        self.previousFeed = previousFeed
    }
}

/// Another member has received, or read, all up to a place.
public struct Receipt: Equatable, Sendable {
    /// The conversation.
    public var conversation: ConversationID
    /// Who.
    public var account: AccountID
    /// All up to there was received; 0: as before.
    public var delivered: ConversationSequence
    /// All up to there was read; 0: as before.
    public var read: ConversationSequence
    /// The new entry in the feed; 0 in a group.
    public var feed: FeedSequence
    /// The entry before.
    public var previousFeed: FeedSequence

    /// Creates the notice.
    public init(
        conversation: ConversationID, account: AccountID, delivered: ConversationSequence,
        read: ConversationSequence, feed: FeedSequence, previousFeed: FeedSequence
    ) {
        self.conversation = conversation
        self.account = account
        self.delivered = delivered
        self.read = read
        self.feed = feed
        self.previousFeed = previousFeed
    }
}

/// Something of the account that changed, and the entry that it made in the account's feed.
public struct PushedChange: Equatable, Sendable {
    /// What it is now; its `feed` is the new entry.
    public var item: SyncItem
    /// The entry before.
    public var previousFeed: FeedSequence

    /// Creates the notice.
    public init(item: SyncItem, previousFeed: FeedSequence) {
        self.item = item
        self.previousFeed = previousFeed
    }
}

/// What a device hears whose key belongs to no account.
public struct Stranger: Equatable, Sendable {
    /// The key belonged to a device that was revoked: only another key can be enrolled.
    public var isRevoked: Bool
    /// Registering needs an invitation here.
    public var needsInvitation: Bool

    /// Creates the notice.
    public init(isRevoked: Bool = false, needsInvitation: Bool = false) {
        self.isRevoked = isRevoked
        self.needsInvitation = needsInvitation
    }
}

/// What everybody may know of an account.
public struct Card: Equatable, Sendable {
    /// Who.
    public var person: Person
    /// What it shows.
    public var profile: Profile

    /// Creates the notice.
    public init(person: Person, profile: Profile) {
        self.person = person
        self.profile = profile
    }
}
