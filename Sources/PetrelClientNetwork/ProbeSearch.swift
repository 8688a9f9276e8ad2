// One measurement of how long a NAT remembers a flow, on a flow of its own (transport.md §5.13).

internal import PetrelBase
internal import PetrelWire

/// Asks, opens a flow, is silent, and listens whether the server can still reach it.
///
///     idle ──▶ asked ── granted ──▶ opening ── both ways ──▶ waiting ── proof ──▶ proved
///      ▲         │ refused            │ no echo                │ nothing
///      └── void ◀┴────────────────────┘                        ▼
///      └── missed ◀──────────── the session is heard ────── doubtful
///
/// Only what the session says afterwards makes silence a verdict: a server that lost the session
/// would have been silent, too.
struct ProbeSearch: Sendable {
    enum Phase: Equatable, Sendable {
        case idle
        case asked
        case opening
        case waiting
        case doubtful
    }

    /// What came of a measurement.
    enum Verdict: Equatable {
        /// The binding lived for that long.
        case proved(Interval)
        /// Nothing came, though the server was there.
        case missed(Interval)
        /// It could not be made, or nobody knows what came of it.
        case void
    }

    private(set) var phase = Phase.idle
    private(set) var frame = NATProbeFrame(token: 0, proof: 0, delay: .seconds(1))
    /// When `advance` must be called next, but for the next PROBE.
    private var phaseEnds = Instant.distantFuture
    /// When the next PROBE is due.
    private var sendAt = Instant.distantFuture
    private var number: UInt8 = 0
    /// How often a PROBE was due since one was taken.
    private var offers = 0
    private var opened = Instant(nanoseconds: 0)
    private var sent = Instant(nanoseconds: 0)
    /// Measurements begun.
    private(set) var count = 0

    /// Whether a flow of its own is needed now.
    var needsFlow: Bool { phase == .opening || phase == .waiting }
    /// When something is to be done.
    var deadline: Instant { min(phaseEnds, sendAt) }

    /// Begins a measurement, for which the session asks the server.
    mutating func begin(_ frame: NATProbeFrame, now: Instant) {
        self = ProbeSearch(phase: .asked, frame: frame, count: count + 1)
        phaseEnds = now + Self.answerWithin
    }

    init() {}

    private init(phase: Phase, frame: NATProbeFrame, count: Int) {
        self.phase = phase
        self.frame = frame
        self.count = count
    }

    /// The measurement is not wanted any more.
    mutating func cancel() { self = ProbeSearch(phase: .idle, frame: frame, count: count) }

    /// The server takes part, or not.
    mutating func answered(_ answer: NATProbeAnswerFrame, now: Instant) -> Verdict? {
        guard phase == .asked, answer.token == frame.token else { return nil }
        guard answer.isGranted else { return end(.void) }
        phase = .opening
        phaseEnds = .distantFuture
        opened = now
        sendAt = now
        return nil
    }

    /// Returns the number of the PROBE that is to be sent now.
    mutating func takeProbe(now: Instant) -> UInt8? {
        guard phase == .opening, sendAt <= now, number < Self.probesMax else { return nil }
        number += 1
        offers = 0
        if number == 1 { opened = now }
        sent = now
        sendAt = now + Self.echoWithin
        return number
    }

    /// Something came on the flow.
    mutating func received(
        _ value: UInt64, spacing: Interval, now: Instant
    ) -> Verdict? {
        switch phase {
        case .opening where value == frame.token &+ UInt64(number):
            guard sent - opened >= spacing else {
                sendAt = max(sendAt, opened + spacing)
                return nil
            }
            phase = .waiting
            sendAt = .distantFuture
            phaseEnds = sent + frame.delay + Self.proofWithin
            return nil
        case .waiting:
            #if PETREL_PLANTED
                if PlantedBug.probeUnproved.isActive { return end(.proved(frame.delay)) }
            #endif
            return value == frame.proof ? end(.proved(frame.delay)) : nil
        case .idle, .asked, .opening, .doubtful: return nil
        }
    }

    /// Time passes; a missing proof makes the measurement doubtful until the session is heard.
    mutating func advance(now: Instant) -> Verdict? {
        switch phase {
        case .opening where sendAt <= now:
            // An owner without another socket takes none.
            offers += 1
            return number >= Self.probesMax || offers > Self.offersMax ? end(.void) : nil
        case .asked where phaseEnds <= now: return end(.void)
        case .doubtful where phaseEnds <= now: return end(.void)
        case .waiting where phaseEnds <= now:
            phase = .doubtful
            phaseEnds = now + Self.answerWithin
            return nil
        case .idle, .asked, .opening, .waiting, .doubtful: return nil
        }
    }

    /// The session was heard at that time.
    mutating func heard(at time: Instant) -> Verdict? {
        guard phase == .doubtful, time > phaseEnds - Self.answerWithin else { return nil }
        return end(.missed(frame.delay))
    }

    private mutating func end(_ verdict: Verdict) -> Verdict {
        cancel()
        return verdict
    }

    /// PROBEs of a measurement, at most.
    private static let probesMax: UInt8 = 6
    private static let offersMax = 3
    /// How long an echo may take before the PROBE counts as lost.
    private static let echoWithin = Interval.seconds(1)
    /// How long after the delay a proof may come: there are two, a second apart.
    private static let proofWithin = Interval.seconds(5)
    /// How long the session may take for an answer.
    private static let answerWithin = Interval.seconds(30)
}
