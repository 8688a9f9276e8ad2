// What the server tells a client, as a value that follows the schema.

public import PetrelBase

/// A notice of the server.
public struct Notice: Equatable, Sendable {
    /// What is told.
    public enum Kind: Equatable, Sendable {
        /// The device is known.
        case welcome(Welcome)
        /// The device is not known: it may only register or log in.
        case stranger
        /// A command was refused.
        case refusal(Refusal)
        /// A message has its place.
        case verdict(Verdict)
        /// A message was committed in a conversation of the account.
        case message(PushedMessage)
        /// Another member has received.
        case receipt(Receipt)
        /// The answer to a sync.
        case syncPage(SyncPage)
        /// The answer to a pull.
        case page(Page)
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

    /// Creates the notice.
    public init(
        code: UInt32, reason: String, retryAfter: Interval, clientMessageID: ClientMessageID?
    ) {
        self.code = code
        self.reason = reason
        self.retryAfter = retryAfter
        self.clientMessageID = clientMessageID
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

/// Another member has received all messages up to a place.
public struct Receipt: Equatable, Sendable {
    /// The conversation.
    public var conversation: ConversationID
    /// Who has received.
    public var account: AccountID
    /// The place, included.
    public var sequence: ConversationSequence
    /// The new entry in the feed.
    public var feed: FeedSequence
    /// The entry before.
    public var previousFeed: FeedSequence

    /// Creates the notice.
    public init(
        conversation: ConversationID, account: AccountID, sequence: ConversationSequence,
        feed: FeedSequence, previousFeed: FeedSequence
    ) {
        self.conversation = conversation
        self.account = account
        self.sequence = sequence
        self.feed = feed
        self.previousFeed = previousFeed
    }
}
