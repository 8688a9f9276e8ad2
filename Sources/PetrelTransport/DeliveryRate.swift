// How fast bytes reach the peer, measured with each packet (draft-ietf-ccwg-bbr, delivery rate).

internal import PetrelBase

/// What is written on a packet when it leaves, to measure with when it is acknowledged.
struct DeliveryMark: Sendable {
    /// Bytes that had arrived when it was sent.
    var delivered = 0
    /// When the last of them was acknowledged.
    var deliveredAt = Instant(nanoseconds: 0)
    /// When the packet was sent whose acknowledgement that was.
    var firstSent = Instant(nanoseconds: 0)
    /// Whether the application, and not the network, held sending back.
    var isLimited = false
    /// What the controller was doing; its own number.
    var phase: UInt8 = 0
}

/// What the packets acknowledged at once say together.
struct CongestionSample: Sendable {
    var now = Instant(nanoseconds: 0)
    /// Bytes acknowledged, and bytes declared lost, since the last sample.
    var acknowledgedByteCount = 0
    var lostByteCount = 0
    /// Bytes that are still in flight.
    var bytesInFlight = 0
    /// The round trip just measured.
    var latestRTT: Interval?
    /// Bytes per second that arrived; `nil` if too little time has passed to say.
    var rate: Int?
    /// Whether the rate says only how much there was to send.
    var isLimited = false
    /// Whether a packet was acknowledged that was sent after the last round began.
    var startsRound = false
}

/// Counts what arrives, and over which time.
///
/// A rate is the smaller one of how fast packets were sent and how fast they were acknowledged, so
/// that acknowledgements in a bunch do not look like a fast link.
struct DeliveryRate: Sendable {
    /// Bytes acknowledged since the start.
    private(set) var delivered = 0
    private var deliveredAt = Instant(nanoseconds: 0)
    private var firstSent = Instant(nanoseconds: 0)
    /// Samples of packets sent before this much is delivered are limited by the application.
    private var limitedUntil = -1
    private var roundEnd = 0
    private var newest: (mark: DeliveryMark, sent: Instant)?

    /// Notes a packet that leaves, and returns what to write on it.
    mutating func sent(bytesInFlight: Int, phase: UInt8, now: Instant) -> DeliveryMark {
        if bytesInFlight == 0 {
            firstSent = now
            deliveredAt = now
        }
        return DeliveryMark(
            delivered: delivered, deliveredAt: deliveredAt, firstSent: firstSent,
            isLimited: delivered < limitedUntil, phase: phase)
    }

    /// Notes that there is nothing more to send, though more might be in flight.
    mutating func limited(bytesInFlight: Int) { limitedUntil = delivered + bytesInFlight + 1 }

    /// Notes a packet that was acknowledged.
    mutating func acknowledged(byteCount: Int, mark: DeliveryMark, sent: Instant, now: Instant) {
        delivered += byteCount
        deliveredAt = now
        if let newest, newest.sent > sent { return }
        newest = (mark, sent)
        firstSent = sent
    }

    /// Puts into `sample` what the packets acknowledged since the last call say.
    mutating func finish(_ sample: inout CongestionSample, minRTT: Interval) {
        guard let (mark, sent) = newest else { return }
        newest = nil
        if mark.delivered >= roundEnd {
            sample.startsRound = true
            roundEnd = delivered
        }
        sample.isLimited = mark.isLimited
        let elapsed = max(sent - mark.firstSent, deliveredAt - mark.deliveredAt)
        // Shorter than any round trip: what was sent before an acknowledgement that came late.
        guard elapsed > .zero, elapsed >= minRTT else { return }
        sample.rate = Self.perSecond(delivered - mark.delivered, elapsed)
    }

    /// Bytes per second; at least 1.
    static func perSecond(_ byteCount: Int, _ elapsed: Interval) -> Int {
        let microseconds = max(Int(elapsed.nanoseconds / 1_000), 1)
        return max(1, min(byteCount, 1 << 40) * 1_000_000 / microseconds)
    }
}
