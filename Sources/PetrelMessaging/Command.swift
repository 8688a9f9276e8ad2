// What a client asks of the server, as a value that follows the schema.

/// A command of a client.
public struct Command: Equatable, Sendable {
    /// What is asked.
    public enum Kind: Equatable, Sendable {
        /// Create an account with this device as its first.
        case register(Registration)
        /// Add this device to an account.
        case logIn(Registration)
        /// Add this device to an account whose password is lost.
        case recover(Recovery)
        /// Commit an event.
        case send(OutgoingMessage)
        /// Tell what changed.
        case sync(SyncRequest)
        /// Send the events `from` to `to`, both included; 1 <= `from` <= `to`.
        case pull(conversation: ConversationID, from: UInt64, to: UInt64, newestFirst: Bool)
        /// Raise watermarks: the feed cursor, and what was received and read of conversations.
        case acknowledge(feed: FeedSequence, delivered: [Watermark], read: [Watermark])
        /// Change the account.
        case changeAccount(AccountChange)
        /// Change the relation to another account.
        case changeContact(Person, ContactChange)
        /// Change what a conversation is for this account alone.
        case changeConversation(ConversationID, ConversationChange)
        /// Make an invitation that may be used for so many seconds.
        case invite(lifetimeSeconds: UInt32)
        /// Tell who has that handle.
        case lookUp(handle: String)
        /// Tell the members of a conversation, ordered by account, after that one.
        case listMembers(ConversationID, after: AccountID)
        /// Tell others what the person at the device does; there is no answer.
        case activity(Activity)
    }

    /// The client's number for it, which comes back in the answer.
    public var request: UInt64
    /// What is asked.
    public var kind: Kind

    /// Creates the command.
    public init(request: UInt64, kind: Kind) {
        self.request = request
        self.kind = kind
    }
}

/// What changed since a cursor is asked for, page by page.
public struct SyncRequest: Equatable, Sendable {
    /// Which life of the server's store the cursor comes from; 0 for none.
    public var incarnation: UInt64
    /// All changes up to there are known.
    public var cursor: FeedSequence
    /// The most items wanted; 0 for as many as there may be.
    public var limit: UInt32
    /// The last large group that an earlier page of this round told of; 0 in the first.
    public var largeAfter: ConversationID

    /// Creates it from its parts.
    public init(
        incarnation: UInt64, cursor: FeedSequence, limit: UInt32,
        largeAfter: ConversationID = .init(0)
    ) {
        self.incarnation = incarnation
        self.cursor = cursor
        self.limit = limit
        self.largeAfter = largeAfter
    }
}

/// An event on its way to the server, without a place yet.
///
/// Lengths are judged by the server's rules (`tooLarge`), not by decoding.
public struct OutgoingMessage: Equatable, Sendable {
    /// Where an event goes.
    public enum Target: Equatable, Sendable {
        /// A conversation that exists.
        case conversation(ConversationID)
        /// The 1:1 conversation with that account, whether or not it exists.
        case handle(String)
        /// A group that begins with this event, which is `created`.
        case newGroup
    }

    /// What the client calls it, however often it is sent.
    public var clientMessageID: ClientMessageID
    /// Where it goes.
    public var target: Target
    /// What shall happen.
    public var event: ConversationEvent

    /// Creates it from its parts.
    public init(clientMessageID: ClientMessageID, target: Target, event: ConversationEvent) {
        self.clientMessageID = clientMessageID
        self.target = target
        self.event = event
    }
}

/// All messages of a conversation up to a place; only ever raised.
public struct Watermark: Equatable, Sendable {
    /// The conversation.
    public var conversation: ConversationID
    /// The place, included.
    public var sequence: ConversationSequence

    /// Creates the watermark.
    public init(conversation: ConversationID, sequence: ConversationSequence) {
        self.conversation = conversation
        self.sequence = sequence
    }
}
