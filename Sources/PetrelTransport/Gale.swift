// The rate-based controller: a model of the path from what it delivers, and experiments with it.

internal import PetrelBase
internal import PetrelWire

/// Paces at the bandwidth that the path has shown, and keeps little more in flight than fits on it.
///
///     startup ── no more bandwidth, or a queue ──▶ drain ── queue gone ──▶ cruise ◀────────┐
///                                                                          │  │ some rounds │
///                                               loss beyond what is usual  │  ▼             │
///                                       doubt ◀────────────────────────────┘  up ──▶ down ──┤
///                                         └── a round later: congestion, or the path's own ─┤
///     any ── shortest round trip not seen for 10 s ──▶ probeRTT ────────────────────────────┘
///
/// Loss is not a sign of congestion by itself: radio links lose packets without being full. The
/// controller asks by experiment: it sends less for a round. If the loss stays, it is the path's
/// own, and is made up for; if it goes, there was too much in flight.
///
/// Bandwidth and shortest round trip in the manner of BBR (draft-ietf-ccwg-bbr); the ceiling grows
/// and falls as other flows' windows do, so that both find their share.
struct Gale: CongestionController {
    enum Phase: UInt8, Sendable {
        case startup
        case drain
        case cruise
        case up
        case down
        case doubt
        case probeRTT
    }

    private static let datagram = WireLimits.datagramByteCountMax
    /// The least window: four packets keep acknowledgements coming.
    static let windowMin = 4 * datagram
    /// How long the shortest round trip is believed.
    static let minRTTLife = Interval.seconds(10)
    /// The least time of looking for a shorter round trip.
    static let probeRTTTime = Interval.milliseconds(200)

    private var state = Phase.startup
    private(set) var window = CongestionLimits.windowInitial
    private(set) var loss = LossModel()
    // The model.
    private var bandwidthNow = 0
    private var bandwidthBefore = 0
    private(set) var minRTT = Interval.infinite
    private var minRTTSeen = Instant(nanoseconds: 0)
    /// The most in flight that did no harm; it bounds the window.
    private(set) var ceiling = Int.max
    private var ceilingBefore: Int?
    private var curve = CubicCurve()
    /// Whether somebody else keeps the queue filled: then the ceiling alone bounds the window.
    private(set) var isCrowded = false
    // Rounds.
    private var roundMinRTT = Interval.infinite
    private var lastRoundMinRTT = Interval.infinite
    private var cycleMinRTT = Interval.infinite
    private var roundMaxInFlight = 0
    private var lastMaxInFlight = 0
    private var roundsInPhase = 0
    private var phaseSince = Instant(nanoseconds: 0)
    // Startup.
    private var bandwidthFull = 0
    private var lastBandwidth = 0
    private var roundsFull = 0
    // Cycle.
    private var cycle: UInt32 = 0
    private var isUpHarmful = false
    private var hasDoubted = false
    private var harmlessCycles = 0
    /// When the ceiling last fell because of marks on packets sent while nothing was tried.
    private var yieldedAt: Instant?
    /// Whether that was in this round or the last one.
    private var roundsSinceYield = Int.max
    private var probeUntil: Instant?

    var phase: UInt8 { state.rawValue }

    /// Bytes per second that the path has shown lately; 0 before the first sample.
    var bandwidth: Int { max(bandwidthNow, bandwidthBefore) }

    func pacingRate(smoothedRTT: Interval) -> Int {
        // The first flight goes out within half a round trip, as far as that is known.
        let first = DeliveryRate.perSecond(CongestionLimits.windowInitial, smoothedRTT / 2)
        guard bandwidth > 0 else { return first }
        let rate = loss.madeUp(bandwidth) * gain / 16
        switch state {
        case .startup: return max(rate, first)
        case .cruise where isCrowded:
            return max(rate, DeliveryRate.perSecond(window, smoothedRTT) * 5 / 4)
        default: return max(rate, 1_000)
        }
    }

    /// The pacing rate over the bandwidth, in 1/16.
    private var gain: Int {
        switch state {
        case .startup: 44  // 2 / ln 2: the rate doubles with each round
        case .drain: 8
        case .cruise where roundsSinceYield < 1: 15
        case .cruise: hasQueue && !isCrowded ? 15 : 16
        case .probeRTT: 16
        case .up: isCrowded ? 16 : 20
        case .down: 12
        case .doubt: loss.isGrave ? 8 : 12
        }
    }

    /// Bytes that fit on the path.
    var pathByteCount: Int {
        guard minRTT != .infinite else { return CongestionLimits.windowInitial }
        return loss.madeUp(bandwidth) * Int(minRTT.nanoseconds / 1_000) / 1_000_000
    }

    // MARK: Packets

    mutating func acknowledged(byteCount: Int, mark: DeliveryMark, sent: Instant) {
        loss.arrived(kind(mark))
    }

    mutating func lost(_ number: UInt64, mark: DeliveryMark, sent: Instant, now: Instant) {
        loss.lost(kind(mark), number: number)
    }

