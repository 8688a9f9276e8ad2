// What a client puts into its HELLO, and when it renews a session that is old.

import PetrelBase
import PetrelClientData
import PetrelClientNetwork
import PetrelMessaging
import Testing

@testable import PetrelClientCore

@Suite struct EarlyMessagesTests {
    /// A client that was connected once, and died with messages in its outbox.
    private func loaded(_ texts: [String]) throws -> Wire {
        let wire = try Wire()
        wire.client.connect(now: wire.now)
        wire.run(.seconds(1))
        wire.lossToServer = 1
        for text in texts { try wire.send(text) }
        wire.run(.milliseconds(200))
        wire.server.restart()
        try wire.crash()
        wire.lossToServer = 0
        wire.helloSizes.removeAll()
        wire.events.removeAll()
        return wire
    }

    @Test func theHelloCarriesTheOutbox() throws {
        let wire = try loaded(["one", "two", "three"])
        wire.run(.milliseconds(300))
        #expect(wire.committedBodies == ["one", "two", "three"])
        #expect(wire.helloSizes.first ?? 0 > 256)
        for index in UInt64(1)...3 { #expect(wire.steps(index).first == .sent) }
        wire.run(.seconds(3))
        #expect(wire.committedBodies == ["one", "two", "three"])
        #expect(try wire.store.outbox(after: 0, limit: 9).isEmpty)
        #expect(try wire.storedBodies == wire.committedBodies)
    }

    /// Only as many as fit, from the first on: none is passed over.
    @Test func theOrderIsThatOfTheOutbox() throws {
        let long = String(repeating: "x", count: 600)
        let one = String(repeating: "1", count: 100)
        for texts in [[one, long, "three"], [long, "two"], (1...40).map { "message \($0)" }] {
            let wire = try loaded(texts)
            wire.run(.seconds(2))
            #expect(wire.committedBodies == texts)
            #expect((wire.helloSizes.first == 256) == (texts[0] == long))
            #expect(wire.helloSizes.allSatisfy { $0 <= 545 })
        }
    }

    @Test(arguments: UInt64(1)...20)
    func nothingIsLostOrDoubledOnABadLink(seed: UInt64) throws {
        let wire = try Wire(seed: seed)
        wire.client.connect(now: wire.now)
        wire.run(.seconds(1))
        var texts: [String] = []
        for round in 0..<4 {
            (wire.lossToServer, wire.lossToClient) = (0.5, 0.5)
            for i in 0..<3 {
                texts.append("message \(round).\(i)")
                try wire.send(texts[texts.count - 1])
            }
            wire.run(.milliseconds(150))
            if round % 2 == 1 { wire.server.restart() }
            try wire.crash()
            wire.run(.seconds(2))
        }
        (wire.lossToServer, wire.lossToClient) = (0, 0)
        wire.run(.seconds(30))
        #expect(wire.committedBodies == texts)
        #expect(try wire.store.outbox(after: 0, limit: 9).isEmpty)
    }

    @Test func everySecondAttemptIsSmall() throws {
        let wire = try loaded([String(repeating: "x", count: 150)])
        wire.serverIsUp = false
        wire.run(.seconds(30))
        let attempts = wire.helloSizes.reduce(into: [Int]()) { sizes, size in
            if sizes.last != size { sizes.append(size) }
        }
        #expect(attempts.count >= 2)
        #expect(attempts[0] > 256 && attempts[1] == 256)
        #expect(zip(attempts, attempts.dropFirst()).allSatisfy { ($0 == 256) != ($1 == 256) })
    }

    @Test func theSettingKeepsThemOut() throws {
        let wire = try loaded(["private"])
        wire.configuration.sendsEarly = false
        try wire.crash()
        wire.run(.seconds(2))
        #expect(wire.committedBodies == ["private"])
        #expect(Set(wire.helloSizes) == [256])
    }

    @Test func whoIsNotEnrolledSaysNothing() throws {
        let wire = try Wire()
        wire.server.isEnrolled = false
        try wire.send("before the account")
        wire.client.connect(now: wire.now)
        wire.run(.seconds(1))
        #expect(Set(wire.helloSizes) == [256])
    }

    /// Beside a session the outbox stays with the session: its answers may settle it.
    @Test func anAttemptBesideASessionCarriesNone() throws {
        let wire = try Wire()
        wire.client.connect(now: wire.now)
        wire.run(.seconds(1))
        wire.server.restart()
        wire.helloSizes.removeAll()
        try wire.send("into the void")
        wire.run(.seconds(6))
        #expect(wire.committedBodies == ["into the void"])
        #expect(!wire.helloSizes.isEmpty && Set(wire.helloSizes) == [256])
    }

    /// A refusal for now holds back those behind, whatever they came in.
    @Test func aRefusedOneIsSentAgainWithThoseBehindIt() throws {
        let wire = try loaded(["one", "two"])
        wire.server.refusal = (.busy, .milliseconds(500))
        wire.run(.milliseconds(400))
        #expect(wire.committedBodies.isEmpty)
        wire.server.refusal = nil
        wire.run(.seconds(3))
        #expect(wire.committedBodies == ["one", "two"])
    }

    // MARK: Renewal

    @Test func anOldSessionIsRenewedWhenSomethingIsSent() throws {
        let wire = try Wire()
        wire.client.connect(now: wire.now)
        wire.run(.seconds(1))
        try wire.send("young")
        wire.run(.seconds(3_700))
        // Nobody was woken for it.
        #expect(wire.counters.count == 1)
        wire.events.removeAll()
        try wire.send("old")
        wire.run(.seconds(2))
        #expect(wire.counters.count == 2)
        #expect(wire.committedBodies == ["young", "old"])
        try wire.send("young again")
        wire.run(.seconds(2))
        #expect(wire.counters.count == 2)
        #expect(wire.committedBodies == ["young", "old", "young again"])
        // For its owner the client was connected all the time.
        for event in wire.events {
            guard case .connectionChanged(let state) = event else { continue }
            let isConnected = if case .connected = state { true } else { false }
            #expect(isConnected, "\(state)")
        }
        #expect(try wire.store.outbox(after: 0, limit: 9).isEmpty)
        #expect(try wire.storedBodies == wire.committedBodies)
    }

    @Test func aSessionThatCannotBeRenewedGoesOn() throws {
        let wire = try Wire()
        wire.client.connect(now: wire.now)
        wire.run(.seconds(3_601))
        wire.server.answersHellos = false
        wire.helloSizes.removeAll()
        for i in 1...5 {
            try wire.send("message \(i)")
            wire.run(.seconds(10))
        }
        #expect(wire.committedBodies == (1...5).map { "message \($0)" })
        #expect(wire.counters.count == 1)
        // One attempt, of 4 s: 14 copies in the first 2 s, then fewer.
        #expect((14...20).contains(wire.helloSizes.count))
        let isConnected = if case .connected = wire.state { true } else { false }
        #expect(isConnected)
        wire.server.answersHellos = true
        wire.run(.seconds(20))
        #expect(wire.counters.count == 1)
        try wire.send("message 6")
        wire.run(.seconds(2))
        #expect(wire.counters.count == 2)
        #expect(wire.committedBodies.last == "message 6")
    }

    @Test(arguments: UInt64(1)...10)
    func renewalsLoseAndDoubleNothing(seed: UInt64) throws {
        let wire = try Wire(seed: seed)
        wire.configuration.sessionRenewal = .seconds(2)
        try wire.crash()
        wire.run(.seconds(1))
        (wire.lossToServer, wire.lossToClient) = (0.3, 0.3)
        for i in 0..<60 {
            try wire.send("message \(i)")
            if i % 3 == 0 { wire.peerSays("push \(i)") }
            wire.run(.milliseconds(200))
        }
        (wire.lossToServer, wire.lossToClient) = (0, 0)
        wire.run(.seconds(30))
        #expect(wire.counters.count > 3)
        #expect(wire.committedBodies == (0..<60).map { "message \($0)" })
        // What was lost with a session is told when it was asked for, behind newer ones.
        let pushed = (0..<20).map { "push \($0 * 3)" }
        #expect(wire.toldBodies.count == 20 && Set(wire.toldBodies) == Set(pushed))
    }
}
