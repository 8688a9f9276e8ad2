// Sleeping and waking: nobody outside can tell, and nothing is let through twice.

import PetrelBase
import PetrelTransport
import PetrelWire
import Testing

extension Pair {
    /// Puts the server's session to sleep and wakes it, if it is at rest; returns whether it was.
    func sleepAndWake() -> Bool {
        guard let dormant = sleeping() else { return false }
        server = Session(waking: dormant, configuration: configuration, now: now)
        return true
    }

    /// Takes the server's session away, asleep, if it is at rest.
    func sleeping() -> DormantSession? {
        let moment = server?.sleepsAt(quiet: .zero, settled: .zero) ?? .distantFuture
        guard moment <= now, let session = server.take() else { return nil }
        return DormantSession(session)
    }
}

@Suite struct DormancyTests {
    /// Two kinds of bytes: the kind, a counter, and filling.
    private static func bytes(_ kind: UInt8, _ number: Int, _ count: Int) -> [UInt8] {
        [kind, UInt8(number >> 8), UInt8(number & 255)]
            + [UInt8](repeating: UInt8(truncatingIfNeeded: number), count: count)
    }

    private static func number(_ bytes: [UInt8]) -> Int { Int(bytes[1]) << 8 | Int(bytes[2]) }

    /// What was said, to compare with what is heard.
    private struct Said {
        var durable: [Int] = []
        var reliable: [Int] = []
        var streams: [UInt64: [Int]] = [:]
    }

    private static func speak(
        _ pair: Pair, _ random: inout RandomStream, _ said: inout Said, fromClient: Bool
    ) throws {
        let count = random.chance(0.1) ? 1_000 + Int(random.below(9_000)) : Int(random.below(300))
        switch random.below(4) {
        case 0:
            said.durable.append(said.durable.count)
            try pair.send(
                bytes(0, said.durable.count - 1, count), as: .durable, fromClient: fromClient)
        case 1:
            said.reliable.append(said.reliable.count)
            try pair.send(
                bytes(1, said.reliable.count - 1, count), as: .reliable, fromClient: fromClient)
        case 2:
            let stream = random.below(3)
            let number = said.streams[stream, default: []].count
            said.streams[stream, default: []].append(number)
            try pair.send(
                bytes(2, number, count), as: .ordered, fromClient: fromClient, key: stream)
        default:
            try pair.send(
                bytes(3, Int(random.below(4)), 5), as: .ephemeral, fromClient: fromClient,
                key: random.below(40))
        }
    }

    private static func expect(_ heard: Heard, _ said: Said, seed: UInt64) {
        let durable = heard.messages.filter { $0[0] == 0 }.map(number)
        #expect(durable == said.durable, "seed \(seed)")
        let reliable = heard.messages.filter { $0[0] == 1 }.map(number)
        #expect(reliable.sorted() == said.reliable, "seed \(seed)")
        for (stream, numbers) in said.streams {
            let ordered = heard.ordered.filter { $0.stream == stream }.map { number($0.bytes) }
            #expect(ordered == numbers, "seed \(seed), stream \(stream)")
        }
        #expect(heard.closed == nil, "seed \(seed)")
    }

    @Test(arguments: UInt64(1)...24)
    func nobodyCanTellThatASessionSlept(seed: UInt64) throws {
        var random = RandomStream(seed: seed, label: "dormancy")
        var configuration = SessionConfiguration()
        configuration.keyUpdatePackets = 16 + random.below(64)
        configuration.receiveCredit = 65_536
        configuration.rotatesIDAfter = .seconds(2)
        configuration.keepaliveInterval = .seconds(3)
        var faults = LinkFaults(delay: .milliseconds(5 + Int64(random.below(60))))
        faults.jitter = .milliseconds(Int64(random.below(30)))
        faults.loss = random.fraction() * 0.15
        faults.duplication = random.fraction() * 0.2
        faults.corruption = random.fraction() * 0.05
        let pair = try Pair(seed: seed, faults: faults, configuration: configuration)
        pair.run(for: .seconds(20)) { $0.atServer.confirmed == 1 }
        var toServer = Said()
        var toClient = Said()
        var sleeps = 0
        for _ in 0..<120 {
            if random.chance(0.6) { try Self.speak(pair, &random, &toServer, fromClient: true) }
            if random.chance(0.4) { try Self.speak(pair, &random, &toClient, fromClient: false) }
            pair.run(for: .milliseconds(Int64(random.below(random.chance(0.2) ? 5_000 : 400))))
            if pair.sleepAndWake() { sleeps += 1 }
        }
        pair.faults = LinkFaults()
        pair.run(for: .seconds(30))
        Self.expect(pair.atServer, toServer, seed: seed)
        Self.expect(pair.atClient, toClient, seed: seed)
        #expect(sleeps >= 8, "seed \(seed): \(sleeps) sleeps")
    }