    /// A mark is harm that needs no experiment: it says that a queue grows.
    mutating func marked(mark: DeliveryMark, sent: Instant, now: Instant) {
        switch kind(mark) {
        case .loud:
            if state == .startup { roundsFull = 3 }
            guard state == .up, !isUpHarmful else { return }
            ceiling = max(roundMaxInFlight * 15 / 16, pathByteCount * 3 / 4)
            isUpHarmful = true
        case .calm, .quiet:
            // Somebody's queue stands while nothing is tried: once in a round trip.
            guard yieldedAt.map({ sent > $0 }) ?? true else { return }
            yieldedAt = now
            roundsSinceYield = 0
            harmlessCycles = 0
            let inFlight = max(roundMaxInFlight, lastMaxInFlight)
            ceiling = max(min(ceiling, inFlight) * 7 / 8, pathByteCount / 2, Self.windowMin)
        }
    }

    mutating func lossWasSpurious(byteCount: Int, mark: DeliveryMark, sent: Instant) {
        loss.wasSpurious(kind(mark))
        if let before = ceilingBefore, state == .doubt { ceiling = before }
    }

    private func kind(_ mark: DeliveryMark) -> LossModel.Kind {
        switch Phase(rawValue: mark.phase) {
        case .startup, .drain, .up: .loud
        case .down, .doubt, .probeRTT: .quiet
        case .cruise, nil: .calm
        }
    }

    // MARK: Model

    mutating func update(_ sample: CongestionSample, rtt: RTTEstimator) {
        roundMaxInFlight = max(roundMaxInFlight, sample.bytesInFlight)
        if let latest = sample.latestRTT { takeRTT(latest, sample) }
        if let rate = sample.rate, !sample.isLimited || rate > bandwidth {
            bandwidthNow = max(bandwidthNow, rate)
        }
        if sample.startsRound { startRound(sample) }
        advance(sample)
        moveWindow(sample)
    }

    private mutating func takeRTT(_ latest: Interval, _ sample: CongestionSample) {
        roundMinRTT = min(roundMinRTT, latest)
        cycleMinRTT = min(cycleMinRTT, latest)
        if latest <= minRTT {
            minRTT = latest
            minRTTSeen = sample.now
        } else if sample.now - minRTTSeen > Self.minRTTLife, state != .startup {
            minRTT = latest
            minRTTSeen = sample.now
            if !sample.isLimited, state != .probeRTT { enter(.probeRTT, sample.now) }
        }
    }

    private mutating func startRound(_ sample: CongestionSample) {
        roundsInPhase += 1
        lastRoundMinRTT = roundMinRTT
        roundMinRTT = .infinite
        lastMaxInFlight = roundMaxInFlight
        roundMaxInFlight = sample.bytesInFlight
        if roundsSinceYield < .max { growBack(sample) }
        if isCrowded, state == .cruise, ceiling != .max, !sample.isLimited {
            growCeiling(sample)
        }
        switch state {
        case .startup: if !sample.isLimited { lookForFullPath() }
        case .doubt: break
        case .drain, .probeRTT: break
        case .cruise, .down:
            if loss.isCalmHarmed, !hasDoubted { beginDoubt(sample.now) }
        case .up: break
        }
        if state != .startup, loss.isLoudHarmed {
            if !isUpHarmful { ceiling = max(lastMaxInFlight * 15 / 16, pathByteCount * 3 / 4) }
            isUpHarmful = true
        }
        loss.startRound(isOpen: state == .startup && bandwidth > lastBandwidth * 3 / 2)
        lastBandwidth = bandwidth
        if state == .doubt, roundsInPhase >= 2 { decide(sample.now) }
    }

    /// Beside a loss-based flow the ceiling grows as that flow's window does.
    private mutating func growCeiling(_ sample: CongestionSample) {
        let packets = Double(ceiling) / Double(Self.datagram)
        let target = curve.target(packets, roundTrip: lastRoundMinRTT, now: sample.now)
        ceiling = max(ceiling + Self.datagram, Int(target * Double(Self.datagram)))
    }

    /// Startup is over when three rounds brought less than a quarter more, or when a queue stands.
    private mutating func lookForFullPath() {
        if bandwidth >= bandwidthFull * 5 / 4 {
            bandwidthFull = bandwidth
            roundsFull = 0
        } else {
            // A queue that stands while the bandwidth still grows is somebody else's.
            roundsFull += hasQueue ? 3 : 1
        }
        if loss.isStartupHarmed { roundsFull = 3 }
    }

    /// Whether the shortest round trip of the last round says that packets stand in line.
    private var hasQueue: Bool {
        guard lastRoundMinRTT != .infinite, minRTT != .infinite else { return false }
        return lastRoundMinRTT > minRTT + max(minRTT / 4, .milliseconds(10))
    }

    /// After marks the ceiling grows as a window does, a packet in each round without.
    private mutating func growBack(_ sample: CongestionSample) {
        roundsSinceYield += 1
        guard !isCrowded, ceiling != .max, roundsSinceYield > 1, !sample.isLimited else { return }
        ceiling += Self.datagram
        guard ceiling > pathByteCount * 2 else { return }
        roundsSinceYield = .max
    }

