// Sessions that sleep in the server: what wakes them, what does not, and how they end.

import PetrelBase
import PetrelMessaging
import PetrelServerCore
import PetrelServices
import PetrelTransport
import Testing

@Suite struct DormancyTests {
    /// Anna and Bob, both asleep, and nothing was sent for that long.
    private func asleep(
        _ change: (inout ServerCoreConfiguration) -> Void = { _ in }
    ) throws -> (bench: Bench, anna: Peer, bob: Peer) {
        let bench = Bench { configuration in change(&configuration) }
        let anna = try bench.member("anna")
        let bob = try bench.member("bob")
        bench.run(.seconds(33))
        anna.isSuspended = true
        bob.isSuspended = true
        bench.run(.seconds(33))
        #expect(bench.core.dormantCount == 2)
        #expect(bench.sessionsCount == 2)
        #expect(bench.finding == nil)
        return (bench, anna, bob)
    }

    private func bodies(_ peer: Peer) -> [String] {
        peer.take().compactMap { notice in
            guard case .message(let pushed) = notice.kind else { return nil }
            return String(decoding: pushed.record.body, as: UTF8.self)
        }
    }

    @Test func afterTenMinutesOnePacketIsEnough() throws {
        let (bench, anna, bob) = try asleep()
        bench.run(.seconds(600))
        bob.isSuspended = false
        bench.run(.milliseconds(50))
        #expect(bench.core.dormantCount == 1, "Bob's keepalive woke his session")
        bob.isSuspended = true
        bench.run(.seconds(5))
        #expect(bench.core.dormantCount == 2, "and it sleeps again")
        _ = (anna.take(), bob.take())

        // Anna's one datagram crosses the network; what goes to Bob leaves at once.
        anna.isSuspended = false
        bob.isSuspended = false
        try anna.ask(.send(bench.message(1, "hello", to: .handle("bob"))), now: bench.now)
        let datagram = try #require(bench.datagram(of: anna))
        #expect(bench.datagram(of: anna) == nil)
        let handshakes = bench.metrics.hellosAccepted
        bench.inject(datagram, from: anna.address)
        bench.core.collectCommits(now: bench.now, wall: bench.wall)
        let sent = bench.takeAll()
        let toBob = try #require(sent.first { $0.to == bob.address })
        bob.take(toBob.bytes, from: Bench.server, now: bench.now)
        #expect(bodies(bob) == ["hello"])
        #expect(bench.metrics.hellosAccepted == handshakes, "0 round trips before")
        #expect(bench.finding == nil)
        bench.run(.seconds(1))
    }

    @Test func newsWakeASessionThatIsSilent() throws {
        let (bench, anna, bob) = try asleep()
        anna.isSuspended = false
        bench.run(.milliseconds(50))
        try anna.ask(.send(bench.message(1, "lost", to: .handle("bob"))), now: bench.now)
        bench.run(.seconds(20))
        #expect(bench.core.dormantCount == 0)
        bob.isSuspended = false
        bench.run(.seconds(20))
        #expect(bodies(bob) == ["lost"])
        bench.run(.seconds(40))
        #expect(bench.core.dormantCount == 2, "keepalives do not keep it awake")
        #expect(bench.metrics.sessionsEnded == 0)
    }

