// Tests of the tests: bugs that are planted on purpose, and how many seeds it takes to find each.

import ArgumentParser
import Foundation
import PetrelBase
import PetrelSim

extension SimCommand {
    /// What came of looking for one bug.
    private struct Finding: Encodable {
        var bug: String
        /// The seeds that it took; `nil` if none found it.
        var seeds: Int?
        var breach: Breach?
    }

    /// Looks for one planted bug, or for each, from seed 1 on.
    func runPlanted(_ name: String) throws {
        if worker {
            try plant(name)
            return try work()
        }
        if name != "all" { try plant(name) }
        guard !Planting.names.isEmpty else { throw Self.noBugs }
        let range = seeds ?? SeedRange(first: 1, last: Self.plantedSeedsMax)
        var findings: [Finding] = []
        for bug in name == "all" ? Planting.names : [name] {
            let finding = try look(for: bug, range)
            findings.append(finding)
            if json { result(json: finding) } else { result(line(finding)) }
        }
        try conclude(findings, range)
    }

    /// Plants a bug in this process.
    func plant(_ name: String) throws(Failure) {
        guard !Planting.names.isEmpty else { throw Self.noBugs }
        guard Planting.plant(name) else {
            throw Failure(
                status: .usage,
                message: "'\(name)' is no planted bug; choose all or one of "
                    + Planting.names.joined(separator: ", "))
        }
    }

    private static let noBugs = Failure(
        status: .usage,
        message: "this build has no planted bugs; Tools/planted makes one that has")

    private func look(for bug: String, _ range: SeedRange) throws -> Finding {
        let farm = SimFarm(
            seeds: range, jobs: jobs ?? ProcessInfo.processInfo.activeProcessorCount,
            arguments: workerArguments + ["--planted", bug], chunk: 8)
        var first: SimulationResult?
        try farm.run { outcome in
            guard outcome.breach != nil, outcome.seed < first?.seed ?? .max else { return }
            first = outcome
            farm.stop(after: outcome.seed)
        } each: {
        }
        return Finding(
            bug: bug, seeds: first.map { Int($0.seed - range.first) + 1 }, breach: first?.breach)
    }

    private func line(_ finding: Finding) -> String {
        let name = finding.bug.padding(toLength: 28, withPad: " ", startingAt: 0)
        guard let seeds = finding.seeds, let breach = finding.breach else {
            return "\(name) NOT FOUND"
        }
        let count = String(format: "%4d", seeds)
        return "\(name) \(count)  \(breach.invariant.name): \(breach.sentence)"
    }

    private func conclude(_ findings: [Finding], _ range: SeedRange) throws {
        let found = findings.compactMap(\.seeds).sorted()
        if !json, findings.count > 1, let most = found.last {
            result(
                "\(found.count) of \(findings.count) found; seeds needed: median "
                    + "\(found[found.count / 2]), most \(most)")
        }
        guard found.count == findings.count else { throw ExitCode(1) }
    }

    /// More than that nobody waits for.
    private static let plantedSeedsMax: UInt64 = 2_000
}
