// How the window moves, how the pacer spreads it over time, and what may pass in front of both.

import PetrelBase
import PetrelWire
import Testing

@testable import PetrelTransport

@Suite struct CubicTests {
    /// Acknowledges a whole window, one round trip after it was sent.
    private func acknowledgeAll(_ cubic: inout Congestion, round: Int, isLimited: Bool = false) {
        let sent = Instant.at(Double(round) * 100)
        let now = Instant.at(Double(round) * 100 + 100)
        var rtt = RTTEstimator()
        rtt.update(sample: .milliseconds(100), ackDelay: .zero)
        var marks: [DeliveryMark] = []
        for i in 0..<cubic.window / 1_200 {
            if isLimited { cubic.applicationLimited(bytesInFlight: i * 1_200) }
            marks.append(cubic.sent(bytesInFlight: i * 1_200, now: sent))
        }
        for mark in marks {
            cubic.acknowledged(byteCount: 1_200, mark: mark, sent: sent, now: now)
            cubic.update(rtt: rtt, latest: .milliseconds(100), bytesInFlight: 0, now: now)
        }
    }

    private func lose(_ cubic: inout Congestion, number: UInt64, sent: Double, now: Double) {
        cubic.lost(
            number, byteCount: 1_200, mark: DeliveryMark(), sent: .at(sent), now: .at(now))
    }

    @Test func windowDoublesUntilALoss() {
        var cubic = Congestion(.cubic)
        #expect(cubic.window == 12_000)
        acknowledgeAll(&cubic, round: 0)
        #expect(cubic.window == 24_000)
        acknowledgeAll(&cubic, round: 1)
        #expect(cubic.window == 48_000)
        lose(&cubic, number: 50, sent: 150, now: 250)
        #expect(cubic.window == 33_600)
        for i in 0..<10 { lose(&cubic, number: UInt64(i), sent: 160, now: 260) }
        #expect(cubic.window == 33_600, "one round trip counts one loss")
        lose(&cubic, number: 51, sent: 300, now: 400)
        #expect(cubic.window == 23_520)
    }

    /// RFC 9438 §4.2: flat near the window of the last loss, steep far from it.
    @Test func windowFollowsTheCube() {
        var cubic = Congestion(.cubic)
        for round in 0..<4 { acknowledgeAll(&cubic, round: round) }
        let full = cubic.window
        lose(&cubic, number: 9, sent: 390, now: 400)
        var windows: [Int] = []
        for round in 4..<110 {
            acknowledgeAll(&cubic, round: round)
            windows.append(cubic.window)
        }
        #expect(windows[0] >= full * 7 / 10)
        // K = cbrt(W * 0.3 / 0.4) = 4.9 s: about 49 round trips of 100 ms.
        #expect(abs(windows[48] - full) < full / 20)
        #expect(windows[105] - windows[85] > windows[58] - windows[38])
        #expect(windows[105] > full)
    }

    @Test func unusedWindowsDoNotGrow() {
        var cubic = Congestion(.cubic)
        acknowledgeAll(&cubic, round: 0, isLimited: true)
        #expect(cubic.window == 12_000)
    }

    @Test func lossThatWasNoneIsTakenBack() {
        var cubic = Congestion(.cubic)
        acknowledgeAll(&cubic, round: 0)
        lose(&cubic, number: 12, sent: 150, now: 200)
        #expect(cubic.window == 16_800)
        for _ in 0..<2 {
            cubic.lossWasSpurious(
                byteCount: 1_200, mark: DeliveryMark(), sent: .at(150), now: .at(260))
            #expect(cubic.window == 24_000)
        }
        acknowledgeAll(&cubic, round: 3)
        #expect(cubic.window == 48_000, "slow start goes on")
    }

    @Test func lossesLeaveFourPackets() {
        var cubic = Congestion(.cubic)
        for i in 0..<50 {
            lose(&cubic, number: UInt64(i), sent: Double(i) * 100 + 50, now: Double(i) * 100 + 90)
        }
        #expect(cubic.window == 4_800)
    }

    @Test func slowStartEndsWhenTheRoundTripGrows() {
        var hyStart = HyStart()
        var divisors: [Int] = []
        for round in 0..<9 {
            // From the third round on a queue of 20 ms stands.
            let latest = Interval.milliseconds(round < 2 ? 100 : 120)
            for i in 0..<10 {
                let sample = CongestionSample(latestRTT: latest, startsRound: i == 0)
                divisors.append(hyStart.growthDivisor(sample))
            }
        }
        #expect(divisors[..<27].allSatisfy { $0 == 1 })
        #expect(divisors[30] == 4)
        #expect(hyStart.isOver)
    }
}

@Suite struct CongestionTests {
    @Test(arguments: [CongestionAlgorithm.gale, .cubic])
    func collapseLeavesFourPackets(algorithm: CongestionAlgorithm) {
        var congestion = Congestion(algorithm)
        congestion.collapsed()
        #expect(congestion.window == 4_800)
    }

