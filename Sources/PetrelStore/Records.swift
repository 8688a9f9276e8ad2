// The records of a server's tables, field by field.

import PetrelBase
import PetrelMessaging

/// A number under a name, in `meta`.
struct NumberRow: Record {
    var number: UInt64

    init(_ number: UInt64) { self.number = number }
    init(from reader: inout ByteReader) throws(DecodeError) { number = try reader.readUInt64() }
    func write(to writer: inout RecordWriter) { writer.add(number) }
}

/// A text under a name, in `meta`.
struct TextRow: Record {
    var text: String

    init(_ text: String) { self.text = text }
    init(from reader: inout ByteReader) throws(DecodeError) { text = try reader.readText() }
    func write(to writer: inout RecordWriter) { writer.addCounted(text) }
}

/// Nothing: all that is to say is in the key.
struct EmptyRow: Record {
    init() {}
    init(from reader: inout ByteReader) throws(DecodeError) {}
    func write(to writer: inout RecordWriter) {}
}

struct AccountRow: Record {
    var handle: String
    var password: [UInt8]
    var created: WallTime
    /// The number that the newest device got; numbers are never reused.
    var lastDevice: DeviceID

    init(handle: String, password: [UInt8], created: WallTime, lastDevice: DeviceID) {
        self.handle = handle
        self.password = password
        self.created = created
        self.lastDevice = lastDevice
    }

    init(from reader: inout ByteReader) throws(DecodeError) {
        handle = try reader.readText()
        password = try reader.readCounted()
        created = WallTime(milliseconds: try reader.readSigned())
        lastDevice = DeviceID(try reader.readUInt32())
    }

    func write(to writer: inout RecordWriter) {
        writer.addCounted(handle)
        writer.addCounted(password)
        writer.add(created.milliseconds)
        writer.add(lastDevice.number)
    }
}

struct DeviceRow: Record {
    var key: DeviceKey
    var name: String
    var helloCounter: UInt64
    var created: WallTime

    init(key: DeviceKey, name: String, helloCounter: UInt64, created: WallTime) {
        self.key = key
        self.name = name
        self.helloCounter = helloCounter
        self.created = created
    }

    init(from reader: inout ByteReader) throws(DecodeError) {
        key = DeviceKey(try InlineWords4(from: &reader))
        name = try reader.readText()
        helloCounter = try reader.readUInt64()
        created = WallTime(milliseconds: try reader.readSigned())
    }

    func write(to writer: inout RecordWriter) {
        key.words.write(to: &writer)
        writer.addCounted(name)
        writer.add(helloCounter)
        writer.add(created.milliseconds)
    }
}

/// The device that a key belongs to.
struct DeviceNameRow: Record {
    var account: AccountID
    var device: DeviceID

    init(account: AccountID, device: DeviceID) {
        self.account = account
        self.device = device
    }

    init(from reader: inout ByteReader) throws(DecodeError) {
        account = AccountID(try reader.readUInt64())
        device = DeviceID(try reader.readUInt32())
    }

    func write(to writer: inout RecordWriter) {
        writer.add(account.number)
        writer.add(device.number)
    }
}

struct ConversationRow: Record {
    var last: ConversationSequence
    var first: ConversationSequence

    init(last: ConversationSequence, first: ConversationSequence) {
        self.last = last
        self.first = first
    }

    init(from reader: inout ByteReader) throws(DecodeError) {
        last = ConversationSequence(try reader.readUInt64())
        first = ConversationSequence(try reader.readUInt64())
    }

    func write(to writer: inout RecordWriter) {
        writer.add(last.number)
        writer.add(first.number)
    }
}

struct MemberRow: Record {
    var delivered: ConversationSequence
    /// The live entry of this conversation in the member's feed; 0 if there is none.
    var feed: FeedSequence

    init(delivered: ConversationSequence, feed: FeedSequence) {
        self.delivered = delivered
        self.feed = feed
    }

    init(from reader: inout ByteReader) throws(DecodeError) {
        delivered = ConversationSequence(try reader.readUInt64())
        feed = FeedSequence(try reader.readUInt64())
    }

    func write(to writer: inout RecordWriter) {
        writer.add(delivered.number)
        writer.add(feed.number)
    }
}

struct DeduplicationRow: Record {
    var conversation: ConversationID
    var sequence: ConversationSequence
    var digest: InlineWords4
    var time: WallTime

    init(
        conversation: ConversationID, sequence: ConversationSequence, digest: InlineWords4,
        time: WallTime
    ) {
        self.conversation = conversation
        self.sequence = sequence
        self.digest = digest
        self.time = time
    }

    init(from reader: inout ByteReader) throws(DecodeError) {
        conversation = ConversationID(try reader.readUInt64())
        sequence = ConversationSequence(try reader.readUInt64())
        digest = try InlineWords4(from: &reader)
        time = WallTime(milliseconds: try reader.readSigned())
    }

    func write(to writer: inout RecordWriter) {
        writer.add(conversation.number)
        writer.add(sequence.number)
        digest.write(to: &writer)
        writer.add(time.milliseconds)
    }
}

/// A message; its place is in the key, and repeated here so that a misplaced record is noticed.
struct MessageRow: Record {
    var message: MessageRecord

    init(_ message: MessageRecord) { self.message = message }

    init(from reader: inout ByteReader) throws(DecodeError) {
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

    func write(to writer: inout RecordWriter) {
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
    init(from reader: inout ByteReader) throws(DecodeError) {
        self.init(
            try reader.readUInt64(), try reader.readUInt64(), try reader.readUInt64(),
            try reader.readUInt64())
    }

    func write(to writer: inout RecordWriter) {
        for word in [a, b, c, d] { writer.add(word) }
    }
}

extension ClientMessageID {
    init(from reader: inout ByteReader) throws(DecodeError) {
        self.init(high: try reader.readUInt64(), low: try reader.readUInt64())
    }

    func write(to writer: inout RecordWriter) {
        writer.add(high)
        writer.add(low)
    }
}
