// What a thin flow gains by each rule of recovery, on a link whose losses are given.

import PetrelBase
import PetrelCrypto
import PetrelWire
import Testing

@testable import PetrelTransport

@Suite struct RecoveryTests {
    /// A client that sends a message of 200 bytes every 50 ms, and what became of them.
    private struct Flow {
        /// Milliseconds from sending to delivery, in the order of sending.
        var latencies: [Int64] = []
        /// Bytes that the client put on the link.
        var byteCount = 0
        var statistics = SessionStatistics()

        func percentile(_ share: Double) -> Int64 {
            let sorted = latencies.sorted()
            return sorted[min(sorted.count - 1, Int(Double(sorted.count) * share))]
        }
    }

    private func run(
        _ count: Int, seed: UInt64 = 1, loss: Double = 0,
        configuration: SessionConfiguration = SessionConfiguration(),
        losing: ((_ toServer: Bool, _ bytes: [UInt8], _ now: Instant) -> Bool)? = nil
    ) throws -> Flow {
        let faults = LinkFaults(delay: .milliseconds(50))
        let pair = try Pair(seed: seed, faults: faults, configuration: configuration)
        #expect(pair.run(for: .seconds(5)) { $0.atServer.confirmed == 1 })
        pair.run(for: .seconds(1))
        pair.faults.loss = loss
        if let losing {
            pair.loses = { [unowned pair] in losing($0, $1, pair.now) }
        }
        let before = pair.client?.statistics.bytesSent ?? 0
        var flow = Flow()
        var sent: [Instant] = []
        let start = pair.now
        for i in 0..<count {
            let due = start + .milliseconds(50 * Int64(i))
            while pair.now < due { deliver(pair, until: due, sent, &flow) }
            try pair.send([UInt8](repeating: UInt8(i % 251), count: 200), as: .durable)
            sent.append(due)
        }
        let end = pair.now + .seconds(20)
        while flow.latencies.count < count, pair.now < end {
            deliver(pair, until: end, sent, &flow)
        }
        #expect(flow.latencies.count == count)
        flow.statistics = pair.client?.statistics ?? SessionStatistics()
        flow.byteCount = flow.statistics.bytesSent - before
        return flow
    }

    private func deliver(_ pair: Pair, until end: Instant, _ sent: [Instant], _ flow: inout Flow) {
        let known = flow.latencies.count
        pair.run(for: end - pair.now) { $0.atServer.messages.count > known }
        while flow.latencies.count < pair.atServer.messages.count {
            let latency = pair.now - sent[flow.latencies.count]
            flow.latencies.append(latency.nanoseconds / 1_000_000)
        }
    }

    private func without(_ rules: RecoveryRules) -> SessionConfiguration {
        var configuration = SessionConfiguration()
        configuration.recoveryRules.remove(rules)
        return configuration
    }

    private func redundant() -> SessionConfiguration {
        var configuration = SessionConfiguration()
        configuration.redundancy = .auto
        return configuration
    }

    /// Loses the datagrams with messages that are the `lost`th ones, counted from 0.
    private func losing(
        _ lost: Set<Int>
    ) -> (_ toServer: Bool, _ bytes: [UInt8], _ now: Instant) -> Bool {
        var seen = -1
        return { toServer, bytes, _ in
            guard toServer, bytes.count > 150 else { return false }
            seen += 1
            return lost.contains(seen)
        }
    }

    /// The lost message is repeated a probe timeout after it was sent: not later because of others.
    @Test func lostMessagesAreRepeatedByTheirOwnAge() throws {
        let quick = try run(40, losing: losing([20]))
        // 50 ms there, 50 back, a little; and 50 there again.
        #expect(150...156 ~= quick.latencies[20], "\(quick.latencies)")
        #expect(quick.latencies[21] == quick.latencies[20] - 50)
        #expect(quick.statistics.probes == 1)
        #expect(quick.statistics.packetsLost == 1)
        let slow = try run(40, configuration: without(.ownTimeouts), losing: losing([20]))
        #expect(slow.latencies[20] >= 200, "\(slow.latencies)")
    }

    @Test func lostRepairsAreRepeatedAsSoon() throws {
        // The datagrams after the lost one: 20 and 21 at 0 and 50, its repair, 22 at 100.
        for (lost, latency) in [([20], 153), ([20, 23], 256)] as [(Set<Int>, Int64)] {
            let flow = try run(40, losing: losing(lost))
            #expect(latency - 3...latency + 5 ~= flow.latencies[20], "\(lost): \(flow.latencies)")
        }
    }

