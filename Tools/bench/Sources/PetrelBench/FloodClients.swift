// Who is honest during a flood: sessions that ask and are answered, and clients that come anew.

import CBench
import PetrelBase
import PetrelCrypto
import PetrelEvent
import PetrelMessaging
import PetrelTransport
import PetrelWire
import Synchronization

/// Sessions that ask for what is new, at a fixed rate.
struct LiveClients: ~Copyable {
    private struct Heard {
        var welcomes = 0
        var latencies: [Double] = []
        var due: [Instant]
        var open = 0
    }

    private var sessions: LoadSessions
    private var incoming = DatagramBatch()
    private var heard: Heard
    private var request: UInt64 = 0

    init(to server: Address, key: PublicKey, count: Int) throws {
        var sessions = try LoadSessions(to: server, key: key, capacity: count)
        for account in 0..<count { try sessions.connect(StoreFixture.identity(of: account)) }
        self.sessions = sessions
        heard = Heard(due: Array(repeating: Instant(nanoseconds: 0), count: 65_536))
    }

    /// Sessions that live.
    var count: Int { sessions.count }

    mutating func awaitWelcomes() throws {
        let end = EventLoop.now + .seconds(10)
        while heard.welcomes < sessions.count { try turn(until: end, failingAt: end) }
    }

    /// Asks `rate` times a second; returns the microseconds from when each was due to its answer.
    mutating func ask(rate: Int, for interval: Interval) throws -> [Double] {
        heard.latencies = []
        let step = Interval.seconds(1) / Int64(rate)
        let end = EventLoop.now + interval
        var due = EventLoop.now
        while due < end {
            let now = EventLoop.now
            while due <= now, due < end {
                request += 1
                let command = Command(
                    request: request,
                    kind: .sync(SyncRequest(incarnation: 0, cursor: FeedSequence(0), limit: 1)))
                let client = Int(request % UInt64(sessions.count))
                heard.due[Int(request % 65_536)] = due
                heard.open += 1
                try sessions.send(command.encoded(), as: .reliable, over: client, now: now)
                due = due + step
            }
            try turn(until: due, failingAt: end + .seconds(10))
        }
        while heard.open > 0 { try turn(until: end + .seconds(10), failingAt: end + .seconds(10)) }
        return heard.latencies
    }

    private mutating func turn(until end: Instant, failingAt limit: Instant) throws {
        sessions.flush(now: EventLoop.now)
        sessions.wait(until: end)
        let now = EventLoop.now
        guard now < limit else { throw BenchFailure("the server does not answer in time") }
        try Self.take(from: &sessions, into: &incoming, &heard, now: now)
    }

    private static func take(
        from sessions: inout LoadSessions, into batch: inout DatagramBatch,
        _ heard: inout Heard, now: Instant
    ) throws {
        try sessions.receive(into: &batch, now: now) { _, message in
            let notice = try Notice(decoding: message)
            switch notice.kind {
            case .welcome: heard.welcomes += 1
            case .syncPage:
                let due = heard.due[Int(notice.request % 65_536)]
                heard.latencies.append((now - due).milliseconds * 1_000)
                heard.open -= 1
            default: break
            }
        }
    }
}

/// Clients that nobody has seen before, each from an address of its own.
final class Newcomers: Sendable {
    private struct Attempt: ~Copyable {
        var socket: UDPSocket
        var handshake: ClientHandshake
        var started: Instant
    }

    private let server: ServiceRun.Running
    private let rate: Int
    private let seconds: Double
    private let result = Mutex<Result<[Double], any Error>>(.success([]))
    private static let next = Atomic<UInt32>(0)

    init(_ server: ServiceRun.Running, rate: Int, seconds: Double) {
        self.server = server
        self.rate = rate
        self.seconds = seconds
    }

    /// Seconds that each took; 4 for who was not let in.
    func outcome() throws -> [Double] { try result.withLock { $0 }.get() }

    func run() {
        do {
            let latencies = try greet()
            result.withLock { $0 = .success(latencies) }
        } catch {
            result.withLock { $0 = .failure(error) }
        }
    }

    private func greet() throws -> [Double] {
        var latencies: [Double] = []
        var attempts = Slab<Attempt>(capacity: 256)
        var batch = DatagramBatch()
        let start = EventLoop.now
        let end = start + Interval(nanoseconds: Int64(seconds * 1e9))
        var due = start
        while due < end || attempts.count > 0 {
            let now = EventLoop.now
            while due <= now, due < end {
                guard attempts.insert(try begin(now: now)) != nil else {
                    throw BenchFailure("too many newcomers wait")
                }
                due = due + Interval.seconds(1) / Int64(rate)
            }
            for slot in 0..<attempts.capacity {
                guard let handle = attempts.handle(slot: slot) else { continue }
                let seconds = (now - attempts[handle].started).milliseconds / 1_000
                let isIn = try Self.turn(
                    &attempts[handle], server.address, &batch, now: now)
                guard isIn || seconds > 4 else { continue }
                latencies.append(isIn ? seconds : 4)
                _ = attempts.remove(handle)
            }
            pause()
        }
        return latencies
    }

    private func begin(now: Instant) throws -> Attempt {
        let number = Self.next.wrappingAdd(1, ordering: .relaxed).newValue
        return Attempt(
            socket: try UDPSocket(boundTo: Address(v4: 0x7F02_0000 | number & 0xFFFF, port: 0)),
            handshake: try ClientHandshake(
                identity: KeyPair(), server: server.key, counter: 1, connectionID: number,
                configuration: SessionConfiguration(), lifetime: .seconds(10), now: now),
            started: now)
    }

    /// Sends and receives; returns whether the client is in, having confirmed its session.
    private static func turn(
        _ attempt: inout Attempt, _ server: Address, _ batch: inout DatagramBatch, now: Instant
    ) throws -> Bool {
        let count = try attempt.socket.receive(into: &batch)
        for i in 0..<count {
            var datagram = batch.bytes(of: i)
            let session = attempt.handshake.receive(&datagram, from: server, now: now)
            guard var session else { continue }
            var outgoing = DatagramBatch()
            while outgoing.append({ room in
                session.transmit(into: &room, now: now).map { ($0.byteCount, $0.destination) }
            }) {}
            _ = attempt.socket.send(&outgoing)
            return true
        }
        batch.removeAll()
        while append(&attempt.handshake, to: server, &batch, now: now) {}
        _ = attempt.socket.send(&batch)
        return false
    }

    private static func append(
        _ handshake: inout ClientHandshake, to server: Address, _ batch: inout DatagramBatch,
        now: Instant
    ) -> Bool {
        var room = [UInt8](repeating: 0, count: 1_500)
        var span = room.mutableSpan
        var view = span.mutableBytes
        guard let count = handshake.transmit(into: &view, now: now) else { return false }
        return batch.append(copying: room.span.bytes.extracting(first: count), to: server)
    }
}
