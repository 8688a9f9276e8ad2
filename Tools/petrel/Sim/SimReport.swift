// What a simulation prints: a line for each failure, progress, a summary.

import Foundation
import PetrelBase
import PetrelSim

/// The words of `petrel sim`.
enum SimReport {
    /// What a worker process tells the one that started it.
    struct Line: Codable {
        /// A seed begins; if nothing follows, it ended the process.
        var begin: UInt64?
        /// A seed's result.
        var result: SimulationResult?
    }

    /// What came of many seeds.
    struct Summary: Codable {
        /// Seeds played.
        var seeds = 0
        /// Seeds that broke a promise.
        var failures = 0
        /// Events of all runs.
        var events = 0
        /// Messages written in all runs.
        var messages = 0
        /// Hours of virtual time.
        var virtualHours = 0.0
        /// Seconds that it took.
        var seconds = 0.0
        /// Events in a second.
        var eventsPerSecond = 0.0
        /// A fold of all digests, in the order of the seeds.
        var digest: UInt64 = 0

        /// Adds a run.
        mutating func add(_ result: SimulationResult) {
            seeds += 1
            failures += result.breach == nil ? 0 : 1
            events += result.events
            messages += result.messages
            virtualHours += Double(result.nanoseconds) / 3.6e12
            // A sum, so that the order in which workers end does not matter.
            digest &+= result.digest &* (result.seed | 1)
        }
    }

    /// The line of a failing seed.
    static func line(_ seed: UInt64, _ breach: Breach) -> String {
        "seed \(seed): \(breach.invariant.name), at "
            + String(format: "%.3f", Double(breach.nanoseconds) / 1e9) + " s: \(breach.sentence)"
    }

    /// The summary of some runs.
    static func summary(_ results: [SimulationResult], seconds: Double?) -> String {
        var summary = Summary()
        for result in results { summary.add(result) }
        summary.seconds = seconds ?? 0
        return text(summary)
    }

    /// The summary as text.
    static func text(_ summary: Summary) -> String {
        var text =
            "\(summary.seeds) seeds, \(summary.failures) failed, \(summary.messages) messages, "
            + String(format: "%.1f", summary.virtualHours) + " virtual hours, "
            + "\(summary.events) events, digest " + String(summary.digest, radix: 16)
        if summary.seconds > 0 {
            text += String(
                format: ", %.1f s, %.0f events/s", summary.seconds,
                Double(summary.events) / summary.seconds)
        }
        return text
    }
}
