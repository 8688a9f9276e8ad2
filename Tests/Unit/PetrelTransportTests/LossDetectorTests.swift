// When packets count as lost and when to ask, by tables with round figures.

import PetrelBase
import Testing

@testable import PetrelTransport

@Suite struct LossDetectorTests {
    /// Sends that many packets of 100 bytes that ask for an acknowledgement.
    private func send(_ count: Int, _ detector: inout LossDetector, at now: Instant) {
        for _ in 0..<count {
            var packet = SentPacket()
            packet.state = .inFlight
            packet.byteCount = 100
            packet.sent = now
            detector.sent(packet, now: now)
        }
    }

    private func acknowledge(
        _ ranges: [ClosedRange<UInt64>], _ detector: inout LossDetector, at now: Instant
    ) throws -> Bool {
        try detector.take(acknowledging: ranges, now: now)
    }

    /// A detector whose only sample was that round trip.
    private func measured(
        _ milliseconds: Double, rules: RecoveryRules = .all
    ) throws -> LossDetector {
        var detector = LossDetector(rules: rules)
        send(1, &detector, at: .at(0))
        #expect(try acknowledge([0...0], &detector, at: .at(milliseconds)))
        #expect(detector.rtt.smoothed == .at(milliseconds) - .at(0))
        return detector
    }

    @Test func threeLaterPacketsMakeAPacketLost() throws {
        for (largest, lost) in [
            (1, []), (2, []), (3, [0]), (4, [0, 1]), (9, [0, 1, 2, 3, 4, 5, 6]),
        ]
            as [(UInt64, [UInt64])]
        {
            var detector = LossDetector()
            send(20, &detector, at: .at(0))
            #expect(try acknowledge([largest...largest], &detector, at: .at(20)))
            _ = detector.detectLoss(now: .at(20))
            #expect(detector.lostNow == lost, "largest \(largest)")
            #expect(detector.packets.inFlightCount == 19 - lost.count)
            #expect(detector.packets.bytesInFlight == 100 * (19 - lost.count))
        }
    }

    @Test func nineEighthsOfARoundTripMakeAPacketLost() throws {
        var detector = try measured(80)
        send(10, &detector, at: .at(100))
        #expect(try acknowledge([2...2], &detector, at: .at(180)))
        // 80 ms stay the smoothed and the latest: 90 ms after sending.
        #expect(detector.detectLoss(now: .at(180)) == .at(190))
        #expect(detector.lostNow.isEmpty)
        #expect(detector.detectLoss(now: .at(189.999)) == .at(190))
        #expect(detector.lostNow.isEmpty)
        #expect(detector.detectLoss(now: .at(190)) == .distantFuture)
        #expect(detector.lostNow == [1])
    }

    /// Round trips of 40 once and of 60 lately: 1/8 of the least after being overtaken is sooner.
    @Test func thinFlowsDoNotWaitThatLong() throws {
        for (count, due) in [(2, 565.0), (3, 565), (5, 565), (120, 565), (121, 567.5)] {
            var detector = try measured(40)
            for i in 0..<60 {
                let start = Double(i) * 8
                send(1, &detector, at: .at(start))
                let number = detector.packets.next - 1
                #expect(try acknowledge([number...number], &detector, at: .at(start + 60)))
            }
            let first = detector.packets.next
            send(count, &detector, at: .at(500))
            #expect(try acknowledge([first + 1...first + 1], &detector, at: .at(560)))
            let next = detector.detectLoss(now: .at(560))
            // What is left of the mean of 60 ms is a rounding.
            let difference = next - .at(due)
            #expect(max(difference, .zero - difference) < .milliseconds(1), "\(count): \(next)")
        }
    }

