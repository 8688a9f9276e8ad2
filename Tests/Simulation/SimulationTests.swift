// Seeds and regressions: whole runs of server and clients in a bad world, without a broken promise.

import Foundation
import PetrelSim
import Testing

/// Whole runs of the simulator.
///
/// Method: some seeds in this build, which checks arithmetic and exclusive access; `Tools/test`
/// plays many more in a release build. To repeat a failure, run `petrel sim --seed` with its seed.
@Suite struct SimulationTests {
    @Test(arguments: UInt64(1)...24)
    func promisesHold(seed: UInt64) {
        let result = Simulation.run(ScenarioGenerator.scenario(seed: seed))
        #expect(result.breach == nil, "seed \(seed)")
        #expect(result.messages > 0 && result.events > 500, "seed \(seed) does nothing")
    }

    /// Four hours in which most are silent for most of the time, and sleep for minutes.
    @Test(arguments: UInt64(1)...4)
    func promisesHoldOverHours(seed: UInt64) {
        var options = ScenarioOptions()
        options.faultsEnd = 4 * 3_600_000
        options.clientsMax = 4
        let result = Simulation.run(ScenarioGenerator.scenario(seed: seed, options: options))
        #expect(result.breach == nil, "seed \(seed)")
        #expect(result.nanoseconds > 14_400_000_000_000)
    }

    @Test func aRunRepeats() {
        for seed in UInt64(100)...103 {
            let scenario = ScenarioGenerator.scenario(seed: seed)
            #expect(Simulation.run(scenario) == Simulation.run(scenario), "seed \(seed)")
        }
    }

    @Test func seedsDiffer() {
        let digests = (UInt64(1)...4).map {
            Simulation.run(ScenarioGenerator.scenario(seed: $0), until: 5_000_000_000).digest
        }
        #expect(Set(digests).count == 4)
    }

    /// Leaving a kind of fault out changes nothing that is drawn for the others.
    @Test func kindsOfFaultsDoNotMoveEachOther() {
        for seed in UInt64(1)...50 {
            let all = ScenarioGenerator.scenario(seed: seed)
            var options = ScenarioOptions()
            options.faults.removeAll { $0 == .loss || $0 == .serverCrash }
            let some = ScenarioGenerator.scenario(seed: seed, options: options)
            let kept = all.deeds.filter {
                if case .crashServer = $0.what { false } else { true }
            }
            #expect(some.deeds == kept, "seed \(seed)")
            #expect(some.clients.map(\.up.delay) == all.clients.map(\.up.delay))
            #expect(some.clients.allSatisfy { $0.up.loss == 0 })
        }
    }

    // MARK: Regressions

    struct Replay: Decodable {
        var scenario: Scenario
    }

    static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .appendingPathComponent("regressions")

    static var regressions: [String] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
        return names.filter { $0.hasSuffix(".json") }.sorted()
    }

    @Test func thereAreRegressions() { #expect(Self.regressions.count >= 5) }

    @Test(arguments: regressions)
    func regressionsStayFixed(name: String) throws {
        let data = try Data(contentsOf: Self.folder.appendingPathComponent(name))
        let replay = try JSONDecoder().decode(Replay.self, from: data)
        #expect(replay.scenario.version == Scenario.formatVersion)
        #expect(Simulation.run(replay.scenario).breach == nil)
    }
}
