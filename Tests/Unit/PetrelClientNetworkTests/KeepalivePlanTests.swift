// What a client learns of networks, and how one measurement goes (transport.md §8.3).

import PetrelBase
import PetrelWire
import Testing

@testable import PetrelClientNetwork

@Suite struct KeepalivePlanTests {
    private let settings = KeepaliveConfiguration()
    private let wall = WallTime(milliseconds: 1_800_000_000_000)

    private func plan(_ stored: [BindingLifetime] = []) -> KeepalivePlan {
        KeepalivePlan(settings, stored: stored)
    }

    /// What the search comes to in a network that forgets after `lifetime`, and how many steps
    /// that takes, each failure counted twice.
    private func search(_ lifetime: Interval) -> (safe: Interval, measurements: Int) {
        var network = BindingLifetime(label: 1, safe: settings.start)
        var measurements = 0
        while let step = network.nextStep(settings) {
            if step < lifetime {
                network.proved(step, settings)
                measurements += 1
            } else {
                network.failed(step)
                measurements += 2
            }
        }
        return (network.safe, measurements)
    }

    @Test func theSearchEndsAtFourFifthsOfWhatIsProven() {
        let rows: [(lifetime: Int64, safe: Int64)] = [
            (20, 25), (45, 25), (46, 36), (60, 36), (61, 48), (100, 72), (120, 72), (121, 96),
            (200, 144), (300, 144), (500, 240), (601, 480), (86_400, 480),
        ]
        for row in rows {
            let (safe, measurements) = search(.seconds(row.lifetime))
            #expect(safe == .seconds(row.safe), "\(row)")
            #expect(measurements <= 6, "\(row): \(measurements)")
        }
    }

    @Test func aDeathShrinksAtOnceAndWithinBounds() {
        var network = BindingLifetime(label: 1, safe: settings.start)
        network.proved(.seconds(300), settings)
        #expect(network.safe == .seconds(240))
        network.died(after: .seconds(200), settings)
        #expect(network.safe == .seconds(140))
        #expect(network.proven == .zero && network.refuted == .seconds(200))
        // What is tried next lies below.
        #expect(network.nextStep(settings) == .seconds(90))
        for _ in 0..<20 { network.died(after: network.safe, settings) }
        #expect(network.safe == .seconds(15))
        network.proved(.seconds(10), settings)
        #expect(network.safe == .seconds(15))
    }

    @Test func networksAreKnownByTheirNames() {
        var plan = plan()
        #expect(!plan.isUnsaved)
        plan.learn(wall: wall) { $0.proved(.seconds(600), settings) }
        #expect(plan.present.safe == .seconds(480))
        #expect(!plan.isUnsaved && plan.named.isEmpty, "a network without a name may be any")
        plan.enter(7, wall: wall)
        #expect(plan.present.safe == .seconds(25))
        plan.learn(wall: wall) { $0.proved(.seconds(90), settings) }
        #expect(plan.isUnsaved)
        plan.saved()
        plan.enter(0, wall: wall)
        #expect(plan.present.safe == .seconds(25))
        plan.enter(7, wall: wall)
        #expect(plan.present.safe == .seconds(72) && plan.present.proven == .seconds(90))
        plan.learn(wall: wall) { $0.proved(.seconds(90), settings) }
        #expect(!plan.isUnsaved, "nothing new")
        for label in 100..<200 as Range<UInt64> { plan.enter(label, wall: wall) }
        #expect(plan.networks.count == 16)
    }

    @Test func whatFailedLongAgoIsTriedAgain() {
        var old = BindingLifetime(label: 7, safe: .seconds(72), learnt: wall)
        old.proven = .seconds(90)
        old.refuted = .seconds(120)
        for (days, refuted) in [(6, Interval.seconds(120)), (8, .infinite)] {
            var plan = plan([old])
            let later = wall.milliseconds + Int64(days) * 24 * 3_600_000
            plan.enter(7, wall: WallTime(milliseconds: later))
            #expect(plan.present.refuted == refuted)
            #expect(plan.present.safe == .seconds(72))
        }
    }