    // MARK: Experiments

    /// Sends less for a while, to see whether the loss stays.
    private mutating func beginDoubt(_ now: Instant) {
        ceilingBefore = ceiling
        curve.reduced(from: Double(min(ceiling, lastMaxInFlight)) / Double(Self.datagram))
        ceiling = max(min(ceiling, lastMaxInFlight) * 7 / 10, Self.windowMin)
        hasDoubted = true
        loss.beginExperiment()
        enter(.doubt, now)
    }

    private mutating func decide(_ now: Instant) {
        if loss.endExperiment(), let before = ceilingBefore { ceiling = before }
        ceilingBefore = nil
        harmlessCycles = 0
        enter(.cruise, now)
    }

    // MARK: Phases

    private mutating func advance(_ sample: CongestionSample) {
        let elapsed = sample.now - phaseSince
        switch state {
        case .startup:
            if roundsFull >= 3 { enter(.drain, sample.now) }
        case .drain:
            if sample.bytesInFlight <= pathByteCount { enter(.cruise, sample.now) }
        case .cruise:
            if roundsInPhase >= cruiseRounds { enter(.up, sample.now) }
        case .up:
            let isFull = sample.bytesInFlight >= pathByteCount * 5 / 4 || isUpHarmful
            guard elapsed > minRTT, isFull || roundsInPhase > 2 else { return }
            raiseCeiling()
            enter(.down, sample.now)
        case .down:
            guard sample.bytesInFlight <= pathByteCount || elapsed > minRTT * 2 else { return }
            if loss.needsProof, cycle & 3 == 0 { return beginDoubt(sample.now) }
            let hasGrown = bandwidthNow > bandwidthBefore * 9 / 8 && !isUpHarmful && !hasQueue
            enter(hasGrown ? .up : .cruise, sample.now)
        case .doubt: break
        case .probeRTT: leaveProbeRTT(sample)
        }
    }

    private var packetTime: Interval {
        .microseconds(Int64(Self.datagram * 1_000_000 / max(bandwidth, 1)))
    }

    /// What did no harm may be more the next time: a little after a fall, then ever more.
    private mutating func raiseCeiling() {
        guard !isUpHarmful, !isCrowded, ceiling != .max else { return }
        ceiling += (ceiling / 32) << min(harmlessCycles, 3)
        harmlessCycles += 1
        if ceiling > pathByteCount * 4 { ceiling = .max }
    }

    /// Flows that began together must not try for more together.
    private var cruiseRounds: Int { 4 + Int(cycle &* 2_654_435_761 >> 30) }

    private mutating func enter(_ next: Phase, _ now: Instant) {
        if next == .up { startCycle() }
        state = next
        phaseSince = now
        roundsInPhase = 0
        probeUntil = nil
    }

    private mutating func startCycle() {
        bandwidthBefore = bandwidthNow
        bandwidthNow = 0
        cycle &+= 1
        isUpHarmful = false
        hasDoubted = false
        let queue = cycleMinRTT == .infinite ? .zero : cycleMinRTT - minRTT
        isCrowded = queue > max(minRTT / 4, .milliseconds(10)) + packetTime * 4
        if isCrowded, ceiling == .max {
            ceiling = lastMaxInFlight
            curve = CubicCurve()
        }
        cycleMinRTT = .infinite
    }

    private mutating func leaveProbeRTT(_ sample: CongestionSample) {
        guard let until = probeUntil else {
            if sample.bytesInFlight <= probeWindow {
                probeUntil = sample.now + max(Self.probeRTTTime, minRTT)
            }
            return
        }
        if sample.now >= until {
            minRTTSeen = sample.now
            enter(.cruise, sample.now)
        }
    }

    private var probeWindow: Int { max(Self.windowMin, pathByteCount / 2) }

    // MARK: Window

    private mutating func moveWindow(_ sample: CongestionSample) {
        guard bandwidth > 0, minRTT != .infinite else {
            window += sample.isLimited ? 0 : sample.acknowledgedByteCount
            return
        }
        let path = pathByteCount
        let slack = 4 * Self.datagram
        var target = path * 2 + slack
        switch state {
        case .startup: target = max(path * 2 + slack, CongestionLimits.windowInitial)
        case .probeRTT: target = probeWindow
        case .down: target = path + slack
        case .up: target = max(target, 0)
        case .drain, .cruise, .doubt:
            target = isCrowded ? ceiling : min(target, ceiling)
        }
        if window > target { window = target } else { window += sample.acknowledgedByteCount }
        window = min(max(min(window, target), Self.windowMin), CongestionLimits.windowMax)
    }

    mutating func collapsed() {
        window = CongestionLimits.windowCollapsed
    }

    mutating func rested(halvings: Int) {
        bandwidthNow >>= halvings
        bandwidthBefore >>= halvings
        window = max(CongestionLimits.windowInitial, window >> halvings)
        ceiling = .max
        curve = CubicCurve()
        guard bandwidth == 0 || pathByteCount < CongestionLimits.windowInitial else { return }
        state = .startup
        bandwidthFull = 0
        roundsFull = 0
    }
}
