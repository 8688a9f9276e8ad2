// Spreads packets over the round trip: token buckets in integers (RFC 9002 §7.7).

internal import PetrelBase
internal import PetrelWire

/// Lets bytes through at a rate, at most a few packets back to back.
///
/// Two buckets: one holds what time has earned, for as long as a late wakeup of the process may
/// last; the other one lets that out in small bursts, at most at twice the rate.
struct Pacer: Sendable {
    /// Packets back to back: more is cut by the policers of mobile networks.
    static let burstPackets = 4
    /// How much time may be caught up with.
    static let lateness = Interval.milliseconds(10)
    /// Above 4 packets in this time, bursts are as long as it: no timer is finer.
    static let grain = Interval.milliseconds(1)

    private static let burst = burstPackets * WireLimits.datagramByteCountMax
    /// One burst a second: what was measured may be of another time, as before an outage.
    private static let rateMin = burst

    private var earned = burst
    private var burstLeft = burst
    private var updated = Instant(nanoseconds: .min)

    /// Takes in what time has brought at `rate` bytes per second.
    mutating func refill(rate: Int, now: Instant) {
        guard updated.nanoseconds != .min else { return updated = now }
        let burstMax = max(Self.burst, Self.bytes(in: Self.grain, rate))
        let earnedMax = max(Self.burst, Self.bytes(in: Self.lateness, rate))
        if earned >= earnedMax, burstLeft >= burstMax { return updated = now }
        let elapsed = max(now - updated, .zero)
        let gained = Self.bytes(in: elapsed, rate)
        guard gained > 0 else { return }  // too little time for one byte: it is kept for later
        earned = min(earnedMax, earned + gained)
        burstLeft = min(burstMax, burstLeft + 2 * gained)
        updated = elapsed < Self.elapsedMax ? updated + Self.time(for: gained, rate) : now
    }

    /// Whether a packet may go out.
    var mayProceed: Bool { earned > 0 && burstLeft > 0 }

    /// Counts a packet that went out.
    ///
    /// Probes are not held back: without a bound on what they owe, those of a long outage would
    /// hold back what is sent after it.
    mutating func sent(byteCount: Int) {
        earned = max(earned - byteCount, -Self.burst)
        burstLeft = max(burstLeft - byteCount, -Self.burst)
    }

    /// When the next packets may go out, after `mayProceed` said no.
    ///
    /// At high rates two packets are waited for, which halves the wakeups.
    func nextProceed(rate: Int) -> Instant {
        let wanted = min(max(Self.bytes(in: Self.grain, rate), 1), Self.burst / 2)
        let missing = max(wanted - earned, (wanted - burstLeft + 1) / 2)
        return updated + Self.time(for: max(missing, 1), rate)
    }

    private static let elapsedMax = Interval.seconds(60)

    private static func bytes(in elapsed: Interval, _ rate: Int) -> Int {
        let rate = min(max(rate, rateMin), 1 << 32)
        let nanoseconds = Int(min(elapsed, elapsedMax).nanoseconds)
        // What a second brings fits into 64 bits in nanoseconds, a minute in microseconds.
        guard nanoseconds > 1_000_000_000 else { return rate * nanoseconds / 1_000_000_000 }
        return rate * (nanoseconds / 1_000) / 1_000_000
    }

    /// The least time in which `byteCount` bytes are earned.
    private static func time(for byteCount: Int, _ rate: Int) -> Interval {
        let rate = min(max(rate, rateMin), 1 << 32)
        let nanoseconds = (min(byteCount, 1 << 32) * 1_000_000_000 + rate - 1) / rate
        return Interval(nanoseconds: Int64(nanoseconds))
    }
}

/// Two packets a round trip for small messages, when window and pacer say no.
///
/// One's own bulk, or a window that losses have shrunk, must not keep a chat waiting; and two
/// packets a round trip harm nobody.
struct UrgentAllowance: Sendable {
    /// Packets for each round trip.
    static let packetsPerRound = 2

    private var left = packetsPerRound
    private var renewed = Instant(nanoseconds: .min)

    /// Takes in what time has brought.
    mutating func refill(smoothedRTT: Interval, now: Instant) {
        guard renewed.nanoseconds == .min || now - renewed >= smoothedRTT else { return }
        renewed = now
        left = Self.packetsPerRound
    }

    /// Whether a packet may go out.
    var mayProceed: Bool { left > 0 }

    /// Counts a packet that went out.
    mutating func used() { left = max(0, left - 1) }
}
