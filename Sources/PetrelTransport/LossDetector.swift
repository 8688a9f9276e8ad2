// Which packets are lost, and when to ask (RFC 9002 §6, RFC 8985, tuned for thin flows).

internal import PetrelBase
internal import PetrelWire

/// Keeps what was sent and judges it by what is acknowledged.
///
/// A packet is lost when enough later ones arrived, or when it was overtaken and time has passed.
/// A flow with few packets in flight does not wait for later packets that never come: the first one
/// that overtakes starts a short timer. Verdicts can be wrong; a late acknowledgement shows it, and
/// makes the thresholds more patient.
struct LossDetector: Sendable {
    /// Later packets that make a packet lost, at first (RFC 9002 §6.1.1) and at most.
    static let packetThreshold: (initial: UInt64, max: UInt64) = (3, 20)
    /// Eighths of a round trip after which an overtaken packet is lost, at first and at most.
    static let timeThreshold: (initial: Int64, max: Int64) = (9, 16)
    /// Bytes in flight below which a flow is thin: less than four full packets, or than ten if they
    /// are many small ones.
    static let thinBelow = (
        full: 4 * WireLimits.datagramByteCountMax, small: 10 * WireLimits.datagramByteCountMax
    )
    /// The mean size of packets that are small.
    private static let smallByteCount = 512
    /// The least wait of a thin flow after it was overtaken.
    static let thinWaitMin = Interval.milliseconds(5)
    /// Bounds of the probe timeout before backoff.
    static let probeTimeout: (min: Interval, max: Interval) = (.milliseconds(30), .seconds(3))
    /// Probe timeouts without an answer after which a link is silent.
    static let silentAfter: Int64 = 3
    /// Numbers between two losses of one run, at most.
    private static let runGapMax: UInt64 = 32
    /// A pause after which the radio sleeps and the round trip is another one.
    static let coldAfter = Interval.seconds(5)

    /// The rules that are on.
    let rules: RecoveryRules
    /// What was sent.
    private(set) var packets = SentPackets()
    /// The round trip while packets flow.
    private(set) var rtt = RTTEstimator()
    /// The round trip of the first packets after a pause.
    private(set) var coldRTT = RTTEstimator()
    /// What the path loses.
    private(set) var losses = LossEstimate()
    /// The highest number that the peer has.
    private(set) var largestAcknowledged: UInt64?
    /// Probes sent since the last acknowledgement.
    private(set) var probeCount = 0
    /// Numbers that the last call found acknowledged for the first time.
    private(set) var acknowledgedNow: [UInt64] = []
    /// Numbers that the last call found acknowledged after they had been declared lost.
    private(set) var spuriousNow: [UInt64] = []
    /// Numbers that the last call declared lost.
    private(set) var lostNow: [UInt64] = []
    /// Numbers that the last call found overdue.
    private(set) var suspectedNow: [UInt64] = []
    private var packetThreshold = Self.packetThreshold.initial
    private var timeThreshold = Self.timeThreshold.initial
    /// The last packet declared lost.
    private var lastLost: UInt64?
    private var thinPatience: Int64 = 1
    private var lastElicitingSent = Instant(nanoseconds: 0)
    private var lastProbe = Instant(nanoseconds: 0)
    private var firstProbe = Instant(nanoseconds: 0)
    private var lastActive = Instant(nanoseconds: .min)

    init(rules: RecoveryRules = .all) { self.rules = rules }

    /// Goes on where everything sent was settled, with what is remembered of the round trip.
    init(
        rules: RecoveryRules, next: UInt64, largestAcknowledged: UInt64?, rtt: RTTEstimator
    ) {
        self.rules = rules
        packets = SentPackets(next: next)
        self.largestAcknowledged = largestAcknowledged
        self.rtt = rtt
    }

    /// Whether less is in flight than would make later packets overtake a lost one soon.
    var isThin: Bool {
        let byteCount = packets.bytesInFlight
        return byteCount < Self.thinBelow.full
            || byteCount < Self.thinBelow.small
                && byteCount < Self.smallByteCount * packets.inFlightCount
    }

    /// Whether probes have had no answer for several probe timeouts.
    var isSilent: Bool {
        probeCount > 1
            && lastProbe - firstProbe >= rtt.probeTimeout(ackDelayMax: .zero) * Self.silentAfter
    }

    // MARK: Sending

    /// Notes a packet that goes out under the next number.
    mutating func sent(_ packet: consuming SentPacket, now: Instant) {
        if packet.state == .inFlight {
            packet.isCold =
                rules.contains(.coldRoundTrip) && now - lastActive > Self.coldAfter
            lastElicitingSent = now
        }
        packets.append(packet)
    }

    /// Passes a number over, so that a peer that acknowledges what it never got gives itself away.
    mutating func skipNumber() {
        var packet = SentPacket()
        packet.state = .skipped
        packets.append(packet)
    }

