// Clients that a core has many of: each says one thing, and some go on to say that they are alive.

import CBench
import PetrelBase
import PetrelCrypto
import PetrelMessaging
import PetrelServerCore
import PetrelTransport
import PetrelWire

/// Clients on one virtual clock, of which the first ones are kept.
struct Crowd: ~Copyable {
    /// The time.
    var now = CrowdMember.start
    private let server: PublicKey
    private var kept: Slab<CrowdMember>
    private var number = 0

    /// Creates an empty crowd, whose addresses begin after `first`.
    init(server: PublicKey, keeping count: Int = 1, after first: Int = 0) {
        self.server = server
        kept = Slab(capacity: count)
        number = first
    }

    /// Connects so many more, one after each `pause`.
    mutating func meet(_ core: inout ServerCore, count: Int, every pause: Interval) throws {
        for _ in 0..<count {
            number += 1
            now = now + pause
            var member = try CrowdMember(number, server: server, now: now)
            try member.meet(&core)
            _ = kept.insert(member)
        }
    }

    /// Lets all fall asleep.
    mutating func rest(_ core: inout ServerCore) {
        for _ in 0..<8 {
            now = now + .milliseconds(500)
            core.advance(now: now, wall: WallTime(milliseconds: 1))
            var room = [UInt8](repeating: 0, count: 1_500)
            var span = room.mutableSpan
            var view = span.mutableBytes
            while core.transmit(into: &view, now: now) != nil {}
        }
    }

    /// Has each of those kept send its keepalive; returns the CPU time that the core takes for it.
    mutating func keepAlive(_ core: inout ServerCore) throws -> Double {
        now = now + .seconds(600)
        var seconds = 0.0
        let woken = core.metrics.sessionsWoken
        for pause in [Interval.zero, .milliseconds(12), .milliseconds(12)] {
            now = now + pause
            var datagrams: [(Int, [UInt8])] = []
            for slot in 0..<kept.capacity {
                guard let handle = kept.handle(slot: slot) else { continue }
                for datagram in kept[handle].speak(at: now) { datagrams.append((slot, datagram)) }
            }
            seconds += feed(&core, datagrams)
        }
        guard core.metrics.sessionsWoken - woken == UInt64(kept.count) else {
            throw BenchFailure("\(core.metrics.sessionsWoken - woken) sessions woke")
        }
        let start = bench_thread_seconds()
        now = now + .seconds(5)
        core.advance(now: now, wall: WallTime(milliseconds: 1))
        return seconds + bench_thread_seconds() - start
    }

    private mutating func feed(_ core: inout ServerCore, _ datagrams: [(Int, [UInt8])]) -> Double {
        var answers: [(Address, [UInt8])] = []
        answers.reserveCapacity(datagrams.count)
        var datagrams = datagrams
        var room = [UInt8](repeating: 0, count: 1_500)
        var seconds = 0.0
        // In batches, as a server reads them.
        for first in stride(from: 0, to: datagrams.count, by: 64) {
            let start = bench_thread_seconds()
            for i in first..<min(first + 64, datagrams.count) {
                guard let handle = kept.handle(slot: datagrams[i].0) else { continue }
                let address = kept[handle].address
                var span = datagrams[i].1.mutableSpan
                var datagram = span.mutableBytes
                core.receive(
                    &datagram, from: address, now: now, wall: WallTime(milliseconds: 1))
            }
            while let sent = Self.transmit(&core, into: &room, now: now) {
                answers.append((sent.destination, Array(room[..<sent.byteCount])))
            }
            seconds += bench_thread_seconds() - start
        }
        for (address, answer) in answers {
            for slot in 0..<kept.capacity {
                guard let handle = kept.handle(slot: slot), kept[handle].address == address
                else { continue }
                kept[handle].hear(answer, at: now)
                break
            }
        }
        return seconds
    }

