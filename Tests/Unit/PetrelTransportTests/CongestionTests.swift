// How the window moves, and how the pacer spreads it over time.

import PetrelBase
import PetrelWire
import Testing

@testable import PetrelTransport

@Suite struct NewRenoTests {
    /// Acknowledges a whole window of full packets that were sent at `sent`.
    private func acknowledgeAll(_ reno: inout NewReno, sent: Instant, isLimited: Bool = true) {
        for _ in 0..<reno.window / 1_200 {
            reno.acknowledged(byteCount: 1_200, sent: sent, isLimited: isLimited)
        }
    }

    @Test func windowDoublesThenGrowsByAPacket() {
        var reno = NewReno()
        #expect(reno.window == 12_000)
        acknowledgeAll(&reno, sent: .at(0))
        #expect(reno.window == 24_000)
        acknowledgeAll(&reno, sent: .at(100))
        #expect(reno.window == 48_000)
        reno.lost(sent: .at(200), now: .at(300))
        #expect(reno.window == 33_600)
        acknowledgeAll(&reno, sent: .at(301))
        #expect(34_700...34_800 ~= reno.window)
    }

    @Test func unusedWindowsDoNotGrow() {
        var reno = NewReno()
        acknowledgeAll(&reno, sent: .at(0), isLimited: false)
        #expect(reno.window == 12_000)
    }

    @Test func oneRoundTripCountsOneLoss() {
        var reno = NewReno()
        for _ in 0..<3 { acknowledgeAll(&reno, sent: .at(0)) }
        #expect(reno.window == 96_000)
        for i in 0..<10 { reno.lost(sent: .at(Double(i)), now: .at(100 + Double(i))) }
        #expect(reno.window == 67_200)
        acknowledgeAll(&reno, sent: .at(50))
        #expect(reno.window == 67_200, "sent before the loss was seen")
        reno.lost(sent: .at(101), now: .at(200))
        #expect(reno.window == 47_040)
    }

    @Test func lossesDoNotPushAThinFlowBelowTenPackets() {
        var reno = NewReno()
        for i in 0..<50 {
            reno.lost(sent: .at(Double(i) * 100 + 50), now: .at(Double(i) * 100 + 90))
            #expect(reno.window == 12_000)
        }
    }

    @Test func lossThatWasNoneIsTakenBack() {
        var reno = NewReno()
        acknowledgeAll(&reno, sent: .at(0))
        acknowledgeAll(&reno, sent: .at(1))
        reno.lost(sent: .at(10), now: .at(20))
        #expect(reno.window == 33_600)
        reno.lossWasSpurious()
        #expect(reno.window == 48_000)
        reno.lossWasSpurious()
        #expect(reno.window == 48_000, "once")
        acknowledgeAll(&reno, sent: .at(30))
        #expect(reno.window == 96_000, "slow start goes on")
    }

    @Test func collapseLeavesFourPackets() {
        var reno = NewReno()
        for _ in 0..<3 { acknowledgeAll(&reno, sent: .at(0)) }
        reno.collapsed()
        #expect(reno.window == 4_800)
        reno.lossWasSpurious()
        #expect(reno.window == 4_800)
        for _ in 0..<4 { acknowledgeAll(&reno, sent: .at(10)) }
        // Doubling up to half of what was, then slowly.
        #expect(48_000...52_000 ~= reno.window)
    }

    @Test func windowIsBounded() {
        var reno = NewReno()
        for _ in 0..<20 { acknowledgeAll(&reno, sent: .at(0)) }
        #expect(reno.window == 512 * 1_200)
    }
}

