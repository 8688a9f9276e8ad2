// How many 1:1 messages a second a server commits and delivers while the slowest of 100 is quick.

import PetrelBase

/// Pairs on loopback at rates that rise until the p99 does not hold any more.
enum MessagesBenchmark {
    /// Senders, each with one recipient.
    static let senders = 32
    /// Messages a second of all senders.
    static let rates = [500, 1_000, 2_000, 4_000, 6_000, 8_000, 10_000, 12_000, 16_000, 20_000]
    /// The p99 from when a message was due to its delivery that holds, in microseconds.
    static let p99Max = 50_000.0
    /// What is asked for of a server, in messages a second.
    static let wanted = 10_000.0

    /// What one rate came to.
    private struct Step {
        var rate: Int
        var outcome: ServiceClients.Outcome
        var usage: Usage

        var p99: Double { percentile(outcome.deliveries, 0.99) }
        var isHeld: Bool { p99 <= p99Max }
    }

    /// Tries each rate for `seconds`, a second time if it does not hold.
    static func run(directory: String, seconds: Double) throws -> Report.Section {
        let path = directory + "/messages"
        // The first server makes its keys, without which no later one touches the accounts.
        try ServiceRun.prepare(path)
        try StoreFixture.create(in: path, accounts: senders * 2)
        var flushes = [try StoreBenchmark.flush(directory, seconds: 0.5)]
        let puts = try StoreBenchmark.puts(directory, batch: 64, seconds: 0.7)
        let running = try RunningServer(path)
        defer { running.end() }
        let server = running.server
        var clients = try ServiceClients(
            to: server.address, key: server.key, senders: senders,
            acknowledgePause: .milliseconds(100))
        try clients.awaitWelcomes()
        var steps: [Step] = []
        for rate in rates {
            var best = try step(rate, by: &clients, seconds: seconds)
            if !best.isHeld {
                let again = try step(rate, by: &clients, seconds: seconds)
                if again.p99 < best.p99 { best = again }
            }
            steps.append(best)
            if !best.isHeld { break }
        }
        flushes.append(try StoreBenchmark.flush(directory, seconds: 0.5))
        return section(steps, flushes: flushes, puts: puts)
    }

    private static func step(
        _ rate: Int, by clients: inout ServiceClients, seconds: Double
    ) throws -> Step {
        let before = try Usage.now()
        let outcome = try clients.sendAtRate(rate, for: Interval(nanoseconds: Int64(seconds * 1e9)))
        return Step(rate: rate, outcome: outcome, usage: try Usage.now() - before)
    }

    private static func section(
        _ steps: [Step], flushes: [Commits], puts: Commits
    ) -> Report.Section {
        var section = Report.Section(title: "1:1 messages: \(senders) pairs on loopback")
        let flush = Figure.Peer(name: "a flush's p50", value: median(flushes.map(\.median)))
        for step in steps {
            let p50 = percentile(step.outcome.deliveries, 0.5)
            let name = "\(step.rate)/s, send to delivery"
            section.figures += [
                Figure(name: "\(name), p50", value: p50, unit: "us", peers: [flush]),
                Figure(name: "\(name), p99", value: step.p99, unit: "us", peers: [flush]),
            ]
            let count = Double(step.outcome.deliveries.count)
            section.notes.append(
                "\(step.rate)/s: \(Report.number(step.usage.written / count)) bytes written and "
                    + "\(Report.number(step.usage.flushes / step.usage.seconds)) flushes/s, "
                    + "\(Report.number(count / max(1, step.usage.flushes))) messages a flush; "
                    + "server \(Report.fixed(step.usage.othersLoad, decimals: 2)) processors, "
                    + "load \(Report.fixed(step.usage.ownLoad, decimals: 2))")
        }
        let held = steps.last(where: \.isHeld)
        section.figures.append(
            Figure(
                name: "Highest rate with p99 <= 50 ms", value: Double(held?.rate ?? 0),
                unit: "messages/s",
                peers: [
                    Figure.Peer(name: "what is wanted", value: wanted),
                    Figure.Peer(name: "LMDB puts, 64 a transaction", value: puts.perSecond),
                    Figure.Peer(
                        name: "flushes", value: median(flushes.map(\.perSecond))),
                ]))
        if let held {
            section.figures.append(
                Figure(
                    name: "Bytes written per message, then",
                    value: held.usage.written / Double(held.outcome.deliveries.count),
                    unit: "bytes",
                    peers: [
                        Figure.Peer(
                            name: "the body", value: Double(CoreBenchmark.messageByteCount))
                    ]))
        }
        section.notes.append(
            "recipients acknowledge every 100 ms, as clients do; that is written too")
        return section
    }
}
