// When a connection is opened beside UDP, given up, opened again, and when UDP is asked.

import PetrelBase
import Testing

@testable import PetrelClientNetwork

@Suite struct CarrierRaceTests {
    private let server = Address(v4: 0x7F00_0001, port: 1).over(.stream, port: 443)

    private func at(_ milliseconds: Int64) -> Instant {
        Instant(nanoseconds: milliseconds * 1_000_000)
    }

    private func opened() -> CarrierRace {
        var race = CarrierRace()
        race.begin(at: server, now: at(0))
        race.advance(now: at(300))
        race.opened()
        return race
    }

    @Test func aConnectionIsOpenedAfter300Milliseconds() {
        var race = CarrierRace()
        #expect(race.wanted == nil && race.deadline == .distantFuture)
        race.begin(at: server, now: at(0))
        #expect(race.wanted == nil && race.deadline == at(300))
        race.advance(now: at(299))
        #expect(race.wanted == nil)
        race.advance(now: at(300))
        #expect(race.wanted == server && !race.isOpen)
        race.opened()
        #expect(race.isOpen && race.deadline == .distantFuture)
        race.end()
        #expect(race.wanted == nil && race.deadline == .distantFuture)
    }

    @Test func withoutAPortThereIsNone() {
        var race = opened()
        race.begin(at: nil, now: at(1_000))
        #expect(race.wanted == nil && race.deadline == .distantFuture)
    }

    @Test func aFailureIsFollowedByPausesThatGrowAndSuccessForgives() {
        var race = CarrierRace()
        race.begin(at: server, now: at(0))
        var now = at(300)
        for pause: Int64 in [500, 1_000, 2_000, 4_000, 4_000] {
            race.advance(now: now)
            #expect(race.wanted == server)
            race.broke(now: now)
            #expect(race.wanted == nil && race.deadline == now + .milliseconds(pause))
            // Another attempt does not shorten the pause.
            race.begin(at: server, now: now)
            #expect(race.deadline == now + .milliseconds(pause))
            now = race.deadline
        }
        race.advance(now: now)
        race.opened()
        race.heard()
        race.broke(now: now)
        #expect(race.deadline == now + .milliseconds(500))
    }

    @Test func whatTakesTooLongToOpenHasFailed() {
        var race = CarrierRace()
        race.begin(at: server, now: at(0))
        race.advance(now: at(300))
        // The same attempt goes on; another network starts anew.
        race.begin(at: server, now: at(1_000))
        #expect(race.deadline == at(5_300))
        race.advance(now: at(5_300))
        #expect(race.wanted == nil && race.deadline == at(5_800))
        race.begin(at: server, onNewNetwork: true, now: at(5_300))
        #expect(race.deadline == at(5_600))
    }

    @Test func anOpenConnectionThatDidNotHelpIsReplaced() {
        var race = opened()
        race.begin(at: server, now: at(9_000))
        #expect(race.wanted == nil && race.deadline == at(9_300))
    }

    /// Three questions a second apart, after 10 s, 30 s, and every 5 minutes.
    @Test func udpIsAskedEverLessOften() {
        var race = opened()
        race.settled(now: at(1_000))
        var asked: [Int64] = []
        for _ in 0..<12 {
            let now = race.deadline
            let before = Instant(nanoseconds: now.nanoseconds - 1)
            let isEarly = race.mustProbe(interval: .seconds(1), now: before)
            let isDue = race.mustProbe(interval: .seconds(1), now: now)
            #expect(!isEarly && isDue)
            asked.append(now.nanoseconds / 1_000_000_000)
        }
        #expect(asked == [11, 12, 13, 43, 44, 45, 345, 346, 347, 647, 648, 649])
        race.stopProbing()
        #expect(race.deadline == .distantFuture)
    }
}
