// Catching up over a store in memory: heads, cursors, pages, and what outsiders see.

import PetrelBase
import PetrelMessaging
import PetrelServices
import Testing

struct SyncServiceTests {
    @Test func headsNameThePeerAndWhatItHas() throws {
        var world = World()
        let anna = try world.person("anna", 1)
        let bob = try world.person("bob", 2)
        let sent = try world.say("one", from: anna, to: "bob", 1)
        _ = try world.say("two", from: anna, to: "bob", 2)
        let mark = Watermark(conversation: sent.conversation, sequence: .init(1))
        _ = try world.apply(
            .acknowledge(
                SyncService.acknowledgement(feed: .init(1), delivered: [mark], read: [], by: bob)))
        let page = try SyncService.changes(
            SyncRequest(incarnation: 1, cursor: .init(0), limit: 0), for: anna, store: world.store)
        let head = try #require(page.heads.first)
        #expect(page.heads.count == 1)
        #expect(head.kind == .peer(Person(account: bob.account, handle: "bob")))
        #expect(head.last == .init(2))
        #expect(head.first == .init(1))
        #expect(head.delivered == .init(1))
        #expect(page.cursor == page.snapshot)
        #expect(page.remaining == 0)
    }

    @Test func pagesOfHeadsLeadToTheEnd() throws {
        var world = World()
        let anna = try world.person("anna", 1)
        for number in 2...8 as ClosedRange<UInt64> {
            let other = try world.person("other\(number)", number)
            _ = try world.say("hello", from: other, to: "anna", number)
        }
        var cursor = FeedSequence(0)
        var peers: [AccountID] = []
        var remaining: [UInt64] = []
        repeat {
            let page = try SyncService.changes(
                SyncRequest(incarnation: 1, cursor: cursor, limit: 3), for: anna, store: world.store
            )
            cursor = page.cursor
            peers += page.heads.compactMap { head in
                if case .peer(let person) = head.kind { person.account } else { nil }
            }
            remaining.append(page.remaining)
        } while remaining.last != 0 && remaining.count < 10
        #expect(peers == (2...8).map { AccountID($0) })
        #expect(remaining == [5, 2, 0])
        let nothing = try SyncService.changes(
            SyncRequest(incarnation: 1, cursor: cursor, limit: 3), for: anna, store: world.store)
        #expect(nothing.heads.isEmpty)
        #expect(nothing.cursor == cursor)
    }

    @Test func aCursorOfAnotherLifeStartsAnew() throws {
        var world = World()
        let anna = try world.person("anna", 1)
        _ = try world.say("note", from: anna, to: "anna", 1)
        for (incarnation, count) in [(UInt64(1), 0), (2, 1), (0, 1)] {
            let page = try SyncService.changes(
                SyncRequest(incarnation: incarnation, cursor: .init(2), limit: 0), for: anna,
                store: world.store)
            #expect(page.heads.count == count)
            #expect(page.incarnation == 1)
        }
    }

    @Test func pagesFollowTheOrderAndTheLimits() throws {
        var world = World()
        let anna = try world.person("anna", 1)
        let bob = try world.person("bob", 2)
        var conversation = ConversationID(0)
        for number in 1...120 as ClosedRange<UInt64> {
            let (sender, peer) = number % 2 == 0 ? (anna, "bob") : (bob, "anna")
            conversation = try world.say("m", from: sender, to: peer, number).conversation
        }
        let newest = try SyncService.page(
            of: conversation, from: 1, to: .max, order: .newestFirst, for: anna,
            store: world.store)
        #expect(newest.records.map(\.sequence.number) == (71...120).reversed())
        #expect(!newest.isComplete)
        #expect(newest.records[0].senderHandle == "anna")
        #expect(newest.records[1].senderHandle == "bob")
        let rest = try SyncService.page(
            of: conversation, from: 110, to: 500, order: .oldestFirst, for: bob,
            store: world.store)
        #expect(rest.records.map(\.sequence.number) == Array(110...120))
        #expect(rest.isComplete)
        let beyond = try SyncService.page(
            of: conversation, from: 121, to: 130, order: .oldestFirst, for: bob,
            store: world.store)
        #expect(beyond.records.isEmpty)
        #expect(beyond.isComplete)
    }

    @Test func pagesEndBeforeTooManyBytes() throws {
        var world = World()
        let anna = try world.person("anna", 1)
        var conversation = ConversationID(0)
        let text = String(repeating: "x", count: 20_000)
        for number in 1...3 as ClosedRange<UInt64> {
            conversation = try world.say(text, from: anna, to: "anna", number).conversation
        }
        let page = try SyncService.page(
            of: conversation, from: 1, to: 3, order: .oldestFirst, for: anna, store: world.store)
        #expect(page.records.count == 1)
        #expect(!page.isComplete)
    }

    @Test func outsidersSeeNothing() throws {
        var world = World()
        let anna = try world.person("anna", 1)
        _ = try world.person("bob", 2)
        let eve = try world.person("eve", 3)
        let sent = try world.say("secret", from: anna, to: "bob", 1)
        #expect(throws: Refused(.unknownConversation)) {
            try SyncService.page(
                of: sent.conversation, from: 1, to: 1, order: .oldestFirst, for: eve,
                store: world.store)
        }
        let page = try SyncService.changes(
            SyncRequest(incarnation: 1, cursor: .init(0), limit: 0), for: eve, store: world.store)
        #expect(page.heads.isEmpty)
    }
}

extension SyncPage {
    /// The conversations among the items.
    fileprivate var heads: [ConversationHead] {
        items.compactMap { item in
            if case .conversation(let head) = item.kind { head } else { nil }
        }
    }
}
