// What a session costs in memory: many of them in one process, confirmed, spoken with, and idle.

import CBench
import Glibc
import PetrelBase
import PetrelCrypto
import PetrelMessaging
import PetrelServerCore
import PetrelServices
import PetrelTransport
import PetrelWire

/// Bytes of a session, by layout and by what the process holds.
enum MemoryBenchmark {
    /// Connects `count` clients with a server's core and says something with each.
    static func run(sessions count: Int) throws -> Report.Section {
        var section = Report.Section(title: "Memory, \(count) idle sessions in one core")
        var configuration = ServerCoreConfiguration(seed: 1)
        configuration.sessionsMax = count
        configuration.halfOpenMax = 64
        configuration.session.idleTimeout = .seconds(86_400)
        let identity = KeyPair()
        let before = residentBytes
        var core = ServerCore(
            configuration: configuration, identity: identity.duplicate(), store: MemoryStore(),
            now: CrowdMember.start)
        let empty = residentBytes
        for number in 0..<count {
            var member = try CrowdMember(number, server: identity.publicKey)
            try member.meet(&core)
        }
        guard core.sessionsCount - core.halfOpenCount == count else {
            throw BenchFailure("\(core.sessionsCount) sessions instead of \(count)")
        }
        let full = residentBytes
        section.figures = [
            Figure(
                name: "Resident, a session", value: Double(full - before) / Double(count),
                unit: "bytes"),
            Figure(
                name: "of that, tables of the empty core",
                value: Double(empty - before) / Double(count), unit: "bytes"),
            Figure(
                name: "Session, inline", value: Double(MemoryLayout<Session>.size), unit: "bytes"),
        ]
        section.figures.append(
            Figure(
                name: "A deadline moved, among as many", value: deadlineNanoseconds(count),
                unit: "ns"))
        section.notes = ["each session has had a handshake, one command and one answer"]
        return section
    }

    /// What a packet costs in timers: the session's deadline is taken out, and set anew.
    private static func deadlineNanoseconds(_ count: Int) -> Double {
        var queue = DeadlineQueue(capacity: count)
        var random = RandomStream(seed: 1, label: "deadlines")
        func deadline(_ now: Int64) -> Instant {
            // Most sessions are idle and wait for the silence to be too long; some are busy.
            let wait = random.chance(0.1) ? 10_000_000 : 180_000_000_000
            return Instant(nanoseconds: now + Int64(random.below(UInt64(wait))))
        }
        for slot in 0..<count { queue.set(slot, to: deadline(0)) }
        let steps = 1_000_000
        let start = bench_thread_seconds()
        for step in 0..<steps {
            let slot = Int(random.below(UInt64(count)))
            queue.remove(slot)
            queue.set(slot, to: deadline(Int64(step) * 10_000))
        }
        return (bench_thread_seconds() - start) * 1e9 / Double(steps)
    }

    private static var residentBytes: Int {
        guard let file = fopen("/proc/self/statm", "r") else { return 0 }
        defer { fclose(file) }
        var line = [CChar](repeating: 0, count: 256)
        guard fgets(&line, Int32(line.count), file) != nil else { return 0 }
        let words = String(decoding: line.prefix { $0 != 0 }.map(UInt8.init), as: UTF8.self)
            .split(separator: " ")
        return (words.count > 1 ? Int(words[1]) ?? 0 : 0) * Int(getpagesize())
    }
}

/// A client that lives as long as it takes to say one thing.
private struct CrowdMember: ~Copyable {
    static let start = Instant(nanoseconds: 1_000_000_000)
    private static let server = Address(v4: 0x7F00_0001, port: 7_700)

    private let address: Address
    private var now: Instant
    private var handshake: ClientHandshake
    private var session: Session?
    private var events = SessionEvents()

    init(_ number: Int, server: PublicKey) throws {
        address = Address(v4: 0x0A00_0000 | UInt32(number), port: 5_000)
        now = Self.start + .milliseconds(Int64(number))
        handshake = try ClientHandshake(
            identity: KeyPair(), server: server, counter: 1, connectionID: 1,
            configuration: SessionConfiguration(), lifetime: .seconds(5), now: now)
    }

    mutating func meet(_ core: inout ServerCore) throws {
        exchange(&core)
        _ = try session?.send(
            Command(request: 1, kind: .sync(incarnation: 0, cursor: .init(0), limit: 1)).encoded()
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
}
