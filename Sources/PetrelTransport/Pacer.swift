// Spreads packets over the round trip: a token bucket in integers (RFC 9002 §7.7).

internal import PetrelBase
internal import PetrelWire

/// Lets bytes through at 5/4 of a window per round trip, at most a few packets back to back.
struct Pacer: Sendable {
    /// Packets back to back: more is cut by the policers of mobile networks.
    static let burstPackets = 4
    /// Packets back to back at the start of a session.
    static let burstPacketsInitial = 10

    private var tokens = burstPacketsInitial * WireLimits.datagramByteCountMax
    private var updated = Instant(nanoseconds: .min)

    /// Takes in what time has brought.
    mutating func refill(window: Int, smoothedRTT: Interval, now: Instant) {
        let capacity = Self.burstPackets * WireLimits.datagramByteCountMax
        guard updated.nanoseconds != .min, tokens < capacity else { return updated = now }
        // In whole microseconds: a shorter round trip would bring nothing, however long the wait.
        let rtt = max(smoothedRTT, .microseconds(1))
        let elapsed = min(max(now - updated, .zero), rtt)
        let gained =
            Int64(window) * 5 / 4 * (elapsed.nanoseconds / 1_000) / (rtt.nanoseconds / 1_000)
        guard gained > 0 else { return }  // too little time for one byte: it is kept for later
        tokens = min(capacity, tokens + Int(gained))
        updated = now
    }

    /// Whether a packet may go out.
    var mayProceed: Bool { tokens > 0 }

    /// Counts a packet that went out.
    mutating func sent(byteCount: Int) { tokens -= byteCount }

    /// When the next packet may go out, after `mayProceed` said no.
    func nextProceed(window: Int, smoothedRTT: Interval) -> Instant {
        let missing = Int64(1 - tokens)
        let perWindow = max(smoothedRTT.nanoseconds / 1_000, 1)
        let rate = max(Int64(window) * 5 / 4, 1)
        return updated + .microseconds(missing * perWindow / rate + 1)
    }
}
