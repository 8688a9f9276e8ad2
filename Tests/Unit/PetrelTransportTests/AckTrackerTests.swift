// What is still to be reported, and for how long.

import PetrelBase
import Testing

@testable import PetrelTransport

@Suite struct AckTrackerTests {
    private let now = Instant(nanoseconds: 1_000_000_000)
    private let holdBack = AckTracker.HoldBack(
        message: .milliseconds(1), other: .milliseconds(1))

    private func tracker(_ numbers: some Sequence<UInt64>) -> AckTracker {
        var tracker = AckTracker()
        for number in numbers {
            tracker.received(
                number, isAckEliciting: true, byteCount: 40, holdBack: holdBack, now: now)
        }
        return tracker
    }

    @Test func aReportThatArrivedIsNotRepeated() {
        let cases: [(received: [UInt64], reported: UInt64, left: [ClosedRange<UInt64>])] = [
            ([1, 2, 5, 6], 2, [5...6]),
            ([1, 2, 5, 6], 5, [6...6]),
            ([1, 2, 5, 6], 4, [5...6]),
            // The highest stays, or the next number would not be known to be in order.
            ([1, 2, 5, 6], 6, [6...6]),
            ([1, 3, 5, 7], 7, [7...7]),
            ([4], 4, [4...4]),
        ]
        for (received, reported, left) in cases {
            var tracker = tracker(received)
            tracker.reportArrived(upTo: reported)
            #expect((0..<tracker.received.count).map { tracker.received[$0] } == left)
        }
    }

    /// Peers that answer each other in turns once reported the same old gaps for ever.
    @Test func turnsLeaveNothingBehind() {
        var tracker = AckTracker()
        for number in (0..<2_000 as Range<UInt64>) where number % 50 != 7 {
            tracker.received(
                number, isAckEliciting: true, byteCount: 40, holdBack: holdBack, now: now)
            tracker.reported()
            tracker.reportArrived(upTo: number)
            #expect(tracker.received.count == 1)
        }
    }
}
