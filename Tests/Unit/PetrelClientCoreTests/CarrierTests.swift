// The brain where UDP is blocked: TCP takes over, and gives way again.

import PetrelBase
import PetrelClientNetwork
import PetrelMessaging
import Testing

@testable import PetrelClientCore

@Suite struct CarrierTests {
    private func blocked() throws -> Wire {
        let wire = try Wire()
        wire.udpIsBlocked = true
        wire.tcpPort = 7_700
        wire.server.tcpPort = 7_700
        wire.client.connect(now: wire.now)
        return wire
    }

    private func carrier(_ wire: Wire) -> Address.Carrier? { wire.carrier }

    /// 300 ms, one round trip to open, one to be answered.
    @Test func aConnectionIsThereAfter300MillisecondsAndTwoRoundTrips() throws {
        let wire = try blocked()
        wire.run(.milliseconds(379))
        #expect(carrier(wire) == nil)
        wire.run(.milliseconds(2))
        #expect(carrier(wire) == .stream)
        try wire.send("over TCP")
        wire.run(.milliseconds(200))
        #expect(wire.committedBodies == ["over TCP"])
        #expect(wire.connections == [Wire.serverAddress.over(.stream, port: 7_700)])
    }

    @Test func whereUDPAnswersNoConnectionIsOpened() throws {
        let wire = try blocked()
        wire.udpIsBlocked = false
        wire.run(.seconds(30))
        #expect(carrier(wire) == .datagram && wire.connections.isEmpty)
    }

    @Test func withoutFallbackNothingIsTried() throws {
        let wire = try blocked()
        try wire.restart { $0.tcp = .none }
        wire.run(.seconds(10))
        #expect(wire.connections.isEmpty && carrier(wire) == nil)
    }

    /// The port that is given, else the one announced, else the number of the UDP port.
    @Test func whichPortIsTried() throws {
        for (fallback, announced, expected) in [
            (TCPFallback.automatic, 443, 443), (.automatic, nil, nil), (.port(99), 443, 99),
        ] as [(TCPFallback, UInt16?, UInt16?)] {
            let wire = try blocked()
            try wire.restart { $0.tcp = fallback }
            wire.udpIsBlocked = false
            wire.server.tcpPort = announced
            wire.tcpPort = expected
            wire.run(.seconds(1))
            #expect(carrier(wire) == .datagram)
            wire.udpIsBlocked = true
            try wire.send("hello")
            wire.run(.seconds(8))
            #expect(wire.connections.first?.port == expected)
            #expect(carrier(wire) == (expected == nil ? .datagram : .stream))
            #expect(wire.committedBodies == (expected == nil ? [] : ["hello"]))
        }
    }

    /// A live session keeps its messages: it needs no other one to go on.
    @Test func aSessionWhoseUDPFallsSilentGoesOnOverTCP() throws {
        let wire = try blocked()
        wire.udpIsBlocked = false
        wire.run(.seconds(1))
        wire.udpIsBlocked = true
        try wire.send("from the tunnel")
        wire.run(.seconds(4))
        #expect(carrier(wire) == .stream)
        #expect(wire.committedBodies == ["from the tunnel"])
        #expect(wire.sessionAddress?.carrier == .stream)
        wire.peerSays("answer")
        wire.run(.seconds(1))
        #expect(wire.toldBodies == ["answer"])
    }

    @Test func whenUDPIsBackTheSessionMovesAndTheConnectionIsClosed() throws {
        let wire = try blocked()
        wire.run(.seconds(5))
        #expect(carrier(wire) == .stream)
        let counters = wire.counters.count
        // The first questions get no answer.
        wire.run(.seconds(20))
        #expect(carrier(wire) == .stream)
        wire.udpIsBlocked = false
        wire.run(.seconds(40))
        #expect(carrier(wire) == .datagram)
        #expect(wire.sessionAddress == Wire.clientAddress)
        #expect(wire.wantedStream == nil)
        #expect(wire.counters.count == counters, "the same session")
        try wire.send("over UDP again")
        wire.run(.seconds(1))
        #expect(wire.committedBodies == ["over UDP again"])
    }

    @Test func aChangeOfNetworkGoesBackToUDPAtOnce() throws {
        let wire = try blocked()
        wire.run(.seconds(5))
        wire.udpIsBlocked = false
        wire.client.networkChanged(now: wire.now)
        wire.client.finishBatch(now: wire.now, wall: wire.wall)
        wire.run(.milliseconds(100))
        #expect(carrier(wire) == .datagram && wire.wantedStream == nil)
        #expect(wire.sessionAddress == Wire.clientAddress)
        // And where UDP is blocked in the new network as well, to TCP after 300 ms.
        wire.udpIsBlocked = true
        wire.client.networkChanged(now: wire.now)
        wire.client.finishBatch(now: wire.now, wall: wire.wall)
        wire.run(.seconds(2))
        #expect(carrier(wire) == .stream)
    }

    @Test func aBrokenConnectionIsOpenedAgainAndTheSessionStays() throws {
        let wire = try blocked()
        wire.run(.seconds(2))
        let counters = wire.counters.count
        wire.breakConnection()
        try wire.send("across the break")
        wire.run(.seconds(2))
        #expect(carrier(wire) == .stream && wire.connections.count == 2)
        #expect(wire.committedBodies == ["across the break"])
        #expect(wire.counters.count == counters, "the same session")
    }

    @Test func whoClosesHasNoConnection() throws {
        let wire = try blocked()
        wire.run(.seconds(2))
        wire.client.close(now: wire.now)
        wire.run(.seconds(1))
        #expect(wire.wantedStream == nil && carrier(wire) == nil)
        #expect(wire.sessionAddress == nil, "it was told")
    }
}