    /// Makes room for one more packet; a packet in flight that is in the way counts as lost.
    mutating func makeRoom(now: Instant) {
        packets.forgetSettled(lostBefore: now - lostMemory)
        guard packets.isFull else { return }
        switch packets[packets.oldest].state {
        case .inFlight, .suspected: declareLost(packets.oldest, now: now)
        case .skipped, .quiet, .acknowledged, .lost: break
        }
        packets.forgetSettled(lostBefore: .distantFuture)
    }

    // MARK: Acknowledgements

    /// Takes an ACK in; what it changes is in `acknowledgedNow` and `spuriousNow`.
    ///
    /// - Returns: `false` if it acknowledges a number that was never sent.
    mutating func received(
        _ frame: borrowing AckFrame, ackDelayMax: Interval, now: Instant
    ) -> Bool {
        acknowledgedNow.removeAll(keepingCapacity: true)
        spuriousNow.removeAll(keepingCapacity: true)
        guard frame.largest < packets.next else { return false }
        var isHonest = true
        frame.forEachRange { range in
            guard range.upperBound >= packets.oldest else { return false }
            for number in max(range.lowerBound, packets.oldest)...range.upperBound {
                isHonest = isHonest && acknowledge(number)
            }
            return isHonest
        }
        guard isHonest else { return false }
        largestAcknowledged = max(largestAcknowledged ?? 0, frame.largest)
        if acknowledgedNow.contains(frame.largest) {
            takeSample(frame, ackDelayMax: ackDelayMax, now: now)
        }
        if !acknowledgedNow.isEmpty || !spuriousNow.isEmpty {
            probeCount = 0
            lastActive = now
        }
        return true
    }

    /// Declares packets lost that were overtaken; they are in `lostNow`.
    ///
    /// - Returns: when the next one would be, if nothing else happens.
    mutating func detectLoss(now: Instant) -> Instant {
        lostNow.removeAll(keepingCapacity: true)
        var next = Instant.distantFuture
        guard let largest = largestAcknowledged, largest > packets.oldest else { return next }
        let isThin = isThin && rules.contains(.thinTimer)
        let byTime = max(
            max(rtt.latest, rtt.smoothed) * timeThreshold / 8, .milliseconds(1))
        let byOvertaking = max(rtt.min / 8, Self.thinWaitMin) * thinPatience
        for number in packets.oldest..<min(largest, packets.next) {
            switch packets[number].state {
            case .inFlight, .suspected: break
            case .skipped, .quiet, .acknowledged, .lost: continue
            }
            if packets[number].overtaken == .distantFuture { packets[number].overtaken = now }
            var due = packets[number].sent + byTime
            if isThin { due = min(due, packets[number].overtaken + byOvertaking) }
            if largest - number >= packetThreshold || due <= now {
                declareLost(number, now: now)
            } else {
                next = min(next, due)
            }
        }
        packets.forgetSettled(lostBefore: now - lostMemory)
        return next
    }

    /// Forgets the verdicts of the last call, once they were acted on.
    mutating func clearLost() { lostNow.removeAll(keepingCapacity: true) }

    // MARK: Probing

    /// When to probe, if nothing is acknowledged before; `.distantFuture` if nothing is in flight.
    ///
    /// `isUrgent` says whether somebody waits for what is in flight: then the peer acknowledges at
    /// once, or within the `patience` that it was asked for.
    func probeDeadline(
        ackDelayMax: Interval, isUrgent: Bool, patience: Interval = .zero, lastHeard: Instant
    ) -> Instant {
        guard packets.hasUnsettled else { return .distantFuture }
        let base = probeInterval(ackDelayMax: isUrgent ? patience : ackDelayMax)
        if hasOwnTimeouts, packets.unrepairedCount > 0 { return lastActive }
        if hasOwnTimeouts {
            guard let number = oldestInFlight else { return lastElicitingSent + base }
            let isAnsweredAtOnce = isUrgent && isSmall(number)
            return packets[number].sent
                + probeInterval(ackDelayMax: isAnsweredAtOnce ? patience : ackDelayMax)
        }
        var interval = base
        let isGentle = rules.contains(.gentleBackoff) && packets.inFlightCount <= 8
        for _ in 0..<min(probeCount, 16) { interval = isGentle ? interval * 3 / 2 : interval * 2 }
        let silence = max(lastElicitingSent - lastHeard, .zero)
        if rules.contains(.probeCap) {
            interval = min(interval, max(base, Self.cap(silence, isUrgent: isUrgent)))
        } else {
            interval = min(interval, .seconds(15))
        }
        // New messages of a thin flow go out in silence too, and must not put off the probe.
        let start = isSilent && rules.contains(.ownTimeouts) ? lastProbe : lastElicitingSent
        return start + interval
    }

    /// Whether each packet is judged by its own age.
    var hasOwnTimeouts: Bool { rules.contains(.ownTimeouts) && isThin && !isSilent }

