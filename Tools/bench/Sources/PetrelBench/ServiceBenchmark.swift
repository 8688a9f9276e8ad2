// The whole server: commands over sessions, commits on the disk, verdicts and deliveries back.

import CBench
import PetrelBase
import PetrelCrypto
import PetrelEvent
import PetrelMessaging
import PetrelServer
import PetrelServerCore
import PetrelTransport
import PetrelWire
import Synchronization

/// Senders and recipients on loopback, and a server with a store of its own.
enum ServiceBenchmark {
    /// Senders, each with one recipient.
    static let senders = 8
    /// Messages of each sender without a verdict, when as much as possible is sent.
    static let window = 8
    /// Messages per second of all senders, when the load is fixed.
    static let rate = 500

    /// Measures both loads for `seconds` each; `storeRate` is the store's messages per second.
    static func run(
        directory: String, seconds: Double, storeRate: Double
    ) throws -> Report.Section {
        let path = directory + "/server"
        // The first server makes its keys, without which no later one touches the accounts.
        try ServiceRun.prepare(path)
        try StoreFixture.create(in: path, accounts: senders * 2)
        let running = try RunningServer(path)
        defer { running.end() }
        let server = running.server
        var clients = try ServiceClients(to: server.address, key: server.key, senders: senders)
        try clients.awaitWelcomes()
        let interval = Interval(nanoseconds: Int64(seconds * 1e9))
        var flushes = [try StoreBenchmark.flush(directory, seconds: 0.5)]
        let most = try clients.sendInWindows(window, for: interval)
        flushes.append(try StoreBenchmark.flush(directory, seconds: 0.5))
        let fixed = try clients.sendAtRate(rate, for: interval)
        flushes.append(try StoreBenchmark.flush(directory, seconds: 0.5))
        var section = Report.Section(
            title: "Server: \(senders) senders and \(senders) recipients on loopback")
        let flush = [Figure.Peer(name: "a flush's p50", value: median(flushes.map(\.median)))]
        section.figures = [
            Figure(
                name: "Closed loop, \(senders * window) under way",
                value: Double(most.verdicts.count) / most.seconds, unit: "verdicts/s",
                peers: [
                    Figure.Peer(name: "the store alone", value: storeRate)
                ])
        ]
        for (name, latencies) in [
            ("Closed loop, send to verdict", most.verdicts),
            ("\(rate)/s, send to verdict", fixed.verdicts),
            ("\(rate)/s, send to delivery", fixed.deliveries),
        ] {
            section.figures += [
                Figure(
                    name: "\(name), p50", value: percentile(latencies, 0.5), unit: "us",
                    peers: flush),
                Figure(
                    name: "\(name), p99", value: percentile(latencies, 0.99), unit: "us",
                    peers: flush),
            ]
        }
        section.notes = [
            "recipients are connected and acknowledge what they get, which is committed too",
            "at a fixed rate, latency counts from when a message was due, sent or not",
        ]
        return section
    }
}

/// A server on a thread of its own, until `end`.
struct RunningServer {
    /// Where it listens.
    let server: ServiceRun.Running
    private let run: ServiceRun
    private let thread: Worker

    /// Starts a server with its data in `directory` and waits until it listens.
    init(_ directory: String, processor: Int32? = nil) throws {
        let run = ServiceRun(directory: directory)
        thread = try Worker(processor: processor) { run.serve() }
        self.run = run
        do {
            server = try run.awaitServer()
        } catch {
            run.stop()
            thread.join()
            throw error
        }
    }

    /// Stops the server and waits for its thread.
    func end() {
        run.stop()
        thread.join()
    }
}

/// What the thread of a server and that of its load tell each other.
final class ServiceRun: Sendable {
    struct Running {
        var address: Address
        var key: PublicKey
        var stopper: Server.Stopper
    }

    private let directory: String
    private let state = Mutex<Result<Running, any Error>?>(nil)

    init(directory: String) { self.directory = directory }

    /// The settings of a server with its data in `directory`: the defaults, on loopback.
    static func settings(_ directory: String) -> ServerConfiguration {
        var settings = ServerConfiguration(
            listen: Address(v4: 0x7F00_0001, port: 0), directory: directory)
        settings.signals = .ignored
        settings.limits = StoreFixture.limits
        settings.core.sends = BucketRate(spacing: .microseconds(1), burst: 1_000_000)
        return settings
    }

    /// Makes the keys of a server in `directory`.
    static func prepare(_ directory: String) throws { _ = try Server(settings(directory)) }

    /// Runs the server until `stop`.
    func serve() {
        do {
            let server = try Server(Self.settings(directory))
            let running = Running(
                address: server.address, key: server.publicKey, stopper: server.stopper)
            state.withLock { $0 = .success(running) }
            _ = try server.run()
        } catch {
            state.withLock { $0 = .failure(error) }
        }
    }

    /// Waits until the server listens.
    func awaitServer() throws -> Running {
        for _ in 0..<5_000 {
            if let result = state.withLock({ $0 }) { return try result.get() }
            pause()
        }
        throw BenchFailure("the server does not start")
    }

    func stop() {
        if case .success(let running) = state.withLock({ $0 }) { running.stopper.stop() }
    }
}
