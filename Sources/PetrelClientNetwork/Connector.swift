// When to say HELLO, to which address, and how long to wait in between (transport.md §8).

public import PetrelBase
internal import PetrelWire

/// Decides about attempts to connect; knows no keys and no packets.
///
/// While the last success is recent, attempts follow each other at once: a phone that comes out of
/// a tunnel must not sit out a backoff. Later the pauses grow. The caller makes the attempts that
/// `nextAttempt` asks for and tells how they end.
public struct Connector: Sendable {
    /// One attempt: HELLO is repeated to one address until it is answered or has expired.
    public struct Attempt: Equatable, Sendable {
        /// Counts from 1 since the last success.
        public var number: Int
        /// Where to.
        public var address: Address
        /// How long it may take.
        public var lifetime: Interval
    }

    private enum Phase: Equatable, Sendable {
        case idle
        case waiting(until: Instant, reason: WaitReason?)
        case connecting(started: Instant)
        case connected(since: Instant)
        case closed
    }

    private var phase = Phase.idle
    private var addresses: [Address]
    /// Which address the next attempt takes; stays where the last success was.
    private var next = 0
    private var failures = 0
    /// Attempts without answer beside the session that fell silent.
    private var resumptions = 0
    private var lastSuccess: Instant?
    /// Before which the server does not want to be asked again.
    private var spreadUntil = Instant(nanoseconds: .min)

    /// Creates a connector that waits to be asked.
    public init(addresses: [Address]) { self.addresses = addresses }

    /// When `nextAttempt` has something to say.
    public var deadline: Instant {
        guard case .waiting(let until, _) = phase, !addresses.isEmpty else { return .distantFuture }
        return until
    }

    /// What the owner sees of it.
    public var state: LinkState {
        switch phase {
        case .idle: .idle
        case .waiting(let until, let reason?): .waiting(until: until, reason: reason)
        case .waiting(_, nil), .connecting: .connecting(attempt: attemptNumber)
        case .connected: .connected(roundTrip: nil)
        case .closed: .closed
        }
    }

    /// Replaces the addresses; an attempt under way goes on.
    public mutating func reach(_ addresses: [Address]) {
        guard addresses != self.addresses else { return }
        self.addresses = addresses
        next = 0
    }

    /// Asks for a connection, at once; does nothing where one exists or is being made.
    public mutating func connect(now: Instant) {
        switch phase {
        case .idle, .waiting: phase = .waiting(until: now, reason: nil)
        case .connecting, .connected, .closed: return
        }
    }

    /// The number that the next attempt gets, if there is no session beside it.
    public var attemptNumber: Int { failures + 1 }

    /// Returns the attempt that is due, which then counts as under way.
    public mutating func nextAttempt(now: Instant) -> Attempt? {
        guard case .waiting(let until, _) = phase, until <= now, !addresses.isEmpty else {
            return nil
        }
        phase = .connecting(started: now)
        return Attempt(
            number: attemptNumber, address: addresses[next], lifetime: lifetime(failures))
    }

    /// Returns an attempt to make beside a session that fell silent; the session goes on meanwhile.
    public func nextResumption() -> Attempt? {
        guard case .connected = phase, !addresses.isEmpty else { return nil }
        return Attempt(
            number: resumptions + 1, address: addresses[next], lifetime: lifetime(resumptions))
    }

    /// The silent session was heard again.
    public mutating func resumed() { resumptions = 0 }

    /// The attempt was answered.
    public mutating func connected(now: Instant) {
        switch phase {
        case .connecting, .connected:
            resumptions = 0
            spreadUntil = Instant(nanoseconds: .min)
            phase = .connected(since: now)
        case .idle, .waiting, .closed: return
        }
    }

    /// The attempt had no answer in its lifetime.
    public mutating func attemptExpired(now: Instant, random: inout some RandomNumberGenerator) {
        switch phase {
        case .connecting: failed(.unreachable, now: now, random: &random)
        case .connected:
            resumptions += 1
            next = (next + 1) % max(1, addresses.count)
        case .idle, .waiting, .closed: return
        }
    }

