// What a client asks of the server, as a value that follows the schema.

/// A command of a client.
public struct Command: Equatable, Sendable {
    /// What is asked.
    public enum Kind: Equatable, Sendable {
        /// Create an account with this device as its first.
        case register(Registration)
        /// Add this device to an account.
        case logIn(Registration)
        /// Commit a message.
        case send(OutgoingMessage)
        /// Tell what changed since `cursor`, which comes from the store's life `incarnation`.
        case sync(incarnation: UInt64, cursor: FeedSequence, limit: UInt32)
        /// Send the messages `from` to `to`, both included; 1 <= `from` <= `to`.
        case pull(conversation: ConversationID, from: UInt64, to: UInt64, newestFirst: Bool)
        /// Raise watermarks: the feed cursor, and what was received of conversations.
        case acknowledge(feed: FeedSequence, delivered: [Watermark])
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

/// Who wants to enrol the device.
///
/// Handle and password are as typed: whether they are acceptable is answered with a refusal that
/// says which of them is not, so decoding does not judge them.
public struct Registration: Equatable, Sendable {
    /// The handle as typed.
    public var handle: String
    /// The password.
    public var password: [UInt8]
    /// What the owner calls the device.
    public var deviceName: String

    /// Creates the registration.
    public init(handle: String, password: [UInt8], deviceName: String) {
        self.handle = handle
        self.password = password
        self.deviceName = deviceName
    }
}

/// A message on its way to the server, without a place yet.
///
/// Lengths are judged by the server's rules (`tooLarge`), not by decoding.
public struct OutgoingMessage: Equatable, Sendable {
    /// Where a message goes.
    public enum Target: Equatable, Sendable {
        /// A conversation that exists.
        case conversation(ConversationID)
        /// The 1:1 conversation with that account, whether or not it exists.
        case handle(String)
    }

    /// What the client calls it, however often it is sent.
    public var clientMessageID: ClientMessageID
    /// Where it goes.
    public var target: Target
    /// The media type of the body; empty is `text/plain`.
    public var contentType: String
    /// What is said.
    public var body: [UInt8]

    /// Creates the message.
    public init(
        clientMessageID: ClientMessageID, target: Target, contentType: String, body: [UInt8]
    ) {
        self.clientMessageID = clientMessageID
        self.target = target
        self.contentType = contentType
        self.body = body
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
