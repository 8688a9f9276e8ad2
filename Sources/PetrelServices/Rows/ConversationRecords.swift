// The records of conversations and their members, field by field.

public import PetrelBase
public import PetrelMessaging

/// The head of a conversation.
public struct ConversationRow: Record {
    /// The place of the newest event; 0 if there is none.
    public var last: ConversationSequence = ConversationSequence(0)
    /// The place of the oldest event kept.
    public var first: ConversationSequence = ConversationSequence(1)
    /// Bytes of all bodies ever committed in it.
    public var byteCount: UInt64 = 0
    /// How long messages are kept; 0 for ever.
    public var retentionSeconds: UInt64 = 0
    /// When `retention` is looked after next; meaningless without one.
    public var retentionDue: WallTime = WallTime(milliseconds: 0)
    /// Whether it is a group.
    public var isGroup: Bool = false
    /// In a 1:1 conversation, who wrote first.
    public var initiator: AccountID = AccountID(0)
    /// Messages that the initiator sent before the other wrote.
    public var unansweredCount: UInt32 = 0
    /// Whether the other wrote.
    public var isAnswered: Bool = false
    /// What a group is called.
    public var name: String = ""
    /// Members that a group has.
    public var membersCount: UInt32 = 0
    /// Whether who knows its number may join a group.
    public var isOpen: Bool = false
    /// Whether a group is large: for ever, once it is.
    public var isLarge: Bool = false
    /// Whether a group was dissolved.
    public var isDissolved: Bool = false
    /// How far the members of a group have received.
    public var delivered: TopMarks = TopMarks()
    /// How far the members of a group have read.
    public var read: TopMarks = TopMarks()

    /// Creates the row; what has a value already may be changed.
    public init() {
    }

    public init(from reader: inout ByteReader) throws(DecodeError) {
        last = ConversationSequence(try reader.readUInt64())
        first = ConversationSequence(try reader.readUInt64())
        byteCount = try reader.readUInt64()
        retentionSeconds = try reader.readUInt64()
        retentionDue = WallTime(milliseconds: try reader.readSigned())
        isGroup = try reader.readUInt8() != 0
        initiator = AccountID(try reader.readUInt64())
        unansweredCount = try reader.readUInt32()
        isAnswered = try reader.readUInt8() != 0
        name = try reader.readText()
        membersCount = try reader.readUInt32()
        isOpen = try reader.readUInt8() != 0
        isLarge = try reader.readUInt8() != 0
        isDissolved = try reader.readUInt8() != 0
        delivered = try TopMarks(from: &reader)
        read = try TopMarks(from: &reader)
    }

    public func write(to writer: inout RecordWriter) {
        writer.add(last.number)
        writer.add(first.number)
        writer.add(byteCount)
        writer.add(retentionSeconds)
        writer.add(retentionDue.milliseconds)
        writer.add(UInt8(isGroup ? 1 : 0))
        writer.add(initiator.number)
        writer.add(unansweredCount)
        writer.add(UInt8(isAnswered ? 1 : 0))
        writer.addCounted(name)
        writer.add(membersCount)
        writer.add(UInt8(isOpen ? 1 : 0))
        writer.add(UInt8(isLarge ? 1 : 0))
        writer.add(UInt8(isDissolved ? 1 : 0))
        delivered.write(to: &writer)
        read.write(to: &writer)
    }
}

/// The two highest watermarks of different members of a group.
///
/// For each member they say how far the others are at most, without asking all of them.
public struct TopMarks: Record {
    /// The highest watermark.
    public var highest: ConversationSequence = ConversationSequence(0)
    /// Whose it is.
    public var account: AccountID = AccountID(0)
    /// The highest one of all others.
    public var second: ConversationSequence = ConversationSequence(0)

    /// Creates the row; what has a value already may be changed.
    public init() {
    }

    public init(from reader: inout ByteReader) throws(DecodeError) {
        highest = ConversationSequence(try reader.readUInt64())
        account = AccountID(try reader.readUInt64())
        second = ConversationSequence(try reader.readUInt64())
    }

    public func write(to writer: inout RecordWriter) {
        writer.add(highest.number)
        writer.add(account.number)
        writer.add(second.number)
    }
}

extension TopMarks {
    /// How far any member but that one is.
    public func highest(besides account: AccountID) -> ConversationSequence {
        account == self.account ? second : highest
    }

