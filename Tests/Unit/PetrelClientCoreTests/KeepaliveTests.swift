// How long a client is silent, from the question to the disk (transport.md §8.3).

import PetrelBase
import PetrelClientData
import PetrelClientNetwork
import PetrelTransport
import PetrelWire
import Testing

@testable import PetrelClientCore
@testable import TestServer

@Suite struct KeepaliveTests {
    private func connected() throws -> Wire {
        let wire = try Wire()
        wire.hasSideSocket = true
        wire.client.connect(now: wire.now)
        wire.run(.seconds(1))
        return wire
    }

    @Test func oneMeasurementFromTheQuestionToTheDisk() throws {
        let wire = try connected()
        wire.client.networkChanged(to: 5, now: wire.now)
        wire.run(.seconds(9))
        #expect(wire.server.probes.isEmpty, "the session is too young")
        wire.run(.seconds(2))
        let frame = try #require(wire.server.probes.first)
        #expect(frame.delay == .seconds(120))
        #expect(wire.needsSideFlow)
        wire.run(.seconds(125))
        #expect(wire.probes.map(\.number) == [1, 2])
        #expect(wire.probes.allSatisfy { $0.token == frame.token })
        wire.hearAside(frame.proof, from: Wire.clientAddress)
        #expect(wire.binding.proven == .zero, "not from the server")
        wire.hearAside(frame.proof)
        #expect(wire.binding.proven == .seconds(120))
        #expect(!wire.needsSideFlow)
        #expect(wire.keepaliveInterval == .seconds(20))
        wire.client.setForeground(false)
        #expect(wire.keepaliveInterval == .seconds(96))
        #expect(try wire.store.networks().map(\.safe) == [.seconds(96)])
        // Another process in the same network need not measure that again.
        try wire.crash()
        wire.client.networkChanged(to: 5, now: wire.now)
        wire.run(.seconds(12))
        #expect(wire.binding.safe == .seconds(96))
        #expect(wire.server.probes.last?.delay == .seconds(300))
    }

    @Test func whatIsMissedTwiceIsRefuted() throws {
        let wire = try connected()
        wire.run(.seconds(130))
        #expect(wire.server.probes.count == 1)
        wire.run(.seconds(20))
        #expect(wire.server.probes.map(\.delay) == [.seconds(120), .seconds(120)])
        #expect(wire.server.probes[0].token != wire.server.probes[1].token)
        #expect(wire.binding.refuted == .infinite)
        wire.run(.seconds(125))
        #expect(wire.binding.refuted == .seconds(120))
        #expect(wire.server.probes.last?.delay == .seconds(60))
    }

    /// A server that is gone sends no proof; that says nothing about the NAT.
    @Test func aMissingProofOfAServerThatIsGoneSaysNothing() throws {
        let wire = try connected()
        wire.run(.seconds(100))
        wire.serverIsUp = false
        wire.run(.seconds(120))
        wire.server.restart()
        wire.serverIsUp = true
        wire.run(.seconds(20))
        #expect(wire.server.probes.count == 2)
        wire.run(.seconds(130))
        #expect(wire.binding.refuted == .infinite)
    }

    @Test func aServerThatRefusesIsLeftAloneForAWhile() throws {
        let wire = try connected()
        wire.server.grantsProbes = false
        wire.run(.seconds(600))
        #expect(2...4 ~= wire.server.probes.count)
        #expect(!wire.needsSideFlow && wire.probes.isEmpty)
    }

    /// An owner that has no other socket takes no PROBE; nothing spins because of that.
    @Test func withoutAnotherSocketNothingIsMeasured() throws {
        let wire = try connected()
        wire.hasSideSocket = false
        wire.run(.seconds(600))
        #expect(2...4 ~= wire.server.probes.count)
        #expect(wire.binding.refuted == .infinite)
    }

    @Test func aMeasurementEndsWithItsNetwork() throws {
        let wire = try connected()
        wire.run(.seconds(12))
        #expect(wire.needsSideFlow)
        wire.client.networkChanged(to: 9, now: wire.now)
        #expect(!wire.needsSideFlow)
        wire.run(.seconds(5))
        #expect(wire.server.probes.count == 1)
        wire.run(.seconds(7))
        #expect(wire.server.probes.count == 2)
        wire.client.networkLost()
        #expect(!wire.needsSideFlow)
    }
}

extension Wire {
    fileprivate var needsSideFlow: Bool { client.needsSideFlow }
    fileprivate var binding: BindingLifetime { client.bindingLifetime }
    fileprivate var keepaliveInterval: Interval { client.keepaliveInterval }
}
