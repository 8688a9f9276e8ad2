// Writing wire bytes: into room that the caller lends, refusing when it is full.

/// The room lent to a writer was too small for the field.
public struct NoRoom: Error, Equatable, Sendable {
    /// Creates the error.
    public init() {}
}

/// A cursor that fills borrowed room from its first byte on.
///
/// Every write either stores exactly its field or throws and stores nothing.
public struct ByteWriter: ~Copyable, ~Escapable {
    private var room: MutableRawSpan
    /// Bytes written so far; where the next write happens.
    public private(set) var offset = 0

    /// Creates a writer at the first byte of `room`, which it holds until its last use.
    @_lifetime(&room)
    public init(_ room: inout MutableRawSpan) {
        self.room = room._mutatingExtracting(0..<room.byteCount)
    }

    /// Bytes that still fit.
    public var remaining: Int { room.byteCount - offset }

    /// Writes one byte.
    public mutating func writeUInt8(_ value: UInt8) throws(NoRoom) { try writeInteger(value) }
    /// Writes a 16-bit integer in network byte order.
    public mutating func writeUInt16(_ value: UInt16) throws(NoRoom) { try writeInteger(value) }
    /// Writes a 32-bit integer in network byte order.
    public mutating func writeUInt32(_ value: UInt32) throws(NoRoom) { try writeInteger(value) }
    /// Writes a 64-bit integer in network byte order.
    public mutating func writeUInt64(_ value: UInt64) throws(NoRoom) { try writeInteger(value) }

    /// Writes a variable-length integer in the fewest bytes (RFC 9000 §16).
    ///
    /// - Precondition: `value < 1 << 62`.
    public mutating func writeVarInt(_ value: UInt64) throws(NoRoom) {
        switch value {
        case 0..<(1 << 6): try writeUInt8(UInt8(value))
        case 0..<(1 << 14): try writeUInt16(UInt16(value) | 0x4000)
        case 0..<(1 << 30): try writeUInt32(UInt32(value) | 0x8000_0000)
        default:
            precondition(value < 1 << 62)
            try writeUInt64(value | 0xC000_0000_0000_0000)
        }
    }

    /// Writes all of `bytes`.
    public mutating func writeBytes(_ bytes: RawSpan) throws(NoRoom) {
        guard bytes.byteCount <= remaining else { throw NoRoom() }
        let start = offset
        unsafe room.withUnsafeMutableBytes { room in
            unsafe bytes.withUnsafeBytes { bytes in
                guard let from = bytes.baseAddress, let to = room.baseAddress else { return }
                unsafe (to + start).copyMemory(from: from, byteCount: bytes.count)
            }
        }
        offset &+= bytes.byteCount
    }

    /// Writes `count` zero bytes.
    public mutating func writeZeros(_ count: Int) throws(NoRoom) {
        guard count >= 0, count <= remaining else { throw NoRoom() }
        for _ in 0..<count { try writeInteger(UInt8(0)) }
    }

    /// Overwrites the byte at `position`, which must have been written already.
    public mutating func replaceUInt8(at position: Int, with value: UInt8) {
        precondition(position >= 0 && position < offset)
        room.storeBytes(of: value, toByteOffset: position, as: UInt8.self)
    }

    @inline(always)
    private mutating func writeInteger<T: FixedWidthInteger & BitwiseCopyable>(_ value: T)
        throws(NoRoom)
    {
        let size = MemoryLayout<T>.size
        guard size <= remaining else { throw NoRoom() }
        room.storeBytes(of: value.bigEndian, toByteOffset: offset, as: T.self)
        offset &+= size
    }
}

/// Bytes that a variable-length integer takes (RFC 9000 §16).
public func varIntByteCount(_ value: UInt64) -> Int {
    switch value {
    case 0..<(1 << 6): 1
    case 0..<(1 << 14): 2
    case 0..<(1 << 30): 4
    default: 8
    }
}
