// Measurements of NATs at the server: who is answered, how often, and who is not (§5.13).

import PetrelBase
import PetrelMessaging
import PetrelTransport
import PetrelWire
import Testing

@testable import PetrelServerCore

@Suite struct ProbeTests {
    private static let side = Address(v4: 0x0A00_0001, port: 9_999)
    private static let elsewhere = Address(v4: 0xC0A8_0001, port: 9)
    private static let token: UInt64 = 0x1122_3344_5566_7788
    private static let proof: UInt64 = 0x99AA_BBCC_DDEE_FF00

    /// A client that may measure with that token.
    private func granted(
        _ delay: Interval = .seconds(60),
        _ change: (inout ServerCoreConfiguration) -> Void = { _ in }
    ) throws -> (Bench, Peer) {
        let bench = Bench(change)
        let anna = try bench.member("anna")
        anna.ask(NATProbeFrame(token: Self.token, proof: Self.proof, delay: delay))
        bench.run(.milliseconds(50))
        #expect(anna.probeAnswers == [.init(token: Self.token, isGranted: true)])
        return (bench, anna)
    }

    private func probe(_ number: UInt8, token: UInt64 = token) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: ProbeDatagram.byteCount)
        var span = bytes.mutableSpan
        var room = span.mutableBytes
        let probe = ProbeDatagram(connectionID: 0, token: token, number: number)
        _ = try? probe.write(into: &room)
        return bytes
    }

    /// What the core sends to where measurements are made, and the sizes of all.
    private func values(_ bench: Bench, at address: Address = side) -> [UInt64?] {
        bench.takeAll().filter { $0.to == address }.map {
            ProbeAnswerDatagram($0.bytes.span.bytes)?.value
        }
    }

    @Test func eachProbeIsEchoedAndTheProofComesTwiceAfterTheDelay() throws {
        let (bench, _) = try granted()
        bench.inject(probe(1), from: Self.side)
        #expect(values(bench) == [Self.token + 1])
        bench.run(.milliseconds(2_500))
        bench.inject(probe(2), from: Self.side)
        #expect(values(bench) == [Self.token + 2])
        let sent = bench.now
        var proofs: [Interval] = []
        while bench.now - sent < .seconds(70) {
            bench.pass(.milliseconds(100))
            for value in values(bench) {
                #expect(value == Self.proof)
                proofs.append(bench.now - sent)
            }
        }
        #expect(proofs == [.seconds(60), .seconds(61)])
        #expect(bench.core.probesCount == 0)
        bench.inject(probe(3), from: Self.side)
        #expect(values(bench).isEmpty)
        #expect(bench.metrics.droppedProbe == 1)
    }

    /// Neither copies, nor guesses, nor other addresses move or draw the answers.
    @Test func replaysAndForgeriesChangeNothing() throws {
        let (bench, _) = try granted()
        bench.inject(probe(2), from: Self.side)
        _ = bench.takeAll()
        let before = bench.stateDigest
        for source in [Self.side, Self.elsewhere] {
            bench.inject(probe(1), from: source)
            bench.inject(probe(2), from: source)
            bench.inject(probe(3, token: Self.token ^ 1), from: source)
        }
        bench.inject(probe(3), from: Self.elsewhere)
        bench.inject(probe(3), from: Address(v4: 0x0A00_0001, port: 9_998))
        bench.inject(probe(0), from: Self.side)
        bench.inject(Array(probe(3).dropLast()), from: Self.side)
        #expect(bench.takeAll().isEmpty)
        #expect(bench.stateDigest == before)
        #expect(bench.metrics.droppedProbe == 8)
        #expect(bench.metrics.droppedUnrecognised == 2)
    }

    @Test func aFloodGetsNoAnswerAndNoMemory() throws {
        let bench = Bench()
        for i in 0..<10_000 as Range<UInt64> {
            bench.inject(probe(1, token: i), from: Address(v4: UInt32(i), port: 9))
        }
        #expect(bench.takeAll().isEmpty)
        #expect(bench.metrics.droppedProbe == 10_000)
        #expect(bench.core.probesCount == 0)
    }

    /// Whatever arrives, no more bytes go to an address than came from it.
    @Test func nothingIsAmplified() throws {
        let (bench, _) = try granted(.seconds(1))
        var random = RandomStream(seed: 5, label: "probes")
        var balance: [Address: Int] = [:]
        for _ in 0..<400 {
            let from = random.chance(0.8) ? Self.side : Self.elsewhere
            bench.inject(probe(UInt8(random.next() & 7)), from: from)
            balance[from, default: 0] += ProbeDatagram.byteCount
            bench.pass(.milliseconds(Int64(random.next() % 700)))
            for sent in bench.takeAll() { balance[sent.to, default: 0] -= sent.bytes.count }
            #expect(balance[Self.side, default: 0] >= 0)
            #expect(balance[Self.elsewhere, default: 0] >= 0)
        }
    }

    @Test func beyondItsCapTheServerRefusesAndASessionHasOne() throws {
        let bench = Bench { $0.probesMax = 2 }
        let peers = [try bench.member("anna"), try bench.member("bob"), try bench.member("eve")]
        for (i, peer) in peers.enumerated() {
            for token in 1...3 as ClosedRange<UInt64> {
                peer.ask(
                    NATProbeFrame(
                        token: UInt64(i) * 10 + token, proof: 1, delay: .seconds(45)))
                bench.run(.milliseconds(50))
            }
        }
        #expect(peers[0].probeAnswers.map(\.isGranted) == [true, true, true])
        #expect(peers[1].probeAnswers.map(\.isGranted) == [true, true, true])
        #expect(peers[2].probeAnswers.map(\.isGranted) == [false, false, false])
        #expect(bench.core.probesCount == 2)
        #expect(bench.finding == nil)
        bench.inject(probe(1, token: 1), from: Self.side)
        #expect(values(bench).isEmpty, "replaced by a newer one")
        // A session that ends takes its measurement along.
        peers[0].close(now: bench.now)
        bench.run(.milliseconds(50))
        #expect(bench.core.probesCount == 1)
        // One that nobody begins is forgotten.
        bench.run(.seconds(31))
        #expect(bench.core.probesCount == 0)
    }

    @Test func whoWasSilentForLongerThanAnnouncedIsNotReachable() throws {
        let bench = Bench()
        let anna = try bench.stranger()
        try anna.ask(.register(bench.form("anna")), now: bench.now)
        bench.run(.milliseconds(50))
        guard case .welcome(let welcome) = anna.take().first?.kind else {
            throw Bench.Unexpected(what: "anna is not welcome")
        }
        func isReachable() -> Bool {
            bench.core.isReachable(welcome.device, of: welcome.account, now: bench.now)
        }
        bench.run(.seconds(100))
        #expect(isReachable())
        anna.isCutOff = true
        bench.run(.seconds(20))
        #expect(isReachable())
        bench.run(.seconds(15))
        #expect(!isReachable())
        anna.isCutOff = false
        bench.run(.seconds(20))
        #expect(isReachable())
    }
}
