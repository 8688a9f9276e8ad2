// The client's own store: identity, outbox, conversations and messages; one transaction a call.

public import PetrelBase
public import PetrelMessaging

/// Why the client's store cannot write or read.
public enum ClientStoreError: Error, Equatable, Sendable {
    /// There is no room on the disk: nothing was changed.
    case full
    /// The disk failed; `code` is the error number of the system or the database.
    case failed(code: Int32)
    /// What is stored cannot be read.
    case damaged
}

/// Who this client is, once the server said so.
public struct ClientIdentity: Equatable, Sendable {
    /// The account.
    public var account: AccountID
    /// This device in it.
    public var device: DeviceID
    /// The account's handle.
    public var handle: String

    /// Creates the identity.
    public init(account: AccountID, device: DeviceID, handle: String) {
        self.account = account
        self.device = device
        self.handle = handle
    }
}

/// Where an outgoing message goes.
public enum OutgoingTarget: Equatable, Sendable {
    /// A conversation that is known.
    case conversation(ConversationID)
    /// The 1:1 conversation with the account of that handle.
    case handle(String)
    /// A group that begins with the event, which is `created`.
    case newGroup
}

/// An event that waits for the server's verdict.
public struct OutboxEntry: Equatable, Sendable {
    /// Its place in the outbox: strictly increasing, from 1; messages are sent in this order.
    public var index: UInt64
    /// Its identifier, minted before it was first stored.
    public var clientMessageID: ClientMessageID
    /// Where it goes.
    public var target: OutgoingTarget
    /// What shall happen.
    public var event: ConversationEvent
    /// When it was written, by this client's clock.
    public var written: WallTime

    /// Creates the entry.
    public init(
        index: UInt64, clientMessageID: ClientMessageID, target: OutgoingTarget,
        event: ConversationEvent, written: WallTime
    ) {
        self.index = index
        self.clientMessageID = clientMessageID
        self.target = target
        self.event = event
        self.written = written
    }
}

/// A message that the server refused for good; kept, so that nothing is lost.
public struct FailedEntry: Equatable, Sendable {
    /// The message.
    public var entry: OutboxEntry
    /// Why: a `MessagingError`, or a number that this version does not know.
    public var code: UInt32
    /// The server's sentence.
    public var reason: String
    /// The limit that was met, in the unit of the code's rule; 0 if none was.
    public var limit: UInt64

    /// Creates the entry.
    public init(entry: OutboxEntry, code: UInt32, reason: String, limit: UInt64 = 0) {
        self.entry = entry
        self.code = code
        self.reason = reason
        self.limit = limit
    }
}

/// One change of the client's store.
public enum ClientChange: Equatable, Sendable {
    /// The server told who this client is.
    case identity(ClientIdentity)
    /// The handshake counter rose; stored before the handshake is sent.
    case helloCounter(UInt64)
    /// A message joins the outbox.
    case enqueue(OutboxEntry)
    /// The outbox entry with that index has its verdict and leaves the outbox.
    case dequeue(index: UInt64)
    /// The outbox entry with that index was refused for good and moves to the failed ones.
    case fail(index: UInt64, code: UInt32, reason: String, limit: UInt64)
    /// An event of a conversation, with what it does to the overlay of its target; storing it twice
    /// changes nothing, and one that is gone erases what is held.
    case message(MessageRecord)
    /// What was said at a place is erased; the place stays taken.
    case erase(ConversationID, ConversationSequence, Gone)
    /// All events below a place are removed, `trimMax` at most.
    case trim(ConversationID, below: ConversationSequence)
    /// What is known of a conversation, replaced whole.
    case conversation(LocalConversation)
    /// What is known of another account, replaced whole; one that is nothing to this account and
    /// was given no name is forgotten.
    case contact(Contact)
    /// What is known of the own account, replaced whole.
    case account(AccountState)
    /// The feed cursor and the store's incarnation that it belongs to.
    case cursor(incarnation: UInt64, feed: FeedSequence)
    /// What is known of networks, replaced whole.
    case networks([BindingLifetime])

    /// The most events that one trim removes.
    public static let trimMax = 64
}

extension Contact {
    /// Whether there is anything to remember.
    public var isWorthKeeping: Bool { state != .none || isBlocked || !alias.isEmpty }
}

/// Keeps what a client must not lose; every call of `apply` is one durable transaction.
public protocol ClientStore {
    /// Makes all `changes` durable together, or none of them.
    mutating func apply(_ changes: [ClientChange]) throws(ClientStoreError)

    /// Returns who this client is; `nil` before it is enrolled.
    func identity() throws(ClientStoreError) -> ClientIdentity?
    /// Returns the last handshake counter stored; 0 if none.
    func helloCounter() throws(ClientStoreError) -> UInt64
    /// Returns the feed cursor and the incarnation that it belongs to; zeros if none.
    func cursor() throws(ClientStoreError) -> (incarnation: UInt64, feed: FeedSequence)
    /// Returns what is known of networks, the latest first.
    func networks() throws(ClientStoreError) -> [BindingLifetime]
    /// Returns outbox entries after an index, in order, `limit` at most.
    func outbox(after index: UInt64, limit: Int) throws(ClientStoreError) -> [OutboxEntry]
    /// Returns the highest index that any outbox entry ever had; 0 if none.
    func lastOutboxIndex() throws(ClientStoreError) -> UInt64
    /// Returns the messages that were refused for good, in order.
    func failed() throws(ClientStoreError) -> [FailedEntry]
    /// Returns all conversations, by identifier.
    func conversations() throws(ClientStoreError) -> [LocalConversation]
    /// Returns a conversation.
    func conversation(_ id: ConversationID) throws(ClientStoreError) -> LocalConversation?
    /// Returns contacts, requests and blocked accounts, by account.
    func contacts() throws(ClientStoreError) -> [Contact]
    /// Returns what is known of the own account; `nil` until the server told.
    func accountState() throws(ClientStoreError) -> AccountState?
    /// Returns what became of messages of a conversation from a place on, `limit` at most.
    func overlays(
        _ conversation: ConversationID, from sequence: ConversationSequence, limit: Int
    ) throws(ClientStoreError) -> [Overlay]
    /// Returns the messages that expire first, `limit` at most.
    func expiring(limit: Int) throws(ClientStoreError) -> [Expiry]
    /// Returns held events of a conversation from a place on, oldest first, `limit` at most.
    func messages(
        _ conversation: ConversationID, from sequence: ConversationSequence, limit: Int
    ) throws(ClientStoreError) -> [MessageRecord]
}
