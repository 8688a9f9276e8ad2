// Ranges of places at the ends of what a number can say.

import PetrelMessaging
import Testing

@Suite struct HeldRangesTests {
    @Test func placesAreCounted() {
        let rows: [(ranges: [ClosedRange<UInt64>], count: UInt64)] = [
            ([], 0),
            ([7...7], 1),
            ([1...3, 7...9], 6),
            ([1...UInt64.max], .max),
            ([0...UInt64.max - 1], .max),
            // One place more than a number can say; only a damaged store holds it.
            ([0...UInt64.max], .max),
            ([0...9, 11...UInt64.max], .max),
        ]
        for row in rows { #expect(HeldRanges(row.ranges).count == row.count, "\(row.ranges)") }
    }
}
