// Sorted, disjoint ranges of numbers, as many as a fixed room holds.

/// A set of numbers, kept as at most `capacity` ranges; the lowest ranges are forgotten first.
///
/// Newest (highest) range first, which is the order in which acknowledgements list them.
public struct RangeSet: Sendable {
    /// The most ranges that are kept.
    public static let capacity = 64

    // An array, because reading an element of a large inline array copies all of it.
    private var ranges: [ClosedRange<UInt64>] = []

    /// Creates the empty set, with room for what a healthy network needs; more comes on demand.
    public init() { ranges.reserveCapacity(8) }

    /// Ranges in the set.
    public var count: Int { ranges.count }

    /// Whether there is no number in the set.
    public var isEmpty: Bool { ranges.isEmpty }

    /// The highest number in the set.
    public var highest: UInt64? { ranges.first?.upperBound }

    /// Returns the range at `index`; 0 is the highest.
    public subscript(index: Int) -> ClosedRange<UInt64> {
        ranges[index]
    }

    /// Whether `number` is in the set.
    public func contains(_ number: UInt64) -> Bool {
        for i in 0..<count where ranges[i].lowerBound <= number {
            return ranges[i].upperBound >= number
        }
        return false
    }

    /// Adds `number`, joining ranges that it connects.
    ///
    /// - Complexity: O(ranges above it).
    public mutating func insert(_ number: UInt64) {
        var i = 0
        while i < count, ranges[i].lowerBound > number {
            guard ranges[i].lowerBound - 1 != number else { return extendDown(i, to: number) }
            i += 1
        }
        if i < count {
            if ranges[i].upperBound >= number { return }
            if ranges[i].upperBound + 1 == number {
                ranges[i] = ranges[i].lowerBound...number
                return
            }
        }
        insert(number...number, at: i)
    }

    /// Forgets all numbers below `bound`.
    public mutating func removeBelow(_ bound: UInt64) {
        while let last = ranges.last, last.upperBound < bound { ranges.removeLast() }
        guard let last = ranges.last, last.lowerBound < bound else { return }
        ranges[count - 1] = bound...last.upperBound
    }

    private mutating func extendDown(_ i: Int, to number: UInt64) {
        ranges[i] = number...ranges[i].upperBound
        guard i + 1 < count, number > 0, ranges[i + 1].upperBound == number - 1 else { return }
        ranges[i] = ranges[i + 1].lowerBound...ranges[i].upperBound
        ranges.remove(at: i + 1)
    }

    private mutating func insert(_ range: ClosedRange<UInt64>, at i: Int) {
        guard i < Self.capacity else { return }
        if count == Self.capacity { ranges.removeLast() }
        ranges.insert(range, at: i)
    }
}