    /// Finds the packets that have had no answer for too long; they are in `suspectedNow`.
    mutating func suspectOverdue(
        ackDelayMax: Interval, isUrgent: Bool, patience: Interval = .zero, now: Instant
    ) {
        suspectedNow.removeAll(keepingCapacity: true)
        let short = probeInterval(ackDelayMax: isUrgent ? patience : ackDelayMax)
        let long = probeInterval(ackDelayMax: ackDelayMax)
        for number in packets.oldest..<packets.next {
            let isOverdue = packets[number].sent + (isSmall(number) ? short : long) <= now
            if packets[number].state == .inFlight, isOverdue { packets.mark(number, .suspected) }
            guard packets[number].state == .suspected, !packets[number].isRepaired else { continue }
            suspectedNow.append(number)
        }
    }

    /// Notes that the content of a suspected packet is back in line.
    mutating func noteRepaired(_ number: UInt64) { packets.noteRepaired(number) }

    private var oldestInFlight: UInt64? {
        guard packets.inFlightCount > 0 else { return nil }
        for number in packets.oldest..<packets.next where packets[number].state == .inFlight {
            return number
        }
        return nil
    }

    /// Whether a packet is none of a stream of full ones, whose acknowledgements are held back.
    private func isSmall(_ number: UInt64) -> Bool {
        packets[number].byteCount < WireLimits.fragmentByteCount
    }

    /// The probe timeout before backoff.
    func probeInterval(ackDelayMax: Interval) -> Interval {
        guard rtt.hasSample else { return RTTEstimator.initial }
        var timeout = rtt.probeTimeout(ackDelayMax: ackDelayMax)
        if packets.hasUnsettled, packets[packets.next - 1].isCold, coldRTT.hasSample {
            timeout = max(timeout, coldRTT.probeTimeout(ackDelayMax: ackDelayMax))
        }
        return min(max(timeout, Self.probeTimeout.min), Self.probeTimeout.max)
    }

    /// The path is another one: what was not answered says nothing about it.
    mutating func forgetBackoff() { probeCount = 0 }

    /// Notes that a probe is due; returns whether a second one should follow.
    mutating func probed(now: Instant) -> Bool {
        if probeCount == 0 { firstProbe = now }
        probeCount += 1
        lastProbe = now
        return rules.contains(.secondProbe)
            && (losses.isAtLeast(perMille: 50) || losses.isRecentlyAtLeast(perMille: 50))
    }

    /// While somebody waits, a dead link is asked often at first, and ever less often later.
    private static func cap(_ silence: Interval, isUrgent: Bool) -> Interval {
        switch silence {
        case ..<(.seconds(10)): isUrgent ? .milliseconds(250) : .seconds(3)
        case ..<(.seconds(30)): isUrgent ? .seconds(1) : .seconds(3)
        case ..<(.seconds(60)): .seconds(3)
        default: .seconds(15)
        }
    }

    // MARK: Parts

    /// How long a lost packet is remembered, because it may be late only.
    private var lostMemory: Interval { max(.seconds(1), rtt.smoothed * 4) }

    private mutating func acknowledge(_ number: UInt64) -> Bool {
        switch packets[number].state {
        case .skipped: return false
        case .acknowledged: return true
        case .quiet: break
        case .inFlight, .suspected:
            losses.arrived()
            acknowledgedNow.append(number)
        case .lost:
            spuriousNow.append(number)
            losses.tookBack()
            guard rules.contains(.adaptiveThresholds) else { break }
            packetThreshold = min(packetThreshold + 2, Self.packetThreshold.max)
            timeThreshold = min(timeThreshold + 1, Self.timeThreshold.max)
            thinPatience = min(thinPatience * 2, 8)
        }
        packets.mark(number, .acknowledged)
        return true
    }

    private mutating func declareLost(_ number: UInt64, now: Instant) {
        packets.mark(number, .lost)
        packets[number].overtaken = now
        lostNow.append(number)
        guard !packets[number].isSizeProbe else { return }
        losses.lost(sent: packets[number].sent, isNext: isNextLoss(number))
        lastLost = number
    }

    /// Whether nothing sent between the last loss and this one has arrived.
    private func isNextLoss(_ number: UInt64) -> Bool {
        guard let lastLost, number > lastLost, number - lastLost <= Self.runGapMax,
            lastLost >= packets.oldest
        else { return false }
        for between in lastLost..<number {
            switch packets[between].state {
            case .acknowledged, .inFlight: return false
            case .skipped, .quiet, .suspected, .lost: break
            }
        }
        return true
    }

    private mutating func takeSample(
        _ frame: borrowing AckFrame, ackDelayMax: Interval, now: Instant
    ) {
        // A report that was held longer than promised is a repetition: the first one was lost.
        guard frame.delay <= ackDelayMax || !rtt.hasSample else { return }
        let packet = packets[frame.largest]
        let sample = now - packet.sent
        let delay = min(frame.delay, ackDelayMax)
        if packet.isCold {
            coldRTT.update(sample: sample, ackDelay: delay)
            // A cold link can only be slower: what says that it is faster than thought is true.
            // Besides, a pacer that believes in a long round trip makes every packet a cold one.
            if rtt.hasSample, sample >= rtt.smoothed { return }
        }
        rtt.update(sample: sample, ackDelay: delay)
    }
}
