// Which message numbers are done: all below a base, and some of the next 512.

internal import PetrelWire

/// A set of numbers of which all below `base` belong to it, and none from `base + 512` on.
struct NumberWindow: Sendable {
    /// What becomes of a number that is put in.
    enum Insertion: Equatable {
        /// It was not in the set.
        case new
        /// It was.
        case duplicate
        /// It lies beyond the window.
        case beyond
    }

    /// The lowest number that is not in the set.
    private(set) var base: UInt64 = 0
    private var bits = InlineArray<8, UInt64>(repeating: 0)

    /// Creates the set of all numbers below `base`.
    init(base: UInt64 = 0) { self.base = base }

    /// Whether nothing above `base` is in the set.
    var hasNoGap: Bool {
        for i in 0..<8 where bits[i] != 0 { return false }
        return true
    }

    /// Whether `number` lies within the window or below it.
    func reaches(_ number: UInt64) -> Bool {
        number < base || number - base < WireLimits.messageWindow
    }

    /// Whether `number` is in the set.
    func contains(_ number: UInt64) -> Bool {
        number < base || (reaches(number) && bits[word(number)] & bit(number) != 0)
    }

    /// Puts `number` in, and moves `base` past all that are in.
    mutating func insert(_ number: UInt64) -> Insertion {
        guard reaches(number) else { return .beyond }
        guard !contains(number) else { return .duplicate }
        bits[word(number)] |= bit(number)
        while bits[word(base)] & bit(base) != 0 {
            bits[word(base)] &= ~bit(base)
            base += 1
        }
        return .new
    }

    private func word(_ number: UInt64) -> Int { Int(number / 64 % 8) }
    private func bit(_ number: UInt64) -> UInt64 { 1 << (number % 64) }
}
