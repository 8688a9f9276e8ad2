// Many seeds: worker processes that take ranges of them, so that a crash costs one seed.

import ArgumentParser
import Foundation
import Glibc
import PetrelBase
import PetrelSim

extension SimCommand {
    /// Plays all seeds of a range, several at the same time.
    func runMany(_ seeds: SeedRange) throws {
        let farm = SimFarm(
            seeds: seeds, jobs: jobs ?? ProcessInfo.processInfo.activeProcessorCount,
            arguments: workerArguments)
        let started = Date()
        var summary = SimReport.Summary()
        var kept = 0
        let progress = SimProgress(total: seeds.count)
        try farm.run { outcome in
            summary.add(outcome)
            guard let breach = outcome.breach else { return }
            progress.clear()
            if json { result(json: outcome) } else { result(SimReport.line(outcome.seed, breach)) }
            guard kept < Self.keptMax else { return }
            kept += 1
            try keep(
                ScenarioGenerator.scenario(seed: outcome.seed, options: try options()), breach)
        } each: {
            progress.show(summary)
        }
        progress.clear()
        summary.seconds = Date().timeIntervalSince(started)
        summary.eventsPerSecond = Double(summary.events) / max(summary.seconds, 0.001)
        if json { result(json: summary) } else { result(SimReport.text(summary)) }
        if summary.failures > 0 { throw ExitCode(1) }
    }

    /// What workers must know besides their seeds.
    var workerArguments: [String] {
        var arguments = ["sim", "--worker"]
        if let duration { arguments += ["--duration", duration.text] }
        if let clients { arguments += ["--clients", "\(clients)"] }
        if let faults { arguments += ["--faults", faults] }
        if twice { arguments.append("--twice") }
        return arguments
    }

    /// Replay files that one call writes at most.
    private static let keptMax = 10
}

/// Worker processes and the seeds that are left.
final class SimFarm {
    private final class Worker {
        let child: Child
        /// The seed that it is at.
        var current: UInt64?
        /// The first seed that it has not begun.
        var next: UInt64
        let last: UInt64

        init(child: Child, seeds: SeedRange) {
            self.child = child
            next = seeds.first
            last = seeds.last
        }
    }

    private let jobs: Int
    private let arguments: [String]
    private let chunk: UInt64
    private var left: [SeedRange]
    private var workers: [Worker] = []

    /// Creates a farm that has done nothing yet.
    init(
        seeds: SeedRange, jobs: Int, arguments: [String], chunk: UInt64? = nil
    ) {
        self.jobs = jobs
        self.arguments = arguments
        self.chunk = chunk ?? min(200, max(1, seeds.count / UInt64(jobs * 8)))
        left = [seeds]
    }

    /// Plays until no seed is left: `take` gets each result, `each` is called now and then.
    func run(
        take: (SimulationResult) throws -> Void, each: () -> Void
    ) throws {
        defer { for worker in workers { worker.child.killNow() } }
        while true {
            while workers.count < jobs, let range = nextRange() { try start(range) }
            guard !workers.isEmpty else { return }
            await_()
            var index = 0
            while index < workers.count {
                try read(workers[index], take)
                if workers[index].child.isRunning {
                    index += 1
                } else {
                    try read(workers[index], take)
                    try end(workers.remove(at: index), take)
                }
            }
            each()
        }
    }

    /// Plays no seeds after that one any more.
    func stop(after seed: UInt64) {
        stopped = min(stopped, seed)
        left = left.filter { $0.first < seed }
        for worker in workers where worker.next > seed { worker.child.interrupt() }
    }

    private var stopped = UInt64.max

    private func nextRange() -> SeedRange? {
        guard let range = left.first else { return nil }
        guard range.count > chunk else { return left.removeFirst() }
        left[0].first = range.first + chunk
        return SeedRange(first: range.first, last: range.first + chunk - 1)
    }

    private func start(_ range: SeedRange) throws {
        let child = try Child(
            "worker", arguments + ["--seeds", "\(range.first)..\(range.last)"])
        workers.append(Worker(child: child, seeds: range))
    }

    private func await_() {
        var descriptors = workers.flatMap(\.child.descriptors).map {
            pollfd(fd: $0, events: Int16(POLLIN), revents: 0)
        }
        poll(&descriptors, nfds_t(descriptors.count), 100)
    }

    private func read(_ worker: Worker, _ take: (SimulationResult) throws -> Void) throws {
        for text in worker.child.takeLines() {
            guard let line = try? JSONDecoder().decode(SimReport.Line.self, from: Data(text.utf8))
            else { continue }
            if let begin = line.begin {
                worker.current = begin
                worker.next = begin + 1
            }
            if let outcome = line.result {
                worker.current = nil
                try take(outcome)
            }
        }
    }

    /// A worker is gone; if it died in a run, that is the run's result, and the rest goes on.
    private func end(_ worker: Worker, _ take: (SimulationResult) throws -> Void) throws {
        if worker.next > stopped { return }
        if let seed = worker.current {
            let complaint = worker.child.complaints.first { $0.contains("atal error") } ?? ""
            let breach = Breach(
                invariant: .noLeak, nanoseconds: 0,
                sentence: "the process died (\(worker.child.status)) \(complaint)")
            try take(
                SimulationResult(
                    seed: seed, digest: 0, events: 0, nanoseconds: 0, messages: 0, breach: breach))
        } else if worker.child.status != 0 {
            throw Failure(
                status: .bug,
                message: "a worker ended with \(worker.child.status): "
                    + worker.child.complaints.joined(separator: "; "))
        }
        guard worker.next <= worker.last else { return }
        left.append(SeedRange(first: worker.next, last: worker.last))
    }
}

/// A line on the standard error that says how far it is.
final class SimProgress {
    private let total: UInt64
    private let isTerminal = isatty(2) == 1
    private let started = Date()
    private var shown = Date()
    private var isShown = false

    /// Creates the progress of so many seeds.
    init(total: UInt64) { self.total = total }

    /// Shows it, if it is time: often on a terminal, every five seconds elsewhere.
    func show(_ summary: SimReport.Summary) {
        let now = Date()
        guard now.timeIntervalSince(shown) >= (isTerminal ? 0.5 : 5) else { return }
        shown = now
        let seconds = now.timeIntervalSince(started)
        let line = String(
            format: "sim: %d of %llu seeds, %d failed, %.0f seeds/s, %.0f events/s",
            summary.seeds, total, summary.failures, Double(summary.seeds) / seconds,
            Double(summary.events) / seconds)
        if isTerminal {
            FileHandle.standardError.write(Data("\r\u{1B}[K\(line)".utf8))
            isShown = true
        } else {
            say(line)
        }
    }

    /// Clears the line, before something else is written.
    func clear() {
        guard isShown else { return }
        FileHandle.standardError.write(Data("\r\u{1B}[K".utf8))
        isShown = false
    }
}
