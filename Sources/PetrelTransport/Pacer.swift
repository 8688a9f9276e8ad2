// Spreads packets over the round trip: a token bucket in integers (RFC 9002 §7.7).

internal import PetrelBase
internal import PetrelWire

/// Lets bytes through at 5/4 of a window per round trip, at most a few packets back to back.
struct Pacer: Sendable {
    /// Packets back to back: more is cut by the policers of mobile networks.
    static let burstPackets = 4
    /// Packets back to back at the start of a session.
    static let burstPacketsInitial = 10
    /// The longest that a window is spread over: what was measured may be of another time.
    static let spreadMax = Interval.seconds(1)

    private static let capacity = burstPackets * WireLimits.datagramByteCountMax

    private var tokens = burstPacketsInitial * WireLimits.datagramByteCountMax
    private var updated = Instant(nanoseconds: .min)

    /// Takes in what time has brought.
    mutating func refill(window: Int, smoothedRTT: Interval, now: Instant) {
        guard updated.nanoseconds != .min, tokens < Self.capacity else { return updated = now }
        let spread = Self.spread(smoothedRTT)
        let elapsed = min(max(now - updated, .zero), spread)
        let gained =
            Int64(window) * 5 / 4 * (elapsed.nanoseconds / 1_000) / (spread.nanoseconds / 1_000)
        guard gained > 0 else { return }  // too little time for one byte: it is kept for later
        tokens = min(Self.capacity, tokens + Int(gained))
        updated = now
    }

    /// Whether a packet may go out.
    var mayProceed: Bool { tokens > 0 }

    /// Counts a packet that went out.
    ///
    /// Probes are not held back: without a bound on what they owe, those of a long outage would
    /// hold back what is sent after it.
    mutating func sent(byteCount: Int) { tokens = max(tokens - byteCount, -Self.capacity) }

    /// When the next packet may go out, after `mayProceed` said no.
    func nextProceed(window: Int, smoothedRTT: Interval) -> Instant {
        let missing = Int64(1 - tokens)
        let perWindow = Self.spread(smoothedRTT).nanoseconds / 1_000
        let rate = max(Int64(window) * 5 / 4, 1)
        return updated + .microseconds(missing * perWindow / rate + 1)
    }

    /// In whole microseconds: a shorter round trip would bring nothing, however long the wait.
    private static func spread(_ smoothedRTT: Interval) -> Interval {
        min(max(smoothedRTT, .microseconds(1)), spreadMax)
    }
}
