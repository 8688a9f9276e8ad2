// PARITY: what is rebuilt, what is refused, when it is sent, and what it is worth.

import PetrelBase
import PetrelWire
import Testing

@testable import PetrelTransport

@Suite struct ParityTests {
    private static func message(_ byteCount: Int, seed: UInt64 = 1) -> [UInt8] {
        var random = RandomStream(seed: seed, label: "parity")
        return (0..<byteCount).map { _ in UInt8(truncatingIfNeeded: random.next()) }
    }

    @Test(arguments: [1_025, 2_048, 2_049, 5_000, 8_192, 8_193, 17_000, 65_536])
    func groupsCoverEachFragmentOnce(total: Int) {
        let groups = (0..<ParityFrame.groupCount(total: total)).map {
            ParityFrame.group($0, total: total)
        }
        #expect(groups.flatMap(Array.init) == Array(0..<MessageFragment.count(total: total)))
        #expect(groups.allSatisfy { 2...8 ~= $0.count })
        let sizes = groups.map(\.count)
        #expect((sizes.max() ?? 0) - (sizes.min() ?? 0) <= 1)
    }

    /// Any one fragment of each group may be lost, whatever comes first.
    @Test(arguments: [2_049, 3_072, 5_000, 8_193, 20_000, 65_536])
    func oneLostFragmentOfEachGroupIsMadeUpFor(total: Int) throws {
        let message = Self.message(total)
        let groups = ParityFrame.groupCount(total: total)
        for round in 0..<16 {
            var random = RandomStream(seed: UInt64(round), label: "loss")
            var reassembler = Reassembler(credit: 196_608)
            var pieces = Array(0..<MessageFragment.count(total: total))
            for group in 0..<groups {
                let range = ParityFrame.group(group, total: total)
                let lost = range.lowerBound + Int(random.below(UInt64(range.count)))
                pieces.removeAll { $0 == lost }
            }
            // Negative ones are groups.
            pieces += (0..<groups).map { -1 - $0 }
            for i in pieces.indices.reversed() {
                pieces.swapAt(i, Int(random.below(UInt64(i + 1))))
            }
            var outcomes: [Reassembler.Outcome] = []
            for piece in pieces {
                if piece < 0 {
                    let group = ParityFrame.group(-1 - piece, total: total)
                    outcomes.append(
                        try reassembler.take(parity: message, group, as: .durable, number: 0))
                } else {
                    outcomes.append(
                        try reassembler.take(message, index: piece, as: .durable, number: 0))
                }
            }
            #expect(outcomes.last == .assembled)
            #expect(outcomes.dropLast().allSatisfy { $0 == .none })
            #expect(reassembler.assembled == message)
            #expect(reassembler.rebuiltCount == groups)
            #expect(reassembler.parities.isEmpty)
        }
    }

    @Test func twoLostFragmentsOfAGroupAreNot() throws {
        let message = Self.message(5_000)
        var reassembler = Reassembler(credit: 196_608)
        for index in [0, 2, 4] {
            #expect(try reassembler.take(message, index: index, as: .reliable, number: 3) == .none)
        }
        #expect(try reassembler.take(parity: message, 0..<5, as: .reliable, number: 3) == .none)
        #expect(reassembler.parities.count == 1)
        // The repair of one brings the other along.
        #expect(try reassembler.take(message, index: 3, as: .reliable, number: 3) == .assembled)
        #expect(reassembler.assembled == message)
        #expect(try reassembler.take(message, index: 1, as: .reliable, number: 3) == .none)
        #expect(try reassembler.take(parity: message, 0..<5, as: .reliable, number: 3) == .none)
    }

