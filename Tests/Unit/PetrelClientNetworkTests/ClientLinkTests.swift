// The link alone, against the transport's other half: bytes both ways, whatever the network does.

import PetrelBase
import PetrelTransport
import PetrelWire
import Testing

@testable import PetrelClientNetwork

@Suite struct ClientLinkTests {
    private func connected(_ configure: (inout LinkConfiguration) -> Void = { _ in }) -> LinkWire {
        let wire = LinkWire(configure)
        wire.link.connect(now: wire.now)
        wire.run(.seconds(1))
        return wire
    }

    @Test func bytesGoBothWays() throws {
        let wire = LinkWire()
        #expect(wire.state == .idle)
        wire.run(.seconds(1))
        #expect(wire.counter == 0, "nobody asked for a connection")
        wire.link.connect(now: wire.now)
        wire.run(.seconds(1))
        #expect(wire.isOpen && wire.events == [.opened(earlyTaken: 0)])
        let isConnected = if case .connected(roundTrip: .some) = wire.state { true } else { false }
        #expect(isConnected)
        let number = try wire.say("there")
        try wire.serverSays("and back")
        wire.run(.seconds(1))
        #expect(wire.heardByServer == ["there"] && wire.heardByClient == ["and back"])
        #expect(wire.events.last == .acknowledged(.durable, number: number))
    }

    @Test func nothingIsTakenInWithoutASession() {
        let wire = LinkWire()
        #expect(throws: SendRefusal.closed) { try wire.say("to nobody") }
    }

    @Test func theHelloCarriesWhatItTakes() {
        let wire = LinkWire()
        wire.early = ["one", "two"]
        wire.link.connect(now: wire.now)
        #expect(wire.helloTakesEarly)
        wire.run(.seconds(1))
        #expect(wire.events.first == .opened(earlyTaken: 2))
        #expect(wire.heardByServer == ["one", "two"])
        #expect(!wire.helloTakesEarly, "not beside a session")
    }

    /// Each attempt has another counter; every second one is small.
    @Test func attemptsFollowEachOther() {
        let wire = LinkWire()
        wire.isDead = true
        wire.link.connect(now: wire.now)
        var takes: [Bool] = []
        for _ in 0..<4 {
            takes.append(wire.helloTakesEarly)
            let before = wire.counter
            while wire.counter == before { wire.run(.milliseconds(100)) }
            while wire.state == .connecting(attempt: takes.count) { wire.run(.milliseconds(100)) }
        }
        #expect(takes == [true, false, true, false])
        wire.isDead = false
        wire.run(.seconds(30))
        #expect(wire.isOpen)
    }

    @Test func roamingKeepsTheSession() throws {
        let wire = connected()
        wire.run(.seconds(5))
        let home = wire.clientAddress
        wire.clientAddress = Address(v4: 0x0A00_0009, port: 4_000)
        wire.link.networkChanged(to: 7, now: wire.now)
        _ = try wire.say("from elsewhere")
        wire.run(.seconds(1))
        try wire.serverSays("I see")
        wire.run(.seconds(1))
        #expect(wire.serverSendsTo == wire.clientAddress && wire.clientAddress != home)
        #expect(wire.heardByServer == ["from elsewhere"] && wire.heardByClient == ["I see"])
        #expect(wire.sessionsCount == 1)
    }

    @Test func withoutANetworkNothingIsDoneUntilThereIsOne() throws {
        let wire = connected()
        wire.link.networkLost()
        _ = try wire.say("later")
        #expect(wire.deadline == .distantFuture)
        wire.run(.seconds(60))
        #expect(wire.heardByServer.isEmpty)
        wire.link.networkChanged(now: wire.now)
        wire.run(.seconds(1))
        #expect(wire.heardByServer == ["later"] && wire.sessionsCount == 1)
    }

    /// The old session is replaced, and its owner is told that what was said in it may be lost.
    @Test func aServerThatForgotTheSessionIsGreetedAgain() throws {
        let wire = connected()
        wire.restartServer()
        _ = try wire.say("into the void")
        wire.run(.seconds(6))
        #expect(wire.sessionsCount == 2 && wire.counter == 2)
        #expect(wire.events == [.opened(earlyTaken: 0), .opened(earlyTaken: 0)])
        #expect(wire.heardByServer.isEmpty)
        _ = try wire.say("said again")
        wire.run(.seconds(1))
        #expect(wire.heardByServer == ["said again"])
    }

    @Test func anOldSessionIsRenewedWhenSomethingIsSaid() throws {
        let wire = connected { $0.sessionRenewal = .seconds(10) }
        wire.run(.seconds(20))
        #expect(wire.sessionsCount == 1)
        _ = try wire.say("old")
        wire.run(.seconds(2))
        #expect(wire.sessionsCount == 2 && wire.isOpen)
        _ = try wire.say("young")
        wire.run(.seconds(2))
        #expect(wire.sessionsCount == 2 && wire.heardByServer.last == "young")
    }

    @Test func suspendedItWaitsAndClosedItIsOver() throws {
        let wire = connected()
        wire.link.suspend(now: wire.now)
        wire.run(.seconds(60))
        #expect(wire.state == .idle && wire.serverSendsTo == nil)
        #expect(wire.events == [.opened(earlyTaken: 0)], "the owner knows what it did")
        wire.link.connect(now: wire.now)
        wire.run(.seconds(1))
        #expect(wire.isOpen && wire.sessionsCount == 2)
        wire.link.close(now: wire.now)
        wire.link.connect(now: wire.now)
        wire.run(.seconds(60))
        #expect(wire.state == .closed && !wire.isOpen && wire.sessionsCount == 2)
    }

    @Test func aServerThatIsSilentForGoodEndsTheSession() {
        let wire = connected()
        wire.isDead = true
        wire.run(.seconds(3_600))
        #expect(wire.events.last == .ended(.silent))
        #expect(!wire.isOpen)
    }

    /// Who measures what a NAT bears has to be allowed to: strangers get no such service.
    @Test func measurementsWaitForTheOwnersWord() {
        let wire = connected()
        wire.run(.seconds(20))
        #expect(wire.probesCount == 0)
        wire.link.mayMeasure = true
        wire.run(.seconds(20))
        #expect(wire.probesCount == 1)
    }
}
