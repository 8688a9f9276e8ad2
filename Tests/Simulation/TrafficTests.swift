// Streams, deadlines and transfers between two sessions, seed by seed.

import Testing

@testable import PetrelSim

@Suite struct TrafficTests {
    @Test(arguments: UInt64(1)...4)
    func keepsItsPromises(seed: UInt64) {
        let (breach, digest) = played(seed)
        #expect(breach == nil, "seed \(seed)")
        guard seed == 1 else { return }
        #expect(digest == played(seed).digest, "seed \(seed): twice the same")
    }

    private func played(_ seed: UInt64) -> (breach: (Invariant, String)?, digest: UInt64) {
        SeededChance.with(seed: seed) { Traffic.run(seed: seed) }
    }
}
