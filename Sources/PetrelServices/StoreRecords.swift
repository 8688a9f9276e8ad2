// What is written to the store and what comes back: logical operations, each safe to repeat.

public import PetrelBase
public import PetrelMessaging

/// One change, applied by the store in the order of submission, all or nothing.
///
/// Decisions that need the latest state (is the handle free, which `cseq` is next, was this message
/// committed before) are made by the store inside the transaction that writes the answer.
public enum StoreOperation: Equatable, Sendable {
    /// Creates an account and its first device.
    case createAccount(CreateAccount)
    /// Adds a device to an account.
    case enrolDevice(EnrolDevice)
    /// Gives a message its place in a conversation.
    case appendMessage(AppendMessage)
    /// Raises watermarks of a device.
    case acknowledge(AcknowledgeDelivery)
    /// Raises the handshake counter of a device; a lower one changes nothing.
    case raiseHelloCounter(account: AccountID, device: DeviceID, counter: UInt64)
    /// Replaces the password record of an account.
    case replacePassword(account: AccountID, record: [UInt8])
    /// Forgets deduplication rows of messages committed before that time, at most `limit` of them.
    case purgeDeduplication(before: WallTime, limit: Int)
}

/// Creates an account; refused with `handleTaken` or `alreadyEnrolled` (the key is known).
public struct CreateAccount: Equatable, Sendable {
    /// The identifier, drawn at random.
    public var account: AccountID
    /// The normalised handle.
    public var handle: String
    /// The self-describing password record.
    public var password: [UInt8]
    /// The key of the first device.
    public var key: DeviceKey
    /// What the owner calls that device.
    public var deviceName: String
    /// The handshake counter of the session that asks.
    public var helloCounter: UInt64
    /// When this happens.
    public var time: WallTime

    /// Creates the operation.
    public init(
        account: AccountID, handle: String, password: [UInt8], key: DeviceKey, deviceName: String,
        helloCounter: UInt64, time: WallTime
    ) {
        self.account = account
        self.handle = handle
        self.password = password
        self.key = key
        self.deviceName = deviceName
        self.helloCounter = helloCounter
        self.time = time
    }
}

/// Adds a device; refused with `tooManyDevices` (10 are allowed) or `alreadyEnrolled`.
public struct EnrolDevice: Equatable, Sendable {
    /// The account.
    public var account: AccountID
    /// The key of the new device.
    public var key: DeviceKey
    /// What the owner calls it.
    public var deviceName: String
    /// The handshake counter of the session that asks.
    public var helloCounter: UInt64
    /// When this happens.
    public var time: WallTime

    /// Creates the operation.
    public init(
        account: AccountID, key: DeviceKey, deviceName: String, helloCounter: UInt64, time: WallTime
    ) {
        self.account = account
        self.key = key
        self.deviceName = deviceName
        self.helloCounter = helloCounter
        self.time = time
    }
}

/// Commits a message: deduplication row, message, heads and feed entries in one transaction.
///
/// The same (account, identifier) with the same digest answers as it did the first time, marked as
/// a duplicate; with another digest it is refused with `identifierConflict`. Other refusals:
/// `unknownConversation` (absent, or the account is no member), `unknownRecipient`.
public struct AppendMessage: Equatable, Sendable {
    /// Where the message goes.
    public enum Target: Equatable, Sendable {
        /// A conversation that exists.
        case conversation(ConversationID)
        /// The 1:1 conversation with that account, made under the identifier if there is none.
        case peer(AccountID, ifNew: ConversationID)
    }

    /// Who says it.
    public var account: AccountID
    /// On which device.
    public var device: DeviceID
    /// What the client calls it.
    public var clientMessageID: ClientMessageID
    /// Where it goes.
    public var target: Target
    /// The media type of the body.
    public var contentType: String
    /// What is said.
    public var body: [UInt8]
    /// A digest of target, content type and body, to recognise a conflicting repetition.
    public var digest: InlineWords4
    /// When the server took it in.
    public var time: WallTime

