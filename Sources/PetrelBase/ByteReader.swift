// Reading wire bytes: bounds are checked once per field, and failure is a value, not a trap.

/// Why bytes could not be decoded.
public enum DecodeError: Error, Equatable, Sendable {
    /// The field at `offset` needs more bytes than are left.
    case truncated(offset: Int)
    /// The field at `offset` holds a value that the specification forbids.
    case malformed(offset: Int)
}

/// A cursor over borrowed bytes, which the compiler keeps it from outliving.
///
/// Every read either consumes exactly its field or throws and consumes nothing.
public struct ByteReader: ~Escapable {
    private var rest: RawSpan
    /// Bytes consumed so far; where the next read happens.
    public private(set) var offset = 0

    /// Creates a reader at the first of `bytes`.
    @_lifetime(copy bytes)
    public init(_ bytes: RawSpan) { rest = bytes }

    /// Bytes not yet consumed.
    public var remaining: Int { rest.byteCount }

    /// Reads one byte.
    public mutating func readUInt8() throws(DecodeError) -> UInt8 { try readInteger() }
    /// Reads a 16-bit integer in network byte order.
    public mutating func readUInt16() throws(DecodeError) -> UInt16 { try readInteger() }
    /// Reads a 32-bit integer in network byte order.
    public mutating func readUInt32() throws(DecodeError) -> UInt32 { try readInteger() }
    /// Reads a 64-bit integer in network byte order.
    public mutating func readUInt64() throws(DecodeError) -> UInt64 { try readInteger() }

    /// Reads a variable-length integer of 1, 2, 4 or 8 bytes (RFC 9000 §16).
    public mutating func readVarInt() throws(DecodeError) -> UInt64 {
        guard rest.byteCount > 0 else { throw .truncated(offset: offset) }
        let first = unsafe rest.unsafeLoad(fromByteOffset: 0, as: UInt8.self)
        switch first >> 6 {
        case 0: return UInt64(try readUInt8())
        case 1: return UInt64(try readUInt16() & 0x3FFF)
        case 2: return UInt64(try readUInt32() & 0x3FFF_FFFF)
        default: return try readUInt64() & 0x3FFF_FFFF_FFFF_FFFF
        }
    }

    /// Reads the next `count` bytes without copying them.
    @_lifetime(copy self)
    public mutating func readBytes(_ count: Int) throws(DecodeError) -> RawSpan {
        guard count >= 0, count <= rest.byteCount else { throw .truncated(offset: offset) }
        let bytes = rest.extracting(first: count)
        advance(by: count)
        return bytes
    }

    @inline(always)
    private mutating func readInteger<T: FixedWidthInteger & BitwiseCopyable>()
        throws(DecodeError) -> T
    {
        let size = MemoryLayout<T>.size
        guard size <= rest.byteCount else { throw .truncated(offset: offset) }
        let value = unsafe rest.unsafeLoadUnaligned(fromByteOffset: 0, as: T.self)
        advance(by: size)
        return T(bigEndian: value)
    }

    @inline(always)
    private mutating func advance(by count: Int) {
        rest = rest.extracting(droppingFirst: count)
        offset &+= count
    }
}
