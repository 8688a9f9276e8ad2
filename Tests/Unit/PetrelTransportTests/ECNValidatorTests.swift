// Congestion marks: which paths are believed, as a table, and which packets are marked.

import PetrelBase
import PetrelWire
import Testing

@testable import PetrelTransport

@Suite struct ECNValidatorTests {
    private static let now = Instant(nanoseconds: 1_000_000_000)

    struct Row: CustomTestStringConvertible {
        var name: String
        /// Packets marked and sent; then, for each acknowledgement, how many of them it
        /// acknowledges first, and what it counts.
        var sent: Int
        var acks: [(arrived: Int, counts: ECNCounts?)]
        var state: ECNValidator.State
        var marks: UInt64 = 0

        var testDescription: String { name }
    }

    private static let rows: [Row] = [
        Row(
            name: "all arrive as they were", sent: 5,
            acks: [(2, ECNCounts(ect0: 2)), (3, ECNCounts(ect0: 5))], state: .capable),
        Row(
            name: "some come with CE", sent: 5, acks: [(5, ECNCounts(ect0: 3, ce: 2))],
            state: .capable, marks: 2),
        Row(
            name: "all come with CE", sent: 5, acks: [(5, ECNCounts(ce: 5))], state: .capable,
            marks: 5),
        Row(name: "wiped out", sent: 5, acks: [(5, nil)], state: .failed),
        Row(
            name: "wiped out later", sent: 9,
            acks: [(5, ECNCounts(ect0: 5)), (4, ECNCounts(ect0: 5))], state: .failed),
        Row(
            name: "an acknowledgement without counts", sent: 9,
            acks: [(5, ECNCounts(ect0: 5)), (4, nil)], state: .failed),
        Row(
            name: "without counts, of packets without marks", sent: 5, acks: [(0, nil)],
            state: .testing),
        Row(
            name: "made ECT(1)", sent: 5, acks: [(5, ECNCounts(ect1: 5))], state: .failed),
        Row(
            name: "ECT(1) besides", sent: 5, acks: [(5, ECNCounts(ect0: 5, ect1: 1))],
            state: .failed),
        Row(
            name: "more than were sent", sent: 5, acks: [(5, ECNCounts(ect0: 6))],
            state: .failed),
        Row(
            name: "more than were sent, with CE", sent: 5,
            acks: [(5, ECNCounts(ect0: 5, ce: 1))], state: .failed),
        Row(
            name: "fewer than arrived", sent: 5, acks: [(5, ECNCounts(ect0: 4))],
            state: .failed),
        Row(
            name: "counts that go down", sent: 9,
            acks: [(5, ECNCounts(ect0: 4, ce: 1)), (1, ECNCounts(ect0: 6, ce: 0))],
            state: .failed, marks: 1),
        Row(
            name: "the largest counts", sent: 5,
            acks: [(5, ECNCounts(ect0: (1 << 62) - 1, ect1: 0, ce: (1 << 62) - 1))],
            state: .failed),
        Row(
            name: "a report was lost, the next one counts for both", sent: 8,
            acks: [(3, ECNCounts(ect0: 8))], state: .capable),
    ]

    @Test(arguments: rows)
    func countsAreJudged(row: Row) {
        var ecn = ECNValidator(isWanted: true)
        for _ in 0..<row.sent { ecn.sentMarked(probeTimeout: .seconds(1), now: Self.now) }
        for ack in row.acks {
            _ = ecn.check(ack.counts, arrived: ack.arrived, now: Self.now)
        }
        #expect(ecn.state == row.state)
        #expect(ecn.marksCount == row.marks)
        #expect((ecn.congestedAt != nil) == (row.marks > 0))
        #expect((ecn.mark == .ect0) == (row.state != .failed))
    }

    /// Few packets are marked before the peer has counted any.
    @Test func testingIsShort() {
        var byCount = ECNValidator(isWanted: true)
        for i in 0..<10 {
            #expect(byCount.mark == .ect0, "\(i)")
            byCount.sentMarked(probeTimeout: .seconds(1), now: Self.now)
        }
        #expect(byCount.mark == .notECT && byCount.state == .unknown)
        var byTime = ECNValidator(isWanted: true)
        byTime.sentMarked(probeTimeout: .milliseconds(100), now: Self.now)
        byTime.sentMarked(probeTimeout: .milliseconds(100), now: Self.now + .milliseconds(301))
        #expect(byTime.state == .unknown)
        #expect(byTime.check(ECNCounts(ect0: 1), arrived: 1, now: Self.now) == 0)
        #expect(byTime.state == .capable && byTime.mark == .ect0)
    }

    /// A path that drops what is marked is not asked again.
    @Test func droppedMarksEndIt() {
        var ecn = ECNValidator(isWanted: true)
        for _ in 0..<10 { ecn.sentMarked(probeTimeout: .seconds(1), now: Self.now) }
        for number in UInt64(0)..<10 { ecn.lost(number, isMarked: true) }
        #expect(ecn.state == .failed)

        // One that begins to drop them later is left as soon as unmarked ones get through.
        var later = ECNValidator(isWanted: true)
        for _ in 0..<5 { later.sentMarked(probeTimeout: .seconds(1), now: Self.now) }
        for number in UInt64(0)..<5 { later.arrived(number, isMarked: true) }
        _ = later.check(ECNCounts(ect0: 5), arrived: 5, now: Self.now)
        for number in UInt64(5)..<40 { later.lost(number, isMarked: true) }
        #expect(later.state == .capable, "an outage looks like that")
        later.arrived(40, isMarked: false)
        #expect(later.state == .failed)
    }

    @Test func nothingIsMarkedUnasked() {
        var ecn = ECNValidator(isWanted: false)
        #expect(ecn.mark == .notECT)
        ecn.restart(next: 7)
        #expect(ecn.mark == .notECT)
    }

    @Test func anotherPathIsTestedAnew() {
        var ecn = ECNValidator(isWanted: true)
        for _ in 0..<5 { ecn.sentMarked(probeTimeout: .seconds(1), now: Self.now) }
        _ = ecn.check(nil, arrived: 5, now: Self.now)
        #expect(ecn.state == .failed)
        ecn.restart(next: 5)
        #expect(ecn.state == .testing && ecn.mark == .ect0)
        ecn.sentMarked(probeTimeout: .seconds(1), now: Self.now)
        _ = ecn.check(ECNCounts(ect0: 6), arrived: 1, now: Self.now)
        #expect(ecn.state == .capable)
    }
}