    @Test func onlyGenuineNewPacketsAreKnown() throws {
        let pair = try Pair()
        pair.run(for: .seconds(1)) { $0.atServer.confirmed == 1 }
        try pair.send([1, 2, 3], as: .durable)
        pair.run(for: .seconds(2))
        let old = pair.captured.filter { $0.toServer && $0.bytes[0] != PacketForm.helloByte }
        guard var dormant = pair.sleeping() else {
            Issue.record("the session is not at rest")
            return
        }
        let digest = dormant.stateDigest
        for flight in old { #expect(Self.examine(&dormant, flight.bytes) == .replayed) }
        pair.captured = []
        try pair.send([4], as: .durable)
        pair.pump()
        let fresh = try #require(pair.captured.first { $0.toServer }).bytes
        for i in [0, 9, 10, fresh.count - 1] {
            var damaged = fresh
            damaged[i] ^= 0x04
            #expect(Self.examine(&dormant, damaged) != nil, "byte \(i)")
        }
        #expect(Self.examine(&dormant, Array(fresh.prefix(20))) == .formUnknown)
        #expect(dormant.stateDigest == digest)
        var untouched = fresh
        do {
            var span = untouched.mutableSpan
            var datagram = span.mutableBytes
            #expect(dormant.examine(&datagram) == nil)
        }
        #expect(untouched == fresh, "the datagram is as it was")
        pair.server = Session(
            waking: dormant, configuration: pair.configuration, now: pair.now)
        for flight in old { pair.deliver(flight.bytes, toServer: true) }
        #expect(pair.atServer.messages.count == 1, "replays have no effect after waking either")
        pair.run(for: .seconds(1))
        #expect(pair.atServer.messages.last == [4])
    }

    @Test func aSessionWithSomethingUnderWayDoesNotSleep() throws {
        let pair = try Pair()
        pair.run(for: .seconds(1)) { $0.atServer.confirmed == 1 }
        pair.run(for: .seconds(2))
        #expect(pair.server?.sleepsAt(quiet: .zero, settled: .zero) ?? .distantFuture <= pair.now)
        let quiet = pair.server?.sleepsAt(quiet: .seconds(30), settled: .zero) ?? .distantFuture
        #expect(quiet > pair.now && quiet < pair.now + .seconds(30))
        try pair.send([1], as: .reliable, fromClient: false)
        #expect(pair.server?.sleepsAt(quiet: .zero, settled: .zero) == .distantFuture)
        pair.faults.loss = 1
        pair.run(for: .seconds(5))
        #expect(pair.server?.sleepsAt(quiet: .zero, settled: .zero) == .distantFuture)
        pair.faults.loss = 0
        pair.run(for: .seconds(20))
        #expect(pair.server?.sleepsAt(quiet: .zero, settled: .zero) ?? .distantFuture <= pair.now)
        #expect(pair.client?.sleepsAt(quiet: .zero, settled: .zero) == .distantFuture)
    }

    /// Beside it are 192 bytes of keys.
    @Test func aDormantSessionIsSmall() {
        #expect(MemoryLayout<DormantSession>.size <= 400)
    }

    private static func examine(_ dormant: inout DormantSession, _ bytes: [UInt8]) -> DropReason? {
        var bytes = bytes
        var span = bytes.mutableSpan
        var datagram = span.mutableBytes
        return dormant.examine(&datagram)
    }
}