    private static func transmit(
        _ core: inout ServerCore, into room: inout [UInt8], now: Instant
    ) -> Transmission? {
        var span = room.mutableSpan
        var view = span.mutableBytes
        return core.transmit(into: &view, now: now)
    }
}

/// A client that lives as long as it takes to say one thing.
struct CrowdMember: ~Copyable {
    /// Sessions that are awake at a time until they fall asleep, at most.
    static let awakeMax = 1_024
    static let start = Instant(nanoseconds: 1_000_000_000)
    static let server = Address(v4: 0x7F00_0001, port: 7_700)

    let address: Address
    private(set) var now: Instant
    private var handshake: ClientHandshake
    private var session: Session?
    private var events = SessionEvents()

    init(_ number: Int, server: PublicKey, now: Instant) throws {
        address = Address(v4: 0x0A00_0000 + UInt32(number), port: 5_000)
        self.now = now
        handshake = try ClientHandshake(
            identity: KeyPair(), server: server, counter: 1, connectionID: 1,
            configuration: SessionConfiguration(), lifetime: .seconds(5), now: now)
    }

    mutating func meet(_ core: inout ServerCore) throws {
        exchange(&core)
        _ = try session?.send(
            Command(
                request: 1, kind: .sync(SyncRequest(incarnation: 0, cursor: .init(0), limit: 1))
            ).encoded()
                .span.bytes, as: .durable, now: now)
        for _ in 0..<4 {
            exchange(&core)
            now = now + .milliseconds(12)
            session?.advance(now: now, into: &events)
            core.advance(now: now, wall: WallTime(milliseconds: 1))
        }
        exchange(&core)
        guard session?.isConfirmed == true, session?.queuedMessages == 0 else {
            throw BenchFailure("a client was not heard")
        }
    }

    private mutating func exchange(_ core: inout ServerCore) {
        var room = [UInt8](repeating: 0, count: 2_048)
        while let byteCount = transmit(into: &room) {
            var span = room.mutableSpan
            var whole = span.mutableBytes
            var datagram = whole._mutatingExtracting(0..<byteCount)
            core.receive(
                &datagram, from: address, now: now, wall: WallTime(milliseconds: 1))
            receiveAll(&core)
        }
        receiveAll(&core)
    }

    private mutating func transmit(into room: inout [UInt8]) -> Int? {
        var span = room.mutableSpan
        var view = span.mutableBytes
        guard session == nil else {
            return session?.transmit(into: &view, now: now)?.byteCount
        }
        return handshake.transmit(into: &view, now: now)
    }

    private mutating func receiveAll(_ core: inout ServerCore) {
        var room = [UInt8](repeating: 0, count: 2_048)
        while true {
            var span = room.mutableSpan
            var view = span.mutableBytes
            guard let sent = core.transmit(into: &view, now: now) else { return }
            guard sent.destination == address else { continue }
            var datagram = view._mutatingExtracting(0..<sent.byteCount)
            if session == nil {
                session = handshake.receive(&datagram, from: Self.server, now: now)
            } else {
                _ = session?.receive(&datagram, from: Self.server, now: now, into: &events)
            }
            events.removeAll()
        }
    }

    /// What it has to send at that time.
    mutating func speak(at now: Instant) -> [[UInt8]] {
        self.now = now
        session?.advance(now: now, into: &events)
        events.removeAll()
        var room = [UInt8](repeating: 0, count: 1_500)
        var sent: [[UInt8]] = []
        while let byteCount = transmit(into: &room) { sent.append(Array(room[..<byteCount])) }
        return sent
    }

    /// Takes in a datagram of the server.
    mutating func hear(_ bytes: [UInt8], at now: Instant) {
        self.now = now
        var bytes = bytes
        var span = bytes.mutableSpan
        var datagram = span.mutableBytes
        _ = session?.receive(&datagram, from: Self.server, now: now, into: &events)
        events.removeAll()
    }
}
