// What costs nothing, changes nothing and gets no answer: garbage, replays, floods, silence.

import PetrelBase
import PetrelCrypto
import PetrelMessaging
import PetrelServices
import PetrelTransport
import Testing

@testable import PetrelServerCore

struct HostilePeerTests {
    private static let elsewhere = Address(v4: 0xC0A8_0001, port: 9)

    @Test func garbageIsCountedAndSilent() throws {
        let bench = Bench()
        var random = RandomStream(seed: 3, label: "garbage")
        var count: UInt64 = 0
        for length in [0, 1, 4, 5, 9, 20, 40, 255, 256, 257, 1_200, 1_500, 2_000] {
            for first in [0x00, 0x40, 0x7F, 0x80, 0xC4, 0xC8, 0xFF] as [UInt8] {
                var bytes = (0..<length).map { _ in UInt8(truncatingIfNeeded: random.next()) }
                if length > 0 { bytes[0] = first }
                if length > 4 { bytes.replaceSubrange(1...4, with: [0, 0, 0, 1]) }
                bench.inject(bytes, from: Self.elsewhere)
                count += 1
            }
        }
        #expect(bench.takeAll().isEmpty)
        #expect(bench.metrics.datagramsReceived == count)
        #expect(bench.metrics.datagramsDropped == count)
        #expect(bench.metrics.datagramsAccepted == 0)
        #expect(bench.metrics.droppedUnrecognised > 0)
        #expect(bench.metrics.droppedUnknownSession > 0)
        #expect(bench.metrics.droppedHelloUnproved > 0)
        #expect(bench.sessionsCount == 0)
    }