    @Test func lostAcknowledgementsCostOneRepairAndNoVerdict() throws {
        var lost = 0
        let flow = try run(40) { toServer, _, now in
            // One acknowledgement, in the middle of the flow.
            guard !toServer, lost == 0, now > Instant(nanoseconds: 3_400_000_000) else {
                return false
            }
            lost += 1
            return true
        }
        #expect(flow.latencies.allSatisfy { $0 == 50 })
        #expect(flow.statistics.probes == 1)
        #expect(flow.statistics.probesNeedless == 1)
        #expect(flow.statistics.packetsLost == 0)
        #expect(flow.statistics.lossesSpurious == 0)
    }

    @Test func firstPacketAfterABlackoutDeliversWhatIsAwaited() throws {
        let dark = Instant(nanoseconds: 4_000_000_000)..<Instant(nanoseconds: 7_000_000_000)
        for rules in [[], .bundling] as [RecoveryRules] {
            let flow = try run(150, configuration: without(rules)) { _, _, now in
                dark.contains(now)
            }
            // The first message that waited: 3 s, the way there, and at most one interval.
            let first = try #require(flow.latencies.first { $0 > 60 })
            if rules.isEmpty {
                #expect(flow.statistics.bundlesUseful > 0)
                #expect(3_000...3_100 ~= first, "\(flow.latencies)")
            } else {
                #expect(flow.statistics.bundles == 0)
                #expect(first > 3_120, "\(flow.latencies)")
            }
        }
    }

    @Test func silentLinksGetLessThanTheTableAllows() throws {
        let flow = try run(200) { _, _, now in
            now > Instant(nanoseconds: 4_000_000_000) && now < Instant(nanoseconds: 12_000_000_000)
        }
        // 8 s of silence: a probe every 250 ms, a few before that, some at the end.
        #expect(20...45 ~= flow.statistics.probes, "\(flow.statistics)")
    }

    /// Copies cost bytes where messages are lost, and nothing elsewhere.
    @Test func copiesFollowTheLossesOfTheLink() throws {
        let clean = try run(300, configuration: redundant())
        #expect(clean.statistics.copies == 0)
        for (loss, copies, percentile99) in [
            (0.03, 150...300, 110), (0.10, 230...300, 220),
        ] as [(Double, ClosedRange<Int>, Int64)] {
            let plain = try run(300, loss: loss)
            let auto = try run(300, loss: loss, configuration: redundant())
            #expect(plain.statistics.copies == 0)
            #expect(copies ~= auto.statistics.copies, "\(loss): \(auto.statistics)")
            #expect(auto.statistics.copiesUseful > 0)
            #expect(auto.percentile(0.9) < plain.percentile(0.9) || loss < 0.05)
            #expect(auto.percentile(0.97) <= percentile99, "\(loss): \(auto.latencies)")
        }
    }

    /// A message alone is not followed by another that could carry its copy: the copy goes alone.
    @Test func lonelyMessagesAreCopiedAfterAWhile() throws {
        let pair = try Pair(
            faults: LinkFaults(delay: .milliseconds(50)), configuration: redundant())
        #expect(pair.run(for: .seconds(5)) { $0.atServer.confirmed == 1 })
        pair.faults.loss = 0.1
        for _ in 0..<60 {
            try pair.send([UInt8](repeating: 1, count: 100), as: .durable)
            pair.run(for: .seconds(2))
        }
        pair.faults.loss = 0
        let before = pair.client?.statistics ?? SessionStatistics()
        pair.loses = losingFirst()
        let start = pair.now
        try pair.send([UInt8](repeating: 2, count: 100), as: .durable)
        let known = pair.atServer.messages.count
        #expect(pair.run(for: .seconds(1)) { $0.atServer.messages.count > known })
        #expect(pair.now - start <= .milliseconds(90), "\(pair.now - start)")
        let after = pair.client?.statistics ?? SessionStatistics()
        #expect(after.copies == before.copies + 1)
    }

    /// Loses the first datagram towards the server.
    private func losingFirst() -> (_ toServer: Bool, _ bytes: [UInt8]) -> Bool {
        var isLost = false
        return { toServer, _ in
            defer { isLost = isLost || toServer }
            return toServer && !isLost
        }
    }

    @Test func copiesStayWithinTheirBudget() throws {
        var configuration = redundant()
        configuration.copyBytesPerSecondMax = 1_000
        let flow = try run(400, loss: 0.1, configuration: configuration)
        // 20 s of at most 1,000 bytes each, and what was saved up; a copy has a little over 200.
        #expect(60...105 ~= flow.statistics.copies, "\(flow.statistics)")
    }

    @Test func everyRuleCanBeOff() throws {
        for bit in 0..<9 {
            let rule = RecoveryRules(rawValue: 1 << UInt16(bit))
            for seed in 1...3 as ClosedRange<UInt64> {
                var configuration = without(rule)
                configuration.redundancy = seed == 1 ? .none : .auto
                _ = try run(60, seed: seed, loss: 0.2, configuration: configuration)
            }
        }
    }
}
