// A server that sends each message back: Petrel's own path from the event loop to the session.

import CBench
import PetrelBase
import PetrelCrypto
import PetrelEvent
import PetrelTransport
import PetrelWire

/// What an echo server did while it was measured.
struct EchoCounts: Sendable {
    /// Messages sent back.
    var messages = 0
    /// Datagrams received, and batches that they came in.
    var datagrams = 0
    var batches = 0
    /// Datagrams sent.
    var datagramsSent = 0
    /// Seconds, and CPU seconds of the server's thread.
    var seconds = 0.0
    var cpuSeconds = 0.0
    /// Allocations of the server's thread.
    var allocations = 0
    /// Datagrams dropped.
    var drops = 0
}

/// The sessions of an echo server and its socket.
private struct EchoSessions: ~Copyable {
    private let identity: KeyPair
    private var socket: UDPSocket
    private var outgoing = DatagramBatch()
    private var sessions = Slab<Session>(capacity: 64)
    private var events = SessionEvents()
    var counts = EchoCounts()

    init(identity: consuming KeyPair, usesBursts: Bool) throws {
        var socket = try UDPSocket(boundTo: Address(v4: 0x7F00_0001, port: 0))
        try socket.use(bursts: usesBursts)
        self.socket = socket
        self.identity = identity
    }

    var descriptor: Int32 { socket.descriptor }
    var address: Address { socket.localAddress }

    /// The earliest deadline of all sessions.
    var deadline: Instant {
        var earliest = Instant.distantFuture
        for slot in 0..<sessions.capacity {
            guard let handle = sessions.handle(slot: slot) else { continue }
            earliest = min(earliest, sessions[handle].deadline)
        }
        return earliest
    }

    /// Puts what has arrived into `batch`.
    mutating func receive(into batch: inout DatagramBatch) throws {
        let count = try socket.receive(into: &batch)
        guard count > 0 else { return }
        counts.batches += 1
        counts.datagrams += count
    }

    /// Takes a datagram in, and puts the answer in line.
    mutating func take(
        _ datagram: inout MutableRawSpan, from address: Address, now: Instant
    ) throws {
        switch PacketForm(datagram.bytes, receivedBy: .server) {
        case .hello: try accept(datagram.bytes, from: address, now: now)
        case .data(let id):
            guard let handle = sessions.handle(slot: Int(id.value)) else {
                counts.drops += 1
                return
            }
            let reason = sessions[handle].receive(&datagram, from: address, now: now, into: &events)
            if reason != nil { counts.drops += 1 }
            counts.messages += try Self.answer(events, by: &sessions[handle], now: now)
            events.removeAll()
            transmit(handle, now: now)
        default: counts.drops += 1
        }
    }

    /// Sends what is in line.
    mutating func send() { counts.datagramsSent += socket.send(&outgoing) }

    /// Runs the timers that are due.
    mutating func advance(now: Instant) {
        for slot in 0..<sessions.capacity {
            guard let handle = sessions.handle(slot: slot), sessions[handle].deadline <= now else {
                continue
            }
            sessions[handle].advance(now: now, into: &events)
            events.removeAll()
            transmit(handle, now: now)
        }
    }

    private mutating func accept(_ datagram: RawSpan, from address: Address, now: Instant) throws {
        let hello = try Hello(opening: datagram, identity: identity)
        var room = [UInt8](repeating: 0, count: 2_048)
        var span = room.mutableSpan
        var bytes = span.mutableBytes
        guard
            let accepted = hello.accept(
                connectionID: UInt64(sessions.count), from: address,
                configuration: SessionConfiguration(), now: now, into: &bytes)
        else { throw BenchFailure("no ACCEPT") }
        let byteCount = accepted.byteCount
        guard let handle = sessions.insert(accepted.takeSession()),
            handle.slot == sessions.count - 1,
            outgoing.append(copying: bytes.bytes.extracting(first: byteCount), to: address)
        else { throw BenchFailure("no room for a session") }
    }

