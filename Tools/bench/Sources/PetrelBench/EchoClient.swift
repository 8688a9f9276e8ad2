// The load of an echo server: many sessions on one socket, each with a window of messages.

import PetrelBase
import PetrelCrypto
import PetrelEvent
import PetrelTransport
import PetrelWire

/// Clients that keep a fixed number of messages on their way, one in each datagram.
struct EchoClient: ~Copyable {
    /// Sessions.
    static let sessionsCount = 16
    /// Messages of each session that have not come back.
    static let window = 16
    /// The settings of both ends: the defaults.
    static let configuration = SessionConfiguration()

    private let kind: DeliveryClass
    private let server: Address
    private let message: [UInt8]
    private var socket: UDPSocket
    private var outgoing = DatagramBatch()
    private var sessions = Slab<Session>(capacity: sessionsCount)
    private var underWay = [Int](repeating: 0, count: sessionsCount)
    private var keys = [UInt64](repeating: 0, count: sessionsCount)
    private var heard = Instant(nanoseconds: 0)
    private var events = SessionEvents()
    /// Messages that were given up because nothing came back for a while; ephemeral ones may be.
    private(set) var givenUp = 0

    /// Creates a client without sessions.
    init(to server: Address, messages kind: DeliveryClass, messageByteCount: Int) throws {
        socket = try UDPSocket(boundTo: Address(v4: 0x7F00_0001, port: 0))
        self.kind = kind
        self.server = server
        message = [UInt8](repeating: 0x61, count: messageByteCount)
    }

    /// Connects all sessions to the server that has that key.
    mutating func connect(key: PublicKey) throws {
        for id in 0..<UInt32(Self.sessionsCount) { try connect(id, key: key) }
    }

    private mutating func connect(_ id: UInt32, key: PublicKey) throws {
        var incoming = DatagramBatch()
        var now = EventLoop.now
        let end = now + .seconds(2)
        var handshake = try ClientHandshake(
            identity: KeyPair(), server: key, counter: 1, connectionID: id,
            configuration: Self.configuration, lifetime: .seconds(2), now: now)
        while now < end {
            outgoing.removeAll()
            _ = outgoing.append(to: server) { room in
                handshake.transmit(into: &room, now: now) ?? 0
            }
            _ = socket.send(&outgoing)
            let count = try socket.receive(into: &incoming)
            now = EventLoop.now
            for i in 0..<count {
                let address = incoming.address(of: i)
                var datagram = incoming.bytes(of: i)
                guard let session = handshake.receive(&datagram, from: address, now: now) else {
                    continue
                }
                guard sessions.insert(session)?.slot == Int(id) else {
                    throw BenchFailure("no room for a session")
                }
                return
            }
        }
        throw BenchFailure("the server does not answer")
    }

    /// Keeps the window full until `end`.
    mutating func run(until end: Instant) throws {
        var incoming = DatagramBatch()
        var now = EventLoop.now
        heard = now
        while now < end {
            for slot in 0..<Self.sessionsCount { try fill(slot, now: now) }
            _ = socket.send(&outgoing)
            try receive(into: &incoming, now: now)
            now = EventLoop.now
            if now - heard > .milliseconds(50) {
                givenUp += underWay.reduce(0, +)
                underWay = Array(repeating: 0, count: Self.sessionsCount)
                heard = now
            }
        }
    }

    private mutating func fill(_ slot: Int, now: Instant) throws {
        guard let handle = sessions.handle(slot: slot) else { return }
        if sessions[handle].deadline <= now {
            sessions[handle].advance(now: now, into: &events)
            events.removeAll()
            Self.transmit(&sessions[handle], into: &outgoing, over: &socket, now: now)
        }
        while underWay[slot] < Self.window {
            // A key for each message under way: none takes the place of another.
            keys[slot] = (keys[slot] + 1) % UInt64(Self.window)
            try Self.send(message, as: kind, key: keys[slot], by: &sessions[handle], now: now)
            underWay[slot] += 1
            Self.transmit(&sessions[handle], into: &outgoing, over: &socket, now: now)
        }
    }

    private mutating func receive(into incoming: inout DatagramBatch, now: Instant) throws {
        let count = try socket.receive(into: &incoming)
        for i in 0..<count {
            let address = incoming.address(of: i)
            var datagram = incoming.bytes(of: i)
            guard case .data(let id) = PacketForm(datagram.bytes, receivedBy: .client),
                let handle = sessions.handle(slot: Int(id.value))
            else { continue }
            _ = sessions[handle].receive(&datagram, from: address, now: now, into: &events)
            for event in events.list {
                guard case .message = event else { continue }
                underWay[handle.slot] = max(0, underWay[handle.slot] - 1)
                heard = now
            }
            events.removeAll()
        }
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
