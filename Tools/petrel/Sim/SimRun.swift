// A single run: its story, its result, and its shrunk scenario.

import ArgumentParser
import Foundation
import PetrelBase
import PetrelSim

extension SimCommand {
    /// Plays one scenario, tells what came of it, and shrinks it if it fails.
    func runOne(_ scenario: Scenario, from file: String?) throws {
        let sink: ((String) -> Void)? = trace ? { line in PetrelCommand.result(line) } : nil
        let outcome = Simulation.run(scenario, until: until?.nanoseconds, trace: sink)
        if json {
            result(json: outcome)
        } else if let breach = outcome.breach {
            result(SimReport.line(outcome.seed, breach))
        } else {
            result(SimReport.summary([outcome], seconds: nil))
        }
        guard let breach = outcome.breach else { return }
        if file == nil || shrink { try keep(scenario, breach) }
        throw ExitCode(1)
    }

    /// Writes the replay file of a failing scenario, shrunk if asked.
    func keep(_ scenario: Scenario, _ breach: Breach) throws {
        var kept = ReplayFile(scenario: scenario, breach: breach)
        if shrink {
            let small = Shrinker.shrink(scenario, breach) { step in say("sim: \(step)") }
            kept = ReplayFile(scenario: small.scenario, breach: small.breach)
            say("sim: \(SimReport.line(scenario.seed, small.breach))")
        }
        let path = "\(failures)/seed-\(scenario.seed).json"
        try kept.write(path)
        say("sim: wrote \(path); tell its story with petrel sim --replay \(path) --trace")
    }
}

/// A scenario that failed, and how.
struct ReplayFile: Codable {
    /// The file says what it is.
    var format = "petrel sim replay"
    /// The scenario, with its version.
    var scenario: Scenario
    /// The promise that was broken when it was written.
    var breach: Breach?

    /// Creates the content of a file.
    init(scenario: Scenario, breach: Breach?) {
        self.scenario = scenario
        self.breach = breach
    }

    /// Reads a file of this version; anything else is bad input.
    static func read(_ path: String) throws(Failure) -> ReplayFile {
        let data: Data
        do { data = try Data(contentsOf: URL(fileURLWithPath: path)) } catch {
            throw Failure(
                status: .storage, message: "cannot read '\(path)': \(error.localizedDescription)")
        }
        struct Version: Decodable {
            struct Inner: Decodable { var version: Int }
            var scenario: Inner
        }
        guard let version = try? JSONDecoder().decode(Version.self, from: data) else {
            throw Failure(status: .badInput, message: "'\(path)' is no replay of petrel sim")
        }
        guard version.scenario.version == Scenario.formatVersion else {
            throw Failure(
                status: .badInput,
                message: "'\(path)' is of version \(version.scenario.version); this program reads "
                    + "version \(Scenario.formatVersion): run the seed again")
        }
        do { return try JSONDecoder().decode(ReplayFile.self, from: data) } catch {
            throw Failure(status: .badInput, message: "'\(path)' is damaged: \(error)")
        }
    }

    /// Writes the file, with its folder if need be.
    func write(_ path: String) throws(Failure) {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        do {
            let url = URL(fileURLWithPath: path)
            try FileManager.default.createDirectory(
                at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
            try (try encoder.encode(self) + Data("\n".utf8)).write(to: url, options: .atomic)
        } catch {
            throw Failure(
                status: .storage, message: "cannot write '\(path)': \(error.localizedDescription)")
        }
    }
}
