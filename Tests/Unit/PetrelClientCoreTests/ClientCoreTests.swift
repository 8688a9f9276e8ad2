// The whole brain against a fake server: promises hold over losses, crashes and full disks.

import PetrelBase
import PetrelClientData
import PetrelCrypto
import PetrelMessaging
import Testing

@testable import PetrelClientCore
@testable import TestServer

@Suite struct ClientCoreTests {
    private let talk = ConversationID(10)

    private func connected(seed: UInt64 = 1) throws -> Wire {
        let wire = try Wire(seed: seed)
        wire.client.connect(now: wire.now)
        wire.run(.seconds(1))
        wire.events.removeAll()
        return wire
    }

    @Test func aNewDeviceRegistersAndAMessageGoesAllTheWay() throws {
        let wire = try Wire()
        wire.server.isEnrolled = false
        wire.client.connect(now: wire.now)
        wire.run(.seconds(1))
        #expect(wire.events.contains(.stranger(needsInvitation: false)))
        try wire.client.register(
            handle: "anna", password: Array("long enough".utf8), deviceName: "test")
        wire.client.finishBatch(now: wire.now, wall: wire.wall)
        wire.run(.seconds(1))
        let identity = ClientIdentity(account: AccountID(1), device: DeviceID(1), handle: "anna")
        #expect(wire.events.contains(.enrolled(identity)))
        #expect(try wire.store.identity() == identity)
        #expect(wire.events.contains(.synced))

        try wire.send("hello")
        wire.run(.seconds(1))
        let receipt = wire.server.model.receipt(talk, upTo: 1)
        wire.server.push(.receipt(receipt), now: wire.now)
        wire.run(.seconds(1))
        #expect(
            wire.steps(1)
                == [.queued, .sent, .committed(talk, ConversationSequence(1)), .delivered])
        #expect(try wire.storedBodies == ["hello"])
        #expect(try wire.store.outbox(after: 0, limit: 9).isEmpty)
        #expect(wire.toldBodies.isEmpty)
    }

    @Test func whatIsSentOfflineSurvivesACrashAndIsCommittedOnceInOrder() throws {
        let wire = try Wire()
        for i in 1...100 { try wire.send("message \(i)") }
        try wire.crash()
        wire.run(.seconds(3))
        #expect(wire.committedBodies == (1...100).map { "message \($0)" })
        #expect(try wire.storedBodies == wire.committedBodies)
        #expect(try wire.store.outbox(after: 0, limit: 9).isEmpty)
    }

    @Test func aServerUnderLoadIsReachedWithItsCookieAndTheCookieIsKept() throws {
        let wire = try Wire()
        wire.server.demandsCookie = true
        wire.client.connect(now: wire.now)
        wire.run(.seconds(1))
        try wire.send("with a cookie")
        wire.run(.seconds(6))
        #expect(wire.committedBodies == ["with a cookie"])
        #expect(wire.retries == 1)
        wire.server.restart()
        try wire.send("with the same")
        wire.run(.seconds(5))
        #expect(wire.committedBodies == ["with a cookie", "with the same"])
        #expect(wire.retries == 1)
    }

    /// Without RESET it takes two seconds of silence; with it, two round trips.
    @Test func aServerThatForgotTheSessionIsBackAtOnce() throws {
        for saysReset in [false, true] {
            let wire = try connected()
            wire.run(.seconds(6))
            wire.server.saysReset = saysReset
            wire.server.restart()
            try wire.send("after the restart")
            wire.run(.milliseconds(500))
            #expect(wire.committedBodies == (saysReset ? ["after the restart"] : []))
            wire.run(.seconds(5))
            #expect(wire.committedBodies == ["after the restart"])
        }
    }

    @Test func aLostVerdictIsRepeatedAndCountsOnce() throws {
        let wire = try connected()
        wire.lossToClient = 1
        try wire.send("said once")
        wire.run(.seconds(1))
        #expect(wire.committedBodies == ["said once"])
        #expect(wire.steps(1) == [.queued, .sent])
        try wire.crash()
        wire.lossToClient = 0
        wire.run(.seconds(3))
        #expect(wire.committedBodies == ["said once"])
        #expect(wire.steps(1).contains(.committed(talk, ConversationSequence(1))))
        #expect(try wire.storedBodies == ["said once"])
        #expect(wire.toldBodies.isEmpty)
    }

    @Test func aVerdictLostForLongerThanTheServerRemembersIsFoundInThePages() throws {
        let wire = try connected()
        wire.lossToClient = 1
        try wire.send("committed, not known")
        wire.run(.seconds(1))
        wire.server.restart()
        wire.now = wire.now + .seconds(8 * 24 * 3600)
        wire.server.refusal = (.identifierExpired, .zero)
        try wire.crash()
        wire.lossToClient = 0
        wire.run(.seconds(5))
        #expect(wire.steps(1).last == .committed(talk, ConversationSequence(1)))
        let failed = try wire.client.failed()
        #expect(failed.isEmpty)
        #expect(try wire.storedBodies == ["committed, not known"])
        #expect(try wire.store.outbox(after: 0, limit: 9).isEmpty)
    }

    @Test func aPushIsStoredToldAndAcknowledgedOnce() throws {
        let wire = try connected()
        for i in 1...5 { wire.peerSays("push \(i)") }
        wire.run(.seconds(2))
        #expect(wire.toldBodies == (1...5).map { "push \($0)" })
        #expect(try wire.storedBodies == wire.toldBodies)
        #expect(wire.acknowledged == 5)
        let told = wire.commands.count
        wire.run(.seconds(120))
        // A quiet client does not repeat itself.
        #expect(wire.commands.count == told)
    }

    @Test func aFullDiskStopsEverythingAndLosesNothing() throws {
        let wire = try connected()
        wire.peerSays("before")
        wire.run(.seconds(1))
        wire.store.failure = .full
        wire.peerSays("while full")
        wire.run(.milliseconds(900))
        #expect(wire.events.contains(.storeFailed(.full)))
        #expect(wire.events.contains(.connectionChanged(.storeFailed(.full))))
        #expect(wire.toldBodies == ["before"])
        #expect(wire.acknowledged == 1)
        wire.peerSays("nobody hears it")
        #expect(throws: ClientRefusal.store(.full)) {
            try wire.send("no room")
        }
        wire.run(.seconds(20))
        #expect(wire.acknowledged == 1)
        wire.store.failure = nil
        wire.run(.seconds(40))
        #expect(wire.toldBodies == ["before", "while full", "nobody hears it"])
        #expect(try wire.storedBodies == wire.toldBodies)
        #expect(wire.acknowledged == 3)
        #expect(wire.committedBodies.isEmpty)
    }

    @Test func aDiskThatFailedIsNotTriedUntilTheOwnerSaysSo() throws {
        let wire = try connected()
        wire.store.failure = .failed(code: 5)
        wire.peerSays("unheard")
        wire.run(.seconds(60))
        #expect(wire.state == .storeFailed(.failed(code: 5)))
        #expect(wire.clientDeadline == .distantFuture)
        wire.store.failure = nil
        wire.client.connect(now: wire.now)
        wire.run(.seconds(2))
        #expect(wire.toldBodies == ["unheard"])
    }

    @Test func aServerThatRestartsIsFoundAgainWithinSeconds() throws {
        let wire = try connected()
        wire.server.restart()
        try wire.send("into the void")
        wire.run(.seconds(6))
        #expect(wire.committedBodies == ["into the void"])
        #expect(wire.counters.count == 2)
        #expect(wire.isCaughtUp)
    }

    @Test func aBlackoutIsSurvivedByTheSession() throws {
        let wire = try connected()
        wire.lossToServer = 1
        wire.lossToClient = 1
        try wire.send("from the tunnel")
        wire.peerSays("into the tunnel")
        wire.run(.seconds(30))
        #expect(wire.committedBodies.isEmpty)
        wire.lossToServer = 0
        wire.lossToClient = 0
        wire.run(.seconds(10))
        #expect(wire.committedBodies == ["from the tunnel"])
        #expect(wire.toldBodies == ["into the tunnel"])
        #expect(wire.events.last == .synced || wire.isCaughtUp)
    }

    @Test func aBusyServerGetsTheMessagesInOrderLater() throws {
        let wire = try connected()
        wire.server.refusal = (.busy, .milliseconds(500))
        for i in 1...5 { try wire.send("message \(i)") }
        wire.run(.milliseconds(400))
        #expect(wire.committedBodies.isEmpty)
        wire.server.refusal = nil
        wire.run(.seconds(3))
        #expect(wire.committedBodies == (1...5).map { "message \($0)" })
    }

    @Test func aFullServerIsToldOfAndTriedAgain() throws {
        let wire = try connected()
        wire.server.refusal = (.storageFull, .seconds(30))
        try wire.send("no room")
        wire.run(.seconds(1))
        let refused = ClientEvent.sendingRefused(
            code: MessagingError.storageFull.rawValue, reason: "not now", retryAfter: .seconds(30),
            limit: 0)
        #expect(wire.events.count { $0 == refused } == 1)
        #expect(wire.steps(1) == [.queued, .sent], "it is not refused for good")
        wire.server.refusal = nil
        wire.run(.seconds(31))
        #expect(wire.committedBodies == ["no room"])
    }

    @Test func aFinalRefusalKeepsTheMessageAmongTheFailed() throws {
        let wire = try connected()
        wire.server.refusal = (.unknownRecipient, .zero)
        try wire.send("to nobody")
        wire.run(.seconds(1))
        let code = MessagingError.unknownRecipient.rawValue
        #expect(
            wire.steps(1) == [.queued, .sent, .failed(code: code, reason: "not now", limit: 0)])
        let failed = try wire.client.failed()
        #expect(failed.map(\.entry.index) == [1])
        #expect(try wire.store.outbox(after: 0, limit: 9).isEmpty)
    }

    @Test func whatCannotBeSentIsRefusedBeforeAnythingIsStored() throws {
        let wire = try Wire()
        let limit = MessagingLimits.bodyBytesMax
        let long = [UInt8](repeating: 1, count: limit + 1)
        #expect(throws: ClientRefusal.bodyTooLarge(byteCount: limit + 1, limit: limit)) {
            _ = try wire.client.send(to: .handle("peer"), body: long, wall: wire.wall)
        }
        #expect(throws: ClientRefusal.handleInvalid("!")) {
            _ = try wire.client.send(to: .handle("!"), body: [], wall: wire.wall)
        }
        #expect(try wire.store.lastOutboxIndex() == 0)
        _ = try wire.client.send(
            to: .handle("peer"), body: Array(long.dropLast()), wall: wire.wall)
        wire.client.connect(now: wire.now)
        wire.run(.seconds(5))
        #expect(wire.committedBodies.first?.utf8.count == limit)
    }

    @Test func everyAttemptHasACounterThatIsStoredFirst() throws {
        let wire = try Wire()
        wire.serverIsUp = false
        wire.client.connect(now: wire.now)
        var counters: [UInt64] = []
        for _ in 0..<5 {
            wire.run(.seconds(20))
            counters.append(try wire.store.helloCounter())
        }
        #expect(Set(counters).count == 5 && counters == counters.sorted())
        wire.store.failure = .full
        wire.serverIsUp = true
        wire.client.networkChanged(now: wire.now)
        wire.run(.seconds(20))
        #expect(wire.counters.isEmpty)
        wire.store.failure = nil
        wire.run(.seconds(40))
        #expect(try wire.store.helloCounter() == wire.counters.last)
        #expect(wire.state == .connected(roundTrip: nil) || wire.isCaughtUp)
    }

    /// From cold: HELLO, ACCEPT, and the message in the first packet, 20 ms each.
    @Test func aKnownDeviceSendsBeforeItIsWelcomed() throws {
        let wire = try connected()
        wire.serverIsUp = false
        wire.server.restart()
        try wire.crash()
        try wire.send("first thing")
        wire.serverIsUp = true
        wire.run(.seconds(20))
        wire.events.removeAll()
        wire.server.restart()
        try wire.crash()
        try wire.send("at once")
        wire.run(.milliseconds(61))
        #expect(wire.server.committed.count == 2, "one and a half round trips")
        #expect(!wire.events.contains { if case .enrolled = $0 { true } else { false } })
        wire.run(.seconds(2))
        #expect(wire.isCaughtUp && wire.server.committed.count == 2)
    }

    /// Who is no stranger to the server any more keeps its messages until it is known again.
    @Test func strangersKeepWhatTheySentTooEarly() throws {
        let wire = try connected()
        wire.server.restart()
        wire.server.isEnrolled = false
        wire.server.refusal = (.notEnrolled, .zero)
        try wire.crash()
        try wire.send("too early")
        wire.run(.seconds(1))
        #expect(wire.events.contains(.stranger(needsInvitation: false)))
        #expect(wire.server.committed.isEmpty)
        #expect(try wire.client.failed().isEmpty)
    }

    /// The question goes out over the session at once; HELLO only if nothing is heard.
    @Test func aNewNetworkIsAskedAtOnce() throws {
        let wire = try connected()
        wire.run(.seconds(8))
        let counters = wire.counters.count
        wire.client.networkChanged(now: wire.now)
        wire.run(.seconds(1))
        #expect(wire.counters.count == counters, "the session was heard")
        wire.serverIsUp = false
        wire.server.restart()
        wire.client.networkChanged(now: wire.now)
        wire.run(.milliseconds(200))
        wire.serverIsUp = true
        wire.run(.milliseconds(400))
        #expect(wire.counters.count == counters + 1, "without waiting for two seconds of silence")
    }

    /// Who was suspended sends over the old session, and says HELLO without waiting for failure.
    @Test func whoWasAwayForLongAsksSoon() throws {
        let wire = try connected()
        wire.run(.seconds(8))
        wire.sleep(.seconds(600))
        let counters = wire.counters.count
        try wire.send("back")
        wire.run(.milliseconds(25))
        #expect(wire.committedBodies == ["back"], "half a round trip later")
        wire.run(.seconds(1))
        #expect(wire.counters.count == counters)
        wire.sleep(.seconds(600))
        wire.serverIsUp = false
        wire.server.restart()
        try wire.send("again")
        wire.run(.milliseconds(50))
        wire.serverIsUp = true
        wire.run(.milliseconds(500))
        #expect(wire.counters.count == counters + 1, "without waiting for two seconds of silence")
        #expect(wire.committedBodies.last == "again")
    }

    @Test func nothingIsSentWithoutANetwork() throws {
        let wire = try connected()
        wire.client.networkLost()
        try wire.send("later")
        #expect(wire.clientDeadline == .distantFuture)
        wire.run(.seconds(60))
        #expect(wire.server.committed.isEmpty)
        wire.client.networkChanged(now: wire.now)
        wire.run(.milliseconds(100))
        #expect(wire.server.committed.count == 1)
    }

    @Test func closingSaysGoodbyeAndIsFinal() throws {
        let wire = try connected()
        wire.client.close(now: wire.now)
        wire.run(.seconds(1))
        let serverDeadline = wire.server.deadline
        #expect(serverDeadline == .distantFuture)
        #expect(wire.events.last == .connectionChanged(.closed))
        #expect(throws: ClientRefusal.closed) { try wire.send("too late") }
    }

    @Test func strictReadingStopsAtTheFirstHole() throws {
        let wire = try connected()
        for i in 1...3 { _ = wire.server.model.commit(talk, "lost \(i)") }
        wire.peerSays("after the hole")
        wire.run(.milliseconds(100))
        #expect(wire.toldBodies == ["after the hole"])
        let strict = try wire.client.contiguousMessages(
            talk, after: ConversationSequence(0), limit: 99)
        #expect(strict.isEmpty)
        wire.run(.seconds(2))
        let filled = try wire.client.contiguousMessages(
            talk, after: ConversationSequence(1), limit: 99)
        #expect(filled.map(\.sequence.number) == [2, 3, 4])
    }
}

