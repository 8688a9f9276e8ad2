// How long the first messages of a starting client take, in trips of 50 ms; the disk takes no time.

import Testing

@testable import PetrelSim

@Suite struct FirstMessageTests {
    struct Row: Sendable, CustomTestStringConvertible {
        var messages: [Int]
        var lost: Set<Int> = []
        /// Milliseconds until the first message is committed: without, with messages in the HELLO.
        var first: [Int]
        /// Until the client knows of all.
        var known: [Int]
        var testDescription: String
    }

    static let small = [20]
    static let many = [250, 1_000, 1_000, 1_000]
    static let rows = [
        Row(
            messages: small, first: [150, 150], known: [200, 200],
            testDescription: "nothing is lost: the first packet is as early as the confirmation"),
        Row(
            messages: small, lost: [0], first: [483, 483], known: [533, 533],
            testDescription: "the first packet is lost: both wait for its repair"),
        Row(
            messages: small, lost: [0, 1], first: [816, 816], known: [866, 866],
            testDescription: "so is the repair"),
        Row(
            messages: many, first: [150, 150], known: [200, 200],
            testDescription: "a flight of several packets"),
        Row(
            messages: many, lost: [0], first: [250, 150], known: [300, 312],
            testDescription: "its first packet is lost: any other one confirms the HELLO"),
    ]

    @Test(arguments: rows)
    func timesAreThese(row: Row) throws {
        for (i, sendsEarly) in [false, true].enumerated() {
            var plan = FirstMessage.Plan()
            (plan.messages, plan.lost, plan.sendsEarly) = (row.messages, row.lost, sendsEarly)
            let times = try #require(FirstMessage.times(plan))
            #expect(times.firstCommitted == row.first[i], "\(sendsEarly)")
            #expect(times.known == row.known[i], "\(sendsEarly)")
            #expect(times == FirstMessage.times(plan), "twice the same")
        }
    }

    /// The message travels once: in the HELLO, or in the packet.
    @Test func earlyMessagesCostNoBytesTwice() throws {
        var plan = FirstMessage.Plan()
        let early = try #require(FirstMessage.times(plan))
        plan.sendsEarly = false
        let late = try #require(FirstMessage.times(plan))
        #expect(early.byteCount < late.byteCount)
    }
}
