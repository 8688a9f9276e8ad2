// Keys are renewed while packets flow, get lost and come late; nothing else notices.

import PetrelBase
import PetrelCrypto
import PetrelWire
import Testing

@testable import PetrelTransport

extension Session {
    fileprivate var writeGeneration: UInt64 { keys.writeGeneration }
    fileprivate var readGeneration: UInt64 { keys.readGeneration }
    fileprivate var hasPreviousKey: Bool { keys.hasPrevious }
}

@Suite struct KeyUpdateTests {
    private func busy(_ pair: Pair, messages: Int) throws {
        for i in 0..<messages {
            try pair.send([UInt8(i & 255), 1], as: .durable)
            try pair.send([UInt8(i & 255), 2], as: .durable, fromClient: false)
            pair.run(for: .milliseconds(60))
        }
        pair.run(for: .seconds(30)) {
            $0.atServer.messages.count == messages && $0.atClient.messages.count == messages
        }
    }

    private func configuration(packets: UInt64) -> SessionConfiguration {
        var configuration = SessionConfiguration()
        configuration.keyUpdatePackets = packets
        return configuration
    }

    @Test(arguments: [0.0, 0.05, 0.3])
    func updatesGoOnUnderLoss(loss: Double) throws {
        var faults = LinkFaults()
        faults.loss = loss
        faults.jitter = .milliseconds(15)
        let pair = try Pair(faults: faults, configuration: configuration(packets: 24))
        #expect(pair.run(for: .seconds(20)) { $0.atServer.confirmed == 1 })
        try busy(pair, messages: 150)
        let client = try #require(pair.client?.statistics.keyUpdates)
        let server = try #require(pair.server?.statistics.keyUpdates)
        #expect(client >= 4 && abs(client - server) <= 1, "\(client), \(server)")
        #expect(pair.atServer.messages.map { $0[0] } == (0..<150).map { UInt8($0) })
        #expect(pair.atClient.messages.count == 150)
        #expect(!pair.drops.contains(.forged) && !pair.drops.contains(.keyUnknown))
        #expect(pair.atClient.closed == nil && pair.atServer.closed == nil)
    }

    @Test func usedKeysAreRenewedIdleOnesAreNot() throws {
        let pair = try Pair()
        pair.run(for: .seconds(2)) { $0.atServer.confirmed == 1 }
        pair.run(for: .seconds(590))
        #expect(pair.client?.statistics.keyUpdates == 0)
        let before = pair.captured.count
        pair.run(for: .seconds(60))
        #expect(pair.client?.statistics.keyUpdates == 1, "with a keepalive")
        #expect(pair.server?.statistics.keyUpdates == 1)
        #expect(pair.captured.count - before <= 9, "nobody was woken for it")
    }

    @Test func oneUpdateAtATime() throws {
        let pair = try Pair(configuration: configuration(packets: 16))
        pair.run(for: .seconds(2)) { $0.atServer.confirmed == 1 }
        try busy(pair, messages: 30)
        let before = pair.client?.writeGeneration ?? .max
        // Nothing comes back: there may be one more update, and no second one.
        let start = pair.now.nanoseconds / 1_000_000
        pair.faults.blackout = start..<start + 8_000
        for i in 0..<200 {
            try pair.send([UInt8(i)], as: .ephemeral, key: UInt64(i % 8))
            pair.run(for: .milliseconds(30))
        }
        let after = pair.client?.writeGeneration ?? .max
        #expect(after - before <= 1)
        pair.run(for: .seconds(20)) { $0.client?.unansweredSince == nil }
        #expect(pair.client?.unansweredSince == nil)
    }

    /// A packet from before the update is opened for a while, and then no more.
    @Test func latePacketsOpenForThreeTimeouts() throws {
        for (wait, opens) in [(Interval.milliseconds(20), true), (.seconds(11), false)] {
            let pair = try Pair(configuration: configuration(packets: 16))
            pair.run(for: .seconds(2)) { $0.atServer.confirmed == 1 }
            pair.run(for: .seconds(1))
            let start = pair.captured.count
            pair.faults.loss = 1
            try pair.send([9], as: .durable)
            pair.pump()
            let late = try #require(pair.captured[start...].first { $0.toServer }?.bytes)
            pair.faults.loss = 0
            for i in 0..<100 where pair.server?.readGeneration == 0 {
                try pair.send([UInt8(i)], as: .reliable)
                pair.run(for: .milliseconds(25))
            }
            #expect(pair.server?.readGeneration == 1)
            pair.run(for: wait)
            pair.drops.removeAll()
            pair.deliver(late, toServer: true)
            #expect(pair.drops == (opens ? [] : [.keyUnknown]), "after \(wait)")
            #expect(pair.server?.hasPreviousKey == opens)
        }
    }
}
