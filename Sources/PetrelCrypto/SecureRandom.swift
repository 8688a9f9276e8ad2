// The system's randomness, for shells that seed the cores and draw identifiers.

internal import CSodium

/// Numbers that nobody can foresee; never for a core, which must replay.
public struct SecureRandom: RandomNumberGenerator, Sendable {
    /// Creates the generator, which has no state of its own.
    public init() { Sodium.start }

    /// Draws 64 bits.
    public func next() -> UInt64 {
        var value: UInt64 = 0
        randombytes_buf(&value, MemoryLayout<UInt64>.size)
        return value
    }

    /// Fills all of `room`.
    public func fill(_ room: inout MutableRawSpan) {
        room.withUnsafeMutableBytes { room in
            guard let start = room.baseAddress else { return }
            randombytes_buf(start, room.count)
        }
    }
}
