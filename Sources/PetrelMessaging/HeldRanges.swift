// What a client holds of a conversation: ranges of places, and the holes between them.

/// Sorted, disjoint, non-adjacent ranges of places in a conversation.
public struct HeldRanges: Equatable, Sendable {
    /// The ranges, lowest first.
    public private(set) var ranges: [ClosedRange<UInt64>] = []

    /// Creates the empty set.
    public init() {}

    /// Creates the set from ranges in any order; empty input is the empty set.
    public init(_ ranges: [ClosedRange<UInt64>]) {
        for range in ranges { insert(range) }
    }

    /// The last place before which nothing is missing; 0 if the first message is.
    public var contiguous: ConversationSequence {
        guard let first = ranges.first, first.lowerBound <= 1 else { return .init(0) }
        return .init(first.upperBound)
    }

    /// The highest place held; 0 if none.
    public var highest: ConversationSequence { .init(ranges.last?.upperBound ?? 0) }

    /// How many places are held; all 2^64 are counted as one less.
    public var count: UInt64 {
        // Less one for each range first: these sums cannot overflow, ranges being disjoint.
        let beyondFirst = ranges.reduce(0) { $0 + ($1.upperBound - $1.lowerBound) }
        let (sum, isOverflown) = beyondFirst.addingReportingOverflow(UInt64(ranges.count))
        return isOverflown ? .max : sum
    }

    /// Whether that place is held.
    public func contains(_ sequence: ConversationSequence) -> Bool {
        ranges.contains { $0.contains(sequence.number) }
    }

    /// Adds one place; returns whether it was new.
    @discardableResult
    public mutating func insert(_ sequence: ConversationSequence) -> Bool {
        guard !contains(sequence) else { return false }
        insert(sequence.number...sequence.number)
        return true
    }

    /// Adds a range, joining what it touches.
    public mutating func insert(_ range: ClosedRange<UInt64>) {
        var low = range.lowerBound
        var high = range.upperBound
        ranges.removeAll { held in
            let touches =
                held.lowerBound <= (high == .max ? high : high + 1)
                && low <= (held.upperBound == .max ? held.upperBound : held.upperBound + 1)
            guard touches else { return false }
            low = min(low, held.lowerBound)
            high = max(high, held.upperBound)
            return true
        }
        let place = ranges.firstIndex { $0.lowerBound > high } ?? ranges.endIndex
        ranges.insert(low...high, at: place)
    }

    /// Returns the missing ranges from `first` to `last`, lowest first.
    public func holes(from first: UInt64, to last: UInt64) -> [ClosedRange<UInt64>] {
        guard first <= last else { return [] }
        var holes: [ClosedRange<UInt64>] = []
        var next = first
        for range in ranges where range.upperBound >= next {
            guard range.lowerBound <= last else { break }
            if range.lowerBound > next { holes.append(next...range.lowerBound - 1) }
            guard range.upperBound < last else { return holes }
            next = range.upperBound + 1
        }
        holes.append(next...last)
        return holes
    }
}
