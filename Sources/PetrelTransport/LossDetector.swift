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
    /// Packets in flight below which a flow is thin.
    static let thinBelow = 4
    /// The least wait of a thin flow after it was overtaken.
    static let thinWaitMin = Interval.milliseconds(5)
    /// Bounds of the probe timeout before backoff.
    static let probeTimeout: (min: Interval, max: Interval) = (.milliseconds(30), .seconds(3))
    /// A pause after which the radio sleeps and the round trip is another one.
    static let coldAfter = Interval.seconds(5)

    /// What was sent.
    private(set) var packets = SentPackets()
    /// The round trip while packets flow.
    private(set) var rtt = RTTEstimator()
    /// The round trip of the first packets after a pause.
    private(set) var coldRTT = RTTEstimator()
    /// The highest number that the peer has.
    private(set) var largestAcknowledged: UInt64?
    /// Probes sent since the last acknowledgement.
    private(set) var probeCount = 0
    /// The share of packets lost lately, in 1/1024.
    private(set) var lossShare = 0
    /// Numbers that the last call found acknowledged for the first time.
    private(set) var acknowledgedNow: [UInt64] = []
    /// Numbers that the last call found acknowledged after they had been declared lost.
    private(set) var spuriousNow: [UInt64] = []
    /// Numbers that the last call declared lost.
    private(set) var lostNow: [UInt64] = []
    private var packetThreshold = Self.packetThreshold.initial
    private var timeThreshold = Self.timeThreshold.initial
    private var thinPatience: Int64 = 1
    private var lastElicitingSent = Instant(nanoseconds: 0)
    private var lastActive = Instant(nanoseconds: .min)

    // MARK: Sending

    /// Notes a packet that goes out under the next number.
    mutating func sent(_ packet: consuming SentPacket, now: Instant) {
        if packet.state == .inFlight {
            packet.isCold = now - lastActive > Self.coldAfter
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
        if packets[packets.oldest].state == .inFlight { declareLost(packets.oldest, now: now) }
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
        let isThin = packets.inFlightCount < Self.thinBelow
        let byTime = max(
            max(rtt.latest, rtt.smoothed) * timeThreshold / 8, .milliseconds(1))
        let byOvertaking = max(rtt.min / 8, Self.thinWaitMin) * thinPatience
        for number in packets.oldest..<min(largest, packets.next) {
            guard packets[number].state == .inFlight else { continue }
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
    /// `isUrgent` says whether somebody waits for what is in flight.
    func probeDeadline(ackDelayMax: Interval, isUrgent: Bool, lastHeard: Instant) -> Instant {
        guard packets.inFlightCount > 0 else { return .distantFuture }
        let base = probeInterval(ackDelayMax: ackDelayMax)
        let steps = min(probeCount, 16)
        var interval = base
        for _ in 0..<steps {
            interval = packets.inFlightCount > 8 ? interval * 2 : interval * 3 / 2
        }
        let silence = max(lastElicitingSent - lastHeard, .zero)
        return lastElicitingSent + min(interval, max(base, Self.cap(silence, isUrgent: isUrgent)))
    }

    /// The probe timeout before backoff.
    func probeInterval(ackDelayMax: Interval) -> Interval {
        var timeout = rtt.probeTimeout(ackDelayMax: ackDelayMax)
        if packets.inFlightCount > 0, packets[packets.next - 1].isCold, coldRTT.hasSample {
            timeout = max(timeout, coldRTT.probeTimeout(ackDelayMax: ackDelayMax))
        }
        return min(max(timeout, Self.probeTimeout.min), Self.probeTimeout.max)
    }

    /// The path is another one: what was not answered says nothing about it.
    mutating func forgetBackoff() { probeCount = 0 }

    /// Notes that a probe is due; returns whether a second one should follow.
    mutating func probed() -> Bool {
        probeCount += 1
        return lossShare > 1_024 / 20
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
        case .inFlight:
            lossShare -= lossShare / 32
            acknowledgedNow.append(number)
        case .lost:
            spuriousNow.append(number)
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
        lossShare += (1_024 - lossShare) / 32
    }

    private mutating func takeSample(
        _ frame: borrowing AckFrame, ackDelayMax: Interval, now: Instant
    ) {
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