    /// After a rest the window is halved for every 5 s, but not below that of the start.
    @Test func restsHalveTheWindow() {
        for (seconds, expected) in [(4, 96_000), (6, 48_000), (11, 24_000), (60, 12_000)] {
            var cubic = Cubic()
            for _ in 0..<3 {
                cubic.update(
                    CongestionSample(acknowledgedByteCount: cubic.window), rtt: RTTEstimator())
            }
            #expect(cubic.window == 96_000)
            cubic.rested(halvings: seconds / 5)
            #expect(cubic.window == expected)
        }
    }

    /// A rate is what arrived in the longer of the time of sending and of acknowledging.
    @Test func deliveryRateOfAPacedFlow() {
        var rate = DeliveryRate()
        var marks: [DeliveryMark] = []
        for i in 0..<10 {
            marks.append(
                rate.sent(bytesInFlight: i * 1_000, phase: 0, now: .at(Double(i) * 10)))
        }
        for i in 0..<10 {
            let sent = Instant.at(Double(i) * 10)
            rate.acknowledged(
                byteCount: 1_000, mark: marks[i], sent: sent, now: .at(Double(i) * 10 + 100))
            marks.append(rate.sent(bytesInFlight: 9_000, phase: 0, now: .at(Double(i) * 10 + 100)))
        }
        var sample = CongestionSample()
        rate.finish(&sample, minRTT: .milliseconds(100))
        #expect(sample.startsRound)
        // The second flight: 1,000 bytes each 10 ms.
        for i in 10..<20 {
            let sent = Instant.at(Double(i) * 10)
            rate.acknowledged(
                byteCount: 1_000, mark: marks[i], sent: sent, now: .at(Double(i) * 10 + 100))
        }
        sample = CongestionSample()
        rate.finish(&sample, minRTT: .milliseconds(100))
        #expect(sample.rate == 100_000)
        #expect(!sample.isLimited)
    }

    @Test func anIdleApplicationIsNotASlowPath() {
        var rate = DeliveryRate()
        let first = rate.sent(bytesInFlight: 0, phase: 0, now: .at(0))
        rate.limited(bytesInFlight: 1_000)
        let second = rate.sent(bytesInFlight: 1_000, phase: 0, now: .at(1))
        #expect(!first.isLimited)
        #expect(second.isLimited)
    }
}

@Suite struct LossModelTests {
    private func round(
        _ model: inout LossModel, _ kind: LossModel.Kind, arrived: Int, lost: Int, run: Int = 1
    ) {
        for _ in 0..<arrived { model.arrived(kind) }
        for i in 0..<lost { model.lost(kind, number: UInt64(i / run * 50 + i % run)) }
    }

    /// Three standard deviations above what is expected, and at least one in 64.
    @Test func harmIsMoreThanChance() {
        for (arrived, lost, isHarm) in [
            (200, 0, false), (200, 3, false), (200, 4, true), (1_000, 14, false), (1_000, 20, true),
            (4, 4, true),
        ] {
            var model = LossModel()
            round(&model, .calm, arrived: arrived, lost: lost)
            #expect(model.isCalmHarmed == isHarm, "\(lost) of \(arrived + lost)")
        }
    }

    @Test func aLossyPathIsLearnedFromQuietPackets() {
        var model = LossModel()
        for _ in 0..<20 {
            round(&model, .quiet, arrived: 97, lost: 3)
            model.startRound(isOpen: false)
        }
        #expect(abs(model.own - LossModel.whole * 3 / 100) < LossModel.whole / 100)
        round(&model, .calm, arrived: 195, lost: 8)
        #expect(!model.isCalmHarmed)
        #expect(model.madeUp(9_700) > 9_900)
    }

    /// What is lost while as much is sent as the path carries may be one's own fault.
    @Test func calmPacketsTeachNothing() {
        var model = LossModel()
        for _ in 0..<20 {
            round(&model, .calm, arrived: 90, lost: 10)
            model.startRound(isOpen: false)
        }
        #expect(model.own == 0)
    }

    @Test func highLossIsNotBelievedWithoutAnExperiment() {
        var model = LossModel()
        for _ in 0..<50 {
            round(&model, .quiet, arrived: 70, lost: 30)
            model.startRound(isOpen: false)
        }
        #expect(model.own <= LossModel.whole / 20)
    }

    @Test func experimentTellsTheTwoApart() {
        for (quietLost, isOwn) in [(20, true), (18, true), (9, false), (0, false)] {
            var model = LossModel()
            round(&model, .calm, arrived: 80, lost: 20)
            model.beginExperiment()
            #expect(model.isGrave)
            round(&model, .quiet, arrived: 100 - quietLost, lost: quietLost)
            model.startRound(isOpen: false)
            #expect(model.endExperiment() == isOwn, "\(quietLost)")
            #expect((model.own > LossModel.whole / 10) == isOwn)
        }
    }

