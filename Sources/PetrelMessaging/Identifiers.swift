// The names of things: accounts, devices, conversations, and their two sequences.

public import PetrelBase

/// Names an account; random, never reused.
public struct AccountID: Hashable, Comparable, Sendable {
    /// The number, unique in a store.
    public var number: UInt64

    /// Creates the identifier with that number.
    public init(_ number: UInt64) { self.number = number }

    public static func < (a: AccountID, b: AccountID) -> Bool { a.number < b.number }
}

/// Names a device within its account; counts from 1.
public struct DeviceID: Hashable, Comparable, Sendable {
    /// The number, unique in the account.
    public var number: UInt32

    /// Creates the identifier with that number.
    public init(_ number: UInt32) { self.number = number }

    public static func < (a: DeviceID, b: DeviceID) -> Bool { a.number < b.number }
}

/// Names a conversation; random, never reused.
public struct ConversationID: Hashable, Comparable, Sendable {
    /// The number, unique in a store.
    public var number: UInt64

    /// Creates the identifier with that number.
    public init(_ number: UInt64) { self.number = number }

    public static func < (a: ConversationID, b: ConversationID) -> Bool { a.number < b.number }
}

/// A place in a conversation (`cseq`): contiguous, from 1.
public struct ConversationSequence: Hashable, Comparable, Sendable {
    /// The place; 0 is before the first message.
    public var number: UInt64

    /// Creates the sequence number.
    public init(_ number: UInt64) { self.number = number }

    public static func < (a: Self, b: Self) -> Bool { a.number < b.number }
}

/// A place in an account's feed of changes (`fseq`): strictly increasing, from 1.
public struct FeedSequence: Hashable, Comparable, Sendable {
    /// The place; 0 is before the first change.
    public var number: UInt64

    /// Creates the sequence number.
    public init(_ number: UInt64) { self.number = number }

    public static func < (a: Self, b: Self) -> Bool { a.number < b.number }
}

/// The public key that a device proves in each handshake (32 bytes).
public struct DeviceKey: Hashable, Sendable {
    /// The key as four big-endian numbers.
    public var words: InlineWords4

    /// Creates the key from its words.
    public init(_ words: InlineWords4) { self.words = words }
}

/// Four 64-bit words that compare and hash: keys and digests of 32 bytes.
public struct InlineWords4: Hashable, Sendable {
    /// The first eight bytes as a big-endian number.
    public var a: UInt64
    /// The next eight bytes.
    public var b: UInt64
    /// The next eight bytes.
    public var c: UInt64
    /// The last eight bytes.
    public var d: UInt64

    /// Creates the words.
    public init(_ a: UInt64, _ b: UInt64, _ c: UInt64, _ d: UInt64) {
        self.a = a
        self.b = b
        self.c = c
        self.d = d
    }

    /// Creates the words from 32 bytes; `nil` for any other count.
    public init?(array bytes: [UInt8]) {
        guard bytes.count == 32 else { return nil }
        func word(_ index: Int) -> UInt64 {
            bytes[8 * index..<8 * index + 8].reduce(0) { $0 << 8 | UInt64($1) }
        }
        self.init(word(0), word(1), word(2), word(3))
    }

    /// The words as 32 bytes.
    public var array: [UInt8] {
        [a, b, c, d].flatMap { word in
            stride(from: 56, through: 0, by: -8).map { UInt8(truncatingIfNeeded: word >> $0) }
        }
    }
}

/// Names a message before it has a place: minted by the client, 16 bytes, UUIDv7 (RFC 9562 §5.7).
public struct ClientMessageID: Hashable, Sendable {
    /// The first eight bytes: 48 bits of milliseconds since 1970, version, 12 random bits.
    public var high: UInt64
    /// The last eight bytes: variant and 62 random bits.
    public var low: UInt64

    /// Creates the identifier from its halves.
    public init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    /// Mints an identifier for a message written at `time`, with chance from `random`.
    public init(time: WallTime, random: inout some RandomNumberGenerator) {
        let milliseconds = UInt64(clamping: time.milliseconds) & 0xFFFF_FFFF_FFFF
        high = milliseconds << 16 | 0x7000 | random.next() & 0x0FFF
        low = 0x8000_0000_0000_0000 | random.next() >> 2
    }

    /// When it was minted, by the client's clock.
    public var time: WallTime { WallTime(milliseconds: Int64(high >> 16)) }
}
