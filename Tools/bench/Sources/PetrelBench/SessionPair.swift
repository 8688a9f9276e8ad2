// A client's session and a server's, connected in memory: packets go from one to the other by hand.

import PetrelBase
import PetrelCrypto
import PetrelTransport
import PetrelWire

/// Two ends of a session, in virtual time.
struct SessionPair: ~Copyable {
    private static let clientAddress = Address(v4: 0x7F00_0001, port: 4_000)
    private static let serverAddress = Address(v4: 0x7F00_0001, port: 7_700)
    /// The time that a datagram takes; a round trip of two is less than an ACK waits.
    private static let step = Interval.microseconds(100)

    private var client: Session
    private var server: Session
    private var now: Instant
    private var events = SessionEvents()
    private var room = [UInt8](repeating: 0, count: 2_048)
    /// Datagrams that went from one end to the other.
    private(set) var datagrams = 0
    /// Their bytes.
    private(set) var bytes = 0
    /// Messages that came back to the client.
    private(set) var echoes = 0

    /// Makes a session by a handshake.
    init(configuration: SessionConfiguration = SessionConfiguration()) throws {
        let now = Instant(nanoseconds: 1_000_000_000)
        let identity = KeyPair()
        var handshake = try ClientHandshake(
            identity: KeyPair(), server: identity.publicKey, counter: 1, connectionID: 1,
            configuration: configuration, lifetime: .seconds(1), now: now)
        var room = [UInt8](repeating: 0, count: 2_048)
        var span = room.mutableSpan
        var datagram = span.mutableBytes
        guard let byteCount = handshake.transmit(into: &datagram, now: now) else {
            throw BenchFailure("no HELLO")
        }
        let hello = try Hello(
            opening: datagram.bytes.extracting(first: byteCount), identity: identity)
        guard
            let accepted = hello.accept(
                connectionID: 1, from: Self.clientAddress, configuration: configuration, now: now,
                into: &datagram)
        else { throw BenchFailure("no ACCEPT") }
        var answer = datagram._mutatingExtracting(0..<accepted.byteCount)
        guard let client = handshake.receive(&answer, from: Self.serverAddress, now: now) else {
            throw BenchFailure("the ACCEPT does not open")
        }
        self.client = client
        server = accepted.takeSession()
        self.now = now
    }

    /// Sends a message to the server and the same back, one datagram each way.
    mutating func roundTrip(_ message: RawSpan, as kind: DeliveryClass) throws {
        advance()
        _ = try client.send(message, as: kind, key: 1, now: now)
        try pass()
    }

    /// Lets time pass until so many messages came back, or a second has passed.
    mutating func await(echoes wanted: Int) throws {
        let end = now + .seconds(1)
        while echoes < wanted, now < end {
            advance()
            try pass()
        }
    }

    private mutating func advance() {
        now = now + Self.step
        if client.deadline <= now { client.advance(now: now, into: &events) }
        if server.deadline <= now { server.advance(now: now, into: &events) }
    }

    /// Takes what the client has to the server, and what that has to the client.
    private mutating func pass() throws {
        count(
            try Self.move(
                from: &client, at: Self.clientAddress, to: &server, over: &room, into: &events,
                now: now))
        now = now + Self.step
        try Self.answer(events, by: &server, now: now)
        events.removeAll()
        count(
            try Self.move(
                from: &server, at: Self.serverAddress, to: &client, over: &room, into: &events,
                now: now))
        for event in events.list {
            if case .message = event { echoes += 1 }
        }
        events.removeAll()
    }

    private static func answer(
        _ events: SessionEvents, by session: inout Session, now: Instant
    ) throws {
        for event in events.list {
            guard case .message(let kind, _, let range) = event else { continue }
            _ = try session.send(events.bytes(range), as: kind, key: 1, now: now)
        }
    }

    private mutating func count(_ moved: (datagrams: Int, bytes: Int)) {
        datagrams += moved.datagrams
        bytes += moved.bytes
    }

    /// Takes what `sender` has to `receiver`; returns how much that was.
    private static func move(
        from sender: inout Session, at address: Address, to receiver: inout Session,
        over room: inout [UInt8], into events: inout SessionEvents, now: Instant
    ) throws -> (datagrams: Int, bytes: Int) {
        var moved = (datagrams: 0, bytes: 0)
        var span = room.mutableSpan
        var datagram = span.mutableBytes
        while let transmission = sender.transmit(into: &datagram, now: now) {
            moved.datagrams += 1
            moved.bytes += transmission.byteCount
            var sealed = datagram._mutatingExtracting(0..<transmission.byteCount)
            if let reason = receiver.receive(&sealed, from: address, now: now, into: &events) {
                throw BenchFailure("a datagram was dropped: \(reason)")
            }
        }
        return moved
    }
}
