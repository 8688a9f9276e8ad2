// Keepalives that ask for nothing, pauses that the server is told of, and bindings that died.

import PetrelBase
import PetrelWire
import Testing

@testable import PetrelTransport

@Suite struct BindingTests {
    private func connected(
        _ change: (inout SessionConfiguration) -> Void = { _ in }
    ) throws -> Pair {
        var configuration = SessionConfiguration()
        configuration.asksAddressAfter = .seconds(15)
        change(&configuration)
        let pair = try Pair(configuration: configuration)
        pair.run(for: .seconds(2))
        return pair
    }

    private func packets(_ pair: Pair, from count: Int) -> (up: Int, down: Int) {
        let new = pair.captured[count...]
        return (new.count { $0.toServer }, new.count { !$0.toServer })
    }

    @Test func threeOfFourKeepalivesAskForNothing() throws {
        let pair = try connected()
        pair.client?.setKeepalive(.seconds(100), quietMax: 3)
        // The next is still within the announced 20 s, and announces the longer pause.
        pair.run(for: .seconds(21))
        let before = pair.captured.count
        pair.run(for: .seconds(301))
        #expect(packets(pair, from: before) == (3, 0))
        pair.run(for: .seconds(100))
        let (up, down) = packets(pair, from: before)
        #expect(up == 5 && down == 1, "\(up) up, \(down) down")
        #expect(pair.atServer.closed == nil && pair.atClient.closed == nil)
        #expect(pair.atClient.hints.count == 3)
    }

    /// The smaller idle time-out is 180 s; whoever announced a longer pause is waited for.
    @Test func longPausesOutliveTheIdleTimeOut() throws {
        let pair = try connected()
        pair.client?.setKeepalive(.seconds(480), quietMax: 3)
        pair.run(for: .seconds(12 * 3_600))
        #expect(pair.atServer.closed == nil && pair.atClient.closed == nil)
        // A client that is gone is forgotten after three of its pauses.
        pair.loses = { toServer, _ in toServer }
        pair.run(for: .seconds(3 * 480 + 1), until: { $0.atServer.closed != nil })
        #expect(pair.atServer.closed == .silent)
    }

    @Test func whoIsSilentForTooLongIsNotReachable() throws {
        let pair = try connected()
        pair.client?.setKeepalive(.seconds(100), quietMax: 3)
        pair.run(for: .seconds(30))
        let heard = pair.server?.lastHeard ?? .distantFuture
        func isReachable(after interval: Interval) -> Bool {
            pair.server?.isReachable(now: heard + interval) == true
        }
        #expect(isReachable(after: .seconds(125)))
        #expect(!isReachable(after: .milliseconds(125_001)))
    }

    /// A client that comes back to the screen announces shorter pauses with the next packet.
    @Test func shorterPausesHoldAtOnce() throws {
        let pair = try connected()
        pair.client?.setKeepalive(.seconds(300), quietMax: 3)
        pair.run(for: .seconds(60))
        let before = pair.captured.count
        pair.client?.setKeepalive(.seconds(20), quietMax: 0)
        pair.run(for: .milliseconds(100))
        #expect(packets(pair, from: before).up > 0)
    }

    @Test func aPortThatChangedInAPauseIsABindingThatDied() throws {
        let pair = try connected()
        #expect(pair.client?.observedAddress == pair.clientAddress)
        pair.client?.setKeepalive(.seconds(50), quietMax: 0)
        pair.run(for: .seconds(22))
        #expect(pair.atClient.bindingDeaths.isEmpty)
        pair.clientAddress.port += 1
        pair.run(for: .seconds(51))
        #expect(pair.atClient.bindingDeaths == [.seconds(50)])
        #expect(pair.client?.observedAddress == pair.clientAddress)
        pair.run(for: .seconds(200))
        #expect(pair.atClient.bindingDeaths.count == 1)
    }

    /// A keepalive that asks for nothing cannot ask; but the server sees that the client moved.
    @Test func theServersChallengeTellsOfItWithoutAQuestion() throws {
        let pair = try connected()
        pair.client?.setKeepalive(.seconds(100), quietMax: 3)
        pair.run(for: .seconds(22))
        pair.clientAddress.port += 1
        let before = pair.captured.count
        pair.run(for: .seconds(101))
        #expect(pair.atClient.bindingDeaths.count == 1)
        #expect(try #require(pair.atClient.bindingDeaths.first) > .seconds(99))
        let (up, _) = packets(pair, from: before)
        #expect(up <= 3, "\(up) packets to find that out")
    }

    @Test func anotherNetworkIsNoDeath() throws {
        let pair = try connected()
        pair.client?.setKeepalive(.seconds(50), quietMax: 0)
        pair.run(for: .seconds(22))
        // Told by the system, with another port; not told, with another host.
        pair.run(for: .seconds(40))
        pair.clientAddress.port += 1
        pair.client?.networkChanged(now: pair.now)
        pair.run(for: .seconds(5))
        pair.run(for: .seconds(40))
        pair.clientAddress = Address(v4: 0x0A00_0077, port: 9)
        pair.run(for: .seconds(60))
        #expect(pair.client?.observedAddress == pair.clientAddress)
        #expect(pair.atClient.bindingDeaths.isEmpty)
    }

    @Test func questionsAndVerdictsArriveOverABadLink() throws {
        for seed in 1...20 as ClosedRange<UInt64> {
            let pair = try Pair(
                seed: seed, faults: LinkFaults(jitter: .milliseconds(30), loss: 0.3))
            pair.run(for: .seconds(30), until: { $0.atServer.confirmed == 1 })
            let frame = NATProbeFrame(token: seed, proof: 7, delay: .seconds(45))
            pair.client?.askProbe(frame)
            pair.run(for: .seconds(30), until: { !$0.atServer.probesAsked.isEmpty })
            #expect(pair.atServer.probesAsked.first == frame, "seed \(seed)")
            pair.server?.answerProbe(NATProbeAnswerFrame(token: seed, isGranted: true))
            #expect(pair.server?.probeToken == seed)
            pair.run(for: .seconds(30), until: { !$0.atClient.probesAnswered.isEmpty })
            #expect(pair.atClient.probesAnswered.map(\.isGranted) == [true], "seed \(seed)")
        }
    }

    @Test func anAnswerToAnotherQuestionIsNone() throws {
        let pair = try connected()
        pair.client?.askProbe(NATProbeFrame(token: 1, proof: 7, delay: .seconds(45)))
        pair.run(for: .seconds(1))
        pair.server?.answerProbe(NATProbeAnswerFrame(token: 2, isGranted: true))
        pair.run(for: .seconds(1))
        #expect(pair.atClient.probesAnswered.isEmpty)
    }
}
