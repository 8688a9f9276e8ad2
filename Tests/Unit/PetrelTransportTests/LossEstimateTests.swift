// How much a link loses, and how: tables of arrivals and losses.

import PetrelBase
import Testing

@testable import PetrelTransport

@Suite struct LossEstimateTests {
    /// Packets every 50 ms; an `x` is lost.
    private func estimate(_ fates: String) -> LossEstimate {
        var losses = LossEstimate()
        var wasLost = false
        for (i, fate) in fates.enumerated() {
            if fate == "x" {
                losses.lost(sent: .at(Double(i) * 50), isNext: wasLost)
            } else {
                losses.arrived()
            }
            wasLost = fate == "x"
        }
        return losses
    }

    private func repeated(_ fates: String, _ count: Int) -> String {
        String(repeating: fates, count: count)
    }

    @Test func sharesFollowTheLosses() {
        let rows: [(fates: String, atLeast: Int, below: Int)] = [
            (repeated(".", 300), 0, 1),
            (repeated(repeated(".", 99) + "x", 10), 8, 14),
            (repeated(repeated(".", 19) + "x", 30), 45, 60),
            (repeated("..x", 200), 310, 360),
            (repeated("x", 400), 750, 1_001),
            // An early loss says little, and is not taken for a half of all.
            (".x", 50, 70),
        ]
        for row in rows {
            let losses = estimate(row.fates)
            #expect(losses.isAtLeast(perMille: row.atLeast), "\(row)")
            #expect(!losses.isAtLeast(perMille: row.below), "\(row)")
        }
    }

    @Test func losesOneByOneAreNoBursts() {
        let rows: [(fates: String, isRandom: Bool)] = [
            (repeated(repeated(".", 19) + "x", 30), true),
            (repeated(repeated(".", 9) + "x", 30), true),
            (repeated(repeated(".", 76) + repeated("x", 4), 10), false),
            (repeated(repeated(".", 152) + repeated("x", 8), 10), false),
        ]
        for row in rows {
            let losses = estimate(row.fates)
            #expect(losses.isRandom(probeInterval: .milliseconds(100)) == row.isRandom, "\(row)")
        }
    }

    @Test func lossesAreTakenBack() {
        var losses = estimate(repeated(".", 300) + "xxxx")
        let before = losses.share
        for _ in 0..<4 { losses.tookBack() }
        #expect(losses.share < before / 10)
    }
}
