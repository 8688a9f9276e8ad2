// Datagrams that one core echoes: Petrel's path beside servers that do less, in turns.

import CBench
import PetrelBase
import PetrelCrypto
import PetrelEvent
import PetrelTransport
import PetrelWire

/// Echo over loopback: the server on one processor, its load on another.
///
/// Rates are per CPU second of the server, so that a load that is too slow does not show. It sends
/// in full batches and sleeps in between, lest the faster server find the smaller batches.
enum EchoBenchmark {
    /// What one server did, reduced to what is compared.
    private struct Outcome {
        /// Datagrams echoed in a CPU second of the server.
        var rate: Double
        /// The part of the time that the server was busy.
        var busy: Double
        /// Datagrams in a batch.
        var batch: Double
        /// Messages in a datagram sent by the server; 1 for servers without messages.
        var packing = 1.0
        var allocations = 0.0
    }

    /// Measures `rounds` times `seconds` for each variant, beside servers of equal datagrams.
    static func run(
        rounds: Int, seconds: Double, sizes: CoreBenchmark.DatagramSizes
    ) throws -> Report.Section {
        var limits = [Limits(byteCount: sizes.reliable), Limits(byteCount: sizes.ephemeral)]
        var reliable: [Outcome] = []
        var single: [Outcome] = []
        var ephemeral: [Outcome] = []
        for _ in 0..<rounds {
            for i in limits.indices { try limits[i].measure(seconds: seconds) }
            reliable.append(try petrel(.reliable, seconds: seconds))
            single.append(try petrel(.reliable, usesBursts: false, seconds: seconds))
            ephemeral.append(try petrel(.ephemeral, seconds: seconds))
        }
        var section = Report.Section(title: "Echo on loopback, one server core")
        let variants = [
            ("reliable", reliable, limits[0]), ("reliable, no bursts", single, limits[0]),
            ("ephemeral", ephemeral, limits[1]),
        ]
        for (name, outcomes, limits) in variants {
            section.figures.append(
                Figure(
                    name: "Sessions, \(name)", value: median(outcomes.map(\.rate)),
                    unit: "datagrams/CPU second", peers: limits.peers))
        }
        for (name, outcomes, _) in variants {
            section.figures.append(
                Figure(
                    name: "Sessions, \(name)", value: median(outcomes.map(\.allocations)),
                    unit: "allocations/datagram"))
        }
        for limits in limits {
            section.notes += [
                note("bare, \(limits.byteCount) bytes", limits.bare),
                note("sealed, \(limits.byteCount) bytes", limits.secure),
            ]
        }
        section.notes += variants.map { note($0.0, $0.1) }
        return section
    }

    /// What servers without sessions do with datagrams of one size.
    private struct Limits {
        let byteCount: Int
        var bare: [Outcome] = []
        var secure: [Outcome] = []

        init(byteCount: Int) { self.byteCount = byteCount }

        mutating func measure(seconds: Double) throws {
            bare.append(try limit(false, seconds: seconds, byteCount: byteCount))
            secure.append(try limit(true, seconds: seconds, byteCount: byteCount))
        }

        var peers: [Figure.Peer] {
            [("bare echo", bare), ("sealed echo", secure)].map {
                Figure.Peer(name: $0.0, value: median($0.1.map(\.rate)))
            }
        }
    }

    private static func note(_ name: String, _ outcomes: [Outcome]) -> String {
        let busy = Report.fixed(median(outcomes.map(\.busy)) * 100, decimals: 0)
        let batch = Report.fixed(median(outcomes.map(\.batch)), decimals: 1)
        let packing = Report.fixed(median(outcomes.map(\.packing)), decimals: 2)
        return "\(name): server busy \(busy) %, \(batch) datagrams a batch, "
            + "\(packing) messages a datagram"
    }

    private static func limit(
        _ isSealed: Bool, seconds: Double, byteCount: Int
    ) throws -> Outcome {
        var echo = bench_echo()
        let window = EchoClient.sessionsCount * EchoClient.window
        let code = bench_echo(isSealed ? 1 : 0, Int32(byteCount), Int32(window), seconds, &echo)
        guard code == 0, echo.datagrams > 0 else { throw BenchFailure("echo: error \(code)") }
        return Outcome(
            rate: Double(echo.datagrams) / echo.server_seconds,
            busy: echo.server_seconds / echo.seconds,
            batch: Double(echo.datagrams) / Double(echo.batches))
    }

    private static func petrel(
        _ kind: DeliveryClass, usesBursts: Bool = true, seconds: Double
    ) throws -> Outcome {
        let run = EchoRun(usesBursts: usesBursts)
        let thread = try Worker(processor: 1) { run.finish { try EchoServer.serve(run) } }
        _ = bench_pin(0)
        let load = Result { try Self.load(run, kind, seconds: seconds) }
        run.step = .stop
        thread.join()
        let givenUp = try load.get()
        let counts = try run.result()
        // Reliable messages are repeated until they arrive, so that all of them come back.
        guard counts.messages > 0, counts.drops == 0, kind == .ephemeral || givenUp == 0 else {
            throw BenchFailure("\(counts), \(givenUp) messages did not come back")
        }
        return Outcome(
            rate: Double(counts.datagrams) / counts.cpuSeconds,
            busy: counts.cpuSeconds / counts.seconds,
            batch: Double(counts.datagrams) / Double(counts.batches),
            packing: Double(counts.messages) / Double(counts.datagramsSent),
            allocations: Double(counts.allocations) / Double(counts.datagrams))
    }

    /// Loads the server for a while unmeasured, then measured; returns the messages given up.
    private static func load(
        _ run: EchoRun, _ kind: DeliveryClass, seconds: Double
    ) throws -> Int {
        let address = try run.awaitAddress()
        var client = try EchoClient(
            to: address, key: run.serverKey, messages: kind,
            messageByteCount: CoreBenchmark.messageByteCount, usesBursts: run.usesBursts)
        try client.run(until: EventLoop.now + .milliseconds(500))
        run.step = .measure
        let nanoseconds = Int64(seconds * 1e9)
        try client.run(until: EventLoop.now + Interval(nanoseconds: nanoseconds))
        return client.givenUp
    }
}