    @Test func burstsWidenWhatChanceBrings() {
        var single = LossModel()
        var bursty = LossModel()
        for _ in 0..<20 {
            round(&single, .quiet, arrived: 96, lost: 4)
            round(&bursty, .quiet, arrived: 96, lost: 4, run: 4)
            single.startRound(isOpen: false)
            bursty.startRound(isOpen: false)
        }
        round(&single, .calm, arrived: 180, lost: 20)
        round(&bursty, .calm, arrived: 180, lost: 20)
        #expect(single.isCalmHarmed)
        #expect(!bursty.isCalmHarmed)
    }
}

@Suite struct PacerTests {
    /// Sends full packets as fast as the pacer lets through; returns when each went out.
    private func send(
        _ count: Int, _ pacer: inout Pacer, from start: Instant, rate: Int
    ) -> [Instant] {
        var now = start
        var sent: [Instant] = []
        while sent.count < count {
            pacer.refill(rate: rate, now: now)
            if pacer.mayProceed {
                pacer.sent(byteCount: 1_200)
                sent.append(now)
                continue
            }
            let next = pacer.nextProceed(rate: rate)
            guard next > now else {
                Issue.record("no progress at \(now)")
                return sent
            }
            now = next
        }
        return sent
    }

    /// The most packets within `window` anywhere in `sent`.
    private func most(_ sent: [Instant], within window: Interval) -> Int {
        var most = 0
        var first = 0
        for i in sent.indices {
            while sent[i] - sent[first] > window { first += 1 }
            most = max(most, i - first + 1)
        }
        return most
    }

    @Test func fourGoBackToBack() {
        for start in [5.0, 10_000] {
            var pacer = Pacer()
            let sent = send(40, &pacer, from: .at(start), rate: 120_000)
            #expect(sent.prefix(4).allSatisfy { $0 == .at(start) })
            #expect(most(sent, within: .zero) == 4)
        }
    }

    @Test(arguments: [5_000, 12_000, 1_000_000, 2_500_000, 100_000_000])
    func rateIsKept(rate: Int) {
        var pacer = Pacer()
        let sent = send(1_000, &pacer, from: .at(0), rate: rate)
        let took = (sent[999] - sent[19]).milliseconds
        let expected = 980 * 1_200.0 / Double(rate) * 1_000
        #expect(abs(took - expected) < expected * 0.02 + 1)
    }

    /// A process that wakes late catches up, at no more than twice the rate and in small bursts.
    @Test func latenessIsCaughtUpWith() {
        var pacer = Pacer()
        let rate = 1_200_000  // a packet each millisecond
        _ = send(100, &pacer, from: .at(0), rate: rate)
        let sent = send(40, &pacer, from: .at(2_000), rate: rate)
        #expect(most(sent, within: .zero) == 4)
        let inTenMilliseconds = sent.filter { $0 < .at(2_010) }.count
        #expect(18...25 ~= inTenMilliseconds)
        #expect((sent[39] - sent[29]).milliseconds > 8, "and no more when it has caught up")
    }

    /// Found by the fuzzer of sessions: 200 probes of an outage, and a round trip of that time.
    @Test func whatAnOutageLeavesHoldsNothingBackForLong() {
        var pacer = Pacer()
        let now = Instant(nanoseconds: 1_000_000_000)
        let rate = 12_000 / 160
        pacer.refill(rate: rate, now: now)
        for _ in 0..<200 { pacer.sent(byteCount: 1_200) }
        #expect(!pacer.mayProceed)
        let next = pacer.nextProceed(rate: rate)
        #expect(next <= now + .milliseconds(1_100))
        pacer.refill(rate: rate, now: next)
        #expect(pacer.mayProceed)
    }

    /// Small steps of time are not lost by rounding.
    @Test func timeInSmallStepsCounts() {
        var pacer = Pacer()
        pacer.refill(rate: 150_000, now: .at(0))
        for _ in 0..<8 { pacer.sent(byteCount: 1_200) }
        for step in 1...40_000 {
            pacer.refill(rate: 150_000, now: Instant(nanoseconds: Int64(step) * 1_000))
        }
        // 40 ms bring 6,000 bytes to a debt of 4,800.
        #expect(pacer.mayProceed)
        pacer.sent(byteCount: 1_200)
        #expect(!pacer.mayProceed)
    }

    @Test func twoUrgentPacketsARoundTrip() {
        var urgency = UrgentAllowance()
        var passed: [Int] = []
        for millisecond in 0..<300 {
            urgency.refill(smoothedRTT: .milliseconds(100), now: .at(Double(millisecond)))
            guard urgency.mayProceed else { continue }
            urgency.used()
            passed.append(millisecond)
        }
        #expect(passed == [0, 1, 100, 101, 200, 201])
    }
}
