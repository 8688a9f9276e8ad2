// Reading the store: pages with holes, strict order, and the list of conversations.

import PetrelBase
import PetrelClientData
import PetrelEvent
import PetrelMessaging
import PetrelStore
import Testing

@testable import Petrel

@Suite struct ReaderTests {
    private let directory: TemporaryDirectory
    private let store: FileClientStore
    private let reader: Reader

    init() throws {
        directory = try TemporaryDirectory()
        store = try FileClientStore(directory: "\(directory.path)/client", mapBytes: 16 << 20)
        let shared = Shared(account: Records.me, mailbox: try Mailbox(capacity: 4))
        reader = Reader(store: store, shared: shared)
    }

    private func local(
        _ id: UInt64 = 77, held: [ClosedRange<UInt64>], head: UInt64,
        change: (inout LocalConversation) -> Void = { _ in }
    ) -> LocalConversation {
        var local = LocalConversation(
            id: PetrelMessaging.ConversationID(id),
            kind: .peer(Person(account: Records.bob, handle: "bob")),
            head: ConversationSequence(head), held: HeldRanges(held))
        change(&local)
        return local
    }

    /// Fills places with texts; those in `events` with these instead.
    private func fill(
        _ local: LocalConversation, events: [UInt64: ConversationEvent] = [:]
    ) throws {
        var changes: [ClientChange] = [.conversation(local)]
        for range in local.held.ranges {
            for place in range {
                var record = Records.record(
                    place, events[place] ?? .message(Records.text("\(place)")))
                record.conversation = local.id
                changes.append(.message(record))
            }
        }
        try store.apply(changes)
    }

    private func numbers(_ page: HistoryPage) -> [String] {
        page.items.map { item in
            switch item {
            case .message(let message): "\(message.place.number)"
            case .hole(let hole): "\(hole.lowerBound)-\(hole.upperBound)"
            }
        }
    }

    @Test func theNewestPageComesAtOnceWithItsHoles() throws {
        try fill(local(held: [1...10, 15...16, 20...20], head: 22))
        let page = try reader.history(Records.conversation, before: nil, limit: 6)
        #expect(numbers(page) == ["11-14", "15", "16", "17-19", "20", "21-22"])
        #expect(page.start == 11 && page.hasOlder)
        let older = try reader.history(Records.conversation, before: page.start, limit: 6)
        #expect(numbers(older) == ["5", "6", "7", "8", "9", "10"])
        let oldest = try reader.history(Records.conversation, before: older.start, limit: 6)
        #expect(numbers(oldest) == ["1", "2", "3", "4"] && !oldest.hasOlder && oldest.start == 1)
    }

    @Test func pagesTogetherShowEachMessageOnce() throws {
        var events: [UInt64: ConversationEvent] = [:]
        for place in stride(from: UInt64(2), through: 400, by: 3) {
            events[place] = .reaction(.init(sequence: .init(1), text: "\(place)"))
        }
        try fill(local(held: [1...180, 200...400], head: 400), events: events)
        for limit in [1, 7, 64, 1_000] {
            var end: UInt64?
            var seen: [UInt64] = []
            var holes = 0
            while true {
                let page = try reader.history(Records.conversation, before: end, limit: limit)
                #expect(page.items.count <= limit)
                seen = page.messages.map(\.place.number) + seen
                holes += page.items.count - page.messages.count
                guard page.hasOlder else { break }
                #expect(page.start < end ?? .max)
                end = page.start
            }
            let expected = (UInt64(1)...400).filter { $0 <= 180 || $0 >= 200 }
                .filter { events[$0] == nil }
            #expect(seen == expected && holes == 1)
        }
    }

    @Test func whatTheAccountHidIsLeftOut() throws {
        try fill(
            local(held: [1...9], head: 9) { local in
                local.settings.cleared = ConversationSequence(3)
                local.settings.hidden = [ConversationSequence(6)]
            })
        let page = try reader.history(Records.conversation, before: nil, limit: 50)
        #expect(numbers(page) == ["4", "5", "7", "8", "9"] && !page.hasOlder)
        let all = try reader.messages(Records.conversation, from: 1, limit: 50)
        #expect(all.map(\.place.number) == [4, 5, 7, 8, 9])
        let strict = reader.strict(Records.conversation, after: 0, withChanges: true)
        #expect(strict.messages.map(\.place.number) == [4, 5, 7, 8, 9])
    }

