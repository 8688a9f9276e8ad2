// RESET: told to those whose session is forgotten, and to nobody else.

import PetrelBase
import PetrelCrypto
import PetrelMessaging
import PetrelTransport
import PetrelWire
import Testing

@testable import PetrelServerCore

struct ResetTests {
    private static let elsewhere = Address(v4: 0xC0A8_0001, port: 9)

    /// A packet of the client to the session, and the server that forgot it.
    private func forgotten() throws -> (Bench, Peer, [UInt8]) {
        let bench = Bench()
        let anna = try bench.member("anna")
        let packet = try #require(bench.sent.last { $0.bytes[0] & 0xC0 == 0x40 }).bytes
        bench.restart()
        return (bench, anna, packet)
    }

    @Test func afterARestartAClientKnowsAtOnce() throws {
        let (bench, anna, _) = try forgotten()
        try anna.ask(
            .sync(incarnation: 0, cursor: FeedSequence(0), limit: 10), now: bench.now)
        bench.run(.milliseconds(20))
        #expect(anna.closed == .reset)
        #expect(bench.metrics.resetsSent == 1)
        try anna.connect(now: bench.now)
        bench.run(.milliseconds(50))
        #expect(anna.isConnected)
    }

    @Test func itIsShorterThanItsTriggerAndLooksRandom() throws {
        let (bench, _, packet) = try forgotten()
        var seen: Set<[UInt8]> = []
        var lengths: Set<Int> = []
        for _ in 0..<100 {
            bench.inject(packet, from: Self.elsewhere)
            let answers = bench.takeAll()
            #expect(answers.map(\.to) == [Self.elsewhere])
            let reset = try #require(answers.first).bytes
            #expect(reset.count < packet.count)
            #expect(reset[0] & 0xC0 == 0x40)
            seen.insert(Array(reset.dropLast(16)))
            lengths.insert(reset.count)
        }
        #expect(seen.count == 100)
        #expect(lengths == Set(32...39))
        // Too short a packet gets no answer: no RESET answers a RESET.
        for count in 0..<40 {
            bench.inject(Array(packet.prefix(count)), from: Self.elsewhere)
        }
        #expect(bench.takeAll().isEmpty)
    }

    /// Two servers that each take the other for a client stop at once.
    @Test func twoServersDoNotAnswerEachOther() throws {
        let (bench, _, packet) = try forgotten()
        bench.inject(packet, from: Bench.server)
        var count = 0
        while let answer = bench.takeAll().first, count < 10 {
            count += 1
            bench.inject(answer.bytes, from: Bench.server)
        }
        #expect(count == 1)
    }

    /// Who does not know an ID of this server gets silence: it is no oracle, and junk costs little.
    @Test func idsThatWereNeverGivenAreNotAnswered() throws {
        let (bench, _, packet) = try forgotten()
        for bit in 0..<64 {
            var other = packet
            other[1 + bit / 8] ^= 1 << UInt8(bit % 8)
            bench.inject(other, from: Self.elsewhere)
        }
        var random = RandomStream(seed: 2, label: "ids")
        for _ in 0..<2_000 {
            var other = packet
            for i in 3..<9 { other[i] = UInt8(truncatingIfNeeded: random.next()) }
            bench.inject(other, from: Self.elsewhere)
        }
        // One guess in 65,536 has the mark: three of these are a chance of one in 200,000.
        #expect(bench.takeAll().count < 3)
        // Nor does another server know it, or another worker.
        let stranger = Bench()
        stranger.inject(packet, from: Self.elsewhere)
        #expect(stranger.takeAll().isEmpty)
    }

    @Test func aWorkerDoesNotEndTheSessionsOfAnother() throws {
        let bench = Bench()
        _ = try bench.member("anna")
        let packet = try #require(bench.sent.last { $0.bytes[0] & 0xC0 == 0x40 }).bytes
        bench.restart()
        bench.inject(packet, from: Self.elsewhere)
        #expect(bench.takeAll().count == 1)
        bench.restart {
            $0.worker = 1
            $0.workers = 2
        }
        bench.inject(packet, from: Self.elsewhere)
        #expect(bench.takeAll().isEmpty)
    }

    /// Whatever is sent to a live session, its token is not told.
    @Test func aLiveSessionIsNotReset() throws {
        let bench = Bench()
        let anna = try bench.member("anna")
        let packet = try #require(bench.sent.last { $0.bytes[0] & 0xC0 == 0x40 }).bytes
        for i in packet.indices.dropFirst(9) {
            var junk = packet
            junk[i] ^= 1
            bench.inject(junk, from: Self.elsewhere)
        }
        bench.inject(packet, from: Self.elsewhere)
        #expect(bench.takeAll().isEmpty)
        #expect(bench.metrics.resetsSent == 0)
        #expect(anna.isConnected)
    }

    @Test func resetsAreRateLimited() throws {
        let (bench, _, packet) = try forgotten()
        for _ in 0..<1_000 { bench.inject(packet, from: Self.elsewhere) }
        #expect(bench.takeAll().count == 250)
        bench.run(.milliseconds(100))
        for _ in 0..<1_000 { bench.inject(packet, from: Self.elsewhere) }
        #expect(bench.takeAll().count == 50)
    }

    @Test func aServerThatStopsSaysNothingMore() throws {
        let (bench, _, packet) = try forgotten()
        bench.core.stop(now: bench.now)
        bench.inject(packet, from: Self.elsewhere)
        #expect(bench.takeAll().isEmpty)
    }
}
