// CRC-32C: finds damaged bytes on disk and mistyped addresses. Not against an adversary.

/// The Castagnoli cyclic redundancy check (RFC 3720 §12.1), byte by byte with one table.
public struct Checksum: Sendable {
    private var state: UInt32 = 0xFFFF_FFFF

    /// Creates the checksum of no bytes.
    public init() {}

    /// The checksum of all bytes added so far.
    public var value: UInt32 { ~state }

    /// Adds `bytes`.
    public mutating func add(_ bytes: RawSpan) {
        for i in 0..<bytes.byteCount {
            let byte = unsafe bytes.unsafeLoad(fromByteOffset: i, as: UInt8.self)
            state = Self.table[Int((state ^ UInt32(byte)) & 0xFF)] ^ (state >> 8)
        }
    }

    /// The checksum of `bytes`.
    public static func crc32c(_ bytes: RawSpan) -> UInt32 {
        var checksum = Checksum()
        checksum.add(bytes)
        return checksum.value
    }

    private static let table: [UInt32] = (0..<256).map { index in
        var remainder = UInt32(index)
        for _ in 0..<8 {
            remainder = (remainder >> 1) ^ (remainder & 1 == 1 ? 0x82F6_3B78 : 0)
        }
        return remainder
    }
}
