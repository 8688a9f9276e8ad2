// A device behind a NAT: the longest pause is found, and nobody ever fails to reach it meanwhile.

import PetrelBase
import PetrelSim
import Testing

@Suite struct IdleHourTests {
    @Test(arguments: [(60, 36), (120, 72), (180, 96)] as [(Int64, Int64)])
    func thePauseIsFoundWithinSevenMeasurements(lifetime: Int64, pause: Int64) {
        let hour = IdleHour.play(lifetime: .seconds(lifetime), policy: .measured)
        #expect(1...7 ~= hour.probes)
        #expect(hour.interval == .seconds(pause))
        #expect(hour.wasReachable)
        #expect(hour.dropped == 0, "a packet of the server came to a dead binding")
        let fixed = IdleHour.play(lifetime: .seconds(lifetime), policy: .fixed)
        #expect(fixed.probes == 0 && fixed.wasReachable)
        #expect(fixed.packets > 2 * hour.packets, "\(hour.packets) against \(fixed.packets)")
    }

    @Test func theSameSeedGivesTheSameHour() {
        let hours = (0..<2).map { _ in
            IdleHour.play(lifetime: .seconds(90), policy: .measured, seed: 5)
        }
        #expect(hours[0] == hours[1])
    }

    /// What is assumed to begin with is too long here: the first death says so.
    @Test func aNATThatForgetsVerySoonIsNoticedWithoutMeasuring() {
        let hour = IdleHour.play(lifetime: .seconds(22), policy: .measured)
        #expect(hour.interval < .seconds(22))
        #expect(hour.wasReachable)
    }
}
