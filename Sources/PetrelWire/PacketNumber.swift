// Packet numbers on the wire: truncated by the sender, expanded by the receiver (RFC 9000 §A.2).

/// A packet number as far as it is sent: its low bytes.
public struct TruncatedPacketNumber: Equatable, Sendable {
    /// The low bytes of the number.
    public var value: UInt32
    /// How many bytes of it are sent, 1 to 4.
    public var byteCount: Int

    /// Creates the truncated number from what was received.
    public init(value: UInt32, byteCount: Int) {
        self.value = value
        self.byteCount = byteCount
    }

    /// Truncates `number` as far as a peer allows that has acknowledged `largestAcknowledged`.
    ///
    /// A peer that acknowledges nothing for 2^31 numbers gets four bytes all the same: it knows
    /// what it received.
    public init(_ number: UInt64, largestAcknowledged: UInt64?) {
        let unacknowledged = largestAcknowledged.map { number - $0 } ?? number + 1
        switch unacknowledged {
        case 0..<(1 << 7): byteCount = 1
        case 0..<(1 << 15): byteCount = 2
        case 0..<(1 << 23): byteCount = 3
        default: byteCount = 4
        }
        value = UInt32(truncatingIfNeeded: number) & Self.mask(byteCount)
    }

    /// Returns the full number, the candidate closest to the one after `largest`.
    public func expanded(largest: UInt64?) -> UInt64 {
        let expected = largest.map { $0 &+ 1 } ?? 0
        let window = UInt64(1) << UInt64(byteCount * 8)
        let half = window / 2
        let candidate = (expected & ~(window - 1)) | UInt64(value)
        if candidate &+ half <= expected, candidate < (1 << 62) - window {
            return candidate + window
        }
        if candidate > expected &+ half, candidate >= window { return candidate - window }
        return candidate
    }

    private static func mask(_ byteCount: Int) -> UInt32 {
        byteCount == 4 ? .max : (1 << UInt32(byteCount * 8)) - 1
    }
}
