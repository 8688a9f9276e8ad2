// Over which carrier attempts and sessions go: UDP, or TCP where that is silent (§8.6).

public import PetrelBase
internal import PetrelTransport

/// What a client does where UDP does not get through.
public enum TCPFallback: Equatable, Sendable {
    /// It tries the TCP port that the server announced; before it ever did, the number of the UDP
    /// port. No port, if the server announced none.
    case automatic
    /// It tries that TCP port.
    case port(UInt16)
    /// Nothing.
    case none
}

/// What a server has said of TCP.
enum AnnouncedTCP: Equatable {
    /// It was never reached.
    case unknown
    /// It takes connections at that port, or none.
    case port(UInt16?)
}

extension ClientLink {
    /// The TCP connection that the owner should have, to be opened and closed as this changes,
    /// once `transmit` has given everything.
    ///
    /// Datagrams whose destination it is go over it, each behind its length, and those that come
    /// over it are received from it. While it is not there they are thrown away.
    public var wantedStream: Address? { isOffline ? nil : race.wanted }

    /// Over what the session goes; `nil` without one.
    public var carrier: Address.Carrier? {
        guard isOpen else { return nil }
        switch session {
        case .some(let session): return session.address.carrier
        case .none: return nil
        }
    }

    /// The wanted connection was opened; call `finishBatch` afterwards.
    public mutating func streamOpened(now: Instant) {
        race.opened()
        guard race.isOpen else { return }
        isHelloCopyDue = handshake != nil
        guard isOpen else { return }
        session?.goOn(at: race.address, now: now)
        race.settled(now: now)
    }

    /// The wanted connection could not be opened, or is broken; call `finishBatch` afterwards.
    public mutating func streamClosed(now: Instant) {
        if isOpen || handshake != nil { race.broke(now: now) } else { race.end() }
        if carrier == .stream { session?.goOn(at: sessionServer, now: now) }
    }

    /// An attempt begins: first over UDP.
    mutating func beginRace(now: Instant) {
        isHelloCopyDue = false
        var stream = streamAddress(of: handshakeAddress)
        #if PETREL_PLANTED
            if PlantedBug.streamNotTried.isActive { stream = nil }
        #endif
        race.begin(at: stream, now: now)
        // What was silent there may be heard here.
        if carrier == .stream { session?.goOn(at: sessionServer, now: now) }
    }

    /// The network is another one: connections of the old one are dead, and UDP may work in it.
    ///
    /// Returns whether the session was told.
    mutating func changeNetwork(now: Instant) -> Bool {
        let wasOnStream = carrier == .stream
        if wasOnStream || handshake != nil {
            let server = handshake == nil ? sessionServer : handshakeAddress
            race.begin(at: streamAddress(of: server), onNewNetwork: true, now: now)
        } else {
            race.end()
        }
        if wasOnStream { session?.goOn(at: sessionServer, now: now) }
        return wasOnStream
    }

    /// A session was opened by an answer from `address`.
    mutating func settleRace(on address: Address, now: Instant) {
        sessionServer = handshakeAddress
        switch session {
        case .some(let session): announcedTCP = .port(session.serverTCPPort)
        case .none: break
        }
        if address.carrier == .stream {
            race.heard()
            race.settled(now: now)
        } else {
            race.end()
        }
    }

    /// The session was heard from `address`.
    mutating func noteHeard(from address: Address, now: Instant) {
        guard let carrier else { return }
        if address.carrier == .stream { race.heard() }
        if carrier == .datagram, address.carrier == .datagram, handshake == nil { race.end() }
        guard carrier == .stream, let found = session?.answeredAt else { return }
        // The connection stays until the session was heard there.
        race.stopProbing()
        session?.goOn(at: found, now: now)
    }

    /// Opens what is due, and asks over UDP.
    mutating func advanceRace(now: Instant) {
        race.advance(now: now)
        guard carrier == .stream else { return race.stopProbing() }
        var interval = Self.probeIntervalMin
        switch session {
        case .some(let session): interval = max(interval, session.probeInterval * 2)
        case .none: break
        }
        if race.mustProbe(interval: interval, now: now) { session?.probe(sessionServer) }
    }

    private func streamAddress(of server: Address) -> Address? {
        switch configuration.tcp {
        case .none: nil
        case .port(let port): server.over(.stream, port: port)
        case .automatic:
            switch announcedTCP {
            case .unknown: server.over(.stream, port: server.port)
            case .port(let port): port.map { server.over(.stream, port: $0) }
            }
        }
    }

    private static let probeIntervalMin = Interval.seconds(1)
}
