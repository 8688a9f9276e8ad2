// The curve by which CUBIC grows a window after a loss (RFC 9438 §4.2, §4.7).

internal import PetrelBase

/// Where a window stands on its way back to what it was before the last loss, and beyond.
///
/// Steep far below that point, flat around it, steep again above: flows on one bottleneck that all
/// grow like this find equal shares.
struct CubicCurve: Sendable {
    /// The factor of the cube, in packets per second cubed (RFC 9438 §5.1).
    private static let scale = 0.4
    /// What remains of a window after a loss (RFC 9438 §4.6).
    static let decrease = 0.7

    /// The window before the last loss, in packets: the flat point of the curve.
    private(set) var origin = 0.0
    private var epoch: Instant?
    /// Seconds from the epoch to the flat point.
    private var seconds = 0.0

    /// A window of `packets` gave way, and `share` of it remains.
    ///
    /// Fast convergence: one that no longer reaches what it had gives way.
    mutating func reduced(from packets: Double, to share: Double = decrease) {
        origin = packets < origin ? packets * (1 + share) / 2 : packets
        epoch = nil
    }

    /// The loss was none: the flat point is where it was.
    mutating func restore(origin: Double) {
        self.origin = origin
        epoch = nil
    }

    /// Begins anew from whatever the window is when it is asked for next.
    mutating func restart() { epoch = nil }

    /// Whether the window has not grown since it began anew.
    var isAtStart: Bool { epoch == nil }

    /// What a window of `packets` should be a round trip from now, in packets; 1.5 times at most.
    mutating func target(_ packets: Double, roundTrip: Interval, now: Instant) -> Double {
        let start = epoch ?? now
        if epoch == nil {
            epoch = start
            origin = max(origin, packets)
            seconds = Self.cubeRoot((origin - packets) / Self.scale)
        }
        let time = (now - start + roundTrip).milliseconds / 1_000 - seconds
        return min(max(Self.scale * time * time * time + origin, packets), packets * 1.5)
    }

    /// The cube root by Newton's method; there is no mathematics library on this floor.
    private static func cubeRoot(_ value: Double) -> Double {
        guard value > 0 else { return 0 }
        var root = max(value.squareRoot(), 1)
        for _ in 0..<40 { root -= (root * root * root - value) / (3 * root * root) }
        return root
    }
}