    private static func answer(
        _ events: borrowing SessionEvents, by session: inout Session, now: Instant
    ) throws -> Int {
        var messages = 0
        for event in events.list {
            guard case .message(let kind, let key, let range) = event else { continue }
            _ = try session.send(events.bytes(range), as: kind, key: key, now: now)
            messages += 1
        }
        return messages
    }

    private mutating func transmit(_ handle: Handle, now: Instant) {
        counts.datagramsSent += Self.transmit(
            &sessions[handle], into: &outgoing, over: &socket, now: now)
    }

    /// Puts what `session` has into the batch, which is sent whenever it is full; returns how many
    /// datagrams were sent.
    private static func transmit(
        _ session: inout Session, into batch: inout DatagramBatch, over socket: inout UDPSocket,
        now: Instant
    ) -> Int {
        var sent = 0
        while true {
            if batch.isFull { sent += socket.send(&batch) }
            let isAdded = batch.append { room in
                session.transmit(into: &room, now: now).map { ($0.byteCount, $0.destination) }
            }
            guard isAdded else { return sent }
        }
    }
}

/// The thread of an echo server: an event loop and what it tells.
final class EchoServer: EventHandler {
    /// How often the loop looks whether the measurement has begun or ended.
    private static let attention = Interval.milliseconds(5)

    private let loop: EventLoop
    private let measurement: EchoRun
    private var sessions: EchoSessions
    private var incoming: DatagramBatch
    private var step = EchoRun.Step.warmUp
    private var startSeconds = (wall: 0.0, cpu: 0.0)
    private var result = EchoCounts()
    private var failure: (any Error)?

    private init(_ measurement: EchoRun) throws {
        loop = try EventLoop()
        sessions = try EchoSessions(
            identity: measurement.serverIdentity, usesBursts: measurement.usesBursts)
        incoming = DatagramBatch(takesBursts: measurement.usesBursts)
        self.measurement = measurement
    }

    /// Serves until the load says stop; returns what was counted since it said measure.
    static func serve(_ measurement: EchoRun) throws -> EchoCounts {
        let server = try EchoServer(measurement)
        try server.loop.watch(server.sessions.descriptor, with: server)
        server.loop.wake(server, at: EventLoop.now)
        measurement.announce(server.sessions.address)
        try server.loop.run()
        server.loop.forgetAll()
        if let failure = server.failure { throw failure }
        return server.result
    }

    func readable(_ descriptor: Int32, now: Instant) {
        do {
            try sessions.receive(into: &incoming)
            for i in 0..<incoming.count {
                try incoming.withDatagram(i) { datagram, address in
                    try sessions.take(&datagram, from: address, now: now)
                }
            }
            sessions.send()
        } catch {
            failure = error
            return loop.stop()
        }
        follow(now: now)
    }

    func due(now: Instant) {
        sessions.advance(now: now)
        sessions.send()
        follow(now: now)
    }

    private func follow(now: Instant) {
        let current = measurement.step
        if current != step { enter(current) }
        loop.wake(self, at: min(sessions.deadline, now + Self.attention))
    }

    private func enter(_ next: EchoRun.Step) {
        step = next
        switch next {
        case .warmUp: break
        case .measure:
            sessions.counts = EchoCounts()
            startSeconds = (bench_seconds(), bench_thread_seconds())
            bench_count_start()
        case .stop:
            result = sessions.counts
            result.allocations = Int(bench_count_stop())
            result.seconds = bench_seconds() - startSeconds.wall
            result.cpuSeconds = bench_thread_seconds() - startSeconds.cpu
            loop.stop()
        }
    }
}

extension UDPSocket {
    /// Has the socket send and receive bursts, or neither.
    mutating func use(bursts: Bool) throws {
        sendsBursts = sendsBursts && bursts
        guard bursts else { return }
        guard sendsBursts, receiveBursts() else {
            throw BenchFailure("the kernel does not divide bursts")
        }
    }
}
