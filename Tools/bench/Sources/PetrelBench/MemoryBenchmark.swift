// What a session costs in memory: many of them in one process, confirmed, spoken with, and idle.

import CBench
import Glibc
import PetrelBase
import PetrelCrypto
import PetrelServerCore
import PetrelServices
import PetrelTransport

/// Bytes of a session, by layout and by what the process holds.
enum MemoryBenchmark {
    /// Connects four times `count` clients that fall asleep, then `count` that stay awake, says
    /// something with each, and lets some of both say that they are alive.
    static func run(sessions count: Int) throws -> Report.Section {
        let asleep = 4 * count
        var section = Report.Section(
            title: "Memory, \(count) idle sessions and \(asleep) dormant ones in one core")
        var configuration = ServerCoreConfiguration(seed: 1)
        configuration.sessionsMax = count + CrowdMember.awakeMax
        configuration.dormantMax = asleep + count + CrowdMember.awakeMax
        configuration.halfOpenMax = 64
        configuration.session.idleTimeout = .seconds(86_400)
        configuration.session.restlessTimeout = .seconds(86_400)
        let identity = KeyPair()
        let before = residentBytes
        var core = ServerCore(
            configuration: configuration, identity: identity.duplicate(), store: MemoryStore(),
            now: CrowdMember.start)
        let empty = residentBytes
        var crowd = Crowd(server: identity.publicKey)
        try crowd.meet(&core, count: asleep)
        crowd.rest(&core)
        guard core.dormantCount == asleep else {
            throw BenchFailure("\(core.dormantCount) sessions sleep instead of \(asleep)")
        }
        let sleeping = residentBytes
        try crowd.meet(&core, count: count)
        guard core.dormantCount == asleep, core.sessionsCount - core.halfOpenCount == 5 * count
        else {
            throw BenchFailure("\(core.sessionsCount) sessions instead of \(5 * count)")
        }
        let full = residentBytes
        section.figures = [
            Figure(
                name: "Resident, a dormant session",
                value: Double(sleeping - empty) / Double(asleep), unit: "bytes"),
            Figure(
                name: "Resident, a session awake",
                value: Double(full - sleeping) / Double(count), unit: "bytes"),
            Figure(
                name: "Tables of the empty core", value: Double(empty - before), unit: "bytes"),
            Figure(
                name: "Session, inline", value: Double(MemoryLayout<Session>.size), unit: "bytes"),
            Figure(
                name: "DormantSession, inline",
                value: Double(MemoryLayout<DormantSession>.size), unit: "bytes"),
        ]
        section.figures += try idle(&core, identity.publicKey, sessions: 5 * count)
        section.figures.append(
            Figure(
                name: "A deadline moved, among as many", value: deadlineNanoseconds(count),
                unit: "ns"))
        section.notes = [
            "each session has had a handshake, one command and one answer; they are strangers",
            "the share of a core is for all \(5 * count), each with a keepalive in the interval",
        ]
        return section
    }

    /// What keepalives cost the core while as many sessions are there, asleep.
    private static func idle(
        _ core: inout ServerCore, _ key: PublicKey, sessions count: Int
    ) throws -> [Figure] {
        var sample = Crowd(server: key, keeping: 4_000, after: 0x80_0000)
        // After all that the others had to wait for.
        sample.now = CrowdMember.start + .seconds(7_200)
        core.advance(now: sample.now, wall: WallTime(milliseconds: 1))
        try sample.meet(&core, count: 4_000)
        sample.rest(&core)
        var seconds: [Double] = []
        for _ in 0..<5 { seconds.append(try sample.keepAlive(&core) / 4_000) }
        seconds.sort()
        let cost = seconds[2]
        return [
            Figure(name: "A keepalive of a dormant session", value: cost * 1e9, unit: "ns")
        ]
            + [20, 120, 480].map { interval in
                Figure(
                    name: "All of them alive, every \(interval) s",
                    value: cost * Double(count) / Double(interval) * 100, unit: "% of a core")
            }
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
