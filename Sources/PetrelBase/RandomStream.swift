// Seeded chance: the same seed and label give the same numbers on every machine.

/// A stream of pseudorandom numbers for simulations, tests and jitter; never for secrets.
///
/// xoshiro256** (Blackman and Vigna, 2018), started by SplitMix64 from the seed and the label, so
/// that streams of different labels do not shift each other.
public struct RandomStream: RandomNumberGenerator, Sendable {
    private var a: UInt64
    private var b: UInt64
    private var c: UInt64
    private var d: UInt64

    /// Creates the stream that `seed` and `label` name.
    public init(seed: UInt64, label: StaticString) {
        var mix = seed
        func split() -> UInt64 {
            mix &+= 0x9E37_79B9_7F4A_7C15
            var z = mix
            z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
            z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
            return z ^ (z >> 31)
        }
        // The seed is scattered before each byte of the label joins it: small seeds and similar
        // labels would cancel each other out otherwise.
        label.withUTF8Buffer { bytes in
            for i in bytes.indices {
                mix = (split() ^ UInt64(unsafe bytes[i])) &* 0x100_0000_01B3
            }
        }
        a = split()
        b = split()
        c = split()
        d = split()
    }

    /// Returns the next 64 bits.
    public mutating func next() -> UInt64 {
        let product = b &* 5
        let result = ((product << 7) | (product >> 57)) &* 9
        let shifted = b << 17
        c ^= a
        d ^= b
        b ^= c
        a ^= d
        c ^= shifted
        d = (d << 45) | (d >> 19)
        return result
    }

    /// Returns a number in `0..<bound`; 0 if `bound` is 0.
    public mutating func below(_ bound: UInt64) -> UInt64 {
        bound == 0 ? 0 : next().multipliedFullWidth(by: bound).high
    }

    /// Returns a number in `0..<1`.
    public mutating func fraction() -> Double { Double(next() >> 11) * 0x1p-53 }

    /// Whether an event of that probability happens this time.
    public mutating func chance(_ probability: Double) -> Bool { fraction() < probability }

    /// Returns an interval in `.zero..<bound`; `.zero` if `bound` is not positive.
    public mutating func interval(below bound: Interval) -> Interval {
        guard bound > .zero else { return .zero }
        return Interval(nanoseconds: Int64(below(UInt64(bound.nanoseconds))))
    }
}
