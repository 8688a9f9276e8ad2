// MSG, MSG_FRAG, MSG_SKIP, MSG_STATUS and EPHEMERAL: what the application says (§5.5).

public import PetrelBase

/// Where an ordered message stands: its stream, and how far back the one before it is.
public struct StreamPlace: Equatable, Sendable {
    /// The stream, by the sender's choice.
    public var stream: UInt64
    /// Its number less that of the message before it in the stream; 0: none that matters.
    public var distance: UInt64

    /// Creates a place.
    public init(stream: UInt64, distance: UInt64) {
        self.stream = stream
        self.distance = distance
    }
}

/// Which message a frame is about.
///
///     class u8 | number varint | (ordered only:) stream varint | distance varint
public struct MessageName: Equatable, Sendable {
    /// The class; never of the ephemeral or bulk kind.
    public var deliveryClass: DeliveryClass
    /// The number of the message within its kind and direction.
    public var number: UInt64
    /// Where it stands; `nil` unless it is of the ordered kind.
    public var place: StreamPlace?

    /// Creates a name.
    public init(_ deliveryClass: DeliveryClass, _ number: UInt64, place: StreamPlace? = nil) {
        self.deliveryClass = deliveryClass
        self.number = number
        self.place = place
    }

    /// Bytes of the name.
    public var byteCount: Int {
        let start = 1 + varIntByteCount(number)
        guard let place else { return start }
        return start + varIntByteCount(place.stream) + varIntByteCount(place.distance)
    }

    func write(to writer: inout ByteWriter) throws(NoRoom) {
        try writer.writeUInt8(deliveryClass.rawValue)
        try writer.writeVarInt(number)
        guard let place else { return }
        try writer.writeVarInt(place.stream)
        try writer.writeVarInt(place.distance)
    }

    init(_ reader: inout ByteReader) throws(DecodeError) {
        let raw = try reader.readUInt8()
        guard let deliveryClass = DeliveryClass(rawValue: raw) else {
            throw .malformed(offset: reader.offset)
        }
        self.deliveryClass = deliveryClass
        number = try reader.readVarInt()
        switch deliveryClass.kind {
        case .ephemeral, .bulk: throw .malformed(offset: reader.offset)
        case .reliable, .durable, .expiring: place = nil
        case .ordered:
            let stream = try reader.readVarInt()
            let distance = try reader.readVarInt()
            guard distance < WireLimits.messageWindow, distance <= number else {
                throw .malformed(offset: reader.offset)
            }
            place = StreamPlace(stream: stream, distance: distance)
        }
    }
}

/// A piece of a message: all of it (MSG), or one of its fragments (MSG_FRAG).
///
///     MSG       name | length varint | bytes
///     MSG_FRAG  name | total varint | index u8 | bytes
///
/// Fragment `index` holds the bytes from `index * 1024` on; only the last is shorter than 1024, so
/// its length follows from `total`. A message of at most 1024 bytes always travels as MSG.
public struct MessageFragment: ~Escapable {
    /// Which message it is of.
    public var name: MessageName
    /// Bytes of the whole message.
    public var total: Int
    /// Which fragment this is.
    public var index: Int
    /// Its bytes.
    public var bytes: RawSpan

    /// The class of the message.
    public var deliveryClass: DeliveryClass { name.deliveryClass }
    /// The number of the message within its kind and direction.
    public var number: UInt64 { name.number }

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
    public static func frameByteCount(_ name: MessageName, total: Int, index: Int) -> Int {
        let bytes = range(index, total: total).count
        let start = 1 + name.byteCount + varIntByteCount(UInt64(total))
        return start + (count(total: total) == 1 ? 0 : 1) + bytes
    }

    /// Writes the frame, type included, that carries fragment `index` of `message`.
    public static func write(
        _ message: RawSpan, index: Int, of name: MessageName, to writer: inout ByteWriter
    ) throws(NoRoom) {
        let total = message.byteCount
        let needed = frameByteCount(name, total: total, index: index)
        guard needed <= writer.remaining else { throw NoRoom() }
        let isWhole = count(total: total) == 1
        try writer.writeUInt8((isWhole ? FrameType.message : .fragment).rawValue)
        try name.write(to: &writer)
        try writer.writeVarInt(UInt64(total))
        if !isWhole { try writer.writeUInt8(UInt8(index)) }
        try writer.writeBytes(message.extracting(range(index, total: total)))
    }

