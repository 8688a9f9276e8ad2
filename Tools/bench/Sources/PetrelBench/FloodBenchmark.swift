// A server under a flood: what live sessions and honest newcomers feel of it, and what it costs.

import CBench
import PetrelBase
import PetrelCrypto
import PetrelEvent
import PetrelMessaging
import PetrelServer
import PetrelTransport
import PetrelWire
import Synchronization

/// Live traffic and honest handshakes, quiet and under floods, in turns.
enum FloodBenchmark {
    /// Sessions that live throughout.
    static let sessions = 16
    /// Requests a second of all of them.
    static let requests = 400
    /// Handshakes a second of clients that were not there before.
    static let newcomers = 20
    /// Datagrams a second of the flood.
    static let rate = 150_000.0

    /// What comes to the server besides.
    enum Flood: String, CaseIterable {
        case random = "random bytes"
        case strays = "packets of no session"
        case hellos = "HELLOs with MAC1"
    }

    /// What a flood sends, over and over; the random bytes are made where they are sent.
    fileprivate struct Ammunition: Sendable {
        var hellos: [UInt8]
        var strays: [UInt8]

        func bytes(of flood: Flood?) -> [UInt8] {
            switch flood {
            case .hellos: hellos
            case .strays: strays
            case .random, nil: []
            }
        }
    }

    /// Runs each kind of flood in `rounds` of `seconds`, each after as long without one.
    static func run(directory: String, rounds: Int, seconds: Double) throws -> Report.Section {
        let path = directory + "/flooded"
        _ = try Server(ServiceRun.settings(path))
        try StoreFixture.create(in: path, accounts: sessions)
        // The load shares the other processor with the flood, and goes first there.
        _ = bench_pin(0)
        defer { _ = bench_unpin() }
        let running = try RunningServer(path, processor: 1)
        defer { running.end() }
        let server = running.server
        let ammunition = Ammunition(
            hellos: try FloodHellos.make(4_096, for: server.key),
            strays: FloodStrays.make(4_096))
        var live = try LiveClients(to: server.address, key: server.key, count: sessions)
        try live.awaitWelcomes()
        _ = try live.ask(rate: requests, for: .seconds(1))
        // What the flood itself needs is there before memory is looked at.
        bench_flood_prepare()
        var section = Report.Section(
            title: "Flood of \(Int(rate / 1_000)),000 datagrams/s beside "
                + "\(sessions) sessions and \(newcomers) newcomers/s")
        var memory = (quiet: 0.0, flooded: 0.0)
        for flood in Flood.allCases {
            var quiet = Outcome()
            var flooded = Outcome()
            for _ in 0..<rounds {
                quiet.add(try measure(nil, ammunition, server, &live, seconds: seconds))
                flooded.add(try measure(flood, ammunition, server, &live, seconds: seconds))
            }
            memory.quiet += Double(quiet.grown) / 1_048_576
            memory.flooded += Double(flooded.grown) / 1_048_576
            let peers = [Figure.Peer(name: "quiet", value: quiet.p99)]
            section.figures += figures(of: flooded, name: flood.rawValue, peers)
            section.notes += [("quiet", quiet), (flood.rawValue, flooded)].map { name, outcome in
                "\(name): \(outcome.sent) sent, \(outcome.dropped) dropped by the kernel, "
                    + "\(outcome.p50s.count) rounds of \(outcome.answers) answers in all, "
                    + "\(outcome.handshakes.count) handshakes"
            }
        }
        section.figures += [
            Figure(
                name: "Memory of server and load, more by", value: memory.flooded, unit: "MiB",
                peers: [Figure.Peer(name: "that in quiet rounds", value: memory.quiet)]),
            Figure(
                name: "Sessions lost", value: Double(sessions - live.count), unit: "sessions",
                mustBeZero: true),
        ]
        return section
    }

    private static func figures(
        of outcome: Outcome, name: String, _ peers: [Figure.Peer]
    ) -> [Figure] {
        [
            Figure(
                name: "\(name): answer, p99", value: outcome.p99, unit: "us", peers: peers),
            Figure(name: "\(name): answer, p50", value: median(outcome.p50s), unit: "us"),
            Figure(
                name: "\(name): newcomers within 3 s", value: 100 * outcome.arrived(within: 3),
                unit: "%"),
            Figure(
                name: "\(name): newcomers, p99",
                value: percentile(outcome.handshakes, 0.99) * 1_000, unit: "ms"),
        ]
    }