    @Test func parityThatContradictsEndsTheSession() throws {
        let message = Self.message(3_000)
        var other = message
        other[1_500] ^= 1
        let conflict = Reassembler.Outcome.violation(.fragmentConflict)
        // A repair that is not what was rebuilt.
        var rebuilt = Reassembler(credit: 196_608)
        _ = try rebuilt.take(message, index: 0, as: .reliable, number: 0)
        _ = try rebuilt.take(parity: message, 0..<2, as: .reliable, number: 0)
        #expect(rebuilt.rebuiltCount == 1)
        #expect(try rebuilt.take(other, index: 1, as: .reliable, number: 0) == conflict)
        // A parity that is not of what is there.
        var whole = Reassembler(credit: 196_608)
        for index in 0..<2 { _ = try whole.take(message, index: index, as: .reliable, number: 0) }
        #expect(try whole.take(parity: other, 0..<2, as: .reliable, number: 0) == conflict)
        // What fills the last fragment up is zeros.
        var last = Reassembler(credit: 196_608)
        for index in 0..<2 { _ = try last.take(message, index: index, as: .reliable, number: 0) }
        var longer = message + [UInt8](repeating: 9, count: 72)
        longer[2_999] = message[2_999]
        #expect(
            try last.take(parity: longer, 0..<3, total: 3_000, as: .reliable, number: 0)
                == conflict)
        // Another length, another content of the same group, another stream.
        for change in 0..<3 {
            var told = Reassembler(credit: 196_608)
            let place = StreamPlace(stream: 1, distance: 0)
            _ = try told.take(parity: message, 0..<3, as: .ordered, number: 0, place: place)
            let outcome = try told.take(
                parity: change == 0 ? message + [0] : change == 1 ? other : message, 0..<3,
                as: .ordered, number: 0,
                place: change == 2 ? StreamPlace(stream: 2, distance: 0) : place)
            #expect(outcome == conflict, "\(change)")
        }
    }

    @Test func parityCostsNoCreditAndIsBounded() throws {
        let message = Self.message(3_000)
        var reassembler = Reassembler(credit: 2_048)
        for number in 0..<20 as Range<UInt64> {
            #expect(
                try reassembler.take(parity: message, 0..<3, as: .reliable, number: number)
                    == .none)
        }
        #expect(reassembler.parities.count == WireLimits.paritiesMax)
        #expect(reassembler.parities.first?.name.number == 12)
        #expect(
            try reassembler.take(parity: message, 0..<3, as: .reliable, number: 512)
                == .violation(.limitExceeded))
        let skip = SkipFrame(MessageName(.reliable, 13), charged: 0)
        #expect(reassembler.skip(skip, now: .at(0)) == .none)
        #expect(reassembler.parities.count == WireLimits.paritiesMax - 1)
    }

    // MARK: Sessions

    /// Milliseconds from sending to delivery of messages of 5,000 bytes, each half a second.
    private func latencies(
        loss: Double, rules: RecoveryRules, redundancy: Redundancy = .auto, count: Int = 300
    ) throws -> (sorted: [Int64], client: SessionStatistics, server: SessionStatistics) {
        var configuration = SessionConfiguration()
        configuration.redundancy = redundancy
        configuration.recoveryRules = rules
        let pair = try Pair(
            faults: LinkFaults(delay: .milliseconds(50)), configuration: configuration)
        #expect(pair.run(for: .seconds(5)) { $0.atServer.confirmed == 1 })
        pair.faults.loss = loss
        let message = Self.message(5_000)
        var sorted: [Int64] = []
        for round in 0..<count {
            let (start, known) = (pair.now, pair.atServer.messages.count)
            try pair.send(message, as: .reliable)
            #expect(pair.run(for: .seconds(10)) { $0.atServer.messages.count > known })
            #expect(pair.atServer.messages.last == message)
            // What is lost is learned first.
            if round >= 50 { sorted.append((pair.now - start).nanoseconds / 1_000_000) }
            pair.run(for: .milliseconds(500))
        }
        sorted.sort()
        let client = pair.client?.statistics ?? SessionStatistics()
        let server = pair.server?.statistics ?? SessionStatistics()
        return (sorted, client, server)
    }

    @Test(arguments: [(0.05, 0.9), (0.1, 0.75)])
    func longMessagesComeSoonerWhereLossesAreRandom(loss: Double, share: Double) throws {
        let with = try latencies(loss: loss, rules: .all)
        let without = try latencies(loss: loss, rules: RecoveryRules.all.subtracting(.parity))
        #expect(without.client.paritiesSent == 0 && without.server.paritiesUseful == 0)
        #expect(with.client.paritiesSent >= 200)
        #expect(with.server.paritiesUseful >= 20)
        let place = Int(share * Double(with.sorted.count))
        #expect(with.sorted[place] < 100, "\(with.sorted)")
        #expect(without.sorted[place] > 140, "\(without.sorted)")
    }

    @Test func cleanLinksAndPlainSessionsHaveNone() throws {
        #expect(try latencies(loss: 0, rules: .all, count: 60).client.paritiesSent == 0)
        let plain = try latencies(loss: 0.1, rules: .all, redundancy: .none, count: 60)
        #expect(plain.client.paritiesSent == 0)
    }

    @Test func parityStaysWithinTheBudgetOfCopies() throws {
        var configuration = SessionConfiguration()
        configuration.redundancy = .auto
        configuration.copyBytesPerSecondMax = 1_000
        let pair = try Pair(
            faults: LinkFaults(delay: .milliseconds(50)), configuration: configuration)
        #expect(pair.run(for: .seconds(5)) { $0.atServer.confirmed == 1 })
        pair.faults.loss = 0.1
        let start = pair.now
        for _ in 0..<100 {
            try pair.send(Self.message(5_000), as: .reliable)
            pair.run(for: .milliseconds(200))
        }
        let seconds = Int((pair.now - start).nanoseconds / 1_000_000_000)
        // Each has a little more than 1,000 bytes, and one may overdraw.
        #expect(5...seconds + 2 ~= pair.client?.statistics.paritiesSent ?? 0)
    }
}

extension Reassembler {
    /// Takes in the parity of some fragments of `message`, by way of the wire.
    fileprivate mutating func take(
        parity message: [UInt8], _ group: Range<Int>, total: Int? = nil, as kind: DeliveryClass,
        number: UInt64, place: StreamPlace? = nil
    ) throws -> Outcome {
        let name = MessageName(kind, number, place: place)
        var bytes = try written { writer in
            try ParityFrame.write(message.span.bytes, group: group, of: name, to: &writer)
        }
        if let total {
            // Both lengths have two bytes, behind the type, the class and the number.
            let length = try written { writer in try writer.writeVarInt(UInt64(total)) }
            bytes.replaceSubrange(3..<5, with: length)
        }
        var reader = ByteReader(bytes.span.bytes)
        guard case .parity(let parity) = try Frame(&reader) else {
            throw VectorError(reason: "no parity")
        }
        return receive(parity)
    }
}
