// Messages leave in order, as often as it takes, and each gets one verdict.

import PetrelBase
import PetrelMessaging
import Testing

@testable import PetrelClientData

@Suite struct OutboxTests {
    private let start = Instant(nanoseconds: 0)

    private func entry(_ index: UInt64) -> OutboxEntry {
        OutboxEntry(
            index: index, clientMessageID: ClientMessageID(high: 1, low: index),
            target: .handle("bob"),
            event: .message(Content(contentType: "", body: [UInt8(truncatingIfNeeded: index)])),
            written: WallTime(milliseconds: 0))
    }

    private func filled(_ count: UInt64) -> Outbox {
        var outbox = Outbox(last: 0)
        for _ in 0..<count { outbox.appended(entry(outbox.nextIndex)) }
        return outbox
    }

    /// Sends all that may be sent, in requests after `request`; returns the indices in order.
    private func sendAll(_ outbox: inout Outbox, from request: inout UInt64, at now: Instant)
        -> [UInt64]
    {
        var sent: [UInt64] = []
        while let entry = outbox.nextToSend(now: now) {
            request += 1
            _ = outbox.sent(entry.index, in: request)
            sent.append(entry.index)
        }
        return sent
    }

    @Test func aWindowOfSixtyFourLeavesInOrderAndRefillsFromTheStore() {
        var outbox = filled(200)
        var request: UInt64 = 0
        #expect(sendAll(&outbox, from: &request, at: start) == Array(1...64))
        #expect(outbox.wanted == nil)
        for index in 1...32 as ClosedRange<UInt64> {
            #expect(outbox.committed(entry(index).clientMessageID)?.index == index)
        }
        #expect(outbox.wanted?.after == 64)
        #expect(outbox.wanted?.limit == 32)
        outbox.load((65...96).map(entry), limit: 32)
        #expect(sendAll(&outbox, from: &request, at: start) == Array(65...96))
        #expect(!outbox.isEmpty)
    }

    @Test func aNewSessionSendsAllUnansweredAgainFromTheFirst() {
        var outbox = filled(5)
        var request: UInt64 = 0
        _ = sendAll(&outbox, from: &request, at: start)
        _ = outbox.committed(entry(2).clientMessageID)
        outbox.sessionEnded()
        #expect(sendAll(&outbox, from: &request, at: start) == [1, 3, 4, 5])
        let isFirst = outbox.sent(1, in: 100)
        #expect(!isFirst)
    }

    @Test func aVerdictThatComesTwiceCountsOnce() {
        var outbox = filled(1)
        var request: UInt64 = 0
        _ = sendAll(&outbox, from: &request, at: start)
        // The first verdict is lost with its session; both copies are answered later.
        outbox.sessionEnded()
        _ = sendAll(&outbox, from: &request, at: start)
        #expect(outbox.committed(entry(1).clientMessageID) == entry(1))
        #expect(outbox.committed(entry(1).clientMessageID) == nil)
        #expect(outbox.isEmpty)
    }

    @Test func busyKeepsTheOrder() {
        var outbox = filled(4)
        var request: UInt64 = 0
        _ = sendAll(&outbox, from: &request, at: start)
        _ = outbox.committed(entry(1).clientMessageID)
        let busy = MessagingError.busy.rawValue
        let outcome = outbox.refused(
            request: 2, code: busy, retryAfter: .milliseconds(800), now: start)
        #expect(outcome == .again)
        // The copies after it are refused as well; they are not the latest any more.
        #expect(
            outbox.refused(request: 3, code: busy, retryAfter: .seconds(9), now: start) == .ignored)
        let again = start + .milliseconds(800)
        #expect(outbox.deadline == again)
        #expect(outbox.nextToSend(now: again - Interval(nanoseconds: 1)) == nil)
        #expect(sendAll(&outbox, from: &request, at: again) == [2, 3, 4])
    }

    @Test(arguments: [
        (MessagingError.busy, Interval.zero, true),
        (.storageFull, .zero, true),
        (.storageFailed, .zero, true),
        (.notEnrolled, .zero, true),
        (.tooLarge, .zero, false),
        (.unknownRecipient, .zero, false),
        // About the message, however long it lasts: others need not wait for it.
        (.muted, .seconds(3_600), false),
        (.identifierConflict, .zero, false),
        (.identifierExpired, .zero, false),
    ])
    func refusals(error: MessagingError, retryAfter: Interval, isRetried: Bool) {
        var outbox = filled(2)
        var request: UInt64 = 0
        _ = sendAll(&outbox, from: &request, at: start)
        let outcome = outbox.refused(
            request: 1, code: error.rawValue, retryAfter: retryAfter, now: start)
        #expect(outcome == (isRetried ? .again : .failed(entry(1))))
        #expect(outbox.entry(entry(1).clientMessageID) == (isRetried ? entry(1) : nil))
    }

    /// [M-2.2-6]: the session may be about to refuse it for now, and would then wait for it.
    @Test func aMessageSeenElsewhereStaysUntilItsSessionHasAnswered() {
        let place = (ConversationID(9), ConversationSequence(7))
        let identifier = entry(1).clientMessageID
        var outbox = filled(2)
        var request: UInt64 = 0
        #expect(sendAll(&outbox, from: &request, at: start) == [1, 2])
        #expect(outbox.settled(identifier, at: place.0, place.1) == nil)
        let refused = outbox.refused(
            request: 1, code: MessagingError.busy.rawValue, retryAfter: .zero, now: start)
        #expect(refused == .again)
        #expect(outbox.settled(identifier, at: place.0, place.1) == nil)
        #expect(sendAll(&outbox, from: &request, at: start + .seconds(1)) == [1, 2])
        let expired = outbox.refused(
            request: 3, code: MessagingError.identifierExpired.rawValue, retryAfter: .zero,
            now: start)
        #expect(expired == .committed(entry(1), place.0, place.1))
        // No session waits for what was not sent in one.
        outbox.sessionEnded()
        #expect(outbox.settled(entry(2).clientMessageID, at: place.0, place.1) == entry(2))
        #expect(outbox.isEmpty)
    }

    @Test func whatIsDeliveredIsToldOnceAndInOrder() {
        var awaited = AwaitedReceipts()
        let conversation = ConversationID(9)
        for index in 1...4 as ClosedRange<UInt64> {
            awaited.insert(
                .init(
                    index: index, clientMessageID: entry(index).clientMessageID,
                    conversation: conversation, sequence: ConversationSequence(index * 2)))
        }
        let first = awaited.received(conversation, upTo: ConversationSequence(5)).map(\.index)
        #expect(first == [1, 2])
        #expect(awaited.received(conversation, upTo: ConversationSequence(5)).isEmpty)
        #expect(awaited.received(ConversationID(8), upTo: ConversationSequence(99)).isEmpty)
        let rest = awaited.received(conversation, upTo: ConversationSequence(8)).map(\.index)
        #expect(rest == [3, 4])
    }
}