    /// A member is that far now; returns whether that is news for any other.
    public mutating func raise(_ account: AccountID, to sequence: ConversationSequence) -> Bool {
        if account == self.account {
            guard sequence > highest else { return false }
            highest = sequence
            return true
        }
        guard sequence > second else { return false }
        if sequence > highest {
            second = highest
            highest = sequence
            self.account = account
        } else {
            second = sequence
        }
        return true
    }
}

/// A present or former member of a conversation.
public struct MemberRow: Record {
    /// What it has received: all up to this place.
    public var delivered: ConversationSequence = ConversationSequence(0)
    /// What it has read: all up to this place.
    public var read: ConversationSequence = ConversationSequence(0)
    /// The live entry of this conversation in the member's feed; 0 if there is none.
    public var feed: FeedSequence = FeedSequence(0)
    /// What it may do in a group.
    public var role: Role = Role.member
    /// Whether it is in the group.
    public var standing: Standing = Standing.member
    /// When it may speak again; long ago if it may.
    public var silencedUntil: WallTime = WallTime(milliseconds: 0)
    /// The first place that it may see.
    public var from: ConversationSequence = ConversationSequence(1)
    /// The last place that it may see; 0 for no end.
    public var until: ConversationSequence = ConversationSequence(0)
    /// Whether the conversation stands above its others.
    public var isPinned: Bool = false
    /// Until when the conversation makes no sound.
    public var mutedUntil: WallTime = WallTime(milliseconds: 0)
    /// All up to there is hidden.
    public var cleared: ConversationSequence = ConversationSequence(0)
    /// Places in `hidden`.
    public var hiddenCount: UInt32 = 0

    /// Creates the row; what has a value already may be changed.
    public init() {
    }

    public init(from reader: inout ByteReader) throws(DecodeError) {
        delivered = ConversationSequence(try reader.readUInt64())
        read = ConversationSequence(try reader.readUInt64())
        feed = FeedSequence(try reader.readUInt64())
        role = try reader.readCase()
        standing = try reader.readCase()
        silencedUntil = WallTime(milliseconds: try reader.readSigned())
        from = ConversationSequence(try reader.readUInt64())
        until = ConversationSequence(try reader.readUInt64())
        isPinned = try reader.readUInt8() != 0
        mutedUntil = WallTime(milliseconds: try reader.readSigned())
        cleared = ConversationSequence(try reader.readUInt64())
        hiddenCount = try reader.readUInt32()
    }

    public func write(to writer: inout RecordWriter) {
        writer.add(delivered.number)
        writer.add(read.number)
        writer.add(feed.number)
        writer.add(role.rawValue)
        writer.add(standing.rawValue)
        writer.add(silencedUntil.milliseconds)
        writer.add(from.number)
        writer.add(until.number)
        writer.add(UInt8(isPinned ? 1 : 0))
        writer.add(mutedUntil.milliseconds)
        writer.add(cleared.number)
        writer.add(hiddenCount)
    }
}

/// What an entry of a feed is about.
public struct FeedRow: Record {
    /// What it is about.
    public var subject: FeedSubject

    /// Creates the row.
    public init(_ subject: FeedSubject) { self.subject = subject }

    public init(from reader: inout ByteReader) throws(DecodeError) {
        let offset = reader.offset
        let kind = try reader.readUInt8()
        let number = try reader.readUInt64()
        switch kind {
        case 0: subject = .conversation(ConversationID(number))
        case 1: subject = .contact(AccountID(number))
        case 2: subject = .account
        default: throw .malformed(offset: offset)
        }
    }

    public func write(to writer: inout RecordWriter) {
        switch subject {
        case .conversation(let id):
            writer.add(UInt8(0))
            writer.add(id.number)
        case .contact(let id):
            writer.add(UInt8(1))
            writer.add(id.number)
        case .account:
            writer.add(UInt8(2))
            writer.add(UInt64(0))
        }
    }
}

extension ByteReader {
    /// Reads a number that must be that of a case.
    mutating func readCase<Case: RawRepresentable<UInt8>>() throws(DecodeError) -> Case {
        let offset = offset
        guard let value = Case(rawValue: try readUInt8()) else { throw .malformed(offset: offset) }
        return value
    }
}
