// What the store commits, beside the disk and beside LMDB without a schema, in the same run.

import CBench
import Glibc
import PetrelBase
import PetrelEvent
import PetrelMessaging
import PetrelServices
import PetrelStore

/// Rates and latencies of a disk or of a store.
struct Commits {
    var perSecond: Double
    var median: Double
    var p99: Double

    /// From latencies in microseconds of transactions of `batch` rows each.
    init(latencies: [Double], batch: Int, seconds: Double) {
        perSecond = Double(latencies.count * batch) / seconds
        median = percentile(latencies, 0.5)
        p99 = percentile(latencies, 0.99)
    }
}

/// The store alone, with messages of one conversation submitted from one thread.
enum StoreBenchmark {
    /// Operations without an outcome at any time.
    static let windows = [1, 64, 256]
    private static let latenciesMax = 1 << 20

    /// Measures each variant for `seconds` at a time, in turns; returns besides the messages per
    /// second with 64 operations outstanding.
    static func run(
        directory: String, seconds: Double
    ) throws -> (Report.Section, messagesPerSecond: Double) {
        _ = bench_unpin()
        var flushes: [Commits] = []
        var puts = windows.map { _ in [Commits]() }
        var stores = windows.map { _ in [Commits]() }
        let path = directory + "/store"
        try StoreFixture.create(in: path, accounts: 2)
        for round in 0..<3 {
            flushes.append(try flush(directory, seconds: seconds))
            for (i, window) in windows.enumerated() {
                puts[i].append(
                    try lmdb("\(directory)/lmdb-\(window)-\(round)", window, seconds: seconds))
                stores[i].append(try store(path, window, seconds: seconds))
            }
        }
        var section = Report.Section(title: "Store: messages committed, from one thread")
        let flush = median(flushes.map(\.perSecond))
        for (i, window) in windows.enumerated() {
            section.figures.append(
                Figure(
                    name: "\(window) outstanding", value: median(stores[i].map(\.perSecond)),
                    unit: "messages/s",
                    peers: [
                        Figure.Peer(
                            name: "LMDB puts, \(window) a transaction",
                            value: median(puts[i].map(\.perSecond))),
                        Figure.Peer(name: "flushes", value: flush),
                    ]))
        }
        let flushMedian = median(flushes.map(\.median))
        let flushP99 = median(flushes.map(\.p99))
        for (i, window) in windows.enumerated() {
            section.figures += [
                Figure(
                    name: "\(window) outstanding, p50", value: median(stores[i].map(\.median)),
                    unit: "us", peers: [Figure.Peer(name: "a flush's", value: flushMedian)]),
                Figure(
                    name: "\(window) outstanding, p99", value: median(stores[i].map(\.p99)),
                    unit: "us", peers: [Figure.Peer(name: "a flush's", value: flushP99)]),
            ]
        }
        section.notes = [
            "a message writes several rows: itself, its deduplication, heads and feeds",
            "a flush: 4 KiB written and fdatasync, in the same directory",
        ]
        return (section, median(stores[1].map(\.perSecond)))
    }

    /// Flushes of the disk that `directory` is on.
    static func flush(_ directory: String, seconds: Double) throws -> Commits {
        try commits(batch: 1) { bench_flush(directory, seconds, $0, Int32(latenciesMax)) }
    }

    /// Transactions of so many puts, in an LMDB below `directory`.
    static func puts(_ directory: String, batch: Int, seconds: Double) throws -> Commits {
        try lmdb("\(directory)/puts", batch, seconds: seconds)
    }

    private static func lmdb(
        _ directory: String, _ batch: Int, seconds: Double
    ) throws -> Commits {
        try commits(batch: batch) {
            bench_lmdb(
                directory, Int32(batch), Int32(CoreBenchmark.messageByteCount), seconds, $0,
                Int32(latenciesMax))
        }
    }

    private static func commits(
        batch: Int, _ measure: (UnsafeMutablePointer<Double>?) -> Int32
    ) throws -> Commits {
        var latencies = [Double](repeating: 0, count: latenciesMax)
        let count = latencies.withUnsafeMutableBufferPointer { measure($0.baseAddress) }
        guard count > 0 else { throw BenchFailure("the disk or LMDB: error \(count)") }
        let measured = Array(latencies.prefix(Int(count)))
        return Commits(
            latencies: measured, batch: batch, seconds: measured.reduce(0, +) / 1e6)
    }

    private static func store(_ path: String, _ window: Int, seconds: Double) throws -> Commits {
        let fixture = try StoreFixture(path)
        defer { fixture.store.close() }
        var submitted = [Double](repeating: 0, count: window)
        var free = Array(0..<window)
        var latencies: [Double] = []
        var completions: [StoreCompletion] = []
        let start = bench_seconds()
        var now = start
        while now - start < seconds {
            while let ticket = free.popLast() {
                submitted[ticket] = now
                try fixture.submit(from: 0, ticket: UInt64(ticket))
            }
            try fixture.await(&completions)
            now = bench_seconds()
            for completion in completions {
                guard case .success(.appended(let message)) = completion.result,
                    !message.isDuplicate
                else { throw BenchFailure("not appended: \(completion.result)") }
                latencies.append((now - submitted[Int(completion.ticket)]) * 1e6)
                free.append(Int(completion.ticket))
            }
        }
        return Commits(latencies: latencies, batch: 1, seconds: now - start)
    }
}
