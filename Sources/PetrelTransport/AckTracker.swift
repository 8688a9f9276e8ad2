// What to acknowledge, and when.

internal import PetrelBase
internal import PetrelWire

/// The packet numbers received, and whether the peer waits to hear of them.
///
/// An acknowledgement goes out at once for a packet out of order and for every second one that asks
/// for it; otherwise it waits a little for data that it can ride on.
struct AckTracker: Sendable {
    /// The numbers to report, newest first.
    private(set) var received = RangeSet()
    /// When the acknowledgement must go out; `.distantFuture` if nothing waits for it.
    private(set) var deadline = Instant.distantFuture
    private var largestReceivedAt = Instant(nanoseconds: 0)
    private var elicitingCount = 0

    /// Notes a packet that was opened.
    mutating func received(
        _ number: UInt64, isAckEliciting: Bool, holdBack: Interval, now: Instant
    ) {
        let largest = received.highest
        received.insert(number)
        if largest.map({ number > $0 }) ?? true { largestReceivedAt = now }
        guard isAckEliciting else { return }
        elicitingCount += 1
        let isInOrder = largest.map { number == $0 + 1 } ?? true
        deadline = isInOrder && elicitingCount < 2 ? min(deadline, now + holdBack) : now
    }

    /// Whether an acknowledgement must go out now.
    func isDue(_ now: Instant) -> Bool { deadline <= now }

    /// Whether anything could be reported.
    var hasAny: Bool { !received.isEmpty }

    /// Whether the peer waits for something that was not reported yet.
    var isPending: Bool { deadline != .distantFuture }

    /// How long the newest packet has waited.
    func delay(_ now: Instant) -> Interval { max(now - largestReceivedAt, .zero) }

    /// Notes that all is reported.
    mutating func reported() {
        #if PETREL_PLANTED
            if PlantedBug.acknowledgementTimerSpins.isActive {
                deadline = deadline + .milliseconds(500)
                return
            }
        #endif
        elicitingCount = 0
        deadline = .distantFuture
    }

    /// Notes that the peer has a report that went up to `largest`: these numbers need no more.
    ///
    /// The highest number stays, to tell what is in order. Where two peers answer each other in
    /// turns, each report is the newest there is when it arrives.
    mutating func reportArrived(upTo largest: UInt64) {
        guard let highest = received.highest else { return }
        received.removeBelow(min(largest + 1, highest))
    }
}
