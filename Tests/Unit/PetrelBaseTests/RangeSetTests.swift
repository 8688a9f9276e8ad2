// The set of ranges against a set of numbers, up to its capacity and beyond.

import PetrelBase
import Testing

@Suite struct RangeSetTests {
    @Test(
        arguments: [
            ([5], [5...5]),
            ([5, 6], [5...6]),
            ([6, 5], [5...6]),
            ([5, 7], [7...7, 5...5]),
            ([5, 7, 6], [5...7]),
            ([1, 3, 5, 2], [5...5, 1...3]),
            ([1, 3, 5, 4], [3...5, 1...1]),
            ([5, 5, 5], [5...5]),
            ([0, 1], [0...1]),
            ([1, 0], [0...1]),
            ([.max, .max - 1, 0, .max], [.max - 1 ... .max, 0...0]),
        ] as [([UInt64], [ClosedRange<UInt64>])])
    func joinsWhatTouches(numbers: [UInt64], expected: [ClosedRange<UInt64>]) {
        var set = RangeSet()
        for number in numbers { set.insert(number) }
        #expect(ranges(of: set) == expected)
        #expect(set.highest == numbers.max())
    }

    @Test func theEmptySetHasNothing() {
        var set = RangeSet()
        #expect(set.isEmpty && set.highest == nil && !set.contains(0))
        set.removeBelow(9)
        #expect(set.isEmpty)
    }

    @Test(
        arguments: [
            (0, [8...9, 3...5]), (3, [8...9, 3...5]), (4, [8...9, 4...5]), (5, [8...9, 5...5]),
            (6, [8...9]), (8, [8...9]), (9, [9...9]), (10, []), (.max, []),
        ] as [(UInt64, [ClosedRange<UInt64>])])
    func forgetsBelow(bound: UInt64, expected: [ClosedRange<UInt64>]) {
        var set = RangeSet()
        for number in [3, 4, 5, 8, 9] as [UInt64] { set.insert(number) }
        set.removeBelow(bound)
        #expect(ranges(of: set) == expected)
    }

    @Test func forgetsTheLowestRangesFirst() {
        var set = RangeSet()
        let capacity = UInt64(RangeSet.capacity)
        for i in 0..<capacity { set.insert(100 + i * 2) }
        #expect(set.count == RangeSet.capacity)
        set.insert(10)
        #expect(set.count == RangeSet.capacity && !set.contains(10))
        set.insert(1_000)
        #expect(set.count == RangeSet.capacity && set.contains(1_000))
        #expect(!set.contains(100) && set.contains(102))
        set.insert(103)
        #expect(set.count == RangeSet.capacity - 1)
    }

    /// Numbers near each other, so that ranges meet, split the room and overflow it.
    @Test(arguments: 0..<40 as Range<UInt64>)
    func behavesLikeASetOfNumbers(seed: UInt64) {
        var stream = RandomStream(seed: seed, label: "ranges")
        let spread = 20 + stream.below(400)
        var set = RangeSet()
        var model: Set<UInt64> = []
        for _ in 0..<400 {
            if stream.chance(0.03) {
                let bound = stream.below(spread / 2)
                set.removeBelow(bound)
                model = model.filter { $0 >= bound }
            } else {
                let number = stream.below(spread)
                set.insert(number)
                model.insert(number)
            }
            let expected = Array(ranges(of: model).prefix(RangeSet.capacity))
            // What the set forgot for want of room, it does not remember when room comes.
            model = model.filter { number in expected.contains { $0.contains(number) } }
            #expect(ranges(of: set) == expected)
        }
        for number in 0...spread { #expect(set.contains(number) == model.contains(number)) }
        #expect(set.highest == model.max())
    }

    private func ranges(of set: RangeSet) -> [ClosedRange<UInt64>] {
        (0..<set.count).map { set[$0] }
    }

    private func ranges(of numbers: Set<UInt64>) -> [ClosedRange<UInt64>] {
        var ranges: [ClosedRange<UInt64>] = []
        for number in numbers.sorted(by: >) {
            if let last = ranges.last, last.lowerBound == number + 1 {
                ranges[ranges.count - 1] = number...last.upperBound
            } else {
                ranges.append(number...number)
            }
        }
        return ranges
    }
}
