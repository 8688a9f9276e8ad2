// The records of a server's tables, field by field.

public import PetrelBase
public import PetrelMessaging

/// A number: under a name in `meta`, or what a key stands for.
public struct NumberRow: Record {
    /// The number.
    public var number: UInt64

    /// Creates the row.
    public init(_ number: UInt64) { self.number = number }
    public init(from reader: inout ByteReader) throws(DecodeError) {
        number = try reader.readUInt64()
    }
    public func write(to writer: inout RecordWriter) { writer.add(number) }
}

/// A text under a name, in `meta`.
public struct TextRow: Record {
    /// The text.
    public var text: String

    /// Creates the row.
    public init(_ text: String) { self.text = text }
    public init(from reader: inout ByteReader) throws(DecodeError) { text = try reader.readText() }
    public func write(to writer: inout RecordWriter) { writer.addCounted(text) }
}

/// Nothing: all that is to say is in the key.
public struct EmptyRow: Record {
    /// Creates the row.
    public init() {}
    public init(from reader: inout ByteReader) throws(DecodeError) {}
    public func write(to writer: inout RecordWriter) {}
}

/// An account.
public struct AccountRow: Record {
    /// The normalised handle.
    public var handle: String
    /// The self-describing password record.
    public var password: [UInt8]
    /// When it was made.
    public var created: WallTime
    /// The number that the newest device got; numbers are never reused.
    public var lastDevice: DeviceID

    /// Creates the row.
    public init(handle: String, password: [UInt8], created: WallTime, lastDevice: DeviceID) {
        self.handle = handle
        self.password = password
        self.created = created
        self.lastDevice = lastDevice
    }

    public init(from reader: inout ByteReader) throws(DecodeError) {
        handle = try reader.readText()
        password = try reader.readCounted()
        created = WallTime(milliseconds: try reader.readSigned())
        lastDevice = DeviceID(try reader.readUInt32())
    }

    public func write(to writer: inout RecordWriter) {
        writer.addCounted(handle)
        writer.addCounted(password)
        writer.add(created.milliseconds)
        writer.add(lastDevice.number)
    }
}

/// A device.
public struct DeviceRow: Record {
    /// The key that it proves.
    public var key: DeviceKey
    /// What the owner calls it.
    public var name: String
    /// The highest handshake counter accepted from it.
    public var helloCounter: UInt64
    /// When it was enrolled.
    public var created: WallTime

    /// Creates the row.
    public init(key: DeviceKey, name: String, helloCounter: UInt64, created: WallTime) {
        self.key = key
        self.name = name
        self.helloCounter = helloCounter
        self.created = created
    }

    public init(from reader: inout ByteReader) throws(DecodeError) {
        key = DeviceKey(try InlineWords4(from: &reader))
        name = try reader.readText()
        helloCounter = try reader.readUInt64()
        created = WallTime(milliseconds: try reader.readSigned())
    }

    public func write(to writer: inout RecordWriter) {
        key.words.write(to: &writer)
        writer.addCounted(name)
        writer.add(helloCounter)
        writer.add(created.milliseconds)
    }
}

/// The device that a key belongs to.
public struct DeviceNameRow: Record {
    /// The account.
    public var account: AccountID
    /// Its number there.
    public var device: DeviceID

    /// Creates the row.
    public init(account: AccountID, device: DeviceID) {
        self.account = account
        self.device = device
    }

    public init(from reader: inout ByteReader) throws(DecodeError) {
        account = AccountID(try reader.readUInt64())
        device = DeviceID(try reader.readUInt32())
    }

    public func write(to writer: inout RecordWriter) {
        writer.add(account.number)
        writer.add(device.number)
    }
}

/// The head of a conversation.
public struct ConversationRow: Record {
    /// The place of the newest message; 0 if there is none.
    public var last: ConversationSequence
    /// The place of the oldest message kept.
    public var first: ConversationSequence

    /// Creates the row.
    public init(last: ConversationSequence, first: ConversationSequence) {
        self.last = last
        self.first = first
    }

