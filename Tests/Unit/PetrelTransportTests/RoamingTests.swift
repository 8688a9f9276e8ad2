// A session moves to other networks: what is under way follows it at once.

import PetrelBase
import PetrelWire
import Testing

@testable import PetrelTransport

@Suite struct RoamingTests {
    private func connected(_ faults: LinkFaults = LinkFaults()) throws -> Pair {
        let pair = try Pair(faults: faults)
        pair.run(for: .seconds(2)) { $0.atServer.confirmed == 1 }
        pair.run(for: .seconds(1))
        return pair
    }

    /// The client is told and asks: half a round trip later the server knows, and says so.
    @Test(arguments: [
        Address(v4: 0x0A00_0002, port: 4_001), Address(v4: 0x0B00_0001, port: 9),
        Address(high: 0x2001_0DB8 << 32, low: 5, port: 4_000),
    ])
    func movesAreFollowedAtOnce(there: Address) throws {
        let pair = try connected()
        pair.clientAddress = there
        pair.client?.networkChanged(now: pair.now)
        let start = pair.now
        #expect(pair.run(for: .seconds(1)) { $0.server?.address == there })
        #expect(pair.now - start <= .milliseconds(21))
        #expect(pair.run(for: .seconds(1)) { $0.client?.observedAddress == there })
        #expect(pair.now - start <= .milliseconds(42))
        pair.run(for: .seconds(1))
        #expect(pair.server?.path.validator.isProven == true)
        #expect(pair.atServer.moves == 1)
    }

    /// A connection of the same host is another path: it is proven, and starts without history.
    @Test func anotherCarrierIsAnotherPath() throws {
        let pair = try connected()
        let there = pair.clientAddress.over(.stream, port: pair.clientAddress.port)
        let server = pair.serverAddress.over(.stream, port: 443)
        #expect(there != pair.clientAddress && there.hasSameHost(as: pair.clientAddress))
        pair.clientAddress = there
        pair.client?.goOn(at: server, now: pair.now)
        #expect(pair.client?.address == server)
        #expect(pair.run(for: .milliseconds(21)) { $0.server?.address == there })
        #expect(pair.server?.path.validator.isProven == false)
        #expect(pair.run(for: .milliseconds(42)) { $0.server?.path.validator.isProven == true })
        try pair.send([1, 2], as: .durable, fromClient: false)
        try pair.send([3], as: .durable)
        #expect(
            pair.run(for: .milliseconds(200)) {
                $0.atClient.messages == [[1, 2]] && $0.atServer.messages == [[3]]
            })
    }

    /// An answer counts only if it came from where it was asked.
    @Test func aSideProbeIsAnsweredFromThereOrNotAtAll() throws {
        let pair = try connected()
        let other = Address(v4: 0x0A00_0009, port: 7_700)
        pair.client?.probe(pair.serverAddress)
        pair.run(for: .seconds(1))
        #expect(pair.client?.answeredAt == nil, "it is the address in use")
        pair.client?.probe(other)
        let sent = pair.captured.count
        pair.run(for: .milliseconds(1))
        let probe = try #require(pair.captured.dropFirst(sent).first { $0.toServer })
        #expect(probe.bytes.count == 256)
        pair.run(for: .seconds(1))
        #expect(pair.client?.answeredAt == nil, "the answer came from the address in use")
        #expect(pair.client?.address == pair.serverAddress)
        pair.client?.probe(other)
        pair.run(for: .milliseconds(1))
        pair.answersFrom = other
        #expect(pair.run(for: .seconds(1)) { $0.client?.answeredAt == other })
    }

    /// What the server has under way towards the old address goes to the new one without waiting
    /// for a time-out.
    @Test func messagesUnderWayFollow() throws {
        let pair = try connected(LinkFaults(delay: .milliseconds(100)))
        pair.faults.loss = 1
        for i in 0..<3 { try pair.send([UInt8(i), 7], as: .durable, fromClient: false) }
        pair.run(for: .milliseconds(1))
        pair.faults.loss = 0
        pair.clientAddress = Address(v4: 0x0B00_0001, port: 9)
        let start = pair.now
        pair.client?.networkChanged(now: pair.now)
        #expect(pair.run(for: .seconds(2)) { $0.atClient.messages.count == 3 })
        #expect(pair.now - start <= .milliseconds(205), "one round trip: \(pair.now - start)")
    }

    @Test func ownMessagesUnderWayAreRepeated() throws {
        let pair = try connected(LinkFaults(delay: .milliseconds(100)))
        pair.faults.loss = 1
        try pair.send([1, 2, 3], as: .durable)
        pair.run(for: .milliseconds(1))
        pair.faults.loss = 0
        pair.clientAddress = Address(v4: 0x0B00_0001, port: 9)
        let start = pair.now
        pair.client?.networkChanged(now: pair.now)
        #expect(pair.run(for: .seconds(2)) { $0.atServer.messages.count == 1 })
        #expect(pair.now - start <= .milliseconds(101))
    }

    @Test func portsKeepTheWindowAndHostsDoNot() throws {
        for (there, isKept) in [
            (Address(v4: 0x0A00_0002, port: 4_001), true),
            (Address(v4: 0x0B00_0001, port: 9), false),
        ] {
            let pair = try connected()
            for _ in 0..<40 {
                try pair.send(
                    [UInt8](repeating: 1, count: 40_000), as: .durable, fromClient: false)
                pair.run(for: .milliseconds(400))
            }
            let before = pair.server?.congestion.window ?? 0
            #expect(before > 20_000)
            pair.clientAddress = there
            try pair.send([1], as: .durable)
            pair.run(for: .milliseconds(21))
            #expect(pair.server?.address == there)
            #expect((pair.server?.congestion.window ?? 0 >= before) == isKept)
            #expect(pair.server?.roundTrip != nil, "what is known of the time stays")
        }
    }

    @Test func departuresAreToldAndRepeatedAfterLosses() throws {
        let pair = try connected()
        pair.faults.loss = 1
        pair.server?.announceDeparture(within: .seconds(5), to: nil)
        pair.run(for: .milliseconds(10))
        pair.faults.loss = 0
        // A probe says it again.
        pair.run(for: .seconds(3)) { !$0.atClient.departures.isEmpty }
        #expect(pair.atClient.departures == [.seconds(5)])
        pair.client?.announceDeparture(within: .seconds(5), to: nil)
        pair.run(for: .seconds(1))
        #expect(pair.atServer.closed == nil && pair.atServer.departures.isEmpty)
    }
}
