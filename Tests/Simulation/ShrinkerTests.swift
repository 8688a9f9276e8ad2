// The shrinker keeps what a failure needs, and nothing else.

import PetrelSim
import Testing

@Suite struct ShrinkerTests {
    private let breach = Breach(invariant: .inOrder, nanoseconds: 50_000_000_000, sentence: "so")

    /// A failure that needs two deeds of one device, whatever else there is.
    private func needsTwo(_ scenario: Scenario) -> Breach? {
        let sends = scenario.deeds.count {
            if case .send(client: 1, account: _, byteCount: _) = $0.what { true } else { false }
        }
        return sends >= 2 && scenario.clients.count >= 2 ? breach : nil
    }

    @Test func whatIsNotNeededGoes() {
        for seed in UInt64(1)...20 {
            let scenario = ScenarioGenerator.scenario(seed: seed)
            guard needsTwo(scenario) != nil else { continue }
            let small = Shrinker.shrink(scenario, breach, tell: { _ in }, play: needsTwo).scenario
            #expect(small.deeds.count == 2, "seed \(seed)")
            #expect(small.clients.count == 2, "seed \(seed)")
            #expect(small.clients.allSatisfy { $0.up == LinkPlan() }, "seed \(seed)")
            #expect(needsTwo(small) != nil)
        }
    }

    @Test func anotherFailureIsNotTaken() {
        let scenario = ScenarioGenerator.scenario(seed: 3)
        let other = Breach(invariant: .neverLost, nanoseconds: 1, sentence: "else")
        let small = Shrinker.shrink(
            scenario, breach, tell: { _ in }, play: { $0 == scenario ? self.breach : other })
        #expect(small.scenario == scenario)
    }
}