    /// What happened in some rounds of one kind.
    private struct Outcome {
        /// Of each round, because a machine that stands still for a while says nothing of floods.
        var p50s: [Double] = []
        var p99s: [Double] = []
        var answers = 0
        /// Seconds of each handshake.
        var handshakes: [Double] = []
        /// Datagrams of the flood, and those that the kernel kept from the server.
        var sent: Int64 = 0
        var dropped: Int64 = 0
        /// Bytes of memory that the process has more.
        var grown: Int64 = 0

        var p99: Double { median(p99s) }

        mutating func add(_ other: Outcome) {
            p50s += other.p50s
            p99s += other.p99s
            answers += other.answers
            handshakes += other.handshakes
            sent += other.sent
            dropped += other.dropped
            grown += other.grown
        }

        func arrived(within seconds: Double) -> Double {
            guard !handshakes.isEmpty else { return 0 }
            return Double(handshakes.count { $0 <= seconds }) / Double(handshakes.count)
        }
    }

    private static func measure(
        _ flood: Flood?, _ ammunition: Ammunition, _ server: ServiceRun.Running,
        _ live: inout LiveClients, seconds: Double
    ) throws -> Outcome {
        let dropped = bench_dropped(server.address.port)
        let resident = bench_resident()
        let newcomers = Newcomers(server, rate: Self.newcomers, seconds: seconds)
        let greeting = try Worker(processor: 0) { newcomers.run() }
        let flooder = Flooder(
            flood, ammunition.bytes(of: flood), port: server.address.port, seconds: seconds)
        let flooding = try Worker(processor: 0) { flooder.run() }
        let interval = Interval(nanoseconds: Int64(seconds * 1e9))
        let latencies = try live.ask(rate: requests, for: interval)
        flooding.join()
        greeting.join()
        let count = flooder.sent.load(ordering: .relaxed)
        guard count >= 0 else { throw BenchFailure("the flood failed: error \(-count)") }
        return Outcome(
            p50s: [percentile(latencies, 0.5)], p99s: [percentile(latencies, 0.99)],
            answers: latencies.count, handshakes: try newcomers.outcome(), sent: count,
            dropped: bench_dropped(server.address.port) - dropped,
            grown: bench_resident() - resident)
    }
}

/// HELLOs of devices that nobody knows, one after the other.
enum FloodHellos {
    static func make(_ count: Int, for key: PublicKey) throws -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(count * WireLimits.helloByteCount)
        var room = [UInt8](repeating: 0, count: 1_500)
        let now = EventLoop.now
        for i in 0..<count {
            var handshake = try ClientHandshake(
                identity: KeyPair(), server: key, counter: 1, connectionID: UInt32(i),
                configuration: SessionConfiguration(), lifetime: .seconds(1), now: now)
            var span = room.mutableSpan
            var view = span.mutableBytes
            guard let byteCount = handshake.transmit(into: &view, now: now) else {
                throw BenchFailure("a HELLO cannot be made")
            }
            bytes += room[..<byteCount]
        }
        return bytes
    }
}

/// Data packets for the only worker, as long as a HELLO, of sessions that never were.
enum FloodStrays {
    static func make(_ count: Int) -> [UInt8] {
        var random = RandomStream(seed: 4, label: "strays")
        return (0..<count * WireLimits.helloByteCount).map { i in
            let byte = UInt8(truncatingIfNeeded: random.next())
            switch i % WireLimits.helloByteCount {
            case 0: return DataHeader.fixedBits | byte & DataHeader.protectedBits
            case 1: return 0
            case 2: return 1
            default: return byte
            }
        }
    }
}

/// The thread of a flood.
private final class Flooder: Sendable {
    let sent = Atomic<Int64>(0)
    private let flood: FloodBenchmark.Flood?
    private let datagrams: [UInt8]
    private let port: UInt16
    private let seconds: Double

    init(
        _ flood: FloodBenchmark.Flood?, _ datagrams: [UInt8], port: UInt16, seconds: Double
    ) {
        self.flood = flood
        self.datagrams = datagrams
        self.port = port
        self.seconds = seconds
    }

    func run() {
        guard flood != nil else { return }
        let byteCount = Int32(WireLimits.helloByteCount)
        let count = Int32(datagrams.count) / byteCount
        let outcome = datagrams.withUnsafeBufferPointer {
            bench_flood(
                port, $0.baseAddress, byteCount, count, FloodBenchmark.rate, seconds)
        }
        sent.store(outcome, ordering: .relaxed)
    }
}
