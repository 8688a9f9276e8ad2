// One event of a conversation, as stores keep it and as notices carry it.

public import PetrelBase

/// A committed event: its place, who caused it, and what it is.
public struct MessageRecord: Equatable, Sendable {
    /// The conversation that it stands in.
    public var conversation: ConversationID
    /// Its place there.
    public var sequence: ConversationSequence
    /// Who caused it.
    public var sender: AccountID
    /// On which device.
    public var senderDevice: DeviceID
    /// The sender's handle, for people; empty inside the server's store.
    public var senderHandle: String
    /// What the sender called it before it had a place.
    public var clientMessageID: ClientMessageID
    /// When the server took it in.
    public var time: WallTime
    /// What happened.
    public var event: ConversationEvent

    /// Creates it from its parts.
    public init(
        conversation: ConversationID, sequence: ConversationSequence, sender: AccountID,
        senderDevice: DeviceID, senderHandle: String, clientMessageID: ClientMessageID,
        time:
            WallTime, event: ConversationEvent
    ) {
        self.conversation = conversation
        self.sequence = sequence
        self.sender = sender
        self.senderDevice = senderDevice
        self.senderHandle = senderHandle
        self.clientMessageID = clientMessageID
        self.time = time
        self.event = event
    }
}

extension MessageRecord {
    /// What is said, if it is a message.
    public var content: Content? {
        guard case .message(let content) = event else { return nil }
        return content
    }

    /// Bytes of the body of a message or an edit; 0 for anything else.
    public var bodyByteCount: Int { event.bodyByteCount }
}

extension ConversationEvent {
    /// The most bytes that the event takes in a notice, within what lengths allow.
    ///
    /// A message counts by its body, as the limits do; what names people by all of them.
    public var byteCountMax: Int {
        switch self {
        case .message(let content), .edit(_, let content):
            content.body.count + content.mentions.count * 10
        case .created(let creation): 128 + creation.members.count * Self.personBytesMax
        case .added(let people): people.count * Self.personBytesMax
        case .removed, .role, .muted, .changed, .reaction: 128
        case .recall, .joined, .left, .retention, .dissolved, .gone: 0
        }
    }

    /// An account's number, the longest handle, and what stands around them.
    private static let personBytesMax = 48

    /// Bytes of the body of a message or an edit; 0 for anything else.
    public var bodyByteCount: Int {
        switch self {
        case .message(let content), .edit(_, let content): content.body.count
        default: 0
        }
    }
}