    @Test func strictReadingStopsAtAHoleAndPassesChanges() throws {
        let events: [UInt64: ConversationEvent] = [
            2: .edit(sequence: .init(1), Records.text("better")), 3: .gone(.expired), 4: .joined,
        ]
        try fill(local(held: [1...5, 7...8], head: 8), events: events)
        let plain = reader.strict(Records.conversation, after: 0, withChanges: false)
        #expect(plain.messages.map(\.place.number) == [1, 4, 5])
        #expect(plain.messages.first?.text == "better")
        let full = reader.strict(Records.conversation, after: 1, withChanges: true)
        #expect(full.messages.map(\.place.number) == [2, 3, 4, 5])
        #expect(full.messages.first?.kind == .change(.edit(of: 1)))
        #expect(reader.strict(Records.conversation, after: 5, withChanges: true).messages.isEmpty)
    }

    @Test func aLongRunOfChangesIsNotReadAgainAndAgain() throws {
        var events: [UInt64: ConversationEvent] = [:]
        for place in UInt64(2)...150 {
            events[place] = .reaction(.init(sequence: .init(1), text: "\(place)"))
        }
        try fill(local(held: [1...150], head: 150), events: events)
        let rest = reader.strict(Records.conversation, after: 1, withChanges: false)
        #expect(rest.messages.isEmpty && rest.end == 150)
    }

    @Test func theListBeginsWithPinnedThenWithTheNewestWord() throws {
        let pinned = local(1, held: [1...1], head: 1) { $0.settings.isPinned = true }
        try fill(pinned)
        try fill(local(2, held: [1...3], head: 3))
        try fill(local(3, held: [1...7], head: 7))
        try fill(local(4, held: [], head: 0))
        let list = try reader.conversations()
        #expect(list.map(\.id.number) == [1, 3, 2, 4])
        #expect(list[0].isPinned && list[1].preview?.text == "7" && list[3].preview == nil)
    }

    @Test func titleUnreadAndWhatIsMissing() throws {
        let contact = Contact(
            person: Person(account: Records.bob, handle: "bob"), state: .contact,
            profile: Profile(name: "Robert"))
        try store.apply([.contact(contact)])
        try fill(
            local(held: [1...4, 6...6], head: 8) { local in
                local.read = ConversationSequence(2)
                local.unread = HeldRanges([3...4, 6...6])
                local.settings.mutedUntil = WallTime(milliseconds: 99)
            })
        reader.shared.typing.publish([Records.conversation: [Records.bob]])
        let shown = try #require(try reader.conversation(Records.conversation))
        #expect(shown.title == "Robert" && shown.peer == "bob")
        #expect(shown.unread == 3 && !shown.isUnreadExact && shown.missing == 3)
        #expect(shown.newest == 8 && shown.contiguous == 4 && shown.mutedUntilMilliseconds == 99)
        #expect(shown.typing.map(\.handle) == ["bob"])
        var named = contact
        named.alias = "Bobby"
        try store.apply([.contact(named)])
        #expect(try reader.conversation(Records.conversation)?.title == "Bobby")
    }

    @Test func aGroupIsShownAsTheAccountSeesIt() throws {
        let state = GroupState(
            name: "Hiking", membersCount: 5, role: .admin, standing: .left, isOpen: true,
            mutedUntil: WallTime(milliseconds: 7))
        try fill(
            local(held: [1...1], head: 1) { $0.kind = .group(state) },
            events: [1: .created(GroupCreation(name: "Hiking", members: []))])
        let shown = try #require(try reader.conversations().first)
        guard case .group(let group) = shown.kind else {
            Issue.record("no group: \(shown.kind)")
            return
        }
        #expect(shown.title == "Hiking" && group.membersCount == 5 && group.role == .admin)
        #expect(group.standing == .left && group.isOpen && group.silencedUntilMilliseconds == 7)
        #expect(shown.preview?.kind == .event(.created(name: "Hiking", members: [], isOpen: false)))
    }
}