    @Test func theForegroundWantsShortPausesThatAreAnswered() {
        var plan = plan()
        plan.learn(wall: wall) { $0.proved(.seconds(120), settings) }
        #expect(plan.pause(foreground: .seconds(20)) == (.seconds(20), 0))
        plan.isInForeground = false
        #expect(plan.pause(foreground: .seconds(20)) == (.seconds(96), 3))
        plan.learn(wall: wall) { $0.died(after: .seconds(24), settings) }
        plan.isInForeground = true
        #expect(plan.pause(foreground: .seconds(20)).interval == .milliseconds(16_800))
    }
}

@Suite struct ProbeSearchTests {
    private let frame = NATProbeFrame(token: 100, proof: 7, delay: .seconds(60))
    private let spacing = Interval.milliseconds(2_500)

    private func at(_ milliseconds: Int64) -> Instant {
        Instant(nanoseconds: 1_000_000_000) + .milliseconds(milliseconds)
    }

    /// A search that waits for its proof; its last PROBE was sent at 2,500 ms.
    private func waiting() -> ProbeSearch {
        var search = ProbeSearch()
        search.begin(frame, now: at(0))
        #expect(search.answered(.init(token: 100, isGranted: true), now: at(0)) == nil)
        #expect(search.takeProbe(now: at(0)) == 1)
        #expect(search.takeProbe(now: at(0)) == nil)
        #expect(search.received(101, spacing: spacing, now: at(60)) == nil)
        #expect(search.takeProbe(now: at(2_499)) == nil)
        #expect(search.takeProbe(now: at(2_500)) == 2)
        #expect(search.phase == .opening)
        #expect(search.received(102, spacing: spacing, now: at(2_560)) == nil)
        #expect(search.phase == .waiting && search.needsFlow)
        return search
    }

    @Test func theProofAloneProves() {
        var search = waiting()
        for value in [100, 101, 102, 103, 8] as [UInt64] {
            let verdict = search.received(value, spacing: spacing, now: at(3_000))
            #expect(verdict == nil)
        }
        let verdict = search.received(7, spacing: spacing, now: at(62_560))
        #expect(verdict == .proved(.seconds(60)))
        #expect(search.phase == .idle && !search.needsFlow && search.count == 1)
    }

    @Test func silenceIsAVerdictOnlyOnceTheSessionIsHeard() {
        var search = waiting()
        #expect(search.deadline == at(67_500))
        #expect(search.advance(now: at(67_499)) == nil)
        #expect(search.phase == .waiting)
        #expect(search.advance(now: at(67_500)) == nil)
        #expect(search.phase == .doubtful)
        #expect(search.heard(at: at(67_500)) == nil, "that was before")
        var other = search
        #expect(search.heard(at: at(67_600)) == .missed(.seconds(60)))
        #expect(other.advance(now: at(97_500)) == .void)
    }

    /// The last PROBE is repeated, too, and only its own echo counts.
    @Test func lostProbesAreRepeatedSixInAll() {
        var search = ProbeSearch()
        search.begin(frame, now: at(0))
        _ = search.answered(.init(token: 100, isGranted: true), now: at(0))
        for i in 0..<3 as Range<Int64> {
            let number = search.takeProbe(now: at(i * 1_000))
            #expect(number == UInt8(i + 1))
        }
        #expect(search.takeProbe(now: at(3_000)) == 4)
        #expect(search.received(103, spacing: spacing, now: at(3_100)) == nil)
        #expect(search.phase == .opening)
        #expect(search.takeProbe(now: at(4_000)) == 5)
        #expect(search.takeProbe(now: at(5_000)) == 6)
        #expect(search.takeProbe(now: at(6_000)) == nil)
        #expect(search.advance(now: at(6_000)) == .void)
        #expect(search.deadline == .distantFuture)
    }

    @Test func refusedOrUnansweredItComesToNothing() {
        var search = ProbeSearch()
        search.begin(frame, now: at(0))
        #expect(search.answered(.init(token: 99, isGranted: true), now: at(1)) == nil)
        #expect(search.phase == .asked)
        #expect(search.answered(.init(token: 100, isGranted: false), now: at(1)) == .void)
        search.begin(frame, now: at(10))
        #expect(search.advance(now: at(30_009)) == nil)
        #expect(search.advance(now: at(30_010)) == .void)
        #expect(search.count == 2)
    }
}
