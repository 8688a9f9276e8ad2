// Streams, deadlines and second thoughts over good and bad links.

import PetrelBase
import PetrelTransport
import PetrelWire
import Testing

@Suite struct DeliveryTests {
    private func connected(
        seed: UInt64 = 1, faults: LinkFaults = LinkFaults(),
        configuration: SessionConfiguration = SessionConfiguration()
    ) throws -> Pair {
        let pair = try Pair(seed: seed, faults: faults, configuration: configuration)
        #expect(pair.run(for: .seconds(60)) { $0.atServer.confirmed == 1 })
        pair.run(for: .seconds(1))
        return pair
    }

    private func faults(_ random: inout RandomStream) -> LinkFaults {
        var faults = LinkFaults()
        faults.delay = .milliseconds(1) + random.interval(below: .milliseconds(120))
        faults.jitter = random.interval(below: .milliseconds(120))
        faults.loss = random.fraction() * 0.3
        faults.duplication = random.fraction() * 0.2
        if random.chance(0.3) { faults.blackout = 4_000..<7_000 }
        return faults
    }

    /// Each stream arrives in its order and whole, whatever the link does.
    @Test(arguments: UInt64(1)...60)
    func streamsArriveInOrder(seed: UInt64) throws {
        var random = RandomStream(seed: seed, label: "streams")
        let pair = try connected(seed: seed, faults: faults(&random))
        var sent: [UInt64: [[UInt8]]] = [:]
        for i in 0..<150 {
            let stream = random.below(1 + seed % 6)
            let byteCount = random.chance(0.1) ? Int(random.below(9_000)) : 20 + i
            let message = SessionTests.message(i, byteCount: byteCount)
            try pair.send(message, as: .ordered, key: stream)
            sent[stream, default: []].append(message)
            pair.run(for: .milliseconds(Int64(random.below(40))))
        }
        let isDone = pair.run(for: .seconds(300)) { $0.atServer.ordered.count == 150 }
        #expect(isDone, "seed \(seed): \(pair.atServer.ordered.count)")
        for (stream, messages) in sent {
            let arrived = pair.atServer.ordered.filter { $0.stream == stream }.map(\.bytes)
            #expect(arrived == messages, "seed \(seed), stream \(stream)")
        }
        #expect(pair.run(for: .seconds(60)) { $0.atClient.acknowledged == 150 }, "seed \(seed)")
        #expect(pair.atServer.closed == nil && pair.atClient.closed == nil, "seed \(seed)")
    }

    /// A gap in one stream holds up nobody else.
    @Test func streamsDoNotWaitForEachOther() throws {
        let pair = try connected()
        pair.faults.loss = 1
        try pair.send([1], as: .ordered, key: 1)
        pair.run(for: .milliseconds(1))
        pair.faults.loss = 0
        for i in UInt8(2)...5 {
            try pair.send([i], as: .ordered, key: UInt64(i) % 2 + 1)
            pair.run(for: .milliseconds(3))
        }
        pair.run(for: .milliseconds(25))
        let first = pair.atServer.ordered
        #expect(first.map(\.bytes) == [[3], [5]], "\(first)")
        #expect(pair.run(for: .seconds(2)) { $0.atServer.ordered.count == 5 })
        let other = pair.atServer.ordered.filter { $0.stream == 1 }.map(\.bytes)
        #expect(other == [[1], [2], [4]])
    }

    /// Before its deadline or not at all, and the sender knows which.
    @Test(arguments: UInt64(1)...60)
    func expiringMessagesAreInTimeOrOver(seed: UInt64) throws {
        var random = RandomStream(seed: seed, label: "expiring")
        let pair = try connected(seed: seed, faults: faults(&random))
        let longest = pair.faults.delay + pair.faults.jitter
        var deadlines: [Instant] = []
        var late = 0
        var heard = 0
        func look(_ pair: Pair) {
            for bytes in pair.atServer.messages[heard...] {
                let index = Int(bytes[0]) | Int(bytes[1]) << 8
                if pair.now > deadlines[index] + longest { late += 1 }
            }
            heard = pair.atServer.messages.count
        }
        for i in 0..<200 {
            let wait = Interval.milliseconds(20 + Int64(random.below(1_500)))
            let size = random.chance(0.1) ? Int(random.below(4_000)) : 30
            let mark = [UInt8(truncatingIfNeeded: i), UInt8(i >> 8)]
            try pair.send(
                mark + [UInt8](repeating: 7, count: size), as: .expiring, deadline: wait)
            deadlines.append(pair.now + wait)
            pair.run(for: .milliseconds(Int64(random.below(50)))) { pair in
                look(pair)
                return false
            }
        }
        let isSettled = pair.run(for: .seconds(120)) { pair in
            look(pair)
            return pair.atClient.acknowledged + pair.atClient.outcomes.count == 200
        }
        #expect(isSettled, "seed \(seed)")
        pair.run(for: .seconds(2))
        #expect(late == 0, "seed \(seed)")
        #expect(pair.atClient.acknowledged == pair.atServer.messages.count, "seed \(seed)")
        #expect(Set(pair.atClient.outcomes).count == pair.atClient.outcomes.count)
        #expect(pair.client?.queuedMessages == 0, "seed \(seed)")
        #expect(pair.atServer.closed == nil && pair.atClient.closed == nil, "seed \(seed)")
    }

