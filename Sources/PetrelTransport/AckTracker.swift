// What to acknowledge, and when.

internal import PetrelBase
internal import PetrelWire

/// The packet numbers received, and whether the peer waits to hear of them.
///
/// An acknowledgement goes out at once for a packet out of order and for every second one that asks
/// for it, in a stream of full packets for every eighth; otherwise it waits a little for data that
/// it can ride on.
struct AckTracker: Sendable {
    /// How long an acknowledgement is held back.
    struct HoldBack: Sendable {
        /// For a packet with message data, which is likely to be answered.
        var message: Interval
        /// For any other packet, and in a stream.
        var other: Interval
    }

    /// Packets for each acknowledgement.
    static let everyPackets = 2
    /// The same in a stream.
    static let everyStreamPackets = 8
    /// Full packets after which a stream is one.
    static let streamPackets = 16
    /// Bytes of frames from which on a packet is full.
    static let fullByteCount = WireLimits.fragmentByteCount

    /// The numbers to report, newest first.
    private(set) var received = RangeSet()
    /// When the acknowledgement must go out; `.distantFuture` if nothing waits for it.
    private(set) var deadline = Instant.distantFuture
    private var largestReceivedAt = Instant(nanoseconds: 0)
    private var elicitingCount = 0
    private var fullInARow = 0

    init() {}

    /// All is reported of the packets up to `highest`.
    init(reportedUpTo highest: UInt64) { received.insert(highest) }

    /// Notes a packet that was opened, with `byteCount` bytes of frames.
    mutating func received(
        _ number: UInt64, isAckEliciting: Bool, byteCount: Int, holdBack: HoldBack, now: Instant
    ) {
        let largest = received.highest
        received.insert(number)
        if largest.map({ number > $0 }) ?? true { largestReceivedAt = now }
        guard isAckEliciting else { return }
        // The last packet of a large message is small; that does not end a stream.
        fullInARow =
            byteCount >= Self.fullByteCount
            ? min(fullInARow + 1, 2 * Self.streamPackets) : fullInARow / 2
        let isStream = fullInARow >= Self.streamPackets
        elicitingCount += 1
        let isInOrder = largest.map { number == $0 + 1 } ?? true
        let every = isStream ? Self.everyStreamPackets : Self.everyPackets
        let isAnswerable = byteCount > 16 && !isStream
        deadline =
            isInOrder && elicitingCount < every
            ? min(deadline, now + (isAnswerable ? holdBack.message : holdBack.other)) : now
    }

    /// The sender must hear at once of what came last: the network marked it.
    mutating func hurry(now: Instant) { deadline = min(deadline, now) }

    /// Whether an acknowledgement must go out now.
    func isDue(_ now: Instant) -> Bool { deadline <= now }

    /// Whether anything could be reported.
    var hasAny: Bool { !received.isEmpty }

    /// Whether numbers are missing between those to report.
    var hasGaps: Bool { received.count > 1 }

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
