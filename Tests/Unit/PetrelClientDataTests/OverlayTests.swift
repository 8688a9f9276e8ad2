// What becomes of messages: edits, recalls, reactions and lifetimes, in whatever order they come.

import PetrelBase
import PetrelClientData
import PetrelMessaging
import Testing

@Suite struct OverlayTests {
    private let talk = ConversationID(10)

    private func record(
        _ place: UInt64, _ event: ConversationEvent, by sender: UInt64 = 2
    ) -> MessageRecord {
        MessageRecord(
            conversation: talk, sequence: ConversationSequence(place), sender: AccountID(sender),
            senderDevice: DeviceID(1), senderHandle: "peer",
            clientMessageID: ClientMessageID(high: 1, low: place),
            time: WallTime(milliseconds: Int64(place) * 1_000), event: event)
    }

    private func says(_ text: String, lifetime: UInt32 = 0) -> Content {
        Content(contentType: "", body: Array(text.utf8), lifetimeSeconds: lifetime)
    }

    private func place(_ number: UInt64) -> ConversationSequence { ConversationSequence(number) }

    private func reacts(_ target: UInt64, _ text: String, withdrawn: Bool = false)
        -> ConversationEvent
    {
        .reaction(Reaction(sequence: place(target), text: text, isWithdrawn: withdrawn))
    }

    /// All that can be read of the conversation.
    private struct Portrait: Equatable {
        var records: [MessageRecord]
        var overlays: [Overlay]
        var expiring: [Expiry]

        init(_ store: MemoryClientStore, _ id: ConversationID) throws {
            records = try store.messages(id, from: ConversationSequence(0), limit: .max)
            overlays = try store.overlays(id, from: ConversationSequence(0), limit: .max)
            expiring = try store.expiring(limit: .max)
        }
    }

    @Test func theNewestEditWinsAndReactionsAreCountedByTheirLastWord() throws {
        var store = MemoryClientStore()
        let events = [
            record(1, .message(says("first"))),
            record(2, .edit(sequence: place(1), says("second"))),
            record(3, .edit(sequence: place(1), says("third"))),
            record(4, reacts(1, "+1"), by: 3), record(5, reacts(1, "+1", withdrawn: true), by: 3),
            record(6, reacts(1, "+1"), by: 4), record(7, reacts(1, "heart"), by: 4),
        ]
        for event in events.reversed() { try store.apply([.message(event)]) }
        let overlay = try #require(try store.overlays(talk, from: place(1), limit: 1).first)
        #expect(overlay.edit == .init(sequence: place(3), content: says("third")))
        #expect(overlay.reactions.map(\.text) == ["+1", "heart"])
        #expect(overlay.reactions.allSatisfy { $0.account == AccountID(4) })
        let records = try store.messages(talk, from: place(0), limit: 9)
        #expect(records == events, "what happened stays as it happened")
    }

    @Test func aRecallErasesTheMessageAndItsEdits() throws {
        let events = [
            record(1, .message(says("secret"))),
            record(2, .edit(sequence: place(1), says("secret too"))),
            record(3, .recall(sequence: place(1))),
            record(4, .message(says("else"))),
        ]
        for order in [[0, 1, 2, 3], [2, 1, 0, 3], [1, 2, 0, 3], [3, 0, 2, 1]] {
            var store = MemoryClientStore()
            try store.apply(order.map { .message(events[$0]) })
            let records = try store.messages(talk, from: place(0), limit: 9)
            #expect(records[0].event == .gone(.recalled))
            #expect(records[1].event == .gone(.recalled))
            #expect(records[3] == events[3])
            let overlay = try #require(try store.overlays(talk, from: place(1), limit: 1).first)
            #expect(overlay.isRecalled && overlay.edit == nil)
        }
    }

    @Test func whatIsGoneReplacesWhatIsHeldAndNothingReplacesIt() throws {
        var store = MemoryClientStore()
        let message = record(1, .message(says("here", lifetime: 5)))
        try store.apply([.message(message), .message(record(1, .gone(.hidden)))])
        try store.apply([.message(message)])
        #expect(try store.messages(talk, from: place(0), limit: 9).map(\.isGone) == [true])
        #expect(try store.expiring(limit: 9).isEmpty)
    }

    @Test func lifetimesAreListedAndErased() throws {
        var store = MemoryClientStore()
        try store.apply([
            .message(record(1, .message(says("long", lifetime: 60)))),
            .message(record(2, .message(says("short", lifetime: 5)))),
            .message(record(3, .edit(sequence: place(2), says("short still")))),
            .message(record(4, .message(says("for ever")))),
        ])
        #expect(try store.expiring(limit: 9).map(\.sequence) == [place(2), place(1)])
        #expect(try store.expiring(limit: 1).first?.time == WallTime(milliseconds: 7_000))
        try store.apply([.erase(talk, place(2), .expired)])
        let records = try store.messages(talk, from: place(0), limit: 9)
        #expect(records.map(\.isGone) == [false, true, true, false])
        #expect(try store.overlays(talk, from: place(0), limit: 9).isEmpty)
        try store.apply([.trim(talk, below: place(4))])
        #expect(try store.messages(talk, from: place(0), limit: 9).map(\.sequence) == [place(4)])
        #expect(try store.expiring(limit: 9).isEmpty)
    }

    /// The same events in any order, some of them twice, leave the same.
    @Test(arguments: 1...40 as ClosedRange<UInt64>)
    func theOrderDoesNotMatter(seed: UInt64) throws {
        var random = RandomStream(seed: seed, label: "overlay")
        var events: [MessageRecord] = []
        for number in 1...24 as ClosedRange<UInt64> {
            let target = 1 + random.below(6)
            let event: ConversationEvent =
                switch number <= 6 ? 0 : random.below(4) {
                case 0: .message(says("message \(number)"))
                case 1: .edit(sequence: place(target), says("edit \(number)"))
                case 2:
                    random.chance(0.3)
                        ? .recall(sequence: place(target)) : reacts(target, "heart")
                default: reacts(target, "+1", withdrawn: random.chance(0.5))
                }
            events.append(record(number, event, by: 2 + random.below(3)))
        }
        var ordered = MemoryClientStore()
        try ordered.apply(events.map { .message($0) })
        var mixed = events + events.prefix(8)
        for i in mixed.indices.reversed() {
            mixed.swapAt(i, Int(random.below(UInt64(i + 1))))
        }
        var shuffled = MemoryClientStore()
        for event in mixed { try shuffled.apply([.message(event)]) }
        #expect(try Portrait(shuffled, talk) == Portrait(ordered, talk))
    }
}