    /// Creates the operation.
    public init(
        account: AccountID, device: DeviceID, clientMessageID: ClientMessageID, target: Target,
        contentType: String, body: [UInt8], digest: InlineWords4, time: WallTime
    ) {
        self.account = account
        self.device = device
        self.clientMessageID = clientMessageID
        self.target = target
        self.contentType = contentType
        self.body = body
        self.digest = digest
        self.time = time
    }
}

/// Raises what a device has synced and what its account has received; lower values change nothing.
///
/// A conversation that the account is no member of, or a `cseq` beyond its head, is passed over.
public struct AcknowledgeDelivery: Equatable, Sendable {
    /// The account.
    public var account: AccountID
    /// The device.
    public var device: DeviceID
    /// The feed cursor of the device.
    public var feed: FeedSequence
    /// What the account has received: all up to that place.
    public var delivered: [DeliveredMark]

    /// Creates the operation.
    public init(
        account: AccountID, device: DeviceID, feed: FeedSequence, delivered: [DeliveredMark]
    ) {
        self.account = account
        self.device = device
        self.feed = feed
        self.delivered = delivered
    }
}

/// All messages of a conversation up to a place.
public struct DeliveredMark: Equatable, Sendable {
    /// The conversation.
    public var conversation: ConversationID
    /// The place, included.
    public var sequence: ConversationSequence

    /// Creates the mark.
    public init(conversation: ConversationID, sequence: ConversationSequence) {
        self.conversation = conversation
        self.sequence = sequence
    }
}

/// What became of an operation; told only when it is durable.
public enum StoreOutcome: Equatable, Sendable {
    /// The device exists now.
    case enrolled(account: AccountID, device: DeviceID)
    /// The message has its place.
    case appended(AppendedMessage)
    /// The watermarks are raised; these marks were news, with the feed entries they made.
    case acknowledged([RaisedMark])
    /// Done, with nothing to tell.
    case done
    /// Refused: nothing was changed.
    case refused(MessagingError)
}

/// The place that a message got, and who must hear of it.
public struct AppendedMessage: Equatable, Sendable {
    /// The conversation.
    public var conversation: ConversationID
    /// The place in it.
    public var sequence: ConversationSequence
    /// When it was first taken in.
    public var time: WallTime
    /// Whether this was a repetition; nothing was changed then, and `feeds` is empty.
    public var isDuplicate: Bool
    /// The feed entries made, one for each member.
    public var feeds: [FeedStep]

    /// Creates the outcome.
    public init(
        conversation: ConversationID, sequence: ConversationSequence, time: WallTime,
        isDuplicate: Bool, feeds: [FeedStep]
    ) {
        self.conversation = conversation
        self.sequence = sequence
        self.time = time
        self.isDuplicate = isDuplicate
        self.feeds = feeds
    }
}

/// A new entry in an account's feed, and the entry before it.
public struct FeedStep: Equatable, Sendable {
    /// Whose feed.
    public var account: AccountID
    /// The new entry.
    public var feed: FeedSequence
    /// The newest entry before.
    public var previous: FeedSequence

    /// Creates the step.
    public init(account: AccountID, feed: FeedSequence, previous: FeedSequence) {
        self.account = account
        self.feed = feed
        self.previous = previous
    }
}

/// A delivered watermark that rose, and the other members who must hear of it.
public struct RaisedMark: Equatable, Sendable {
    /// The conversation.
    public var conversation: ConversationID
    /// Who has received.
    public var account: AccountID
    /// All up to this place.
    public var sequence: ConversationSequence
    /// The feed entries made, one for each other member.
    public var feeds: [FeedStep]

    /// Creates the outcome.
    public init(
        conversation: ConversationID, account: AccountID, sequence: ConversationSequence,
        feeds: [FeedStep]
    ) {
        self.conversation = conversation
        self.account = account
        self.sequence = sequence
        self.feeds = feeds
    }
}
