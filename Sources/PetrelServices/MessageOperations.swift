// Operations on conversations: events and watermarks.

public import PetrelBase
public import PetrelMessaging

/// Commits an event: deduplication row, event, heads and feed entries in one transaction.
///
/// The same (account, identifier) with the same digest answers as it did the first time, marked as
/// a duplicate; with another digest it is refused with `identifierConflict`. All other refusals are
/// those of `Authority` and of the limits, by the state inside the transaction.
public struct AppendMessage: Equatable, Sendable {
    /// Where the event goes.
    public enum Target: Equatable, Sendable {
        /// A conversation that exists.
        case conversation(ConversationID)
        /// The 1:1 conversation with that account, made under the identifier if there is none.
        case peer(AccountID, ifNew: ConversationID)
        /// A group that this event creates under the identifier.
        case newGroup(ConversationID)
    }

    /// Who causes it.
    public var account: AccountID
    /// On which device.
    public var device: DeviceID
    /// What the client calls it.
    public var clientMessageID: ClientMessageID
    /// Where it goes.
    public var target: Target
    /// What happens; people in it are given by account.
    public var event: ConversationEvent
    /// A digest of target and event, to recognise a conflicting repetition.
    public var digest: InlineWords4
    /// When the server took it in.
    public var time: WallTime

    /// Creates it from its parts.
    public init(
        account: AccountID, device: DeviceID, clientMessageID: ClientMessageID, target: Target,
        event: ConversationEvent, digest: InlineWords4, time: WallTime
    ) {
        self.account = account
        self.device = device
        self.clientMessageID = clientMessageID
        self.target = target
        self.event = event
        self.digest = digest
        self.time = time
    }
}

/// Raises what a device has synced, and what its account has received and read; lower values change
/// nothing.
///
/// A conversation that the account is no member of, or a `cseq` beyond what it may see, is passed
/// over. What was read was received.
public struct AcknowledgeDelivery: Equatable, Sendable {
    /// The account.
    public var account: AccountID
    /// The device.
    public var device: DeviceID
    /// The feed cursor of the device.
    public var feed: FeedSequence
    /// What the account has received: all up to that place.
    public var delivered: [DeliveredMark]
    /// What the account has read: all up to that place.
    public var read: [DeliveredMark]

    /// Creates it from its parts.
    public init(
        account: AccountID, device: DeviceID, feed: FeedSequence, delivered: [DeliveredMark],
        read: [DeliveredMark] = []
    ) {
        self.account = account
        self.device = device
        self.feed = feed
        self.delivered = delivered
        self.read = read
    }
}
