// The secret of a session that its server can still say after it has forgotten all else.

public import PetrelBase

/// 16 bytes, given in ACCEPT, with which the server proves that it has forgotten the session.
public struct ResetToken: Sendable {
    /// Bytes in a token.
    public static let byteCount = 16

    private var high: UInt64
    private var low: UInt64

    /// Reads the token that `reader` stands at.
    public init(_ reader: inout ByteReader) throws(DecodeError) {
        high = try reader.readUInt64()
        low = try reader.readUInt64()
    }

    /// Copies a token out of `bytes`, unless they are more or fewer than 16.
    public init?(exactly bytes: RawSpan) {
        var reader = ByteReader(bytes)
        guard bytes.byteCount == Self.byteCount, let token = try? ResetToken(&reader) else {
            return nil
        }
        self = token
    }

    /// Writes the 16 bytes.
    public func write(to writer: inout ByteWriter) throws(NoRoom) {
        try writer.writeUInt64(high)
        try writer.writeUInt64(low)
    }

    /// Whether a datagram ends in the token, in a time that does not tell where it differs.
    public func ends(_ datagram: RawSpan) -> Bool {
        guard datagram.byteCount >= WireLimits.resetByteCountMin,
            let other = ResetToken(
                exactly: datagram.extracting(last: Self.byteCount))
        else { return false }
        return (high ^ other.high) | (low ^ other.low) == 0
    }
}

extension ResetToken: Equatable {
    public static func == (a: ResetToken, b: ResetToken) -> Bool {
        (a.high ^ b.high) | (a.low ^ b.low) == 0
    }
}