    /// More is expired in a blackout than windows and credit would hold; nothing stays used up.
    @Test func whatExpiredCostsNothingLater() throws {
        let pair = try connected()
        pair.faults.loss = 1
        for _ in 0..<2_000 {
            _ = try? pair.send(
                [UInt8](repeating: 1, count: 1_000), as: .expiring, deadline: .milliseconds(500))
            pair.run(for: .milliseconds(5))
        }
        #expect(pair.atServer.messages.isEmpty)
        pair.faults.loss = 0
        #expect(pair.run(for: .seconds(20)) { $0.client?.queuedMessages == 0 })
        let before = pair.atServer.messages.count
        for _ in 0..<600 {
            try pair.send([UInt8](repeating: 2, count: 1_000), as: .expiring)
            pair.run(for: .milliseconds(20))
        }
        pair.run(for: .seconds(5))
        #expect(pair.atServer.messages.count == before + 600)
    }

    /// One copy is enough to be in time where the path is known, though the first one was lost.
    @Test func aLostCopyIsRepeatedInTime() throws {
        let pair = try connected(faults: LinkFaults(delay: .milliseconds(50)))
        for _ in 0..<5 {
            try pair.send([0], as: .expiring)
            pair.run(for: .seconds(1))
        }
        let before = pair.atServer.messages.count
        pair.faults.loss = 1
        try pair.send([1], as: .expiring, deadline: .milliseconds(160))
        pair.run(for: .milliseconds(2))
        pair.faults.loss = 0
        #expect(pair.run(for: .milliseconds(160)) { $0.atServer.messages.count == before + 1 })
    }

    static let cancellable: [DeliveryClass] = [.reliable, .durable, .expiring, .ordered]

    /// What is taken back before it was sent never arrives; what follows does not wait for it.
    @Test(arguments: cancellable)
    func takenBackBeforeItIsSent(kind: DeliveryClass) throws {
        let pair = try connected()
        try pair.send([1], as: kind)
        let number = try pair.send([2], as: kind)
        try pair.send([3], as: kind)
        #expect(pair.cancel(kind, number: number))
        #expect(!pair.cancel(kind, number: number), "once")
        #expect(pair.atClient.outcomes == ["\(kind) \(number) cancelled"])
        #expect(pair.run(for: .seconds(2)) { $0.atClient.acknowledged == 2 })
        let arrived = pair.atServer.messages + pair.atServer.ordered.map(\.bytes)
        #expect(arrived == [[1], [3]])
        #expect(pair.run(for: .seconds(2)) { $0.client?.queuedMessages == 0 })
    }

    /// What is taken back on its way is cancelled or acknowledged, and the sender learns which.
    @Test(arguments: cancellable)
    func takenBackOnItsWay(kind: DeliveryClass) throws {
        for isLost in [false, true] {
            let pair = try connected()
            if isLost { pair.faults.loss = 1 }
            let number = try pair.send([1], as: kind)
            pair.run(for: .milliseconds(2))
            #expect(pair.cancel(kind, number: number))
            pair.faults.loss = 0
            try pair.send([2], as: kind)
            #expect(pair.run(for: .seconds(3)) { $0.client?.queuedMessages == 0 })
            let arrived = pair.atServer.messages + pair.atServer.ordered.map(\.bytes)
            #expect(arrived == (isLost ? [[2]] : [[1], [2]]), "\(kind) \(isLost)")
            let outcomes = isLost ? ["\(kind) \(number) cancelled"] : []
            #expect(pair.atClient.outcomes == outcomes, "\(kind) \(isLost)")
            #expect(pair.atClient.acknowledged == (isLost ? 1 : 2), "\(kind) \(isLost)")
        }
    }

    @Test func statesMoveForward() throws {
        var configuration = SessionConfiguration()
        configuration.reportsProgress = true
        let pair = try connected(configuration: configuration)
        pair.faults.loss = 1
        try pair.send([1], as: .durable)
        pair.run(for: .seconds(2))
        pair.faults.loss = 0
        #expect(pair.run(for: .seconds(2)) { $0.atClient.acknowledged == 1 })
        #expect(pair.atClient.outcomes == ["durable 0 sent", "durable 0 lostSuspect"])
        pair.faults.loss = 1
        try pair.send([2], as: .reliable)
        pair.run(for: .milliseconds(1))
        pair.close(.done, fromClient: true)
        #expect(pair.atClient.outcomes.suffix(2) == ["reliable 0 sent", "reliable 0 unknown"])
    }

    @Test func clientsLearnTheOperatorsClasses() throws {
        var configuration = SessionConfiguration()
        let call = ClassPolicy(
            DeliveryClass(.expiring, variant: 1), name: "call", priority: 0,
            deadline: .milliseconds(800), redundancy: .copy)
        configuration.classes = [call]
        let pair = try connected(configuration: configuration)
        #expect(pair.client?.classes.policy(named: "call") == call)
        #expect(pair.client?.classes.policy(of: call.deliveryClass) == call)
        try pair.send([1], as: call.deliveryClass)
        #expect(pair.run(for: .seconds(1)) { $0.atServer.messages == [[1]] })
        let unknown = DeliveryClass(.expiring, variant: 2)
        #expect(throws: SendRefusal.classUnknown) { try pair.send([1], as: unknown) }
    }
}
