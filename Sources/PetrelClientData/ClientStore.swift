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
}

/// A message that waits for the server's verdict.
public struct OutboxEntry: Equatable, Sendable {
    /// Its place in the outbox: strictly increasing, from 1; messages are sent in this order.
    public var index: UInt64
    /// Its identifier, minted before it was first stored.
    public var clientMessageID: ClientMessageID
    /// Where it goes.
    public var target: OutgoingTarget
    /// The media type of the body; empty is `text/plain`.
    public var contentType: String
    /// What is said.
    public var body: [UInt8]
    /// When it was written, by this client's clock.
    public var written: WallTime

    /// Creates the entry.
    public init(
        index: UInt64, clientMessageID: ClientMessageID, target: OutgoingTarget,
        contentType: String, body: [UInt8], written: WallTime
    ) {
        self.index = index
        self.clientMessageID = clientMessageID
        self.target = target
        self.contentType = contentType
        self.body = body
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

    /// Creates the entry.
    public init(entry: OutboxEntry, code: UInt32, reason: String) {
        self.entry = entry
        self.code = code
        self.reason = reason
    }
}

/// A conversation as this client knows it.
public struct LocalConversation: Equatable, Sendable {
    /// The identifier.
    public var id: ConversationID
    /// The other account; 0 until the server told.
    public var peer: AccountID
    /// The other account's handle; empty until the server told.
    public var peerHandle: String
    /// The newest place that the server told of.
    public var head: ConversationSequence
    /// The oldest place that the server keeps.
    public var first: ConversationSequence
    /// What is held.
    public var held: HeldRanges
    /// What the other account has received: all up to this place.
    public var peerDelivered: ConversationSequence
    /// What this account told the server that it received.
    public var acknowledged: ConversationSequence

    /// Creates the conversation.
    public init(
        id: ConversationID, peer: AccountID = .init(0), peerHandle: String = "",
        head: ConversationSequence = .init(0), first: ConversationSequence = .init(1),
        held: HeldRanges = .init(), peerDelivered: ConversationSequence = .init(0),
        acknowledged: ConversationSequence = .init(0)
    ) {
        self.id = id
        self.peer = peer
        self.peerHandle = peerHandle
        self.head = head
        self.first = first
        self.held = held
        self.peerDelivered = peerDelivered
        self.acknowledged = acknowledged
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
    case fail(index: UInt64, code: UInt32, reason: String)
    /// A message of a conversation; storing it twice changes nothing.
    case message(MessageRecord)
    /// What is known of a conversation, replaced whole.
    case conversation(LocalConversation)
    /// The feed cursor and the store's incarnation that it belongs to.
    case cursor(incarnation: UInt64, feed: FeedSequence)
    /// What is known of networks, replaced whole.
    case networks([BindingLifetime])
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
    /// Returns held messages of a conversation from a place on, oldest first, `limit` at most.
    func messages(
        _ conversation: ConversationID, from sequence: ConversationSequence, limit: Int
    ) throws(ClientStoreError) -> [MessageRecord]
}
