// MSG, MSG_FRAG and EPHEMERAL: the frames that carry what the application says (§5.5).

public import PetrelBase

/// What a class of messages may count on while a session lives.
public enum DeliveryClass: UInt8, Sendable, CaseIterable {
    /// The latest value of a key wins; may be lost, never repeated, never out of order.
    case ephemeral = 0
    /// Delivered once, in any order.
    case reliable = 1
    /// Delivered once, in the order of sending; the application repeats it across sessions.
    case durable = 2
}

/// A piece of a message: all of it (MSG), or one of its fragments (MSG_FRAG).
///
///     MSG       class u8 | number varint | length varint | bytes
///     MSG_FRAG  class u8 | number varint | total varint | index u8 | bytes
///
/// Fragment `index` holds the bytes from `index * 1024` on; only the last is shorter than 1024, so
/// its length follows from `total`. A message of at most 1024 bytes always travels as MSG.
public struct MessageFragment: ~Escapable {
    /// The class; never `.ephemeral`.
    public var deliveryClass: DeliveryClass
    /// The number of the message within its class and direction.
    public var number: UInt64
    /// Bytes of the whole message.
    public var total: Int
    /// Which fragment this is.
    public var index: Int
    /// Its bytes.
    public var bytes: RawSpan

    /// How many fragments a message of that many bytes has.
    public static func count(total: Int) -> Int {
        max(1, (total + WireLimits.fragmentByteCount - 1) / WireLimits.fragmentByteCount)
    }

    /// The place of fragment `index` in a message of `total` bytes.
    public static func range(_ index: Int, total: Int) -> Range<Int> {
        let start = index * WireLimits.fragmentByteCount
        return start..<min(total, start + WireLimits.fragmentByteCount)
    }

    /// Bytes of the frame that carries that fragment.
    public static func frameByteCount(number: UInt64, total: Int, index: Int) -> Int {
        let bytes = range(index, total: total).count
        if count(total: total) == 1 {
            return 2 + varIntByteCount(number) + varIntByteCount(UInt64(total)) + bytes
        }
        return 3 + varIntByteCount(number) + varIntByteCount(UInt64(total)) + bytes
    }

    /// Writes the frame, type included, that carries fragment `index` of `message`.
    public static func write(
        _ message: RawSpan, index: Int, as deliveryClass: DeliveryClass, number: UInt64,
        to writer: inout ByteWriter
    ) throws(NoRoom) {
        let total = message.byteCount
        let needed = frameByteCount(number: number, total: total, index: index)
        guard needed <= writer.remaining else { throw NoRoom() }
        let isWhole = count(total: total) == 1
        try writer.writeUInt8((isWhole ? FrameType.message : .fragment).rawValue)
        try writer.writeUInt8(deliveryClass.rawValue)
        try writer.writeVarInt(number)
        try writer.writeVarInt(UInt64(total))
        if !isWhole { try writer.writeUInt8(UInt8(index)) }
        try writer.writeBytes(message.extracting(range(index, total: total)))
    }

    /// Decodes the body of a MSG frame.
    @_lifetime(copy reader)
    init(message reader: inout ByteReader) throws(DecodeError) {
        let (deliveryClass, number) = try Self.readStart(&reader)
        let length = try reader.readVarInt()
        guard length <= UInt64(WireLimits.fragmentByteCount) else {
            throw .malformed(offset: reader.offset)
        }
        self.deliveryClass = deliveryClass
        self.number = number
        total = Int(length)
        index = 0
        bytes = try reader.readBytes(Int(length))
    }

    /// Decodes the body of a MSG_FRAG frame.
    @_lifetime(copy reader)
    init(fragment reader: inout ByteReader) throws(DecodeError) {
        let (deliveryClass, number) = try Self.readStart(&reader)
        let length = try reader.readVarInt()
        let several =
            UInt64(WireLimits.fragmentByteCount + 1)...UInt64(WireLimits.messageByteCountMax)
        guard several ~= length else { throw .malformed(offset: reader.offset) }
        let index = Int(try reader.readUInt8())
        guard index < Self.count(total: Int(length)) else {
            throw .malformed(offset: reader.offset)
        }
        self.deliveryClass = deliveryClass
        self.number = number
        total = Int(length)
        self.index = index
        bytes = try reader.readBytes(Self.range(index, total: Int(length)).count)
    }

    private static func readStart(_ reader: inout ByteReader) throws(DecodeError) -> (
        DeliveryClass, UInt64
    ) {
        let raw = try reader.readUInt8()
        guard let deliveryClass = DeliveryClass(rawValue: raw), deliveryClass != .ephemeral else {
            throw .malformed(offset: reader.offset)
        }
        return (deliveryClass, try reader.readVarInt())
    }
}

/// A value of a key that replaces older ones.
///
///     EPHEMERAL  key varint | version varint | length varint | bytes
public struct EphemeralFrame: ~Escapable {
    /// What the value is of.
    public var key: UInt64
    /// Its version; a receiver drops what is not newer than what it has.
    public var version: UInt64
    /// The value.
    public var bytes: RawSpan

    /// Bytes of the frame that carries such a value.
    public static func frameByteCount(key: UInt64, version: UInt64, byteCount: Int) -> Int {
        1 + varIntByteCount(key) + varIntByteCount(version) + varIntByteCount(UInt64(byteCount))
            + byteCount
    }

    /// Writes the frame, type included.
    public static func write(
        _ bytes: RawSpan, key: UInt64, version: UInt64, to writer: inout ByteWriter
    ) throws(NoRoom) {
        let needed = frameByteCount(key: key, version: version, byteCount: bytes.byteCount)
        guard needed <= writer.remaining else { throw NoRoom() }
        try writer.writeUInt8(FrameType.ephemeral.rawValue)
        try writer.writeVarInt(key)
        try writer.writeVarInt(version)
        try writer.writeVarInt(UInt64(bytes.byteCount))
        try writer.writeBytes(bytes)
    }

    /// Decodes the body of an EPHEMERAL frame.
    @_lifetime(copy reader)
    init(_ reader: inout ByteReader) throws(DecodeError) {
        key = try reader.readVarInt()
        version = try reader.readVarInt()
        let length = try reader.readVarInt()
        guard length <= UInt64(WireLimits.fragmentByteCount) else {
            throw .malformed(offset: reader.offset)
        }
        bytes = try reader.readBytes(Int(length))
    }
}
