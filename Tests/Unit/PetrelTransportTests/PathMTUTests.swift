// The search for larger datagrams: what it finds, what it costs, and what makes it go back.

import PetrelBase
import Testing

@testable import PetrelTransport

@Suite struct PathMTUTests {
    /// A path in front of the state machine: packets up to a size arrive, others do not.
    private struct Bench {
        var path: PathMTU
        var carries: Int
        var number: UInt64 = 0
        var now = Instant(nanoseconds: 1_000_000_000)
        var probes: [Int] = []

        init(carries: Int, byteCountMax: Int = 1_452) {
            path = PathMTU(byteCountMax: byteCountMax)
            self.carries = carries
        }

        /// Sends a packet of that size; its fate is known at once.
        mutating func send(_ byteCount: Int, isProbe: Bool = false, isLost: Bool = false) {
            let packet = number
            number += 1
            now = now + .milliseconds(10)
            if isProbe {
                path.probeSent(packet, byteCount: byteCount)
                probes.append(byteCount)
            } else {
                path.sent(byteCount: byteCount)
            }
            if isLost || byteCount > carries {
                path.lost(
                    packet, byteCount: byteCount, isProbe: isProbe, next: number, now: now)
            } else {
                path.arrived(
                    packet, byteCount: byteCount, isProbe: isProbe, next: number, now: now)
            }
        }

        /// Probes until nothing is left to try; the probes whose places are given get lost.
        mutating func search(losing: Set<Int> = []) {
            var count = 0
            while count < 100, let size = path.probeByteCount(isWorthwhile: true, now: now) {
                send(size, isProbe: true, isLost: losing.contains(count))
                count += 1
            }
        }
    }

    /// Whatever the path carries is found, but for less than a step, with few probes.
    @Test(arguments: Array(stride(from: 1_200, through: 1_500, by: 7)) + [1_252, 1_372, 1_452])
    func findsWhatThePathCarries(carries: Int) {
        var bench = Bench(carries: carries)
        bench.search()
        let best = min(carries, 1_452)
        #expect(bench.path.state == .complete)
        #expect(bench.path.byteCount <= best && best - bench.path.byteCount < PathMTU.step)
        #expect(bench.probes.count <= 12, "\(bench.probes)")
        #expect(bench.path.byteCount >= 1_200)
    }

    @Test func mostPathsTakeOneProbe() {
        var bench = Bench(carries: 1_472)
        bench.search()
        #expect(bench.probes == [1_452] && bench.path.byteCount == 1_452)
    }

    /// Two lost probes of a size are chance, three a refusal.
    @Test func lossDelaysTheSearchOnly() {
        var bench = Bench(carries: 1_500)
        bench.search(losing: [0, 1])
        #expect(bench.probes == [1_452, 1_452, 1_452] && bench.path.byteCount == 1_452)
        var unlucky = Bench(carries: 1_500)
        unlucky.search(losing: [0, 1, 2])
        #expect(unlucky.path.state == .complete && 1_400..<1_452 ~= unlucky.path.byteCount)
        // Ten minutes later it is tried again, if there is traffic.
        let soon = unlucky.path.probeByteCount(
            isWorthwhile: true, now: unlucky.now + .seconds(599))
        #expect(soon == nil)
        unlucky.now = unlucky.now + PathMTU.raiseAfter
        #expect(unlucky.path.probeByteCount(isWorthwhile: false, now: unlucky.now) == nil)
        unlucky.search()
        #expect(unlucky.path.byteCount == 1_452)
    }

    /// Losses come from a stream of 5 %: the search ends, and never above what the path carries.
    @Test(arguments: UInt64(1)...50)
    func randomLossMisleadsDownwardsOnly(seed: UInt64) {
        var random = RandomStream(seed: seed, label: "path")
        let carries = 1_200 + Int(random.below(300))
        var bench = Bench(carries: carries)
        let losing = Set((0..<100).filter { _ in random.chance(0.05) })
        bench.search(losing: losing)
        #expect(bench.path.state == .complete)
        #expect(bench.path.byteCount <= carries && bench.path.byteCount >= 1_200)
        #expect(bench.probes.count <= 20)
    }

    /// A thin flow is never probed.
    @Test func thinFlowsAreLeftAlone() {
        var bench = Bench(carries: 1_500)
        for _ in 0..<10_000 {
            bench.send(300)
            #expect(bench.path.probeByteCount(isWorthwhile: false, now: bench.now) == nil)
        }
        for _ in 0..<63 { bench.send(1_200) }
        #expect(bench.path.probeByteCount(isWorthwhile: false, now: bench.now) == nil)
        bench.send(1_200)
        #expect(bench.path.probeByteCount(isWorthwhile: false, now: bench.now) == 1_452)
    }

