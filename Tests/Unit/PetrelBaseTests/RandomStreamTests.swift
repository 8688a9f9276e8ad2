// Seeded chance is the same everywhere, and streams of different names differ.

import PetrelBase
import Testing

@Suite struct RandomStreamTests {
    /// A change of these values makes every recorded seed worthless.
    @Test func knownValuesStayFixed() {
        var plain = RandomStream(seed: 0, label: "")
        #expect(
            (0..<3).map { _ in plain.next() } == [
                0x99EC_5F36_CB75_F2B4,
                0xBF6E_1F78_4956_452A,
                0x1A5F_849D_4933_E6E0,
            ])
        var named = RandomStream(seed: 42, label: "link")
        #expect(
            (0..<3).map { _ in named.next() } == [
                0xF75A_5B8D_0DBD_4C2F,
                0x4ECF_5E2C_9B67_583C,
                0x83BC_1BF2_5ADC_88E3,
            ])
    }

    @Test func sameNameSameNumbers() {
        var a = RandomStream(seed: 7, label: "a")
        var b = RandomStream(seed: 7, label: "a")
        for _ in 0..<100 { #expect(a.next() == b.next()) }
    }

    /// Neither small seeds nor labels of one letter may fall together.
    @Test func everyPairOfSeedAndLabelHasItsOwnStream() {
        let labels: [StaticString] = [
            "", "a", "b", "c", "d", "ab", "ba", "link", "mink", "links", "é",
        ]
        var first: Set<UInt64> = []
        for seed in 0..<64 as Range<UInt64> {
            for label in labels {
                var stream = RandomStream(seed: seed, label: label)
                first.insert(stream.next())
            }
        }
        #expect(first.count == 64 * labels.count)
    }

    @Test(arguments: [1, 2, 3, 10, 1_000, UInt64.max])
    func numbersStayBelowTheirBound(bound: UInt64) {
        var stream = RandomStream(seed: bound, label: "bound")
        var highest: UInt64 = 0
        for _ in 0..<1_000 {
            let number = stream.below(bound)
            #expect(number < bound)
            highest = max(highest, number)
        }
        #expect(highest >= bound / 2 - bound / 10)
    }

    @Test func boundsOfZeroGiveZero() {
        var stream = RandomStream(seed: 1, label: "zero")
        #expect(stream.below(0) == 0)
        #expect(stream.interval(below: .zero) == .zero)
        #expect(stream.interval(below: Interval(nanoseconds: -5)) == .zero)
    }

    @Test func fractionsAndIntervalsStayInRange() {
        var stream = RandomStream(seed: 2, label: "range")
        var sum = 0.0
        for _ in 0..<10_000 {
            let fraction = stream.fraction()
            #expect(fraction >= 0 && fraction < 1)
            sum += fraction
            let interval = stream.interval(below: .milliseconds(5))
            #expect(interval >= .zero && interval < .milliseconds(5))
        }
        #expect(abs(sum / 10_000 - 0.5) < 0.02)
    }

    @Test func chanceFollowsItsProbability() {
        var stream = RandomStream(seed: 3, label: "chance")
        let hits = (0..<10_000).count { _ in stream.chance(0.2) }
        #expect((1_800...2_200).contains(hits))
        #expect((0..<100).allSatisfy { _ in !stream.chance(0) })
        #expect((0..<100).allSatisfy { _ in stream.chance(1) })
    }
}
