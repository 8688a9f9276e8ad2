// What the controllers make of a bottleneck: throughput, queue and shares, as tables.

import PetrelBase
import Testing

@testable import PetrelTransport

@Suite struct LinkBenchTests {
    private func link(
        megabits: Double, rtt: Int64, queue: Int, loss: Double = 0, burst: Double = 1
    ) -> BenchLink {
        BenchLink(
            rate: megabits * 1e6 / 8, rtt: .milliseconds(rtt), queuePackets: queue, loss: loss,
            burst: burst, reverseLoss: loss)
    }

    private func median(_ values: [Double]) -> Double { values.sorted()[values.count / 2] }

    /// Random loss does not slow the model-based controller down as it does CUBIC.
    @Test(arguments: [(0.0, 16.0), (0.01, 14.5), (0.05, 14.5), (0.15, 11.5), (0.3, 6.0)])
    func bulkOverALossyLink(loss: Double, atLeast: Double) {
        let flow = BenchFlow(bytes: 5_000_000, ackEvery: 8)
        var rates: [Double] = []
        for seed in 1...3 {
            var bench = LinkBench(
                link(megabits: 20, rtt: 100, queue: 200, loss: loss), [flow], seed: UInt64(seed))
            let result = bench.run(.seconds(30))[0]
            let seconds = (result.finished ?? .seconds(30)).milliseconds / 1_000
            rates.append(Double(flow.bytes) * 8e-6 / seconds)
            let lost = 1 / (1 - loss)
            #expect(Double(result.sent) < Double(result.delivered) * lost * 1.1)
        }
        // Half of the transfer is startup, so the shortest aim is a little lower than of 10 MB.
        #expect(median(rates) > atLeast * 0.93, "\(rates)")
    }

    /// Alone on a link, the queue stays short though the buffer is long.
    @Test(arguments: [(1.0, 60, 100, 60.0), (20, 20, 200, 15), (20, 100, 400, 60)])
    func queueIsBounded(megabits: Double, rtt: Int, queue: Int, p95: Double) {
        var bench = LinkBench(
            link(megabits: megabits, rtt: Int64(rtt), queue: queue), [BenchFlow(ackEvery: 8)])
        let result = bench.run(.seconds(15), warmup: .seconds(3))[0]
        #expect(result.goodput * 8e-6 > megabits * 0.8)
        let delays = bench.delays.sorted()
        #expect(Double(delays[delays.count * 95 / 100]) / 1e6 < p95)
    }

    /// A link that marks keeps its queue short, and nothing is lost for that.
    @Test(arguments: [
        (CongestionAlgorithm.gale, 20.0, 20, 10), (.gale, 20, 100, 20), (.gale, 5, 60, 10),
        (.cubic, 20, 20, 10), (.cubic, 20, 100, 20),
    ])
    func marksKeepTheQueueShort(
        algorithm: CongestionAlgorithm, megabits: Double, rtt: Int, markAbove: Int
    ) {
        var results: [(delay: Double, goodput: Double)] = []
        for isMarking in [false, true] {
            var link = link(megabits: megabits, rtt: Int64(rtt), queue: 200)
            if isMarking { link.markAbove = markAbove }
            var bench = LinkBench(link, [BenchFlow(algorithm: algorithm, ackEvery: 8)])
            let result = bench.run(.seconds(15), warmup: .seconds(3))[0]
            let delays = bench.delays.sorted()
            let p95 = Double(delays[delays.count * 95 / 100]) / 1e6
            results.append((p95, result.goodput * 8e-6))
            if isMarking { #expect(bench.drops == 0) }
        }
        #expect(results[1].goodput > megabits * 0.75)
        let markDelay = Double(markAbove * 1_087) / (megabits * 125)
        #expect(results[1].delay <= markDelay * 2.5)
    }

    /// Flows that are marked together share what there is.
    @Test(arguments: [(20.0, 20, 10), (20, 50, 20), (20, 100, 30), (5, 60, 10)])
    func marksAreSharedFairly(megabits: Double, rtt: Int, markAbove: Int) {
        for other in [CongestionAlgorithm.gale, .cubic] {
            var link = link(megabits: megabits, rtt: Int64(rtt), queue: 200)
            link.markAbove = markAbove
            let flows = [
                BenchFlow(ackEvery: 8),
                BenchFlow(algorithm: other, start: .seconds(3), ackEvery: 8),
            ]
            var bench = LinkBench(link, flows)
            let results = bench.run(.seconds(40), warmup: .seconds(10))
            let ratio = results[0].goodput / results[1].goodput
            // CUBIC is slow to come back on long paths.
            let most: Double = other == .gale ? 2 : 5
            #expect(1 / most...most ~= ratio, "\(ratio) beside \(other)")
        }
    }

    /// Beside CUBIC as kernels have it.
    @Test(arguments: [
        (20.0, 20, 200, true), (20, 100, 200, true), (20, 20, 50, true), (20, 20, 50, false),
    ])
    func shareBesideCubic(megabits: Double, rtt: Int, queue: Int, galeIsFirst: Bool) {
        var gale = BenchFlow(ackEvery: 8)
        var cubic = BenchFlow(algorithm: .cubic, packet: 1_500, payload: 1_448, isPaced: false)
        if galeIsFirst { cubic.start = .seconds(3) } else { gale.start = .seconds(3) }
        var bench = LinkBench(
            link(megabits: megabits, rtt: Int64(rtt), queue: queue), [gale, cubic])
        let results = bench.run(.seconds(40), warmup: .seconds(10))
        let ratio = results[0].goodput / results[1].goodput
        #expect(0.5...2 ~= ratio, "\(results[0].goodput) \(results[1].goodput)")
    }

    @Test(arguments: [(20.0, 20, 200), (20, 100, 200), (5, 60, 100)])
    func shareBesideItsLike(megabits: Double, rtt: Int, queue: Int) {
        let flows = [BenchFlow(ackEvery: 8), BenchFlow(start: .seconds(3), ackEvery: 8)]
        var bench = LinkBench(
            link(megabits: megabits, rtt: Int64(rtt), queue: queue), flows)
        let results = bench.run(.seconds(40), warmup: .seconds(10))
        let ratio = results[0].goodput / results[1].goodput
        #expect(1 / 3.0...3 ~= ratio, "\(results[0].goodput) \(results[1].goodput)")
    }

    /// CUBIC fills a clean link, and starves where packets are lost at random.
    @Test func cubicIsForCleanLinks() {
        let flow = BenchFlow(algorithm: .cubic, bytes: 5_000_000)
        var clean = LinkBench(link(megabits: 20, rtt: 20, queue: 200), [flow])
        var lossy = LinkBench(link(megabits: 20, rtt: 100, queue: 200, loss: 0.01), [flow])
        let cleanTime = clean.run(.seconds(20))[0].finished ?? .infinite
        #expect(cleanTime < .milliseconds(2_400))
        let lossyTime = lossy.run(.seconds(60))[0].finished ?? .infinite
        #expect(lossyTime > .seconds(15))
    }
}
