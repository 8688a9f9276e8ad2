// When a TCP connection is wanted beside UDP, and when UDP is tried again (transport.md §8.6).

internal import PetrelBase

/// Decides about the one connection that a client may have; knows no sessions and no packets.
///
///     none ── UDP silent for 300 ms ──▶ opening ── opened ──▶ open ── heard over UDP ──▶ none
///      ▲                                   │                    │
///      └────── refused, 5 s, broken: again after a pause ───────┘
///
/// Where a session lives on the connection, UDP is asked from time to time whether it works again.
struct CarrierRace: Sendable {
    private enum Phase: Equatable, Sendable {
        case none
        case opening(until: Instant)
        case open
    }

    private var phase = Phase.none
    /// Where the connection leads.
    private(set) var address = Address.none
    private var startsAt = Instant.distantFuture
    /// Before which nothing is opened, because it failed lately.
    private var notBefore = Instant(nanoseconds: .min)
    private var failures = 0
    private var probesAt = Instant.distantFuture
    /// Questions since the last pause, and pauses since the session came here.
    private var probes = 0
    private var pauses = 0

    /// The connection that there should be.
    var wanted: Address? { phase == .none ? nil : address }
    /// Whether datagrams can go over it.
    var isOpen: Bool { phase == .open }
    /// When `advance` or `mustProbe` has something to do.
    var deadline: Instant {
        switch phase {
        case .none: startsAt
        case .opening(let until): until
        case .open: probesAt
        }
    }

    /// Something is asked over UDP now; a connection to `stream` is opened 300 ms later.
    ///
    /// One that is open has not helped: it is given up for another. One that is being opened there
    /// goes on, unless the network is another one. `nil`: the server takes no connections.
    mutating func begin(at stream: Address?, onNewNetwork: Bool = false, now: Instant) {
        probesAt = .distantFuture
        guard let stream else { return end() }
        if case .opening = phase, stream == address, !onNewNetwork { return }
        phase = .none
        if stream != address || onNewNetwork { forgive() }
        address = stream
        startsAt = max(now + Self.delay, notBefore)
    }

    /// UDP works, or nothing is to be asked any more.
    mutating func end() {
        phase = .none
        startsAt = .distantFuture
        probesAt = .distantFuture
    }

    /// Runs what is due.
    mutating func advance(now: Instant) {
        switch phase {
        case .none where startsAt <= now:
            startsAt = .distantFuture
            phase = .opening(until: now + Self.openingMax)
        case .opening(let until) where until <= now: broke(now: now)
        case .none, .opening, .open: return
        }
    }

    /// The connection is there.
    mutating func opened() {
        guard case .opening = phase else { return }
        phase = .open
    }

    /// The connection could not be opened, or is broken: another one is tried after a pause.
    mutating func broke(now: Instant) {
        guard phase != .none else { return }
        phase = .none
        probesAt = .distantFuture
        let pause = min(Self.pauseFirst * Int64(1 << min(failures, 8)), Self.pauseMax)
        failures += 1
        notBefore = now + pause
        startsAt = notBefore
    }

    /// The server was heard over the connection.
    mutating func heard() { forgive() }

    private mutating func forgive() {
        failures = 0
        notBefore = Instant(nanoseconds: .min)
    }

    /// The session lives on the connection from now on.
    mutating func settled(now: Instant) {
        guard phase == .open else { return }
        probes = 0
        pauses = 0
        probesAt = now + Self.probePauses[0]
    }

    /// Whether to ask over UDP now: three times, `interval` apart, then after a longer pause.
    mutating func mustProbe(interval: Interval, now: Instant) -> Bool {
        guard phase == .open, probesAt <= now else { return false }
        probes += 1
        if probes < Self.probesMax {
            probesAt = now + interval
        } else {
            probes = 0
            pauses = min(pauses + 1, Self.probePauses.count - 1)
            probesAt = now + Self.probePauses[pauses]
        }
        return true
    }

    /// The session does not live on the connection any more.
    mutating func stopProbing() { probesAt = .distantFuture }

    /// How long UDP may be silent before a connection is opened.
    static let delay = Interval.milliseconds(300)
    /// How long that may take.
    static let openingMax = Interval.seconds(5)
    private static let pauseFirst = Interval.milliseconds(500)
    private static let pauseMax = Interval.seconds(4)
    private static let probesMax = 3
    private static let probePauses: [Interval] = [.seconds(10), .seconds(30), .seconds(300)]
}