    public init(from reader: inout ByteReader) throws(DecodeError) {
        last = ConversationSequence(try reader.readUInt64())
        first = ConversationSequence(try reader.readUInt64())
    }

    public func write(to writer: inout RecordWriter) {
        writer.add(last.number)
        writer.add(first.number)
    }
}

/// A member of a conversation.
public struct MemberRow: Record {
    /// What it has received: all up to this place.
    public var delivered: ConversationSequence
    /// The live entry of this conversation in the member's feed; 0 if there is none.
    public var feed: FeedSequence

    /// Creates the row.
    public init(delivered: ConversationSequence, feed: FeedSequence) {
        self.delivered = delivered
        self.feed = feed
    }

    public init(from reader: inout ByteReader) throws(DecodeError) {
        delivered = ConversationSequence(try reader.readUInt64())
        feed = FeedSequence(try reader.readUInt64())
    }

    public func write(to writer: inout RecordWriter) {
        writer.add(delivered.number)
        writer.add(feed.number)
    }
}

/// What a message became, by the identifier that its client gave it.
public struct DeduplicationRow: Record {
    /// The conversation that it went to.
    public var conversation: ConversationID
    /// Its place there.
    public var sequence: ConversationSequence
    /// A digest of what it said.
    public var digest: InlineWords4
    /// When it was taken in.
    public var time: WallTime

    /// Creates the row.
    public init(
        conversation: ConversationID, sequence: ConversationSequence, digest: InlineWords4,
        time: WallTime
    ) {
        self.conversation = conversation
        self.sequence = sequence
        self.digest = digest
        self.time = time
    }

    public init(from reader: inout ByteReader) throws(DecodeError) {
        conversation = ConversationID(try reader.readUInt64())
        sequence = ConversationSequence(try reader.readUInt64())
        digest = try InlineWords4(from: &reader)
        time = WallTime(milliseconds: try reader.readSigned())
    }

    public func write(to writer: inout RecordWriter) {
        writer.add(conversation.number)
        writer.add(sequence.number)
        digest.write(to: &writer)
        writer.add(time.milliseconds)
    }
}

/// A message; its place is in the key, and repeated here so that a misplaced record is noticed.
public struct MessageRow: Record {
    /// The message.
    public var message: MessageRecord

    /// Creates the row.
    public init(_ message: MessageRecord) { self.message = message }

    public init(from reader: inout ByteReader) throws(DecodeError) {
        message = MessageRecord(
            conversation: ConversationID(try reader.readUInt64()),
            sequence: ConversationSequence(try reader.readUInt64()),
            sender: AccountID(try reader.readUInt64()),
            senderDevice: DeviceID(try reader.readUInt32()),
            senderHandle: try reader.readText(),
            clientMessageID: try ClientMessageID(from: &reader),
            time: WallTime(milliseconds: try reader.readSigned()),
            contentType: try reader.readText(),
            body: try reader.readCounted())
    }

    public func write(to writer: inout RecordWriter) {
        writer.add(message.conversation.number)
        writer.add(message.sequence.number)
        writer.add(message.sender.number)
        writer.add(message.senderDevice.number)
        writer.addCounted(message.senderHandle)
        message.clientMessageID.write(to: &writer)
        writer.add(message.time.milliseconds)
        writer.addCounted(message.contentType)
        writer.addCounted(message.body)
    }
}

extension InlineWords4 {
    /// Reads 32 bytes.
    public init(from reader: inout ByteReader) throws(DecodeError) {
        self.init(
            try reader.readUInt64(), try reader.readUInt64(), try reader.readUInt64(),
            try reader.readUInt64())
    }

    /// Adds 32 bytes.
    public func write(to writer: inout RecordWriter) {
        for word in [a, b, c, d] { writer.add(word) }
    }
}

extension ClientMessageID {
    /// Reads 16 bytes.
    public init(from reader: inout ByteReader) throws(DecodeError) {
        self.init(high: try reader.readUInt64(), low: try reader.readUInt64())
    }

    /// Adds 16 bytes.
    public func write(to writer: inout RecordWriter) {
        writer.add(high)
        writer.add(low)
    }
}
