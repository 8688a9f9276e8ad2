// RETRY and RESET: what a server says without keeping anything (Protocol/transport.md §4.7, §9.4).

internal import PetrelBase
public import PetrelCrypto
internal import PetrelWire

/// The packet that asks a client to say HELLO again, with a cookie.
public enum Retry {
    /// Writes the RETRY that answers a HELLO, and counts its bytes.
    ///
    /// - Parameters:
    ///   - mac1: the last 16 bytes of the HELLO.
    ///   - cookie: of the address that it came from.
    ///   - key: of this server.
    ///   - room: at least `WireLimits.retryByteCount` bytes.
    /// - Returns: `nil` if `room` is too small.
    public static func write(
        answering mac1: RawSpan, cookie: Cookie, key: borrowing RetryKey,
        into room: inout MutableRawSpan
    ) -> Int? {
        var writer = ByteWriter(&room)
        guard (try? writer.writeUInt8(PacketForm.retryByte)) != nil,
            (try? writer.writeUInt32(WireLimits.version)) != nil,
            (try? key.seal(cookie, mac1: mac1, to: &writer)) != nil
        else { return nil }
        return writer.offset
    }
}

/// The packet that ends a session which the server does not know any more.
public enum Reset {
    /// Writes a RESET, which looks like a data packet, and counts its bytes.
    ///
    /// - Parameters:
    ///   - token: of the connection ID that a packet came for.
    ///   - trigger: bytes of that packet.
    ///   - random: what the rest is filled with.
    ///   - room: at least `WireLimits.resetByteCountMax` bytes.
    /// - Returns: `nil` if the packet is too short to be answered.
    public static func write(
        token: RawSpan, trigger: Int, random: inout some RandomNumberGenerator,
        into room: inout MutableRawSpan
    ) -> Int? {
        guard trigger > WireLimits.resetByteCountMax else { return nil }
        let range = WireLimits.resetByteCountMin...WireLimits.resetByteCountMax
        let padding = Int.random(in: range, using: &random) - ResetToken.byteCount
        var writer = ByteWriter(&room)
        do throws(NoRoom) {
            for i in 0..<padding {
                let byte = UInt8(truncatingIfNeeded: random.next())
                let isFirst = i == 0
                try writer.writeUInt8(isFirst ? DataHeader.fixedBits | byte & 0x3F : byte)
            }
            try writer.writeBytes(token)
        } catch { return nil }
        return writer.offset
    }
}
