// When HELLO is said, beside a session or without one, and what it carries.

public import PetrelBase
internal import PetrelCrypto
internal import PetrelTransport
public import PetrelWire

extension ClientLink {
    /// Whether it is time for a HELLO, which `beginAttempt` says.
    public func isHelloDue(now: Instant) -> Bool {
        guard handshake == nil, !isOffline else { return false }
        return suspicion <= now || connector.deadline <= now
    }

    /// Whether the next HELLO may carry messages: only without a session beside it nothing can
    /// become of them before the answer comes.
    ///
    /// Every second attempt carries none: a path that loses large datagrams must not keep the
    /// client out.
    public var helloTakesEarly: Bool { !isOpen && connector.attemptNumber % 2 == 1 }

    /// Says HELLO, if it is due.
    ///
    /// - Parameters:
    ///   - counter: higher than in any HELLO of this device before; on disk already.
    ///   - early: what the server is to take in as the first messages of the session, as many as it
    ///     likes, from the first on; none unless `helloTakesEarly`.
    ///   - now: the time.
    public mutating func beginAttempt(
        counter: UInt64, early: EarlyMessages = EarlyMessages(), now: Instant
    ) {
        guard isHelloDue(now: now) else { return }
        let isSuspect = suspicion <= now
        attemptAt = .distantFuture
        let attempt = isSuspect ? connector.nextResumption() : connector.nextAttempt(now: now)
        guard let attempt else { return renewalFailed(now: now) }
        if isOpen { resumption = attempt.number } else { session = nil }
        handshakeAddress = attempt.address
        handshakeStarted = now
        beginRace(now: now)
        if let held = heldCookie, held.server != attempt.address || held.until <= now {
            heldCookie = nil
        }
        do {
            handshake = try ClientHandshake(
                identity: identity, server: server, counter: counter,
                connectionID: UInt32(truncatingIfNeeded: random.next()),
                cookie: heldCookie?.cookie, early: early,
                configuration: configuration.session, lifetime: attempt.lifetime, now: now)
        } catch {
            // The server's key is one that no key agrees with.
            connector.attemptExpired(now: now, random: &random)
            renewalFailed(now: now)
        }
    }

    /// Something was said in the session: if that is old, HELLO is said beside it.
    ///
    /// An idle session is not renewed: nobody is woken for it.
    mutating func renewIfOld(now: Instant) {
        guard renewAt <= now, handshake == nil, !serverLeaves else { return }
        isRenewing = true
        attemptAt = min(attemptAt, now)
    }

    /// The attempt to renew the session had no answer: it goes on for a while.
    mutating func renewalFailed(now: Instant) {
        guard isRenewing else { return }
        isRenewing = false
        renewAt = now + min(Self.renewalPause, configuration.sessionRenewal)
        connector.resumed()
    }

    /// When the session has been silent for so long that a new one is tried beside it.
    ///
    /// A server that restarted knows no session and says nothing: waiting for the idle time-out
    /// would take minutes. In a tunnel both wait, and whichever is heard first goes on.
    var suspicion: Instant {
        guard isOpen, handshake == nil else { return .distantFuture }
        switch session {
        case .some(let session):
            guard let since = session.unansweredSince else { return attemptAt }
            // Who was not there for long cannot know whether the server still is.
            let isBack = since - session.lastHeard >= Self.absenceMin
            let patience =
                isBack
                ? session.probeInterval * 3 / 2
                : max(session.probeInterval * 3, Self.silenceMin)
            return min(attemptAt, since + patience)
        case .none: return .distantFuture
        }
    }

    private static let renewalPause = Interval.seconds(60)
    private static let silenceMin = Interval.seconds(2)
    private static let absenceMin = Interval.seconds(60)
}
