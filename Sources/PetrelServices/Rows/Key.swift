// Keys: numbers in network byte order and fixed width, so that they sort as the numbers do.

public import PetrelBase
public import PetrelMessaging

/// The bytes under which a record stands in its table.
public struct Key: Hashable, Comparable, Sendable {
    /// The bytes, in the order that tables sort by.
    public let bytes: [UInt8]

    /// Creates the key with those bytes.
    public init(_ bytes: [UInt8]) { self.bytes = bytes }

    /// Creates the key of those numbers, one after the other.
    public init(_ numbers: UInt64...) {
        bytes = [UInt8](unsafeUninitializedCapacity: 8 * numbers.count) { buffer, count in
            let buffer = UnsafeMutableRawBufferPointer(buffer)
            for i in numbers.indices {
                buffer.storeBytes(of: numbers[i].bigEndian, toByteOffset: 8 * i, as: UInt64.self)
            }
            count = 8 * numbers.count
        }
    }

    /// Whether `a` stands before `b` in a table.
    public static func < (a: Key, b: Key) -> Bool {
        a.bytes.withUnsafeBytes { a in
            b.bytes.withUnsafeBytes { b in
                let common = min(a.count, b.count)
                var i = 0
                // Eight bytes at a time: most keys are numbers of eight bytes.
                while i + 8 <= common {
                    let x = a.loadUnaligned(fromByteOffset: i, as: UInt64.self)
                    let y = b.loadUnaligned(fromByteOffset: i, as: UInt64.self)
                    if x != y { return UInt64(bigEndian: x) < UInt64(bigEndian: y) }
                    i += 8
                }
                while i < common {
                    if a[i] != b[i] { return a[i] < b[i] }
                    i += 1
                }
                return a.count < b.count
            }
        }
    }

    /// Whether this key begins with the first `count` bytes of `other`.
    public func sharesPrefix(of other: Key, _ count: Int) -> Bool {
        guard bytes.count >= count, other.bytes.count >= count else { return false }
        for i in 0..<count where bytes[i] != other.bytes[i] { return false }
        return true
    }

    /// The lowest key above this one.
    public var successor: Key { Key(bytes + [0]) }

    /// The eight bytes from the ninth on as a number: the second part of most keys; 0 if too short.
    public var second: UInt64 {
        var reader = ByteReader(bytes.span.bytes)
        do throws(DecodeError) {
            _ = try reader.readUInt64()
            return try reader.readUInt64()
        } catch {
            return 0
        }
    }
}

extension Key {
    /// The key of a name.
    public static func text(_ text: String) -> Key { Key(Array(text.utf8)) }
    /// The key of a number.
    public static func number(_ number: UInt64) -> Key { Key(number) }
    /// The key of an account.
    public static func account(_ id: AccountID) -> Key { Key(id.number) }
    /// The key of a conversation.
    public static func conversation(_ id: ConversationID) -> Key { Key(id.number) }

    /// The key of a device.
    public static func device(_ device: DeviceID, of account: AccountID) -> Key {
        var writer = RecordWriter(capacity: 12)
        writer.add(account.number)
        writer.add(device.number)
        return Key(writer.bytes)
    }

    /// The key of a device by what it proves.
    public static func deviceKey(_ key: DeviceKey) -> Key {
        Key(key.words.a, key.words.b, key.words.c, key.words.d)
    }

    /// The key of two accounts, in any order.
    public static func pair(_ a: AccountID, _ b: AccountID) -> Key {
        Key(min(a, b).number, max(a, b).number)
    }

    /// The key of a member; its `second` is the account.
    public static func member(_ account: AccountID, of conversation: ConversationID) -> Key {
        Key(conversation.number, account.number)
    }

    /// The key of a message; its `second` is the place.
    public static func message(_ sequence: ConversationSequence, of id: ConversationID) -> Key {
        Key(id.number, sequence.number)
    }

    /// The key of a feed's entry; its `second` is the place in the feed.
    public static func feed(_ feed: FeedSequence, of account: AccountID) -> Key {
        Key(account.number, feed.number)
    }

    /// The key of what an account's message became.
    public static func deduplication(_ id: ClientMessageID, of account: AccountID) -> Key {
        Key(account.number, id.high, id.low)
    }

    /// Sorts by time first; the sign bit is flipped, because times before 1970 are negative.
    public static func deduplicated(
        _ id: ClientMessageID, of account: AccountID, at time: WallTime
    ) -> Key {
        Key(ordered(time), account.number, id.high, id.low)
    }

    /// The lowest key of that time in `deduplicated`.
    public static func deduplicated(from time: WallTime) -> Key { Key(ordered(time)) }

    /// The key in `deduplication` that a key of `deduplicated` names.
    public var deduplication: Key { Key(Array(bytes.dropFirst(8))) }

    /// The key of how an account stands to another; its `second` is the other.
    public static func contact(_ peer: AccountID, of account: AccountID) -> Key {
        Key(account.number, peer.number)
    }

    /// The key of an invitation.
    public static func digest(_ words: InlineWords4) -> Key {
        Key(words.a, words.b, words.c, words.d)
    }

    /// The key of an invitation in the order of expiry.
    public static func invited(_ words: InlineWords4, until time: WallTime) -> Key {
        Key(ordered(time), words.a, words.b, words.c, words.d)
    }

    /// The key of a group of an account in `memberOf` or `largeOf`; its `second` is the group.
    public static func group(_ id: ConversationID, of account: AccountID) -> Key {
        Key(account.number, id.number)
    }

    /// The key of an event in the order of expiry.
    public static func expiry(
        _ sequence: ConversationSequence, of id: ConversationID, at time: WallTime
    ) -> Key {
        Key(ordered(time), id.number, sequence.number)
    }

    /// The key of a conversation in the order in which `retention` looks after them.
    public static func retention(_ id: ConversationID, due time: WallTime) -> Key {
        Key(ordered(time), id.number)
    }

    /// The key before which everything in a table that is ordered by time is older than `time`.
    public static func time(_ time: WallTime) -> Key { Key(ordered(time)) }

    /// The number that begins at a byte of the key; 0 if there are not as many.
    public func number(at offset: Int) -> UInt64 {
        guard offset >= 0, bytes.count >= offset + 8 else { return 0 }
        return bytes[offset..<offset + 8].reduce(0) { $0 << 8 | UInt64($1) }
    }

    private static func ordered(_ time: WallTime) -> UInt64 {
        UInt64(bitPattern: time.milliseconds) ^ 1 << 63
    }
}