@Suite struct ClientCorePropertyTests {
    /// Loss in both directions, crashes and restarts: everything arrives, once, in order.
    @Test(arguments: 1...12 as ClosedRange<UInt64>)
    func everythingArrivesOnceInOrder(seed: UInt64) throws {
        var random = RandomStream(seed: seed, label: "client core")
        let wire = try Wire(seed: seed)
        wire.client.connect(now: wire.now)
        wire.lossToServer = random.fraction() * 0.3
        wire.lossToClient = random.fraction() * 0.3
        var mine: [String] = []
        var theirs: [String] = []
        for i in 0..<60 {
            switch random.below(8) {
            case 0...3:
                mine.append("mine \(i)")
                try wire.send("mine \(i)")
            case 4...6:
                theirs.append("theirs \(i)")
                wire.peerSays("theirs \(i)")
            default: if random.chance(0.5) { try wire.crash() } else { wire.server.restart() }
            }
            wire.run(random.interval(below: .milliseconds(500)))
        }
        wire.lossToServer = 0
        wire.lossToClient = 0
        wire.run(.seconds(60))
        #expect(wire.committedBodies == mine)
        #expect(try wire.storedBodies.filter { $0.hasPrefix("mine") } == mine)
        #expect(try wire.storedBodies.filter { $0.hasPrefix("theirs") } == theirs)
        #expect(wire.isCaughtUp)
        #expect(try wire.store.outbox(after: 0, limit: 9).isEmpty)
        // Told once each; only a crash between storing and telling may keep one untold.
        #expect(Set(wire.toldBodies).count == wire.toldBodies.count)
    }
}
