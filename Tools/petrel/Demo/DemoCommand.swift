// petrel demo: a conversation through a subway ride, with real processes and real kills.

import ArgumentParser
import Foundation
import PetrelBase

/// Runs the demo and prints what arrived.
struct DemoCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "demo",
        abstract: "Shows a conversation that survives a bad network and killed processes.",
        discussion: """
            Starts a server, a spoiled link (petrel netem) and two clients as processes of their \
            own. alice sends every line of a document, bob answers each tenth one. bob is offline \
            for a third of the time and is killed once, and so is the server, both with SIGKILL. \
            At the end the transcripts on both disks are compared with what was written.

            Exits with 0 if everything arrived once and in order, with 1 if not.
            """)

    @Option(help: "The document; without it, the protocol's specification or the built-in text.")
    var document: String?
    @Option(help: "Repeats the link's fates.")
    var seed: UInt64 = 7
    @Option(help: "The network to imitate.")
    var profile = "subway"
    @Option(help: "Share of packets that are lost, instead of the profile's.")
    var loss: String?
    @Option(
        help: "In how much time alice writes; at least 20s.", transform: Interval.init(parsing:))
    var duration = Interval.seconds(36)
    @Option(help: ArgumentHelp("Keep all files there; it must be empty.", valueName: "directory"))
    var keep: String?
    @Flag(help: "Print one JSON object instead of text.")
    var json = false

    /// Checks what the options mean together.
    func validate() throws {
        guard duration >= .seconds(20) else {
            throw ValidationError("--duration \(duration.text) is too short; 20s or more is needed")
        }
        guard LinkProfile.named(profile) != nil else {
            throw ValidationError(
                "'\(profile)' is not a profile; choose one of "
                    + LinkProfile.names.joined(separator: ", "))
        }
        if let loss { _ = try Probability(parsing: loss) }
    }

    /// Runs it.
    func run() throws {
        signal(SIGPIPE, SIG_IGN)
        let lines = try documentLines()
        say(
            "petrel demo · server + alice + bob over a simulated \(profile) link (seed \(seed)), "
                + "\(lines.count) lines in \(duration.text)")
        let stage = try Stage(directory: keep)
        defer { stage.clear() }
        try stage.startServer()
        var link = ["--profile", profile, "--seed", String(seed)]
        if let loss { link += ["--loss", loss] }
        try stage.startLink(arguments: link)
        try stage.register("alice")
        try stage.register("bob")
        try stage.befriend("alice", "bob")
        say("  alice asked bob to become contacts, bob accepted (strangers may send 3 messages)")
        let meter = ProgressMeter(isShown: !json, total: lines.count + lines.count / 10)
        let run = DemoRun(
            stage: stage, plan: DemoPlan(writing: duration), lines: lines,
            progress: { meter.show($0.elapsed, sent: $0.sentCount, shown: $0.shownCount) })
        try run.run()
        meter.finish()
        let report = try report(run, stage)
        print(json ? report.json : report.text)
        guard report.isPerfect else { throw ExitCode(1) }
    }

    private func report(_ run: DemoRun, _ stage: Stage) throws -> DemoReport {
        let transcripts = [
            "alice": try stage.transcript(of: "alice"), "bob": try stage.transcript(of: "bob"),
        ]
        let network = try stage.endLink()
        // Answers that bob never wrote, because he never saw the line, are missing lines of alice.
        let audit = TranscriptAudit(written: run.written, transcripts: transcripts)
        return DemoReport(
            sent: run.written.values.reduce(0) { $0 + $1.count }, delivered: audit.delivered,
            lost: audit.lost, duplicated: audit.duplicated, out_of_order: audit.outOfOrder,
            e2e_ms: DemoReport.latency(run.latenciesOnline),
            e2e_all_ms: DemoReport.latency(run.latencies),
            network: DemoReport.Network(network), server_kills: run.serverKills,
            client_kills: run.clientKills, offline_share: (run.offlineShare * 100).rounded() / 100,
            seconds: (run.duration.milliseconds / 100).rounded() / 10, seed: seed)
    }

    private func documentLines() throws -> [String] {
        let path =
            document
            ?? ["Protocol/transport.md", "README.md"].first {
                FileManager.default.isReadableFile(atPath: $0)
            }
        guard let path else {
            throw Failure(
                status: .badInput,
                message: "there is no document to send here; name one with --document FILE")
        }
        guard let data = FileManager.default.contents(atPath: path) else {
            throw Failure(
                status: .badInput, message: "\(path) cannot be read; name a text file")
        }
        guard let text = String(data: data, encoding: .utf8) else {
            throw Failure(status: .badInput, message: "\(path) is not UTF-8 text; name a text file")
        }
        var lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        if lines.last == "" { lines.removeLast() }
        guard lines.count >= 300 else {
            throw Failure(
                status: .badInput,
                message: "\(path) has \(lines.count) lines; the demo wants 300 or more")
        }
        return lines
    }

    private func say(_ line: String) {
        guard !json else { return }
        print(line)
        fflush(nil)
    }
}

extension DemoReport.Network {
    init(_ statistics: NetemStatistics) {
        let both = [statistics.up, statistics.down]
        packets = both.reduce(0) { $0 + $1.packets }
        dropped = both.reduce(0) { sum, counters in
            let dropped = counters.dropped
            return sum + dropped.loss + dropped.blackout + dropped.overflow + dropped.queue
                + dropped.refused
        }
        corrupted = both.reduce(0) { $0 + $1.corrupted }
        duplicated = both.reduce(0) { $0 + $1.duplicated }
        reordered = both.reduce(0) { $0 + $1.reordered }
        rebinds = statistics.rebinds
        blackouts = statistics.blackouts
    }
}

/// Shows how far the demo is: a line that moves on a terminal, a line every 5 s elsewhere.
final class ProgressMeter {
    private let isShown: Bool
    private let total: Int
    private let isTerminal = isatty(STDERR_FILENO) == 1
    private var last = Instant(nanoseconds: .min)

    init(isShown: Bool, total: Int) {
        self.isShown = isShown
        self.total = total
    }

    func show(_ elapsed: Interval, sent: Int, shown: Int) {
        let now = EventClock.now
        guard isShown, now - last >= (isTerminal ? .milliseconds(200) : .seconds(5)) else { return }
        last = now
        let seconds = Int(elapsed.milliseconds / 1_000)
        let clock = "\(seconds / 60):\(seconds % 60 < 10 ? "0" : "")\(seconds % 60)"
        let filled = min(20, shown * 20 / max(total, 1))
        let bar = String(repeating: "█", count: filled) + String(repeating: "·", count: 20 - filled)
        let line = "  \(clock) ▕\(bar)▏ sent \(sent), arrived \(shown) of \(total)"
        write(isTerminal ? "\r\u{1B}[K\(line)" : "\(line)\n")
    }

    func finish() {
        if isShown, isTerminal { write("\r\u{1B}[K") }
    }

    private func write(_ text: String) { FileHandle.standardError.write(Data(text.utf8)) }
}
