// When HELLO is said, and how long the pauses are.

import PetrelBase
import Testing

@testable import PetrelClientNetwork

@Suite struct ConnectorTests {
    let addresses = [
        Address(v4: 0x7F00_0001, port: 1), Address(v4: 0x7F00_0002, port: 2),
    ]

    private func at(_ milliseconds: Int64) -> Instant {
        Instant(nanoseconds: milliseconds * 1_000_000)
    }

    @Test func lifetimesDoubleAddressesRotatePausesGrow() {
        var connector = Connector(addresses: addresses)
        var random = RandomStream(seed: 7, label: "connector")
        #expect(connector.nextAttempt(now: at(0)) == nil)
        connector.connect(now: at(0))
        var now = at(0)
        var pauses: [Interval] = []
        for (number, seconds) in [(1, 4), (2, 8), (3, 16), (4, 16), (5, 16), (12, 16)] {
            var attempt = connector.nextAttempt(now: now)
            while let made = attempt, made.number < number {
                connector.attemptExpired(now: now, random: &random)
                now = connector.deadline
                attempt = connector.nextAttempt(now: now)
            }
            #expect(attempt?.number == number)
            #expect(attempt?.lifetime == .seconds(Int64(seconds)))
            #expect(attempt?.address == addresses[(number - 1) % 2])
            now = now + .seconds(Int64(seconds))
            connector.attemptExpired(now: now, random: &random)
            #expect(connector.state == .waiting(until: connector.deadline, reason: .unreachable))
            pauses.append(connector.deadline - now)
            now = connector.deadline
        }
        #expect(pauses[0] >= .milliseconds(125) && pauses[0] < .milliseconds(250))
        #expect(pauses[5] >= .milliseconds(2_500) && pauses[5] <= .seconds(5))
        #expect(pauses[4] > pauses[0])
    }

    @Test func aLongSessionThatEndsIsFollowedAtOnce() {
        var connector = Connector(addresses: addresses)
        var random = RandomStream(seed: 1, label: "connector")
        connector.connect(now: at(0))
        _ = connector.nextAttempt(now: at(0))
        connector.connected(now: at(100))
        connector.sessionEnded(.silent, now: at(10_000), random: &random)
        #expect(connector.deadline == at(10_000))
        // In the tunnel: attempts without pauses for 30 s, then with pauses.
        #expect(connector.nextAttempt(now: at(10_000))?.lifetime == .seconds(4))
        connector.attemptExpired(now: at(14_000), random: &random)
        #expect(connector.deadline == at(14_000))
        #expect(connector.nextAttempt(now: at(14_000))?.lifetime == .seconds(8))
        connector.attemptExpired(now: at(22_000), random: &random)
        _ = connector.nextAttempt(now: at(22_000))
        connector.attemptExpired(now: at(41_000), random: &random)
        #expect(connector.deadline > at(41_000))
    }

    @Test func aServerThatTurnsEveryoneAwayIsNotAskedWithoutPauses() {
        var connector = Connector(addresses: addresses)
        var random = RandomStream(seed: 1, label: "connector")
        connector.connect(now: at(0))
        var now = at(0)
        var pauses: [Interval] = []
        for _ in 0..<8 {
            _ = connector.nextAttempt(now: now)
            connector.connected(now: now)
            connector.sessionEnded(.closedByServer(code: 3), now: now, random: &random)
            pauses.append(connector.deadline - now)
            now = connector.deadline
        }
        #expect(pauses.allSatisfy { $0 >= .milliseconds(125) })
        #expect(pauses.last.map { $0 > .seconds(1) } == true)
    }

    @Test func aNewNetworkEndsPausesAndOldAttempts() {
        var connector = Connector(addresses: addresses)
        var random = RandomStream(seed: 1, label: "connector")
        connector.connect(now: at(0))
        _ = connector.nextAttempt(now: at(0))
        let young = connector.networkChanged(now: at(100))
        #expect(!young)
        let old = connector.networkChanged(now: at(900))
        #expect(old)
        _ = connector.nextAttempt(now: at(900))
        connector.attemptExpired(now: at(5_000), random: &random)
        #expect(connector.deadline > at(5_000))
        _ = connector.networkChanged(now: at(5_001))
        #expect(connector.deadline == at(5_001))
    }

    /// A hundred clients of a server that stops come back evenly over its window.
    @Test func clientsOfAServerThatLeavesComeBackSpreadOut() {
        var random = RandomStream(seed: 7, label: "connector")
        var quarters = [0, 0, 0, 0]
        for _ in 0..<100 {
            var connector = Connector(addresses: addresses)
            connector.connect(now: at(0))
            _ = connector.nextAttempt(now: at(0))
            connector.connected(now: at(0))
            let moment = connector.serverLeaves(
                within: .seconds(4), to: nil, now: at(60_000), random: &random)
            #expect(moment >= at(60_000) && moment <= at(64_000))
            connector.sessionEnded(.closedByServer(code: 1), now: at(60_300), random: &random)
            #expect(connector.deadline == max(moment, at(60_300)))
            let woken = connector.networkChanged(now: at(60_400))
            #expect(!woken && connector.deadline >= moment, "it stays spread out")
            quarters[min(3, Int((moment - at(60_000)).nanoseconds / 1_000_000_000))] += 1
        }
        #expect(quarters.allSatisfy { $0 >= 15 }, "\(quarters)")
    }

    @Test func aServerMayLeaveForAnotherAddress() {
        var random = RandomStream(seed: 7, label: "connector")
        var connector = Connector(addresses: addresses)
        connector.connect(now: at(0))
        _ = connector.nextAttempt(now: at(0))
        connector.connected(now: at(0))
        let other = Address(v4: 0x0A00_0063, port: 7_701)
        _ = connector.serverLeaves(within: .zero, to: other, now: at(9_000), random: &random)
        let beside = connector.nextResumption()?.address
        #expect(beside == other, "while the session goes on")
        connector.sessionEnded(.silent, now: at(9_100), random: &random)
        let attempt = connector.nextAttempt(now: at(9_100))?.address
        #expect(attempt == other)
    }

    @Test func nothingHappensAfterClose() {
        var connector = Connector(addresses: addresses)
        connector.connect(now: at(0))
        connector.close()
        connector.connect(now: at(1))
        connector.suspend()
        #expect(connector.state == .closed)
        #expect(connector.deadline == .distantFuture)
        #expect(connector.nextAttempt(now: at(2)) == nil)
    }
}
