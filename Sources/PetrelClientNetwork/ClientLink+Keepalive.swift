// Keeping the session reachable with as few packets as its network allows (transport.md §8.3).

public import PetrelBase
public import PetrelTransport
internal import PetrelWire

/// What the client does about its NAT.
struct Keepalive: Sendable {
    var plan: KeepalivePlan
    var search = ProbeSearch()
    /// What the application calls the network; 0 if it does not say.
    var label: UInt64 = 0
    /// When a measurement may begin.
    var nextProbe = Instant.distantFuture
    /// Measurements of the same pause, one after the other, that missed their proof.
    var misses = 0
    /// Measurements in a row that came to nothing.
    var voids = 0
    /// The calendar when a batch ended last.
    var wall = WallTime(milliseconds: 0)
}

/// What the owner tells, and may look at.
extension ClientLink {
    /// Whether somebody looks at the application: then pauses are short.
    public mutating func setForeground(_ isInForeground: Bool) {
        keepalive.plan.isInForeground = isInForeground
        applyKeepalive()
    }

    /// What is known of the present network.
    public var bindingLifetime: BindingLifetime { keepalive.plan.present }

    /// The longest that the client is silent now.
    public var keepaliveInterval: Interval {
        keepalive.plan.pause(foreground: configuration.session.keepaliveInterval).interval
    }

    /// Returns what is known of all networks that have a name, if anything of that is new since the
    /// last call; otherwise `nil`.
    ///
    /// Whoever keeps it need not measure these networks again.
    public mutating func takeUnsavedNetworks() -> [BindingLifetime]? {
        guard keepalive.plan.isUnsaved else { return nil }
        keepalive.plan.saved()
        return keepalive.plan.named
    }

    /// Measurements begun since the link exists.
    public var probesCount: Int { keepalive.search.count }
}

/// A measurement runs on a flow of its own: another socket, so that the NAT makes another binding.
extension ClientLink {
    /// Whether the owner should have such a socket open; it must be a new one each time.
    public var needsSideFlow: Bool { keepalive.search.needsFlow && !isOffline }

    /// Fills `room` with a datagram to send over that socket; call it until it gives none.
    public mutating func transmitSide(
        into room: inout MutableRawSpan, now: Instant
    ) -> Transmission? {
        guard needsSideFlow, let number = keepalive.search.takeProbe(now: now) else { return nil }
        let probe: ProbeDatagram
        let address: Address
        switch session {
        case .some(let session):
            probe = ProbeDatagram(
                connectionID: session.remoteConnectionID, token: keepalive.search.frame.token,
                number: number)
            address = session.address
        case .none: return nil
        }
        guard let byteCount = try? probe.write(into: &room) else { return nil }
        return Transmission(byteCount: byteCount, destination: address)
    }

    /// Takes a datagram in that came to that socket; call `finishBatch` after the last of a batch.
    public mutating func receiveSide(
        _ datagram: RawSpan, from address: Address, now: Instant, wall: WallTime
    ) {
        guard let answer = ProbeAnswerDatagram(datagram), session?.address == address else {
            strayDatagrams &+= 1
            return
        }
        let spacing = configuration.keepalive.probeSpacing
        judge(keepalive.search.received(answer.value, spacing: spacing, now: now), now, wall)
    }
}

extension ClientLink {
    /// When the keepalive wants to be woken.
    var keepaliveDeadline: Instant {
        guard isOpen else { return .distantFuture }
        return min(keepalive.search.deadline, mayProbe ? keepalive.nextProbe : .distantFuture)
    }

    /// The client is in another network.
    mutating func enterNetwork(_ label: UInt64, now: Instant) {
        keepalive.label = label
        keepalive.plan.enter(networkKey, wall: keepalive.wall)
        startKeepalive(now: now)
    }

    /// A session begins.
    mutating func startKeepalive(now: Instant) {
        stopMeasuring()
        if networkKey != keepalive.plan.present.label {
            keepalive.plan.enter(networkKey, wall: keepalive.wall)
        }
        keepalive.nextProbe = now + configuration.keepalive.settlesFor
        applyKeepalive()
    }

    /// Name and IP family: the same network may have a NAT for one and none for the other.
    private var networkKey: UInt64 {
        switch session {
        case .some(let session):
            let isV6 = session.address.v4 == nil
            return keepalive.label != 0 && isV6 ? max(1, ~keepalive.label) : keepalive.label
        case .none: return keepalive.label
        }
    }

    /// Whatever was being measured, nobody will know any more.
    mutating func stopMeasuring() {
        keepalive.search.cancel()
        keepalive.misses = 0
        keepalive.voids = 0
        session?.abandonProbe()
    }

    /// The session's own binding died: the pause was too long.
    mutating func bindingDied(after pause: Interval, wall: WallTime) {
        let settings = configuration.keepalive
        keepalive.plan.learn(wall: wall) { $0.died(after: pause, settings) }
        applyKeepalive()
    }

    mutating func probeAnswered(_ answer: NATProbeAnswerFrame, now: Instant, wall: WallTime) {
        judge(keepalive.search.answered(answer, now: now), now, wall)
    }

    /// Runs what is due, and begins a measurement if it is time for one.
    mutating func advanceKeepalive(now: Instant, wall: WallTime) {
        keepalive.wall = wall
        guard isOpen, !isOffline else { return }
        let wasWaiting = keepalive.search.phase == .waiting
        judge(keepalive.search.advance(now: now), now, wall)
        if wasWaiting, keepalive.search.phase == .doubtful { session?.askForSign() }
        if let heard = session?.lastHeard { judge(keepalive.search.heard(at: heard), now, wall) }
        guard mayProbe, keepalive.nextProbe <= now,
            let step = keepalive.plan.present.nextStep(configuration.keepalive)
        else { return }
        let frame = NATProbeFrame(token: random.next(), proof: random.next(), delay: step)
        keepalive.search.begin(frame, now: now)
        session?.askProbe(frame)
    }

    private var mayProbe: Bool {
        configuration.keepalive.isSearching && mayMeasure && handshake == nil
            && !serverLeaves && keepalive.search.phase == .idle
            && keepalive.plan.present.nextStep(configuration.keepalive) != nil
    }

    private mutating func judge(
        _ verdict: ProbeSearch.Verdict?, _ now: Instant, _ wall: WallTime
    ) {
        guard let verdict else { return }
        let settings = configuration.keepalive
        keepalive.nextProbe = now + Self.probePause
        switch verdict {
        case .proved(let pause):
            (keepalive.misses, keepalive.voids) = (0, 0)
            keepalive.plan.learn(wall: wall) { $0.proved(pause, settings) }
        case .missed(let pause):
            // One datagram may get lost, and its copy as well.
            keepalive.misses += 1
            keepalive.voids = 0
            guard keepalive.misses >= Self.missesMax else { return }
            keepalive.misses = 0
            keepalive.plan.learn(wall: wall) { $0.failed(pause) }
        case .void:
            session?.abandonProbe()
            keepalive.voids += 1
            keepalive.nextProbe =
                now + Self.voidPause * Int64(1 << min(keepalive.voids, Self.voidsMax))
        }
        applyKeepalive()
    }

    private mutating func applyKeepalive() {
        let (interval, quietMax) = keepalive.plan.pause(
            foreground: configuration.session.keepaliveInterval)
        session?.setKeepalive(interval, quietMax: quietMax)
    }

    private static let missesMax = 2
    /// Between two measurements.
    private static let probePause = Interval.seconds(2)
    /// After one that came to nothing; twice as long after each further one, up to 64 minutes.
    private static let voidPause = Interval.seconds(30)
    private static let voidsMax = 7
}
