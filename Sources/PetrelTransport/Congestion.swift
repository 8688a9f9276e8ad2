// How much may be in flight, and how fast: the controllers, and the only place that chooses.

internal import PetrelBase
internal import PetrelWire

/// Which controller a session uses.
public enum CongestionAlgorithm: Equatable, Sendable {
    /// A model of the path: its bandwidth, its shortest round trip and its random loss.
    case gale
    /// Loss-based, as kernels have it; slow on links that lose packets at random.
    case cubic
}

/// Bounds that hold for every controller.
enum CongestionLimits {
    private static let datagram = WireLimits.datagramByteCountMax
    /// The window at the start (RFC 9002 §7.2), and after long rests.
    static let windowInitial = 10 * datagram
    /// The least window after losses of a loss-based controller.
    static let windowMin = 4 * datagram
    /// The window when nothing has got through for three probe timeouts.
    static let windowCollapsed = 4 * datagram
    /// The most that is ever in flight.
    static let windowMax = 1 << 20
    /// A rest that halves what is believed of the path.
    static let rest = Interval.seconds(5)
}

/// Decides how many bytes may be in flight and how fast they leave, from what becomes of packets.
protocol CongestionController: Sendable {
    /// Bytes that may be in flight.
    var window: Int { get }
    /// What is being done now: the controller's own number, written on each packet.
    var phase: UInt8 { get }
    /// Bytes per second for the pacer.
    func pacingRate(smoothedRTT: Interval) -> Int
    /// Notes a packet that arrived.
    mutating func acknowledged(byteCount: Int, mark: DeliveryMark, sent: Instant)
    /// Notes a packet that was declared lost.
    mutating func lost(_ number: UInt64, mark: DeliveryMark, sent: Instant, now: Instant)
    /// Notes that the network marked packets; `mark` and `sent` are of the newest one acknowledged.
    mutating func marked(mark: DeliveryMark, sent: Instant, now: Instant)
    /// Notes that the loss of a packet was none: it arrived late.
    mutating func lossWasSpurious(byteCount: Int, mark: DeliveryMark, sent: Instant)
    /// Draws conclusions, after one or more packets were acknowledged or lost.
    mutating func update(_ sample: CongestionSample, rtt: RTTEstimator)
    /// Notes that nothing got through for several probe timeouts.
    mutating func collapsed()
    /// Notes that nothing was sent for so many times `CongestionLimits.rest`.
    mutating func rested(halvings: Int)
}

/// The controller of a session, with the measurements that any of them needs.
///
/// Both controllers lie in place, and one of them works: a payload of an enum would be copied out
/// and back for each packet.
struct Congestion: Sendable {
    private let algorithm: CongestionAlgorithm
    private var gale = Gale()
    private var cubic = Cubic()
    private var rate = DeliveryRate()
    private var sample = CongestionSample()
    private var lastSent: Instant?

    init(_ algorithm: CongestionAlgorithm) { self.algorithm = algorithm }

    /// Bytes that may be in flight.
    var window: Int {
        switch algorithm {
        case .gale: gale.window
        case .cubic: cubic.window
        }
    }

    /// Bytes per second at which packets leave.
    func pacingRate(smoothedRTT: Interval) -> Int {
        switch algorithm {
        case .gale: gale.pacingRate(smoothedRTT: smoothedRTT)
        case .cubic: cubic.pacingRate(smoothedRTT: smoothedRTT)
        }
    }

    /// Notes an ack-eliciting packet that leaves; returns what to remember with it.
    mutating func sent(bytesInFlight: Int, now: Instant) -> DeliveryMark {
        if let lastSent, bytesInFlight == 0 {
            let halvings = (now - lastSent).nanoseconds / CongestionLimits.rest.nanoseconds
            if halvings > 0 { rested(halvings: Int(min(halvings, 62))) }
        }
        lastSent = now
        let phase: UInt8 =
            switch algorithm {
            case .gale: gale.phase
            case .cubic: cubic.phase
            }
        return rate.sent(bytesInFlight: bytesInFlight, phase: phase, now: now)
    }

    /// Notes that nothing is left to send though more could be in flight: rates measured meanwhile
    /// say nothing of the path, and the window does not grow by them.
    mutating func applicationLimited(bytesInFlight: Int) {
        rate.limited(bytesInFlight: bytesInFlight)
    }

    /// Notes a packet that arrived.
    mutating func acknowledged(byteCount: Int, mark: DeliveryMark, sent: Instant, now: Instant) {
        rate.acknowledged(byteCount: byteCount, mark: mark, sent: sent, now: now)
        sample.acknowledgedByteCount += byteCount
        switch algorithm {
        case .gale: gale.acknowledged(byteCount: byteCount, mark: mark, sent: sent)
        case .cubic: cubic.acknowledged(byteCount: byteCount, mark: mark, sent: sent)
        }
    }

    /// Notes a packet that was declared lost.
    mutating func lost(
        _ number: UInt64, byteCount: Int, mark: DeliveryMark, sent: Instant, now: Instant
    ) {
        sample.lostByteCount += byteCount
        switch algorithm {
        case .gale: gale.lost(number, mark: mark, sent: sent, now: now)
        case .cubic: cubic.lost(number, mark: mark, sent: sent, now: now)
        }
    }

    /// Notes that the network marked packets; `mark` and `sent` are of the newest one acknowledged.
    mutating func marked(mark: DeliveryMark, sent: Instant, now: Instant) {
        switch algorithm {
        case .gale: gale.marked(mark: mark, sent: sent, now: now)
        case .cubic: cubic.marked(mark: mark, sent: sent, now: now)
        }
    }

    /// Notes that a packet declared lost arrived after all.
    mutating func lossWasSpurious(
        byteCount: Int, mark: DeliveryMark, sent: Instant, now: Instant
    ) {
        rate.acknowledged(byteCount: byteCount, mark: mark, sent: sent, now: now)
        switch algorithm {
        case .gale: gale.lossWasSpurious(byteCount: byteCount, mark: mark, sent: sent)
        case .cubic: cubic.lossWasSpurious(byteCount: byteCount, mark: mark, sent: sent)
        }
    }

    /// Draws conclusions from what was noted since the last call.
    mutating func update(rtt: RTTEstimator, latest: Interval?, bytesInFlight: Int, now: Instant) {
        sample.now = now
        sample.bytesInFlight = bytesInFlight
        sample.latestRTT = latest
        rate.finish(&sample, minRTT: rtt.hasSample ? rtt.min : .zero)
        switch algorithm {
        case .gale: gale.update(sample, rtt: rtt)
        case .cubic: cubic.update(sample, rtt: rtt)
        }
        sample = CongestionSample()
    }

    /// Notes that nothing got through for several probe timeouts.
    mutating func collapsed() {
        switch algorithm {
        case .gale: gale.collapsed()
        case .cubic: cubic.collapsed()
        }
    }

    private mutating func rested(halvings: Int) {
        switch algorithm {
        case .gale: gale.rested(halvings: halvings)
        case .cubic: cubic.rested(halvings: halvings)
        }
    }
}
