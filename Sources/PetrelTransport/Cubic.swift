// The loss-based controller: CUBIC (RFC 9438) with HyStart++ (RFC 9406).

internal import PetrelBase
internal import PetrelWire

/// A window that grows with the cube of the time since the last loss.
///
/// It fills the queue and takes every loss for congestion: right on clean links and beside its
/// like, slow where radio loses packets.
struct Cubic: CongestionController {
    private static let datagram = WireLimits.datagramByteCountMax
    /// What remains after a mark: queues that mark are short (RFC 8511 §3).
    private static let decreaseMarked = 0.85

    private(set) var window = CongestionLimits.windowInitial
    private(set) var slowStartThreshold = Int.max
    private var recoveryStart = Instant(nanoseconds: .min)
    private var before: (window: Int, threshold: Int, origin: Double)?
    private var curve = CubicCurve()
    /// What Reno would have, in packets.
    private var renoWindow = 0.0
    private var grown = 0.0
    private var hyStart = HyStart()

    var phase: UInt8 { 0 }

    func pacingRate(smoothedRTT: Interval) -> Int {
        let perRound = window < slowStartThreshold ? window * 2 : window * 5 / 4
        return DeliveryRate.perSecond(perRound, smoothedRTT)
    }

    mutating func acknowledged(byteCount: Int, mark: DeliveryMark, sent: Instant) {}

    mutating func lost(_ number: UInt64, mark: DeliveryMark, sent: Instant, now: Instant) {
        reduce(to: CubicCurve.decrease, sent: sent, now: now)
    }

    /// As a loss, but that nothing makes it undone.
    mutating func marked(mark: DeliveryMark, sent: Instant, now: Instant) {
        reduce(to: Self.decreaseMarked, sent: sent, now: now)
        before = nil
    }

    /// Gives way once for each round trip.
    private mutating func reduce(to share: Double, sent: Instant, now: Instant) {
        guard sent > recoveryStart else { return }
        before = (window, slowStartThreshold, curve.origin)
        recoveryStart = now
        curve.reduced(from: Double(window) / Double(Self.datagram), to: share)
        window = max(CongestionLimits.windowMin, Int(Double(window) * share))
        slowStartThreshold = window
    }

    mutating func lossWasSpurious(byteCount: Int, mark: DeliveryMark, sent: Instant) {
        guard let before, sent <= recoveryStart else { return }
        window = max(window, before.window)
        slowStartThreshold = before.threshold
        curve.restore(origin: before.origin)
        self.before = nil
    }

    mutating func update(_ sample: CongestionSample, rtt: RTTEstimator) {
        guard sample.acknowledgedByteCount > 0, !sample.isLimited else { return }
        if window < slowStartThreshold {
            let divisor = hyStart.growthDivisor(sample)
            window += sample.acknowledgedByteCount / divisor
            if hyStart.isOver { slowStartThreshold = window }
        } else if sample.now - recoveryStart >= .zero, sample.acknowledgedByteCount > 0 {
            avoid(sample, rtt: rtt)
        }
        window = min(window, CongestionLimits.windowMax)
    }

    /// Congestion avoidance (RFC 9438 §4.2 - 4.5).
    private mutating func avoid(_ sample: CongestionSample, rtt: RTTEstimator) {
        let packets = Double(window) / Double(Self.datagram)
        if curve.isAtStart { renoWindow = packets }
        let acknowledged = Double(sample.acknowledgedByteCount) / Double(Self.datagram)
        renoWindow +=
            3 * (1 - CubicCurve.decrease) / (1 + CubicCurve.decrease) * acknowledged / packets
        let cube = curve.target(packets, roundTrip: rtt.smoothed, now: sample.now)
        let target = min(max(cube, renoWindow), packets * 1.5)
        grown += (target - packets) / packets * acknowledged * Double(Self.datagram)
        window += Int(grown)
        grown -= grown.rounded(.towardZero)
    }

    mutating func collapsed() {
        slowStartThreshold = max(CongestionLimits.windowMin, window * 7 / 10)
        window = CongestionLimits.windowCollapsed
        curve.restart()
        before = nil
    }

    mutating func rested(halvings: Int) {
        window = max(CongestionLimits.windowInitial, window >> min(halvings, 32))
        curve.restart()
    }
}

/// Leaves slow start when the round trip grows, before the queue overflows (RFC 9406).
struct HyStart: Sendable {
    private static let samplesMin = 8
    private static let conservativeRounds = 5
    private static let conservativeDivisor = 4

    private var lastRoundMin = Interval.infinite
    private var roundMin = Interval.infinite
    private var baseline = Interval.infinite
    private var samples = 0
    private var conservative: Int?
    /// Whether slow start is over.
    private(set) var isOver = false

    /// Takes a sample in; returns by what the growth of slow start is divided.
    mutating func growthDivisor(_ sample: CongestionSample) -> Int {
        if sample.startsRound { startRound() }
        if let latest = sample.latestRTT {
            samples += 1
            roundMin = min(roundMin, latest)
        }
        guard samples >= Self.samplesMin, lastRoundMin != .infinite else { return divisor }
        if conservative == nil {
            let threshold = min(max(.milliseconds(4), lastRoundMin / 8), .milliseconds(16))
            if roundMin >= lastRoundMin + threshold {
                conservative = 0
                baseline = roundMin
            }
        } else if roundMin < baseline {
            conservative = nil  // it was no queue
            baseline = .infinite
        }
        return divisor
    }

    private var divisor: Int { conservative == nil ? 1 : Self.conservativeDivisor }

    private mutating func startRound() {
        lastRoundMin = roundMin
        roundMin = .infinite
        samples = 0
        guard let rounds = conservative else { return }
        conservative = rounds + 1
        isOver = rounds + 1 >= Self.conservativeRounds
    }
}
