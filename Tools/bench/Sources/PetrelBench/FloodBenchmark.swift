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
        case quiet = "quiet"
        case random = "random bytes"
        case quietAgain = "quiet again"
        case hellos = "HELLOs with MAC1"
    }

    /// Runs each kind of flood for `seconds`.
    static func run(directory: String, seconds: Double) throws -> Report.Section {
        let path = directory + "/flooded"
        _ = try Server(ServiceRun.settings(path))
        try StoreFixture.create(in: path, accounts: sessions)
        let run = ServiceRun(directory: path)
        let thread = try Worker(processor: 1) { run.serve() }
        defer {
            run.stop()
            thread.join()
        }
        let server = try run.awaitServer()
        let hellos = try FloodHellos.make(4_096, for: server.key)
        var live = try LiveClients(to: server.address, key: server.key, count: sessions)
        try live.awaitWelcomes()
        _ = try live.ask(rate: requests, for: .seconds(1))
        let resident = bench_resident()
        var section = Report.Section(
            title: "Flood of \(Int(rate / 1_000)),000 datagrams/s beside "
                + "\(sessions) sessions and \(newcomers) newcomers/s")
        var calm: [Flood: Double] = [:]
        for flood in Flood.allCases {
            let dropped = bench_dropped(server.address.port)
            let sent = Mutex<Int64>(0)
            let outcome = try measure(
                flood, hellos, server, &live, seconds: seconds, sent: sent)
            let p99 = percentile(outcome.latencies, 0.99)
            calm[flood] = p99
            let reference = calm[flood == .random ? .quiet : .quietAgain]
            var figure = Figure(
                name: "\(flood.rawValue): answer to a session, p99", value: p99, unit: "us")
            if let reference, flood == .random || flood == .hellos {
                figure.peers = [Figure.Peer(name: "quiet", value: reference)]
            }
            section.figures += [
                figure,
                Figure(
                    name: "\(flood.rawValue): p50", value: percentile(outcome.latencies, 0.5),
                    unit: "us"),
                Figure(
                    name: "\(flood.rawValue): newcomers within 3 s",
                    value: 100 * outcome.arrived(within: 3), unit: "%"),
                Figure(
                    name: "\(flood.rawValue): newcomers, p99",
                    value: percentile(outcome.handshakes, 0.99) * 1_000, unit: "ms"),
            ]
            section.notes.append(
                "\(flood.rawValue): \(sent.withLock { $0 }) sent, "
                    + "\(bench_dropped(server.address.port) - dropped) dropped by the kernel, "
                    + "\(outcome.latencies.count) answers, \(outcome.handshakes.count) handshakes")
        }
        section.figures += [
            Figure(
                name: "Memory of server and load, grown by",
                value: Double(bench_resident() - resident) / 1_048_576, unit: "MiB"),
            Figure(
                name: "Sessions lost", value: Double(sessions - live.count), unit: "sessions",
                mustBeZero: true),
        ]
        return section
    }

    private struct Outcome {
        var latencies: [Double]
        var handshakes: [Double]

        func arrived(within seconds: Double) -> Double {
            guard !handshakes.isEmpty else { return 0 }
            return Double(handshakes.count { $0 <= seconds }) / Double(handshakes.count)
        }
    }

    private static func measure(
        _ flood: Flood, _ hellos: [UInt8], _ server: ServiceRun.Running,
        _ live: inout LiveClients, seconds: Double, sent: borrowing Mutex<Int64>
    ) throws -> Outcome {
        let newcomers = Newcomers(server, rate: Self.newcomers, seconds: seconds)
        let greeting = try Worker(processor: 0) { newcomers.run() }
        let flooder = Flooder(flood, hellos, port: server.address.port, seconds: seconds)
        let flooding = try Worker(processor: 0) { flooder.run() }
        let interval = Interval(nanoseconds: Int64(seconds * 1e9))
        let latencies = try live.ask(rate: requests, for: interval)
        flooding.join()
        greeting.join()
        let count = flooder.sent.load(ordering: .relaxed)
        guard count >= 0 else { throw BenchFailure("the flood failed: error \(-count)") }
        sent.withLock { $0 = count }
        return Outcome(latencies: latencies, handshakes: try newcomers.outcome())
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

/// The thread of a flood.
private final class Flooder: Sendable {
    let sent = Atomic<Int64>(0)
    private let flood: FloodBenchmark.Flood
    private let hellos: [UInt8]
    private let port: UInt16
    private let seconds: Double

    init(_ flood: FloodBenchmark.Flood, _ hellos: [UInt8], port: UInt16, seconds: Double) {
        self.flood = flood
        self.hellos = hellos
        self.port = port
        self.seconds = seconds
    }

    func run() {
        guard flood == .random || flood == .hellos else { return }
        let byteCount = Int32(WireLimits.helloByteCount)
        let count = flood == .hellos ? Int32(hellos.count) / byteCount : 0
        let outcome = hellos.withUnsafeBufferPointer {
            bench_flood(
                port, $0.baseAddress, byteCount, count, FloodBenchmark.rate, seconds)
        }
        sent.store(outcome, ordering: .relaxed)
    }
}
