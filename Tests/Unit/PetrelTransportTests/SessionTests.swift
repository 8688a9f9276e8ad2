// Sessions over good and bad links: what is promised to messages holds.

import PetrelBase
import PetrelTransport
import PetrelWire
import Testing

@Suite struct SessionTests {
    static func message(_ number: Int, byteCount: Int) -> [UInt8] {
        (0..<byteCount).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ number) }
    }

    @Test func handshakeAndFirstMessages() throws {
        let pair = try Pair()
        #expect(pair.run(for: .seconds(2)) { $0.atServer.confirmed == 1 && $0.client != nil })
        try pair.send(Array("hello".utf8), as: .durable)
        try pair.send(Array("world".utf8), as: .reliable, fromClient: false)
        #expect(
            pair.run(for: .seconds(1)) {
                $0.atServer.messages == [Array("hello".utf8)]
                    && $0.atClient.messages == [Array("world".utf8)]
                    && $0.atClient.acknowledged == 1 && $0.atServer.acknowledged == 1
            })
        #expect(pair.atClient.hints == [77])
    }

    static let sizes = [0, 1, 1_023, 1_024, 1_025, 2_048, 10_000, 65_535, 65_536]

    @Test(arguments: sizes)
    func messageOfEverySizeArrives(byteCount: Int) throws {
        let pair = try Pair()
        pair.run(for: .seconds(1)) { $0.atServer.confirmed == 1 }
        let message = Self.message(1, byteCount: byteCount)
        try pair.send(message, as: .durable)
        #expect(pair.run(for: .seconds(20)) { $0.atServer.messages == [message] })
        #expect(pair.run(for: .seconds(20)) { $0.atClient.acknowledged == 1 })
    }

    @Test func tooLargeIsRefused() throws {
        let pair = try Pair()
        pair.run(for: .seconds(1)) { $0.atServer.confirmed == 1 }
        #expect(throws: SendRefusal.tooLarge(byteCount: 65_537, max: 65_536)) {
            try pair.send([UInt8](repeating: 0, count: 65_537), as: .durable)
        }
        #expect(throws: SendRefusal.tooLarge(byteCount: 1_025, max: 1_024)) {
            try pair.send([UInt8](repeating: 0, count: 1_025), as: .ephemeral)
        }
    }

    /// Durable messages in order and reliable ones once, both ways, whatever the link does.
    @Test(arguments: UInt64(1)...60)
    func nothingLostDoubledOrReordered(seed: UInt64) throws {
        var random = RandomStream(seed: seed, label: "faults")
        var faults = LinkFaults()
        faults.delay = .milliseconds(1) + random.interval(below: .milliseconds(150))
        faults.jitter = random.interval(below: .milliseconds(120))
        faults.loss = random.fraction() * 0.3
        faults.duplication = random.fraction() * 0.2
        faults.corruption = random.fraction() * 0.05
        if random.chance(0.3) { faults.blackout = 3_000..<6_000 }
        let pair = try Pair(seed: seed, faults: faults)
        #expect(pair.run(for: .seconds(60)) { $0.atServer.confirmed == 1 }, "seed \(seed)")
        var durable: [[UInt8]] = []
        var reliable: [[UInt8]] = []
        for i in 0..<120 {
            let byteCount = random.chance(0.1) ? Int(random.below(20_000)) + 1_025 : 40 + i
            let kind: DeliveryClass = i % 3 == 0 ? .reliable : .durable
            let message = Self.message(i, byteCount: byteCount)
            try pair.send(message, as: kind, fromClient: i % 2 == 0)
            if i % 2 == 0 {
                if kind == .durable { durable.append(message) } else { reliable.append(message) }
            }
            pair.run(for: .milliseconds(Int64(random.below(60))))
        }
        let isDone = pair.run(for: .seconds(300)) {
            $0.atServer.messages.count >= 60 && $0.atClient.messages.count >= 60
                && $0.atClient.acknowledged == 60 && $0.atServer.acknowledged == 60
        }
        #expect(
            isDone, "seed \(seed): \(pair.atServer.messages.count) \(pair.atClient.messages.count)")
        pair.run(for: .seconds(5))
        #expect(pair.atServer.messages.count == 60, "seed \(seed)")
        #expect(pair.atClient.messages.count == 60, "seed \(seed)")
        let unordered = Set(reliable)
        #expect(
            pair.atServer.messages.filter { !unordered.contains($0) } == durable, "seed \(seed)")
        #expect(Set(pair.atServer.messages) == unordered.union(durable), "seed \(seed)")
        #expect(pair.atServer.closed == nil && pair.atClient.closed == nil, "seed \(seed)")
    }

    @Test func newAddressIsFollowedAndProven() throws {
        let pair = try Pair()
        pair.run(for: .seconds(1)) { $0.atServer.confirmed == 1 }
        pair.clientAddress.port = 5_000
        try pair.send(Array("from elsewhere".utf8), as: .durable)
        #expect(
            pair.run(for: .seconds(2)) { $0.atServer.moves == 1 && $0.atClient.acknowledged == 1 })
        let big = Self.message(3, byteCount: 30_000)
        try pair.send(big, as: .durable, fromClient: false)
        #expect(pair.run(for: .seconds(5)) { $0.atClient.messages == [big] })
    }

    /// Challenges to a new address may all be lost; whoever still speaks from there is asked again.
    @Test func addressThatCouldNotBeProvenIsAskedAgain() throws {
        let pair = try Pair()
        pair.run(for: .seconds(1)) { $0.atServer.confirmed == 1 }
        pair.clientAddress.port = 5_000
        try pair.send(Array("one".utf8), as: .durable)
        pair.run(for: .milliseconds(20))
        pair.clientAddress.port = 5_001
        try pair.send(Array("two".utf8), as: .durable)
        #expect(pair.run(for: .milliseconds(500)) { $0.atServer.moves >= 1 })
        pair.faults.loss = 1
        pair.run(for: .seconds(30))
        pair.faults.loss = 0
        pair.run(for: .seconds(40))
        let big = Self.message(5, byteCount: 20_000)
        try pair.send(big, as: .durable, fromClient: false)
        #expect(pair.run(for: .seconds(40)) { $0.atClient.messages == [big] })
    }

    /// A forger who sends a copied packet from elsewhere gets no more than it gave.
    @Test func copiedPacketFromElsewhereIsUndone() throws {
        let pair = try Pair()
        pair.run(for: .seconds(1)) { $0.atServer.confirmed == 1 }
        pair.run(for: .seconds(1))
        let start = pair.captured.count
        try pair.send(Array("stolen".utf8), as: .durable)
        pair.pump()
        let stolen = try #require(pair.captured[start...].first { $0.toServer })
        let forger = Address(v4: 0x0B00_0001, port: 1)
        pair.deliver(stolen.bytes, toServer: true, from: forger)
        #expect(pair.atServer.moves == 1)
        let before = pair.captured.count
        let big = Self.message(4, byteCount: 40_000)
        try pair.send(big, as: .durable, fromClient: false)
        #expect(pair.run(for: .seconds(10)) { $0.atClient.messages == [big] })
        #expect(pair.server?.address == pair.clientAddress)
        #expect(pair.captured.count > before)
    }

    @Test func replayedPacketsHaveNoEffect() throws {
        let pair = try Pair()
        pair.run(for: .seconds(1)) { $0.atServer.confirmed == 1 }
        try pair.send(Array("once".utf8), as: .durable)
        pair.run(for: .seconds(1))
        let heard = pair.atServer
        let sent = pair.captured.filter(\.toServer)
        let count = pair.captured.count
        for packet in sent where packet.bytes.count != WireLimits.helloByteCount {
            pair.deliver(packet.bytes, toServer: true)
        }
        pair.pump()
        #expect(pair.atServer == heard)
        #expect(pair.captured.count == count)
    }

    @Test func closeReachesThePeer() throws {
        let pair = try Pair()
        pair.run(for: .seconds(1)) { $0.atServer.confirmed == 1 }
        pair.close(.serverStopping, fromClient: false)
        pair.run(for: .seconds(1))
        #expect(pair.atClient.closed == .closedByPeer(code: ErrorCode.serverStopping.rawValue))
        #expect(pair.atServer.closed == .closedLocally(.serverStopping))
        #expect(throws: SendRefusal.closed) { try pair.send([1], as: .durable) }
    }

    @Test func silenceEndsASession() throws {
        let pair = try Pair()
        pair.run(for: .seconds(1)) { $0.atServer.confirmed == 1 }
        pair.faults.loss = 1
        pair.run(for: .seconds(2_390))
        #expect(pair.atServer.closed == nil && pair.atClient.closed == nil)
        pair.run(for: .seconds(20))
        #expect(pair.atServer.closed == .silent)
        #expect(pair.atClient.closed == .silent)
    }

    @Test func idleSessionLivesByKeepalives() throws {
        let pair = try Pair()
        pair.run(for: .seconds(1)) { $0.atServer.confirmed == 1 }
        let before = pair.captured.count
        pair.run(for: .seconds(600))
        #expect(pair.atServer.closed == nil && pair.atClient.closed == nil)
        #expect(pair.atClient.hints.count == 31 || pair.atClient.hints.count == 30)
        #expect(pair.captured.count - before <= 31 * 3)
    }

    @Test func ephemeralValuesAreNewestOnly() throws {
        let pair = try Pair(faults: LinkFaults(delay: .milliseconds(20), jitter: .milliseconds(60)))
        pair.run(for: .seconds(1)) { $0.atServer.confirmed == 1 }
        for i in UInt8(0)..<50 {
            try pair.send([i], as: .ephemeral, key: 5)
            pair.run(for: .milliseconds(10))
        }
        pair.run(for: .seconds(2))
        let values = pair.atServer.messages.compactMap(\.first)
        #expect(values.last == 49)
        #expect(zip(values, values.dropFirst()).allSatisfy { $0 < $1 })
    }
}
