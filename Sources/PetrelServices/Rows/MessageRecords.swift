// The records of events, field by field.

public import PetrelBase
public import PetrelMessaging

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

    /// Creates the row; what has a value already may be changed.
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

/// An event; its place is in the key, and repeated here so that a misplaced record is noticed.
public struct MessageRow: Record {
    /// The event.
    public var message: MessageRecord
    /// Of a message, the place of its newest edit; of an edit, that of the one before; 0 for none.
    public var edit: ConversationSequence
    /// Of a message, how often it was edited.
    public var editsCount: UInt32

    /// Creates the row of an event that was never edited.
    public init(_ message: MessageRecord) {
        self.message = message
        edit = ConversationSequence(0)
        editsCount = 0
    }

    public init(from reader: inout ByteReader) throws(DecodeError) {
        let conversation = ConversationID(try reader.readUInt64())
        let sequence = ConversationSequence(try reader.readUInt64())
        let sender = AccountID(try reader.readUInt64())
        let device = DeviceID(try reader.readUInt32())
        let id = try ClientMessageID(from: &reader)
        let time = WallTime(milliseconds: try reader.readSigned())
        edit = ConversationSequence(try reader.readUInt64())
        editsCount = try reader.readUInt32()
        let offset = reader.offset
        let bytes = try reader.readCounted()
        do throws(MalformedMessage) {
            message = MessageRecord(
                conversation: conversation, sequence: sequence, sender: sender,
                senderDevice: device, senderHandle: "", clientMessageID: id, time: time,
                event: try ConversationEvent(decoding: bytes.span.bytes))
        } catch {
            throw .malformed(offset: offset)
        }
    }

    public func write(to writer: inout RecordWriter) {
        writer.add(message.conversation.number)
        writer.add(message.sequence.number)
        writer.add(message.sender.number)
        writer.add(message.senderDevice.number)
        message.clientMessageID.write(to: &writer)
        writer.add(message.time.milliseconds)
        writer.add(edit.number)
        writer.add(editsCount)
        writer.addCounted(message.event.encoded())
    }
}

/// Places of a conversation that an account hides, lowest first.
public struct HiddenRow: Record {
    /// The places.
    public var places: [ConversationSequence]

    /// Creates the row.
    public init(_ places: [ConversationSequence]) { self.places = places }

    public init(from reader: inout ByteReader) throws(DecodeError) {
        places = []
        while reader.remaining > 0 {
            places.append(ConversationSequence(try reader.readUInt64()))
        }
    }

    public func write(to writer: inout RecordWriter) {
        for place in places { writer.add(place.number) }
    }
}
