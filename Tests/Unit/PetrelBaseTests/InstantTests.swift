// Time saturates instead of overflowing, and compares like numbers.

import PetrelBase
import Testing

@Suite struct IntervalTests {
    private static let edges: [Int64] = [.min, .min + 1, -1_000, -1, 0, 1, 1_000, .max - 1, .max]

    /// The nearest value to an exact result that 64 bits hold.
    private func saturated(_ exact: Int128) -> Int64 {
        Int64(clamping: exact)
    }

    @Test(arguments: edges, edges)
    func arithmeticSaturates(a: Int64, b: Int64) {
        let x = Interval(nanoseconds: a)
        let y = Interval(nanoseconds: b)
        #expect((x + y).nanoseconds == saturated(Int128(a) + Int128(b)))
        #expect((x - y).nanoseconds == saturated(Int128(a) - Int128(b)))
        #expect((x * b).nanoseconds == saturated(Int128(a) * Int128(b)))
        if b > 0 { #expect((x / b).nanoseconds == a / b) }
        #expect((x < y) == (a < b))
    }

    @Test(arguments: edges, edges)
    func instantsSaturateToo(a: Int64, b: Int64) {
        let moment = Instant(nanoseconds: a)
        #expect((moment + Interval(nanoseconds: b)).nanoseconds == saturated(Int128(a) + Int128(b)))
        #expect((moment - Interval(nanoseconds: b)).nanoseconds == saturated(Int128(a) - Int128(b)))
        #expect((moment - Instant(nanoseconds: b)).nanoseconds == saturated(Int128(a) - Int128(b)))
        #expect((moment < Instant(nanoseconds: b)) == (a < b))
    }

    @Test func unitsAreWhatTheyAreCalled() {
        #expect(Interval.microseconds(3).nanoseconds == 3_000)
        #expect(Interval.milliseconds(3) == .microseconds(3_000))
        #expect(Interval.seconds(3) == .milliseconds(3_000))
        #expect(Interval.seconds(.max) == .infinite)
        #expect(Interval.seconds(.min).nanoseconds == .min)
        #expect(Interval.milliseconds(1_500).milliseconds == 1_500)
    }

    @Test func neverComesAfterEverything() {
        #expect(Instant(nanoseconds: .max - 1) < .distantFuture)
        #expect(Instant.distantFuture + .seconds(1) == .distantFuture)
        #expect(WallTime(milliseconds: -1) < WallTime(milliseconds: 0))
    }

    @Test func timeIsEightBytes() {
        #expect(MemoryLayout<Interval>.size == 8)
        #expect(MemoryLayout<Instant>.size == 8)
    }
}
