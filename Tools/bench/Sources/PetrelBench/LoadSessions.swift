// The clients of a load: many sessions on one socket, all driven by one thread.

import CBench
import PetrelBase
import PetrelCrypto
import PetrelEvent
import PetrelTransport
import PetrelWire

/// Sessions of clients with one server, numbered from 0 in the order of connecting.
struct LoadSessions: ~Copyable {
    private let server: Address
    private let serverKey: PublicKey
    private let configuration: SessionConfiguration
    private var socket: UDPSocket
    private let usesBursts: Bool
    private var outgoing = DatagramBatch()
    private var sessions: Slab<Session>
    private var events = SessionEvents()

    /// Creates a load without sessions, with room for `capacity` of them.
    init(
        to server: Address, key: PublicKey, capacity: Int,
        configuration: SessionConfiguration = SessionConfiguration(), usesBursts: Bool = false
    ) throws {
        var socket = try UDPSocket(boundTo: Address(v4: 0x7F00_0001, port: 0))
        try socket.use(bursts: usesBursts)
        self.socket = socket
        self.usesBursts = usesBursts
        self.server = server
        serverKey = key
        self.configuration = configuration
        sessions = Slab(capacity: capacity)
    }

    /// How many sessions there are.
    var count: Int { sessions.count }

    /// Connects one more session, for the device with that key.
    mutating func connect(_ identity: borrowing KeyPair) throws {
        var incoming = DatagramBatch(takesBursts: usesBursts)
        var now = EventLoop.now
        let end = now + .seconds(2)
        let id = sessions.count
        var handshake = try ClientHandshake(
            identity: identity, server: serverKey, counter: 1, connectionID: UInt32(id),
            configuration: configuration, lifetime: .seconds(2), now: now)
        while now < end {
            outgoing.removeAll()
            _ = outgoing.append(to: server) { handshake.transmit(into: &$0, now: now) ?? 0 }
            _ = socket.send(&outgoing)
            let count = try socket.receive(into: &incoming)
            now = EventLoop.now
            for i in 0..<count {
                let address = incoming.address(of: i)
                var datagram = incoming.bytes(of: i)
                guard let session = handshake.receive(&datagram, from: address, now: now) else {
                    continue
                }
                guard sessions.insert(session)?.slot == id else {
                    throw BenchFailure("no room for a session")
                }
                return transmit(id, now: now)
            }
        }
        throw BenchFailure("the server does not answer")
    }

    /// Sends a message over that session; the datagram goes out with the next `flush`.
    mutating func send(
        _ message: [UInt8], as kind: DeliveryClass, key: UInt64 = 0, over number: Int, now: Instant
    ) throws {
        guard let handle = sessions.handle(slot: number) else { throw BenchFailure("no session") }
        try Self.send(message, as: kind, key: key, by: &sessions[handle], now: now)
        transmit(number, now: now)
    }

    /// Runs the timers that are due, and sends all that waits.
    mutating func flush(now: Instant) {
        for number in 0..<sessions.count {
            guard let handle = sessions.handle(slot: number), sessions[handle].deadline <= now
            else { continue }
            sessions[handle].advance(now: now, into: &events)
            events.removeAll()
            transmit(number, now: now)
        }
        _ = socket.send(&outgoing)
    }

    /// Calls `take` with each message that has arrived, and the number of its session.
    mutating func receive(
        into batch: inout DatagramBatch, now: Instant,
        _ take: (_ number: Int, _ message: RawSpan) throws -> Void
    ) throws {
        let count = try socket.receive(into: &batch)
        for i in 0..<count {
            let address = batch.address(of: i)
            var datagram = batch.bytes(of: i)
            guard case .data(let id) = PacketForm(datagram.bytes, receivedBy: .client),
                let handle = sessions.handle(slot: Int(id.value))
            else { continue }
            _ = sessions[handle].receive(&datagram, from: address, now: now, into: &events)
            for event in events.list {
                switch event {
                case .message(_, _, let range): try take(handle.slot, events.bytes(range))
                case .closed(let reason): throw BenchFailure("a session is over: \(reason)")
                default: break
                }
            }
            events.removeAll()
            transmit(handle.slot, now: now)
        }
    }

    /// Sleeps until a datagram arrives, a timer is due, or `end`.
    func wait(until end: Instant) {
        var next = end
        for number in 0..<sessions.count {
            if let handle = sessions.handle(slot: number) {
                next = min(next, sessions[handle].deadline)
            }
        }
        bench_wait(socket.descriptor, max(.zero, next - EventLoop.now).nanoseconds)
    }

    private mutating func transmit(_ number: Int, now: Instant) {
        guard let handle = sessions.handle(slot: number) else { return }
        Self.transmit(&sessions[handle], into: &outgoing, over: &socket, now: now)
    }

    private static func send(
        _ message: [UInt8], as kind: DeliveryClass, key: UInt64, by session: inout Session,
        now: Instant
    ) throws {
        _ = try session.send(message.span.bytes, as: kind, key: key, now: now)
    }

    private static func transmit(
        _ session: inout Session, into batch: inout DatagramBatch, over socket: inout UDPSocket,
        now: Instant
    ) {
        while true {
            if batch.isFull { _ = socket.send(&batch) }
            let isAdded = batch.append { room in
                session.transmit(into: &room, now: now).map { ($0.byteCount, $0.destination) }
            }
            guard isAdded else { return }
        }
    }
}