    @Test func nothingIsProbedWhereNothingMayBeFound() {
        var bench = Bench(carries: 1_500, byteCountMax: 1_200)
        bench.search()
        #expect(bench.probes.isEmpty)
    }

    // MARK: Black holes

    /// Three large packets vanish while a small one arrives: back at once, and again later.
    @Test func aBlackHoleIsLeftAtOnce() {
        var bench = Bench(carries: 1_452)
        bench.search()
        bench.carries = 1_300
        bench.send(1_400)
        bench.send(1_400)
        bench.send(200)
        #expect(bench.path.byteCount == 1_452)
        bench.send(1_400)
        #expect(bench.path.byteCount == 1_200 && bench.path.state == .error)
        #expect(bench.path.blackHoles == 1)
        #expect(bench.path.probeByteCount(isWorthwhile: true, now: bench.now) == nil)
        bench.now = bench.now + PathMTU.distrust.first
        bench.search()
        #expect(1_268...1_300 ~= bench.path.byteCount)
    }

    /// Each time that large packets vanish again, the next search waits longer, up to a bound;
    /// after a while without, it does not.
    @Test func distrustGrows() {
        var bench = Bench(carries: 1_452)
        var waits: [Int64] = []
        for _ in 0..<9 {
            bench.search()
            #expect(bench.path.byteCount == 1_452)
            for _ in 0..<3 { bench.send(1_400, isLost: true) }
            bench.send(100)
            #expect(bench.path.state == .error)
            var wait: Int64 = 0
            while bench.path.probeByteCount(isWorthwhile: true, now: bench.now) == nil {
                bench.now = bench.now + .milliseconds(100)
                wait += 1
            }
            waits.append(wait / 10)
        }
        #expect(waits == [1, 4, 16, 64, 256, 1_024, 4_096, 4_096, 4_096])
        bench.search()
        bench.now = bench.now + PathMTU.raiseAfter
        for _ in 0..<3 { bench.send(1_400, isLost: true) }
        bench.send(100)
        bench.now = bench.now + PathMTU.distrust.first
        #expect(bench.path.probeByteCount(isWorthwhile: true, now: bench.now) != nil)
    }

    /// What is lost before another large packet that arrives is lost by chance.
    @Test func burstsAreNoBlackHole() {
        var path = PathMTU(byteCountMax: 1_452)
        let now = Instant(nanoseconds: 1_000_000_000)
        #expect(path.probeByteCount(isWorthwhile: true, now: now) == 1_452)
        path.probeSent(0, byteCount: 1_452)
        path.arrived(0, byteCount: 1_452, isProbe: true, next: 1, now: now)
        path.arrived(9, byteCount: 1_452, isProbe: false, next: 12, now: now)
        path.arrived(10, byteCount: 100, isProbe: false, next: 12, now: now)
        for number in UInt64(1)..<9 {
            path.lost(number, byteCount: 1_452, isProbe: false, next: 12, now: now)
        }
        #expect(path.byteCount == 1_452)
        // And small ones say nothing as long as large ones are only late.
        path.lost(11, byteCount: 100, isProbe: false, next: 12, now: now)
        #expect(path.byteCount == 1_452 && path.blackHoles == 0)
    }

    /// A probe whose fate is forgotten does not stop the search.
    @Test func forgottenProbesCountAsLost() {
        var path = PathMTU(byteCountMax: 1_452)
        let now = Instant(nanoseconds: 1_000_000_000)
        for number in UInt64(0)..<3 {
            #expect(path.probeByteCount(isWorthwhile: true, now: now) == 1_452)
            path.probeSent(number, byteCount: 1_452)
            #expect(path.probeByteCount(isWorthwhile: true, now: now) == nil)
            path.forgot(before: number, next: 9, now: now)
            #expect(path.probeByteCount(isWorthwhile: true, now: now) == nil)
            path.forgot(before: number + 1, next: 9, now: now)
        }
        #expect(path.probeByteCount(isWorthwhile: true, now: now) == 1_326)
    }

    /// After a change of the path nothing that was sent before counts.
    @Test func anotherPathBeginsAnew() {
        var bench = Bench(carries: 1_452)
        bench.search()
        bench.path.restart(next: 50)
        #expect(bench.path.byteCount == 1_200 && bench.path.state == .base)
        bench.path.arrived(
            49, byteCount: 1_452, isProbe: true, next: 50, now: bench.now)
        #expect(bench.path.byteCount == 1_200)
        bench.number = 50
        bench.carries = 1_200
        bench.search()
        #expect(bench.path.byteCount == 1_200 && bench.path.state == .complete)
    }
}
