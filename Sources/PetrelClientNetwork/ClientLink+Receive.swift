// What comes from the network: datagrams to the session, and from it events for the owner.

public import PetrelBase
internal import PetrelCrypto
internal import PetrelTransport
internal import PetrelWire

extension ClientLink {
    /// Takes a datagram in; call `finishBatch` after the last of a batch.
    ///
    /// `ecn` is what its IP header said.
    public mutating func receive(
        _ datagram: inout MutableRawSpan, from address: Address, ecn: ECN = .notECT, now: Instant,
        wall: WallTime
    ) {
        switch PacketForm(datagram.bytes, receivedBy: .client) {
        case .accept where handshake != nil:
            openSession(&datagram, from: address, now: now)
        case .data where session != nil:
            let drop = session?.receive(
                &datagram, from: address, ecn: ecn, now: now, into: &sessionEvents)
            if drop == nil {
                noteHeard()
                noteHeard(from: address, now: now)
            }
        case .retry: receiveRetry(datagram.bytes, now: now)
        case .hello, .accept, .data, .probe, nil: strayDatagrams &+= 1
        }
        takeSessionEvents(now: now, wall: wall)
    }

    /// The server is under load: what it wants to see is kept for the next attempts as well.
    private mutating func receiveRetry(_ datagram: RawSpan, now: Instant) {
        guard handshake?.receiveRetry(datagram, now: now) == true else {
            strayDatagrams &+= 1
            return
        }
        switch handshake {
        case .some(let handshake):
            heldCookie = handshake.cookie.map {
                HeldCookie(cookie: $0, server: handshakeAddress, until: now + Self.cookieLifetime)
            }
        case .none: break
        }
    }

    private mutating func openSession(
        _ datagram: inout MutableRawSpan, from address: Address, now: Instant
    ) {
        guard let opened = handshake?.receive(&datagram, from: address, now: now) else {
            strayDatagrams &+= 1
            return
        }
        // What the old session was told may not have arrived; the owner says it again.
        sessionIsOver()
        events.append(.opened(earlyTaken: opened.earlyMessagesTaken))
        session = consume opened
        handshake = nil
        isOpen = true
        settleRace(on: address, now: now)
        serverLeaves = false
        attemptAt = .distantFuture
        isBlocked = false
        renewAt = now + configuration.sessionRenewal
        connector.connected(now: now)
        startKeepalive(now: now)
    }

    /// How long a server accepts a cookie at least (transport.md §4.7).
    private static let cookieLifetime = Interval.seconds(120)

    /// Sees to what the session has to say.
    mutating func takeSessionEvents(now: Instant, wall: WallTime) {
        guard sessionEventsTaken < sessionEvents.list.count else { return }
        isBlocked = false
        while sessionEventsTaken < sessionEvents.list.count {
            let event = sessionEvents.list[sessionEventsTaken]
            sessionEventsTaken += 1
            switch event {
            case .message(let deliveryClass, let number, let bytes):
                tell(.message(deliveryClass, number: number, bytes: bytes))
            case .acknowledged(let deliveryClass, let number):
                tell(.acknowledged(deliveryClass, number: number))
            case .keepaliveAnswered(let hint): tell(.keepaliveAnswered(hint: hint))
            case .closed(let reason):
                guard isOpen else { continue }
                tell(.ended(reason))
                sessionIsOver()
                handshake = nil
                connector.sessionEnded(WaitReason(reason), now: now, random: &random)
            case .goingAway(let window, let address):
                serverLeaves(within: window, to: address, now: now)
            case .bindingDied(let pause): bindingDied(after: pause, wall: wall)
            case .probeAnswered(let answer): probeAnswered(answer, now: now, wall: wall)
            case .confirmed, .ordered, .outcome, .bulk, .addressMoved, .probeAsked: continue
            }
        }
    }

    /// Nobody wants to hear of a session that is over.
    private mutating func tell(_ event: LinkEvent) {
        if isOpen { events.append(event) }
    }
}