    /// Everything that a session sent, sent again and with every byte damaged, changes nothing.
    @Test func replayedAndDamagedPacketsChangeNothing() throws {
        let bench = Bench()
        let anna = try bench.member("anna")
        try anna.ask(.send(bench.message(1, "hi", to: .handle("anna"))), now: bench.now)
        bench.run(.milliseconds(50))
        let before = bench.metrics
        let captured = bench.sent
        var random = RandomStream(seed: 4, label: "damage")
        for (bytes, _) in captured {
            bench.inject(bytes, from: Self.elsewhere)
            for i in bytes.indices {
                var damaged = bytes
                damaged[i] ^= UInt8(1 + random.below(255))
                bench.inject(damaged, from: Self.elsewhere)
            }
            for count in 0..<bytes.count {
                bench.inject(Array(bytes[..<count]), from: Self.elsewhere)
            }
        }
        #expect(bench.takeAll().isEmpty)
        #expect(bench.metrics.datagramsAccepted == before.datagramsAccepted)
        #expect(
            bench.metrics.datagramsReceived
                == bench.metrics.datagramsAccepted + bench.metrics.datagramsDropped)
        #expect(bench.metrics.messagesCommitted == 1)
        #expect(bench.sessionsCount == 1)
    }

    @Test func copiesOfAHelloGetTheSameAnswerUntilTheSessionIsConfirmed() throws {
        let bench = Bench()
        let anna = bench.newPeer()
        anna.isCutOff = true
        try anna.connect(now: bench.now)
        bench.run(.milliseconds(1))
        var room = [UInt8](repeating: 0, count: 1_500)
        var span = room.mutableSpan
        var view = span.mutableBytes
        try anna.connect(now: bench.now)
        let count = try #require(anna.transmit(into: &view, now: bench.now))
        let hello = Array(room[..<count])
        bench.inject(hello, from: anna.address)
        let first = bench.takeAll()
        bench.inject(hello, from: Self.elsewhere)
        let second = bench.takeAll()
        #expect(first.count == 1)
        #expect(first.map(\.bytes) == second.map(\.bytes))
        #expect(second.map(\.to) == [Self.elsewhere])
        #expect(first[0].bytes.count <= hello.count)
        #expect(bench.sessionsCount == 1)
        #expect(bench.metrics.hellosAccepted == 1)
        #expect(bench.metrics.hellosRepeated == 1)
        // Confirmed: from now on the same HELLO is a replay.
        anna.isCutOff = false
        var answer = first[0].bytes
        var answerSpan = answer.mutableSpan
        var datagram = answerSpan.mutableBytes
        anna.receive(&datagram, from: Bench.server, now: bench.now)
        bench.run(.milliseconds(50))
        #expect(anna.take().map(\.kind) == [.stranger(Stranger())])
        bench.inject(hello, from: Self.elsewhere)
        #expect(bench.takeAll().isEmpty)
        #expect(bench.sessionsCount == 1)
        #expect(bench.metrics.droppedHelloReplayed == 1)
    }

    @Test func anOldHelloIsSilentAfterARestart() throws {
        let bench = Bench()
        let anna = try bench.member("anna")
        anna.close(now: bench.now)
        try anna.connect(now: bench.now)
        bench.run(.milliseconds(50))
        let hellos = bench.sent.filter { $0.bytes.count == 256 && $0.bytes[0] == 0xC4 }
        #expect(hellos.count == 2)
        let device = try bench.store.device(key: DeviceKey(anna.key))
        #expect(device?.helloCounter == 2)
        bench.restart()
        for (hello, _) in hellos { bench.inject(hello, from: Self.elsewhere) }
        #expect(bench.takeAll().isEmpty)
        #expect(bench.metrics.droppedHelloReplayed == 2)
        #expect(bench.sessionsCount == 0)
        try anna.connect(now: bench.now)
        bench.run(.milliseconds(50))
        #expect(anna.isConnected)
    }

    @Test func halfOpenSessionsAreGivenUp() throws {
        let bench = Bench()
        let anna = bench.newPeer()
        try anna.connect(now: bench.now)
        var room = [UInt8](repeating: 0, count: 1_500)
        var span = room.mutableSpan
        var view = span.mutableBytes
        let count = try #require(anna.transmit(into: &view, now: bench.now))
        anna.isCutOff = true
        bench.inject(Array(room[..<count]), from: anna.address)
        _ = bench.takeAll()
        #expect(bench.halfOpenCount == 1)
        bench.run(.milliseconds(4_900))
        #expect(bench.halfOpenCount == 1)
        bench.run(.milliseconds(200))
        #expect(bench.halfOpenCount == 0)
        #expect(bench.sessionsCount == 0)
        #expect(bench.metrics.halfOpenExpired == 1)
        #expect(bench.metrics.sessionsConfirmed == 0)
    }

    /// Even a flood with cookies from everywhere leaves no more half open than there is room for.
    @Test func theOldestHalfOpenSessionGivesWay() throws {
        let bench = Bench { $0.hellosPerWakeupMax = 1_000 }
        for _ in 0..<40 {
            let peer = bench.newPeer()
            try peer.connect(now: bench.now)
            for _ in 0..<2 { try greet(peer, bench) }
            peer.isCutOff = true
        }
        #expect(bench.halfOpenCount == 16)
        #expect(bench.metrics.halfOpenEvicted == 24)
        _ = try bench.member("anna")
    }

    /// Says HELLO and takes in the cookie, but not the ACCEPT.
    private func greet(_ peer: Peer, _ bench: Bench) throws {
        var room = [UInt8](repeating: 0, count: 1_500)
        var span = room.mutableSpan
        var view = span.mutableBytes
        guard let count = peer.transmit(into: &view, now: bench.now) else { return }
        bench.inject(Array(room[..<count]), from: peer.address)
        for (bytes, _) in bench.takeAll() where bytes[0] == 0xCC {
            var bytes = bytes
            var answer = bytes.mutableSpan
            var datagram = answer.mutableBytes
            peer.receive(&datagram, from: Bench.server, now: bench.now)
        }
    }

    @Test func fullMeansSilence() throws {
        let bench = Bench {
            $0.sessionsMax = 2
            $0.dormantMax = 0
        }
        _ = try bench.member("anna")
        _ = try bench.member("bob")
        let late = bench.newPeer()
        try late.connect(now: bench.now)
        bench.run(.milliseconds(50))
        #expect(!late.isConnected)
        #expect(bench.metrics.droppedHelloRefused > 0)
    }

    @Test func repeatedGarbageFromAClientEndsItsSession() throws {
        let bench = Bench()
        let anna = try bench.member("anna")
        for _ in 0..<15 { try anna.say([0x08, 5], now: bench.now) }
        bench.run(.milliseconds(50))
        let errors = anna.take().map { notice -> MessagingError? in
            guard case .refusal(let refusal) = notice.kind, notice.request == 5 else { return nil }
            return refusal.error
        }
        #expect(errors == Array(repeating: .malformed, count: 15))
        try anna.say([0xFF], now: bench.now)
        bench.run(.milliseconds(50))
        #expect(anna.closed == .closedByPeer(code: 0x20))
        #expect(bench.sessionsCount == 0)
        #expect(bench.metrics.commandsMalformed == 16)
    }

    @Test func silentSessionsGo() throws {
        let bench = Bench()
        let anna = try bench.member("anna")
        anna.isCutOff = true
        bench.run(.seconds(2_350))
        #expect(bench.core.dormantCount == 1)
        bench.run(.seconds(60))
        #expect(bench.sessionsCount == 0)
        #expect(bench.metrics.dormantExpired == 1)
        #expect(bench.metrics.sessionsEnded == 1)
    }

    @Test func stoppingClosesAllAndTakesNoMore() throws {
        let bench = Bench()
        let anna = try bench.member("anna")
        let bob = try bench.stranger()
        bench.core.stop(now: bench.now)
        bench.run(.milliseconds(200))
        #expect(anna.departure == .seconds(5) && bob.departure == .seconds(5))
        #expect(anna.closed == nil && bob.closed == nil, "they hear of it first")
        bench.run(.milliseconds(200))
        #expect(anna.closed == .closedByPeer(code: 1))
        #expect(bob.closed == .closedByPeer(code: 1))
        #expect(bench.isDrained)
        try anna.connect(now: bench.now)
        bench.run(.milliseconds(50))
        #expect(!anna.isConnected)
        #expect(bench.metrics.droppedHelloRefused > 0)
    }
}
