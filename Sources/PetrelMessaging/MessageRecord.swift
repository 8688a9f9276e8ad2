// One message of a conversation, as stores keep it and as notices carry it.

public import PetrelBase

/// A committed message: its place, who said it, and what was said.
public struct MessageRecord: Equatable, Sendable {
    /// The conversation that it stands in.
    public var conversation: ConversationID
    /// Its place there.
    public var sequence: ConversationSequence
    /// Who said it.
    public var sender: AccountID
    /// On which device.
    public var senderDevice: DeviceID
    /// The sender's handle, for people; empty inside the server's store.
    public var senderHandle: String
    /// What the sender called it before it had a place.
    public var clientMessageID: ClientMessageID
    /// When the server took it in.
    public var time: WallTime
    /// The media type of the body; empty is `text/plain`.
    public var contentType: String
    /// What was said; opaque to the server.
    public var body: [UInt8]

    /// Creates a record.
    public init(
        conversation: ConversationID, sequence: ConversationSequence, sender: AccountID,
        senderDevice: DeviceID, senderHandle: String, clientMessageID: ClientMessageID,
        time: WallTime, contentType: String, body: [UInt8]
    ) {
        self.conversation = conversation
        self.sequence = sequence
        self.sender = sender
        self.senderDevice = senderDevice
        self.senderHandle = senderHandle
        self.clientMessageID = clientMessageID
        self.time = time
        self.contentType = contentType
        self.body = body
    }
}
