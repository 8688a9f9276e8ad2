// Keys: numbers in network byte order and fixed width, so that they sort as the numbers do.

import PetrelBase
import PetrelMessaging

/// The bytes under which a record stands in its table.
struct Key: Hashable, Sendable {
    /// The bytes, in the order that tables sort by.
    private(set) var bytes: [UInt8]

    /// Creates the key with those bytes.
    init(_ bytes: [UInt8]) { self.bytes = bytes }

    private init(_ numbers: UInt64...) {
        var writer = RecordWriter(capacity: 8 * numbers.count)
        for number in numbers { writer.add(number) }
        bytes = writer.bytes
    }

    static func text(_ text: String) -> Key { Key(Array(text.utf8)) }
    static func number(_ number: UInt64) -> Key { Key(number) }
    static func account(_ id: AccountID) -> Key { Key(id.number) }
    static func conversation(_ id: ConversationID) -> Key { Key(id.number) }

    static func device(_ device: DeviceID, of account: AccountID) -> Key {
        var writer = RecordWriter(capacity: 12)
        writer.add(account.number)
        writer.add(device.number)
        return Key(writer.bytes)
    }

    static func deviceKey(_ key: DeviceKey) -> Key {
        Key(key.words.a, key.words.b, key.words.c, key.words.d)
    }

    static func pair(_ a: AccountID, _ b: AccountID) -> Key {
        Key(min(a, b).number, max(a, b).number)
    }

    static func member(_ account: AccountID, of conversation: ConversationID) -> Key {
        Key(conversation.number, account.number)
    }

    static func message(_ sequence: ConversationSequence, of id: ConversationID) -> Key {
        Key(id.number, sequence.number)
    }

    static func feed(_ feed: FeedSequence, of account: AccountID) -> Key {
        Key(account.number, feed.number)
    }

    static func deduplication(_ id: ClientMessageID, of account: AccountID) -> Key {
        Key(account.number, id.high, id.low)
    }

    /// Sorts by time first; the sign bit is flipped, because times before 1970 are negative.
    static func deduplicated(
        _ id: ClientMessageID, of account: AccountID, at time: WallTime
    ) -> Key {
        Key(ordered(time), account.number, id.high, id.low)
    }

    /// The lowest key of that time in `deduplicated`.
    static func deduplicated(from time: WallTime) -> Key { Key(ordered(time)) }

    /// The key in `deduplication` that a key of `deduplicated` names.
    var deduplication: Key { Key(Array(bytes.dropFirst(8))) }

    /// The number of a chunk of a long record.
    static func chunk(_ number: UInt16, of key: Key, in table: TableName) -> Key {
        var writer = RecordWriter(capacity: key.bytes.count + 3)
        writer.add(table.rawValue)
        writer.add(key.bytes.span.bytes)
        writer.add(number)
        return Key(writer.bytes)
    }

    /// The lowest key above this one.
    var successor: Key { Key(bytes + [0]) }

    /// The eight bytes from the ninth on as a number: the second part of most keys; 0 if too short.
    var second: UInt64 {
        var reader = ByteReader(bytes.span.bytes)
        do throws(DecodeError) {
            _ = try reader.readUInt64()
            return try reader.readUInt64()
        } catch {
            return 0
        }
    }

    private static func ordered(_ time: WallTime) -> UInt64 {
        UInt64(bitPattern: time.milliseconds) ^ 1 << 63
    }
}