    /// Decodes the body of a MSG frame.
    @_lifetime(copy reader)
    init(message reader: inout ByteReader) throws(DecodeError) {
        let name = try MessageName(&reader)
        let length = try reader.readVarInt()
        guard length <= UInt64(WireLimits.fragmentByteCount) else {
            throw .malformed(offset: reader.offset)
        }
        self.name = name
        total = Int(length)
        index = 0
        bytes = try reader.readBytes(Int(length))
    }

    /// Decodes the body of a MSG_FRAG frame.
    @_lifetime(copy reader)
    init(fragment reader: inout ByteReader) throws(DecodeError) {
        let name = try MessageName(&reader)
        let total = try Self.totalOfSeveral(&reader)
        let index = Int(try reader.readUInt8())
        guard index < Self.count(total: total) else { throw .malformed(offset: reader.offset) }
        self.name = name
        self.total = total
        self.index = index
        bytes = try reader.readBytes(Self.range(index, total: total).count)
    }

    /// Reads the byte count of a message that has several fragments.
    static func totalOfSeveral(_ reader: inout ByteReader) throws(DecodeError) -> Int {
        let total = try reader.readVarInt()
        let several =
            UInt64(WireLimits.fragmentByteCount + 1)...UInt64(WireLimits.messageByteCountMax)
        guard several ~= total else { throw .malformed(offset: reader.offset) }
        return Int(total)
    }
}

/// The sender gave a message up: the receiver is not to wait for it.
///
///     MSG_SKIP  name | charged varint
public struct SkipFrame: Equatable, Sendable {
    /// Which message.
    public var name: MessageName
    /// Its bytes if it was begun, and so counts against the credit; 0 if nothing of it was sent.
    public var charged: Int

    /// Creates the frame.
    public init(_ name: MessageName, charged: Int) {
        self.name = name
        self.charged = charged
    }

    /// Bytes of the frame.
    public var byteCount: Int { 1 + name.byteCount + varIntByteCount(UInt64(charged)) }

    /// Writes the frame, type included.
    public func write(to writer: inout ByteWriter) throws(NoRoom) {
        guard byteCount <= writer.remaining else { throw NoRoom() }
        try writer.writeUInt8(FrameType.skip.rawValue)
        try name.write(to: &writer)
        try writer.writeVarInt(UInt64(charged))
    }

    init(_ reader: inout ByteReader) throws(DecodeError) {
        name = try MessageName(&reader)
        let charged = try reader.readVarInt()
        guard charged <= UInt64(WireLimits.messageByteCountMax) else {
            throw .malformed(offset: reader.offset)
        }
        self.charged = Int(charged)
    }
}

/// What became of a message that the sender gave up.
///
///     MSG_STATUS  kind u8 | number varint | outcome u8
public struct StatusFrame: Equatable, Sendable {
    /// The kind of the message; never ephemeral or bulk.
    public var kind: DeliveryClass.Kind
    /// Its number within kind and direction.
    public var number: UInt64
    /// Bytes of the longest such frame.
    public static let byteCountMax = 11
    /// Whether the receiver had all of it before it was told to skip it.
    public var wasWhole: Bool

    /// Creates the frame.
    public init(_ kind: DeliveryClass.Kind, _ number: UInt64, wasWhole: Bool) {
        self.kind = kind
        self.number = number
        self.wasWhole = wasWhole
    }

    /// Bytes of the frame.
    public var byteCount: Int { 3 + varIntByteCount(number) }

    /// Writes the frame, type included.
    public func write(to writer: inout ByteWriter) throws(NoRoom) {
        guard byteCount <= writer.remaining else { throw NoRoom() }
        try writer.writeUInt8(FrameType.status.rawValue)
        try writer.writeUInt8(kind.rawValue)
        try writer.writeVarInt(number)
        try writer.writeUInt8(wasWhole ? 1 : 0)
    }

    init(_ reader: inout ByteReader) throws(DecodeError) {
        let raw = try reader.readUInt8()
        number = try reader.readVarInt()
        let outcome = try reader.readUInt8()
        guard let kind = DeliveryClass.Kind(rawValue: raw), kind != .ephemeral, kind != .bulk,
            outcome <= 1
        else { throw .malformed(offset: reader.offset) }
        self.kind = kind
        wasWhole = outcome == 1
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