@Suite struct PacerTests {
    /// Sends full packets as fast as the pacer lets through; returns when each went out.
    private func send(
        _ count: Int, _ pacer: inout Pacer, from start: Instant, window: Int, rtt: Interval
    ) -> [Instant] {
        var now = start
        var sent: [Instant] = []
        while sent.count < count {
            pacer.refill(window: window, smoothedRTT: rtt, now: now)
            if pacer.mayProceed {
                pacer.sent(byteCount: 1_200)
                sent.append(now)
                continue
            }
            let next = pacer.nextProceed(window: window, smoothedRTT: rtt)
            guard next > now else {
                Issue.record("no progress at \(now)")
                return sent
            }
            now = next
        }
        return sent
    }

    @Test func tenPacketsMayStartASession() {
        var pacer = Pacer()
        let sent = send(14, &pacer, from: .at(5), window: 12_000, rtt: .milliseconds(100))
        #expect(sent.prefix(10).allSatisfy { $0 == .at(5) })
        #expect(sent[10] > .at(5))
    }

    /// Within one process a round trip may take no time at all.
    @Test(arguments: [1, 999, 1_000, 1_999] as [Int64])
    func theShortestRoundTripsGoOn(nanoseconds: Int64) {
        var pacer = Pacer()
        let rtt = Interval(nanoseconds: nanoseconds)
        let sent = send(100, &pacer, from: .at(0), window: 12_000, rtt: rtt)
        #expect(sent.count == 100)
    }

    @Test func laterFourGoBackToBack() {
        var pacer = Pacer()
        _ = send(10, &pacer, from: .at(0), window: 12_000, rtt: .milliseconds(100))
        let sent = send(8, &pacer, from: .at(10_000), window: 12_000, rtt: .milliseconds(100))
        #expect(sent.prefix(4).allSatisfy { $0 == .at(10_000) })
        #expect(sent[4] > .at(10_000))
    }

    /// Five quarters of a window a round trip, whatever the two are.
    @Test func rateFollowsWindowAndRoundTrip() {
        for (window, milliseconds) in [(12_000, 20), (12_000, 400), (120_000, 100), (614_400, 50)] {
            var pacer = Pacer()
            let rtt = Interval.milliseconds(Int64(milliseconds))
            let sent = send(400, &pacer, from: .at(0), window: window, rtt: rtt)
            let took = (sent[399] - sent[20]).milliseconds
            let expected = 379 * 1_200.0 / (Double(window) * 1.25) * Double(milliseconds)
            #expect(abs(took - expected) < expected * 0.02 + 1, "\(window) in \(milliseconds) ms")
        }
    }

    /// Found by the fuzzer of sessions: 200 probes of an outage, and a round trip of that time.
    @Test func whatAnOutageLeavesHoldsNothingBackForLong() {
        var pacer = Pacer()
        let now = Instant(nanoseconds: 1_000_000_000)
        pacer.refill(window: 12_000, smoothedRTT: .seconds(160), now: now)
        for _ in 0..<200 { pacer.sent(byteCount: 1_200) }
        #expect(!pacer.mayProceed)
        let next = pacer.nextProceed(window: 12_000, smoothedRTT: .seconds(160))
        #expect(next <= now + .seconds(1))
        pacer.refill(window: 12_000, smoothedRTT: .seconds(160), now: next)
        #expect(pacer.mayProceed)
    }

    /// Small steps of time are not lost by rounding.
    @Test func timeInSmallStepsCounts() {
        var pacer = Pacer()
        for _ in 0..<10 {
            pacer.refill(window: 12_000, smoothedRTT: .milliseconds(100), now: .at(0))
            pacer.sent(byteCount: 1_200)
        }
        #expect(!pacer.mayProceed)
        for step in 1...40_000 {
            pacer.refill(
                window: 12_000, smoothedRTT: .milliseconds(100),
                now: Instant(nanoseconds: Int64(step) * 1_000))
        }
        // 40 ms bring 6,000 bytes, of which a burst is kept.
        var packets = 0
        while pacer.mayProceed {
            pacer.sent(byteCount: 1_200)
            packets += 1
        }
        #expect(packets == 4)
    }
}
