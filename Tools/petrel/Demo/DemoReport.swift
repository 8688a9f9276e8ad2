// What the demo found, as JSON for programs and as a few lines for people.

import Foundation

/// The account of a demo; any loss, double or disorder makes it fail.
struct DemoReport: Codable, Equatable {
    /// End-to-end latency, from a line being written to its being shown on the other side.
    struct Latency: Codable, Equatable {
        /// The median, in milliseconds.
        var p50: Double
        /// The 99th percentile, in milliseconds.
        var p99: Double
        /// The worst, in milliseconds.
        var max: Double
    }

    /// What the link did.
    struct Network: Codable, Equatable {
        /// Packets that came in, both ways.
        var packets: UInt64
        /// Packets that were dropped, for any reason.
        var dropped: UInt64
        /// Packets with flipped bits.
        var corrupted: UInt64
        /// Packets that came twice.
        var duplicated: UInt64
        /// Packets that were overtaken.
        var reordered: UInt64
        /// NAT rebinds.
        var rebinds: Int
        /// Blackouts.
        var blackouts: Int
    }

    /// The name of this form.
    var schema = "petrel-demo-1"
    /// Messages written, both ways.
    var sent: Int
    /// Of these, messages that the other side holds.
    var delivered: Int
    /// Messages that it does not hold.
    var lost: Int
    /// Messages that a side holds more than once.
    var duplicated: Int
    /// Messages that stand in another order than they were written in, or than the other side has.
    var out_of_order: Int
    /// Latency of messages to a side that was online.
    var e2e_ms: Latency
    /// Latency of all messages, time offline included.
    var e2e_all_ms: Latency
    /// What the link did.
    var network: Network
    /// Times that the server was killed.
    var server_kills: Int
    /// Times that a client was killed.
    var client_kills: Int
    /// Share of the time in which bob was offline.
    var offline_share: Double
    /// Seconds from the first line to the last arrival.
    var seconds: Double
    /// What repeats the link's fates.
    var seed: UInt64

    /// Whether everything arrived once and in order.
    var isPerfect: Bool { lost == 0 && duplicated == 0 && out_of_order == 0 && delivered == sent }

    /// The object as one line.
    var json: String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys]
        guard let data = try? encoder.encode(self) else { return "{}" }
        return String(decoding: data, as: UTF8.self)
    }

    /// The lines for people.
    var text: String {
        let dropped = 100 * Double(network.dropped) / Double(max(network.packets, 1))
        return """
              sent \(sent)   delivered \(delivered)   lost \(lost)   \
            duplicated \(duplicated)   out of order \(out_of_order)
              end to end  p50 \(Self.duration(e2e_ms.p50))  p99 \(Self.duration(e2e_ms.p99))   \
            (with bob's time offline: p99 \(Self.duration(e2e_all_ms.p99)))
              network     \(String(format: "%.1f", dropped)) % of \(network.packets) packets \
            dropped, \(network.corrupted) damaged, \(network.duplicated) doubled, \
            \(network.reordered) overtaken, \(network.rebinds) NAT rebinds, \
            \(network.blackouts) blackouts
              processes   server killed \(server_kills) time, bob killed \(client_kills) time, \
            bob offline \(Int((offline_share * 100).rounded())) % of the time
            """
    }

    static func latency(_ samples: [Double]) -> Latency {
        let sorted = samples.sorted()
        guard let last = sorted.last else { return Latency(p50: 0, p99: 0, max: 0) }
        func at(_ share: Double) -> Double { sorted[Int(Double(sorted.count - 1) * share)] }
        func rounded(_ value: Double) -> Double { (value * 10).rounded() / 10 }
        return Latency(p50: rounded(at(0.5)), p99: rounded(at(0.99)), max: rounded(last))
    }

    private static func duration(_ milliseconds: Double) -> String {
        milliseconds < 1_000
            ? "\(Int(milliseconds.rounded())) ms" : String(format: "%.2f s", milliseconds / 1_000)
    }
}

/// Compares what was written with what both sides hold at the end.
struct TranscriptAudit {
    /// A line of a transcript.
    struct Line: Equatable {
        /// Who wrote it.
        var from: String
        /// What.
        var text: String
        /// Its place in the conversation.
        var place: UInt64
    }

    /// Messages that are missing on some side.
    private(set) var lost = 0
    /// Messages that stand more than once on some side.
    private(set) var duplicated = 0
    /// Messages out of order on some side.
    private(set) var outOfOrder = 0
    /// Messages that the other side holds.
    private(set) var delivered = 0

    /// Audits `transcripts` (by who holds them) against `written` (by who wrote).
    init(written: [String: [String]], transcripts: [String: [Line]]) {
        let holders = transcripts.keys.sorted()
        for writer in written.keys.sorted() {
            let lines = written[writer] ?? []
            for holder in holders {
                let held = (transcripts[holder] ?? []).filter { $0.from == writer }.map(\.text)
                let counts = Self.compare(lines, held)
                lost += counts.lost
                duplicated += counts.duplicated
                outOfOrder += counts.outOfOrder
                if holder != writer { delivered += lines.count - counts.lost }
            }
        }
        guard let first = holders.first, let reference = transcripts[first] else { return }
        for holder in holders.dropFirst() {
            let other = transcripts[holder] ?? []
            outOfOrder += zip(reference, other).filter { $0 != $1 }.count
        }
        for holder in holders {
            let places = (transcripts[holder] ?? []).map(\.place)
            outOfOrder += zip(places, places.dropFirst()).filter { $0 >= $1 }.count
        }
    }

    /// Equal lines are told apart by how often they stand, other ones by where.
    private static func compare(
        _ written: [String], _ held: [String]
    ) -> (lost: Int, duplicated: Int, outOfOrder: Int) {
        var balance: [String: Int] = [:]
        for line in written { balance[line, default: 0] += 1 }
        for line in held { balance[line, default: 0] -= 1 }
        let lost = balance.values.filter { $0 > 0 }.reduce(0, +)
        let duplicated = -balance.values.filter { $0 < 0 }.reduce(0, +)
        guard lost == 0, duplicated == 0 else { return (lost, duplicated, 0) }
        return (0, 0, zip(written, held).filter { $0 != $1 }.count)
    }
}