    /// The session is over.
    public mutating func sessionEnded(
        _ reason: WaitReason, now: Instant, random: inout some RandomNumberGenerator
    ) {
        guard case .connected(let since) = phase else { return }
        resumptions = 0
        // A session that ends as soon as it began is no success: a server that turns everyone away
        // would otherwise be asked again in a loop without pauses. Nor is one that another process
        // with this device's key took over: the two would take turns for ever.
        let isReplaced = reason == .closedByServer(code: ErrorCode.replaced.rawValue)
        guard now - since >= Self.successMin, !isReplaced else {
            return failed(reason, now: now, random: &random)
        }
        failures = 0
        lastSuccess = now
        phase =
            spreadUntil > now
            ? .waiting(until: spreadUntil, reason: reason) : .waiting(until: now, reason: nil)
    }

    /// The server is about to stop: returns the moment, drawn from its window, to ask again.
    ///
    /// A session that ends before then is followed by no attempt until then, so that a server that
    /// starts again is not asked by all its clients at once.
    public mutating func serverLeaves(
        within window: Interval, to address: Address?, now: Instant,
        random: inout some RandomNumberGenerator
    ) -> Instant {
        let share = Interval(
            nanoseconds: Int64(random.next(upperBound: UInt64(max(window, .zero).nanoseconds) + 1)))
        spreadUntil = now + share
        if let address {
            addresses.removeAll { $0 == address }
            addresses.insert(address, at: 0)
            next = 0
        }
        return spreadUntil
    }

    /// The operating system says that the network is another one: no pause means anything now.
    ///
    /// Returns whether the attempt under way, if any, should be dropped for a new one.
    public mutating func networkChanged(now: Instant) -> Bool {
        switch phase {
        case .waiting:
            phase = .waiting(until: max(now, spreadUntil), reason: nil)
            return false
        case .connecting(let started):
            guard now - started >= Self.restartMin else { return false }
            phase = .waiting(until: now, reason: nil)
            return true
        case .idle, .connected, .closed: return false
        }
    }

    /// Stops without an opinion about the server; `connect` starts again.
    public mutating func suspend() {
        guard phase != .closed else { return }
        phase = .idle
    }

    /// Ends all attempts for good.
    public mutating func close() { phase = .closed }

    private func lifetime(_ failures: Int) -> Interval {
        min(Self.lifetimeMax, Self.lifetimeFirst * Int64(1 << min(failures, 8)))
    }

    private mutating func failed(
        _ reason: WaitReason, now: Instant, random: inout some RandomNumberGenerator
    ) {
        failures += 1
        next = addresses.isEmpty ? 0 : (next + 1) % addresses.count
        if reason == .unreachable, let lastSuccess, now - lastSuccess < Self.recent {
            phase = .waiting(until: now, reason: nil)
            return
        }
        var pause = Self.pauseFirst
        for _ in 1..<min(failures, 16) where pause < Self.pauseMax { pause = pause * 3 / 2 }
        pause = min(pause, Self.pauseMax)
        // Half of it is chance, so that the clients of a restarted server do not come in step.
        let jitter = Int64(random.next(upperBound: UInt64(pause.nanoseconds / 2)))
        let wait = pause / 2 + Interval(nanoseconds: jitter)
        phase = .waiting(until: now + wait, reason: reason)
    }

    /// The first attempt's lifetime; each failure doubles it.
    static let lifetimeFirst = Interval.seconds(4)
    static let lifetimeMax = Interval.seconds(16)
    /// How long a session must live to count as a success.
    static let successMin = Interval.seconds(5)
    /// How long after a success attempts follow each other without a pause.
    static let recent = Interval.seconds(30)
    static let pauseFirst = Interval.milliseconds(250)
    static let pauseMax = Interval.seconds(5)
    /// How old an attempt must be for a change of network to replace it.
    static let restartMin = Interval.milliseconds(500)
}
