// The steps of an own message: only forward, and to an end.

import PetrelMessaging
import Testing

@testable import Petrel

@Suite struct DeliveryTests {
    private let place = Place(conversation: PetrelMessaging.ConversationID(1), number: 4)
    private var steps: [Delivery] {
        [.queued, .sent, .committed(place), .delivered(place), .read(place)]
    }

    @Test func noStepBackIsEverTold() {
        for (i, from) in steps.enumerated() where !from.isFinal {
            for (j, to) in steps.enumerated() {
                let latest = Latest(from)
                latest.advance(to: to)
                #expect(latest.value == (j > i ? to : from))
            }
        }
    }

    @Test func whatIsFinalStaysAndEndsTheSequence() async {
        let outgoing = Outgoing(id: "x", index: 1, body: [])
        outgoing.latest.advance(to: .failed(.closed))
        outgoing.latest.advance(to: .read(place))
        let told = await outgoing.deliveries.reduce(into: []) { $0.append($1) }
        #expect(told == [.failed(.closed)])
        #expect(steps.filter(\.isFinal) == [.read(place)])
    }

    @Test func waitingForAStageIsSatisfiedByALaterOne() async throws {
        let stages: [Outgoing.Stage] = [.committed, .delivered, .read]
        for stage in stages {
            let outgoing = Outgoing(id: "x", index: 1, body: [])
            outgoing.latest.advance(to: .read(place))
            #expect(try await outgoing.reached(stage) == place)
        }
        let refused = Outgoing(id: "x", index: 2, body: [])
        refused.latest.advance(to: .failed(.mailboxFull))
        await #expect(throws: PetrelError.mailboxFull) { try await refused.reached(.committed) }
    }

    @Test func aFollowerGetsTheStepsThoughNobodyHoldsTheMessage() async {
        var outgoing: Outgoing? = Outgoing(id: "x", index: 1, body: [])
        let deliveries = outgoing?.deliveries
        weak let latest = outgoing?.latest
        outgoing = nil
        latest?.advance(to: .read(place))
        let told = await deliveries?.reduce(into: []) { $0.append($1) }
        #expect(told == [.read(place)])
    }
}

/// The one of the public face, of two of that name.
private typealias Code = Petrel.RecoveryCode

@Suite struct RecoveryCodeTests {
    @Test func theDigestIsThatOfTheProtocol() throws {
        let typed = try #require(Code("700w12roo9 zkfyj-hy3tb xhyfi-ez"))
        let digest = try #require(typed.digest).words.array
        #expect(digest.prefix(4) == [0x68, 0xD7, 0xCD, 0x7D] && digest.last == 0x3D)
        #expect(typed.shown == "700W1-2R009-ZKFYJ-HY3TB-XHYF1-EZ")
        #expect(Code("700W1-2R009-ZKFYJ-HY3TB-XHYF1-EY") == nil)
        #expect(Code() != Code())
    }
}

@Suite struct UpdatesTests {
    @Test func aViewIsMadeWhenItIsAskedFor() async {
        let signal = Latest(1)
        let updates = Updates(of: signal) { value, _ in "\(value)" }
        var first = updates.makeAsyncIterator()
        #expect(await first.next() == "1")
        for value in 2...9 { signal.publish(value) }
        #expect(await first.next() == "9")
        // Another loop begins with the present value.
        var second = updates.makeAsyncIterator()
        #expect(await second.next() == "9")
        signal.finish()
        #expect(await first.next() == nil)
        #expect(await second.next() == nil)
    }

    @Test func whatHasNothingToShowIsPassedOver() async {
        let signal = Latest(0)
        let even = Updates(of: signal) { $0.isMultiple(of: 2) || $1 == nil ? $0 : nil }
        var iterator = even.makeAsyncIterator()
        #expect(await iterator.next() == 0)
        signal.publish(1)
        async let next = iterator.next()
        signal.publish(2)
        #expect(await next == 2)
    }

    @Test func aConversationHearsOfItsOwnChangesAndOfThoseOfAll() {
        var changes = Arrivals()
        let (a, b) = (PetrelMessaging.ConversationID(1), PetrelMessaging.ConversationID(2))
        changes.note([a])
        #expect(changes.last(of: a) == 1 && changes.last(of: b) == 0)
        changes.noteAll()
        #expect(changes.last(of: a) == 2 && changes.last(of: b) == 2)
        changes.note([b])
        #expect(changes.last(of: a) == 2 && changes.last(of: b) == 3)
        #expect(changes.since(2) == [b] && changes.count == 3)
    }
}