    @Test func junkAndReplaysDoNotWake() throws {
        let (bench, anna, bob) = try asleep()
        let digest = bench.stateDigest
        let woken = bench.metrics.sessionsWoken
        var random = RandomStream(seed: 5, label: "junk")
        for (bytes, address) in bench.sent where bytes[0] & 0xC0 == 0x40 {
            bench.inject(bytes, from: address)
            bench.inject(bytes, from: Address(v4: 0x0B00_0001, port: 9))
            var damaged = bytes
            for i in 9..<damaged.count { damaged[i] = UInt8(truncatingIfNeeded: random.next()) }
            bench.inject(damaged, from: address)
        }
        #expect(bench.takeAll().isEmpty)
        #expect(bench.stateDigest == digest)
        #expect(bench.metrics.sessionsWoken == woken && bench.core.dormantCount == 2)
        anna.isSuspended = false
        bob.isSuspended = false
        bench.run(.milliseconds(100))
        let commands = bench.metrics.commandsReceived
        for (bytes, address) in bench.sent where bytes[0] & 0xC0 == 0x40 {
            bench.inject(bytes, from: address)
        }
        #expect(bench.metrics.commandsReceived == commands)
        #expect(
            bench.metrics.datagramsReceived == bench.metrics.datagramsAccepted
                + bench.metrics.datagramsDropped)
    }

    /// The rules of roaming hold for the packet that wakes a session.
    @Test func aWokenSessionIsFoundElsewhereAndProvesIt() throws {
        let (bench, anna, _) = try asleep()
        anna.address = Address(v4: 0x0A00_0A0A, port: 1_234)
        anna.isSuspended = false
        anna.advance(now: bench.now)
        let datagram = try #require(bench.datagram(of: anna))
        bench.inject(datagram, from: anna.address)
        let answers = bench.takeAll()
        let there = answers.filter { $0.to == anna.address }
        #expect(!there.isEmpty)
        #expect(there.reduce(0) { $0 + $1.bytes.count } <= datagram.count)
        #expect(answers.contains { $0.to != anna.address }, "the address before is asked too")
        for answer in there { anna.take(answer.bytes, from: Bench.server, now: bench.now) }
        bench.run(.seconds(40))
        #expect(bench.metrics.sessionsEnded == 0)
        #expect(bench.finding == nil)
    }

    @Test func theOneWhoseTimeIsUpFirstGivesWay() throws {
        let bench = Bench { $0.dormantMax = 2 }
        let peers = try ["anna", "bob", "carol"].map { try bench.member($0) }
        for peer in peers { peer.isSuspended = true }
        bench.run(.seconds(40))
        #expect(bench.core.dormantCount == 2 && bench.sessionsCount == 2)
        #expect(bench.metrics.dormantEvicted == 1 && bench.metrics.sessionsEnded == 1)
        #expect(bench.finding == nil)
        peers[0].isSuspended = false
        bench.run(.milliseconds(100))
        #expect(peers[0].closed == .reset, "it was silent longest")
        peers[1].isSuspended = false
        bench.run(.milliseconds(100))
        #expect(peers[1].isConnected)
    }

    @Test func whoIsAwakeMakesRoom() throws {
        let bench = Bench { $0.sessionsMax = 2 }
        let peers = try ["anna", "bob", "carol", "dora"].map { name in
            bench.run(.seconds(3))
            return try bench.member(name)
        }
        #expect(bench.sessionsCount == 4)
        #expect(bench.core.dormantCount == 2)
        bench.run(.seconds(3))
        for (number, peer) in peers.enumerated() {
            bench.run(.seconds(3))
            try peer.ask(
                .send(bench.message(UInt64(number), "hi", to: .handle("anna"))), now: bench.now)
        }
        bench.run(.seconds(1))
        #expect(bodies(peers[0]).count >= 3)
        #expect(bench.metrics.sessionsEnded == 0)
        #expect(bench.finding == nil)
    }

    @Test func aServerThatStopsTellsThemAll() throws {
        let (bench, anna, bob) = try asleep { $0.sessionsMax = 2 }
        let carol = try bench.stranger()
        anna.isSuspended = false
        bob.isSuspended = false
        bench.core.stop(now: bench.now)
        bench.run(.milliseconds(1_000))
        for peer in [anna, bob, carol] {
            #expect(peer.closed == .closedByPeer(code: 1))
        }
        #expect([anna, bob, carol].filter { $0.departure != nil }.count >= 2)
        #expect(bench.isDrained)
    }

    @Test func aNewerSessionOfTheDeviceReplacesOneThatSleeps() throws {
        let (bench, anna, _) = try asleep()
        let double = anna.double()
        anna.isSuspended = false
        try double.connect(now: bench.now)
        for _ in 0..<8 {
            while let bytes = bench.datagram(of: double) {
                bench.inject(bytes, from: double.address)
            }
            for (bytes, address) in bench.takeAll() {
                let peer = address == double.address ? double : anna
                peer.take(bytes, from: Bench.server, now: bench.now)
            }
        }
        #expect(double.isConnected)
        #expect(anna.closed == .closedByPeer(code: 2))
        #expect(bench.metrics.sessionsReplaced == 1)
        #expect(bench.finding == nil)
    }

    /// The answer of the store comes to a session that is awake, however long it takes.
    @Test func whoWaitsForTheStoreDoesNotSleep() throws {
        let bench = Bench { $0.dormantAfter = .milliseconds(100) }
        let anna = try bench.member("anna")
        _ = try bench.member("bob")
        bench.run(.seconds(5))
        bench.collects = false
        try anna.ask(.send(bench.message(1, "slow", to: .handle("bob"))), now: bench.now)
        bench.run(.seconds(12))
        #expect(bench.core.dormantCount == 1)
        bench.collects = true
        bench.run(.seconds(1))
        let verdicts = anna.take().filter { if case .verdict = $0.kind { true } else { false } }
        #expect(verdicts.count == 1)
        bench.run(.seconds(5))
        #expect(bench.core.dormantCount == 2)
    }

    @Test func withoutRoomNobodySleeps() throws {
        let bench = Bench { $0.dormantMax = 0 }
        _ = try bench.member("anna")
        bench.run(.seconds(100))
        #expect(bench.core.dormantCount == 0 && bench.sessionsCount == 1)
    }
}