    @Test func lateAcknowledgementsMakeTheThresholdsPatient() throws {
        var detector = LossDetector()
        var threshold: UInt64 = 3
        for _ in 0..<12 {
            let first = detector.packets.next
            send(40, &detector, at: .at(0))
            #expect(
                try acknowledge(
                    [first + threshold - 1...first + threshold - 1], &detector, at: .at(1)))
            _ = detector.detectLoss(now: .at(1))
            #expect(detector.lostNow.isEmpty, "threshold \(threshold)")
            #expect(try acknowledge([first + threshold...first + threshold], &detector, at: .at(1)))
            _ = detector.detectLoss(now: .at(1))
            #expect(detector.lostNow == [first], "threshold \(threshold)")
            #expect(try acknowledge([first...first + 39], &detector, at: .at(1)))
            #expect(detector.spuriousNow == [first])
            threshold = min(threshold + 2, 20)
        }
        #expect(threshold == 20)
    }

    @Test func whatWasNeverSentCannotBeAcknowledged() throws {
        var detector = LossDetector()
        send(3, &detector, at: .at(0))
        detector.skipNumber()
        send(3, &detector, at: .at(0))
        let rows: [(ranges: [ClosedRange<UInt64>], isHonest: Bool)] = [
            ([0...0], true), ([4...6], true), ([0...2, 4...6], true),
            ([3...3], false), ([0...6], false), ([3...4], false), ([5...6, 2...3], false),
            ([7...7], false), ([6...9], false),
        ]
        for row in rows {
            var copy = detector
            #expect(try acknowledge(row.ranges, &copy, at: .at(9)) == row.isHonest, "\(row)")
        }
    }

    @Test func probesFollowAtGrowingIntervals() throws {
        // 20 + 4 * 10 ms before backoff, capped at 250 ms, if somebody waits; otherwise 25 ms more.
        let urgent: [Double] = [60, 90, 135, 202.5, 250, 250]
        let patient: [Double] = [85, 127.5, 191.25, 286.875, 430.3125, 645.46875]
        for (isUrgent, intervals) in [(true, urgent), (false, patient)] {
            var detector = try measured(20, rules: .all.subtracting(.ownTimeouts))
            for interval in intervals {
                send(1, &detector, at: .at(1_000))
                let deadline = detector.probeDeadline(
                    ackDelayMax: .milliseconds(25), isUrgent: isUrgent, lastHeard: .at(1_000))
                #expect(deadline == .at(1_000 + interval), "urgent \(isUrgent)")
                #expect(detector.probed(now: .at(1_000)) == false)
            }
        }
    }

    @Test func probesDoubleWhenMuchIsInFlight() throws {
        var detector = try measured(20, rules: .all.subtracting(.ownTimeouts))
        send(9, &detector, at: .at(1_000))
        for interval in [85.0, 170, 340, 680, 1_360, 2_720, 3_000, 3_000] {
            let deadline = detector.probeDeadline(
                ackDelayMax: .milliseconds(25), isUrgent: false, lastHeard: .at(1_000))
            #expect(deadline == .at(1_000 + interval))
            _ = detector.probed(now: .at(1_000))
        }
    }

    @Test func deadLinksAreAskedEverLessOften() throws {
        let rows: [(silence: Double, isUrgent: Bool, cap: Double)] = [
            (0, true, 250), (9_999, true, 250), (10_000, true, 1_000), (29_999, true, 1_000),
            (30_000, true, 3_000), (59_999, true, 3_000), (60_000, true, 15_000),
            (0, false, 3_000), (59_999, false, 3_000), (60_000, false, 15_000),
        ]
        for row in rows {
            var detector = try measured(20, rules: .all.subtracting(.ownTimeouts))
            for _ in 0..<16 { _ = detector.probed(now: .at(0)) }
            send(1, &detector, at: .at(100_000))
            let deadline = detector.probeDeadline(
                ackDelayMax: .milliseconds(25), isUrgent: row.isUrgent,
                lastHeard: .at(100_000 - row.silence))
            #expect(deadline == .at(100_000 + row.cap), "\(row)")
        }
    }

    @Test func probeTimeoutStaysWithinBounds() throws {
        let rows: [(roundTrip: Double, interval: Double)] = [
            (1, 30), (5, 30), (9, 30), (10, 32), (100, 302), (999, 2_999), (2_000, 3_000),
        ]
        for row in rows {
            let detector = try measured(row.roundTrip)
            #expect(
                .at(0) + detector.probeInterval(ackDelayMax: .milliseconds(2)) == .at(row.interval))
        }
        let unknown = LossDetector()
        #expect(unknown.probeInterval(ackDelayMax: .zero) == .milliseconds(333))
    }

    @Test func nothingInFlightIsNotProbed() throws {
        let detector = try measured(20)
        let deadline = detector.probeDeadline(
            ackDelayMax: .zero, isUrgent: true, lastHeard: .at(0))
        #expect(deadline == .distantFuture)
    }

    /// The radio slept: what the first packet takes says nothing about those that follow.
    @Test func firstPacketAfterAPauseIsMeasuredApart() throws {
        var detector = try measured(50)
        send(1, &detector, at: .at(5_050))
        #expect(!detector.packets[1].isCold)
        #expect(try acknowledge([1...1], &detector, at: .at(5_100)))
        send(1, &detector, at: .at(10_101))
        #expect(detector.packets[2].isCold)
        let before = detector.rtt
        #expect(try acknowledge([2...2], &detector, at: .at(12_101)))
        #expect(detector.rtt == before)
        #expect(detector.coldRTT.latest == .seconds(2))
        // Such a packet is given the time that the last one took.
        send(1, &detector, at: .at(20_000))
        #expect(detector.probeInterval(ackDelayMax: .zero) > .milliseconds(500))
        send(1, &detector, at: .at(20_000))
        #expect(detector.packets[4].isCold)
    }

    /// The pacer waits long where the round trip is long, so that packets stay cold for ever.
    @Test func coldPacketsCorrectARoundTripThatIsTooLong() throws {
        var detector = LossDetector()
        send(1, &detector, at: .at(0))
        #expect(try acknowledge([0...0], &detector, at: .at(100_000)))
        #expect(detector.rtt.smoothed == .seconds(100))
        for number in UInt64(1)...40 {
            let start = 100_000 + Double(number) * 6_000
            send(1, &detector, at: .at(start))
            #expect(detector.packets[number].isCold)
            #expect(try acknowledge([number...number], &detector, at: .at(start + 20)))
        }
        #expect(detector.rtt.smoothed < .seconds(1))
    }

    @Test func secondProbesFollowWhereLossIsCommon() throws {
        var detector = LossDetector()
        send(40, &detector, at: .at(0))
        #expect(try acknowledge([4...39], &detector, at: .at(10)))
        _ = detector.detectLoss(now: .at(10))
        #expect(detector.lostNow == [0, 1, 2, 3])
        #expect(detector.losses.isAtLeast(perMille: 50))
        #expect(detector.probed(now: .at(10)) == true)
        for _ in 0..<300 {
            let next = detector.packets.next
            send(1, &detector, at: .at(20))
            #expect(try acknowledge([next...next], &detector, at: .at(30)))
        }
        #expect(detector.probed(now: .at(30)) == false)
    }

    /// A packet of a thin flow is overdue one probe timeout after it was sent, whatever came later.
    @Test func packetsOfThinFlowsHaveTimeoutsOfTheirOwn() throws {
        let rows: [(rules: RecoveryRules, deadline: Double)] = [
            (.all, 1_060), (.all.subtracting(.ownTimeouts), 1_110),
        ]
        for row in rows {
            var detector = try measured(20, rules: row.rules)
            send(1, &detector, at: .at(1_000))
            send(1, &detector, at: .at(1_050))
            let deadline = detector.probeDeadline(
                ackDelayMax: .milliseconds(25), isUrgent: true, lastHeard: .at(1_000))
            #expect(deadline == .at(row.deadline))
        }
    }

    @Test func overduePacketsAreSuspectedAndNoLongerInFlight() throws {
        var detector = try measured(20)
        send(1, &detector, at: .at(1_000))
        send(1, &detector, at: .at(1_050))
        detector.suspectOverdue(ackDelayMax: .zero, isUrgent: true, now: .at(1_059))
        #expect(detector.suspectedNow.isEmpty)
        detector.suspectOverdue(ackDelayMax: .zero, isUrgent: true, now: .at(1_060))
        #expect(detector.suspectedNow == [1])
        #expect(detector.packets.inFlightCount == 1)
        #expect(detector.packets.unrepairedCount == 1)
        detector.noteRepaired(1)
        #expect(detector.packets.unrepairedCount == 0)
        // It is not lost before something later has arrived, and then it is.
        #expect(detector.detectLoss(now: .at(1_060)) == .distantFuture)
        #expect(detector.lostNow.isEmpty)
        #expect(try acknowledge([2...2], &detector, at: .at(1_070)))
        #expect(detector.detectLoss(now: .at(1_070)) == .distantFuture)
        #expect(detector.lostNow == [1])
        #expect(detector.packets[1].isRepaired)
    }

    @Test func suspicionsThatProveWrongChangeNoThreshold() throws {
        var detector = try measured(20)
        send(1, &detector, at: .at(1_000))
        detector.suspectOverdue(ackDelayMax: .zero, isUrgent: true, now: .at(1_060))
        detector.noteRepaired(1)
        #expect(try acknowledge([1...1], &detector, at: .at(1_080)))
        #expect(detector.acknowledgedNow == [1])
        #expect(detector.spuriousNow.isEmpty)
        #expect(!detector.packets.hasUnsettled)
    }

    /// Three probe timeouts without a word: only the probe asks then, whatever else is sent.
    @Test func silentLinksAreProbedFromTheLastProbe() throws {
        var detector = try measured(20)
        for start in [1_000.0, 1_060, 1_120, 1_180] {
            send(1, &detector, at: .at(start))
            #expect(!detector.isSilent, "at \(start)")
            _ = detector.probed(now: .at(start))
        }
        #expect(detector.isSilent)
        send(1, &detector, at: .at(1_300))
        let deadline = detector.probeDeadline(
            ackDelayMax: .zero, isUrgent: true, lastHeard: .at(1_000))
        #expect(deadline == .at(1_180 + 250))
        #expect(try acknowledge([5...5], &detector, at: .at(1_320)))
        #expect(!detector.isSilent)
    }

    @Test func reportsHeldForTooLongAreNoSamples() throws {
        for (delay, isTaken) in [(8.0, true), (12, false)] {
            var detector = try measured(50)
            send(1, &detector, at: .at(1_000))
            let before = detector.rtt
            #expect(
                try detector.take(
                    acknowledging: [1...1], delay: .at(delay) - .at(0), now: .at(1_090)))
            #expect((detector.rtt != before) == isTaken, "held for \(delay) ms")
        }
    }

    @Test func memoryOfSentPacketsIsBounded() {
        var detector = LossDetector()
        for _ in 0..<3_000 {
            detector.makeRoom(now: .at(0))
            send(1, &detector, at: .at(0))
            detector.clearLost()
        }
        #expect(detector.packets.next - detector.packets.oldest <= SentPackets.capacityMax)
        #expect(detector.packets.inFlightCount <= Int(SentPackets.capacityMax))
    }
}
