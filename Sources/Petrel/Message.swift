// What was said, by whom, and at which place of which conversation.

internal import PetrelBase
public import PetrelMessaging

/// Names a conversation.
public typealias ConversationID = PetrelMessaging.ConversationID

/// A place in a conversation; the same for all its members, for ever.
public struct Place: Hashable, Sendable {
    /// The conversation.
    public var conversation: ConversationID
    /// The number in it, from 1.
    public var number: UInt64

    /// Creates the place.
    public init(conversation: ConversationID, number: UInt64) {
        self.conversation = conversation
        self.number = number
    }
}

/// A committed message.
public struct Message: Equatable, Sendable {
    /// Whose device a message comes from.
    public enum Origin: Equatable, Sendable {
        /// This device.
        case thisDevice
        /// Another device of this account.
        case ownDevice
        /// Somebody else.
        case other
    }

    /// Where it stands.
    public var place: Place
    /// What its sender called it before it had a place, as a UUID.
    public var id: String
    /// Whose device it comes from.
    public var origin: Origin
    /// The handle of its sender.
    public var sender: String
    /// When the server took it in, in milliseconds since 1970.
    public var milliseconds: Int64
    /// The media type of the body.
    public var contentType: String
    /// What was said.
    public var body: [UInt8]

    /// The body as text; `nil` if it is no UTF-8.
    public var text: String? { String(validating: body, as: UTF8.self) }
}

extension Message {
    /// Shows a message; `nil` for any other event.
    init?(_ record: MessageRecord, seenBy account: Account?) {
        guard let content = record.content else { return nil }
        place = Place(conversation: record.conversation, number: record.sequence.number)
        id = record.clientMessageID.text
        let isOwn = record.sender.number == account?.number
        let isHere = record.senderDevice.number == account?.device
        origin = isOwn ? (isHere ? .thisDevice : .ownDevice) : .other
        sender = record.senderHandle.isEmpty && isOwn ? account?.handle ?? "" : record.senderHandle
        milliseconds = record.time.milliseconds
        contentType = content.contentType.isEmpty ? "text/plain" : content.contentType
        body = content.body
    }
}

extension ClientMessageID {
    /// The usual text form of a UUID.
    var text: String {
        let digits = [high, low].map { half in
            let text = String(half, radix: 16)
            return String(repeating: "0", count: 16 - text.count) + text
        }.joined()
        var parts: [Substring] = []
        var rest = digits[...]
        for count in [8, 4, 4, 4, 12] {
            parts.append(rest.prefix(count))
            rest = rest.dropFirst(count)
        }
        return parts.joined(separator: "-")
    }
}

/// Who the client is.
public struct Account: Equatable, Sendable {
    /// The account's number on its server.
    public var number: UInt64
    /// This device's number in the account.
    public var device: UInt32
    /// The account's handle.
    public var handle: String
}

/// A conversation as this device knows it.
public struct Conversation: Equatable, Sendable {
    /// The conversation.
    public var id: ConversationID
    /// The other member's handle; empty until the server told.
    public var peer: String
    /// The number of its newest message.
    public var newest: UInt64
    /// All messages up to this number are here.
    public var contiguous: UInt64
    /// The other member has received all up to this number.
    public var delivered: UInt64
    /// How many messages are not here yet.
    public var missing: UInt64
}
