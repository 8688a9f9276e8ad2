// What a conversation is for one account alone, and that nobody else is told.

import PetrelBase
import PetrelMessaging
import Testing

@testable import PetrelServices

@Suite struct SettingsRulesTests {
    private static func town(messages: Int) throws -> (Town, ConversationID) {
        var town = try Town(1...3)
        try town.befriend(1, 2)
        var id = ConversationID(0)
        for _ in 0..<messages { id = try town.say(from: 2, to: 1).get().conversation }
        return (town, id)
    }

    /// The change is made, and told to the account alone.
    private func expectStep(
        _ change: ConversationChange, of id: ConversationID, _ town: inout Town,
        _ location: SourceLocation = #_sourceLocation
    ) throws {
        let newest = try town.store.newestFeed(.init(1))
        let feed = FeedStep(account: .init(1), feed: .init(newest.number + 1), previous: newest)
        #expect(
            try town.set(change, of: id, by: 1)
                == .changed(
                    AccountChanges(steps: [.init(feed: feed, subject: .conversation(id))])),
            sourceLocation: location)
        try expectNothing(change, of: id, &town, location)
    }

    /// The change changes nothing.
    private func expectNothing(
        _ change: ConversationChange, of id: ConversationID, _ town: inout Town,
        _ location: SourceLocation = #_sourceLocation
    ) throws {
        let before = try town.tables()
        #expect(
            try town.set(change, of: id, by: 1) == .changed(AccountChanges()),
            sourceLocation: location)
        #expect(try town.tables() == before, sourceLocation: location)
    }

    @Test func settingsAreForOneAccount() throws {
        var (town, id) = try Self.town(messages: 3)
        let time = Town.later(town.now, .seconds(60))
        try expectStep(.pinned(true), of: id, &town)
        try expectStep(.mutedUntil(time), of: id, &town)
        try expectStep(.hidden(.init(3)), of: id, &town)
        try expectStep(.hidden(.init(1)), of: id, &town)
        #expect(
            try town.head(id, 1).settings
                == ConversationSettings(
                    isPinned: true, mutedUntil: time, hidden: [.init(1), .init(3)]))
        try expectStep(.cleared(upTo: .init(2)), of: id, &town)
        let settings = try town.head(id, 1).settings
        #expect(settings.cleared == .init(2))
        #expect(settings.hidden == [.init(3)])
        try expectNothing(.cleared(upTo: .init(1)), of: id, &town)
        try expectNothing(.hidden(.init(2)), of: id, &town)
        try expectNothing(.hidden(.init(4)), of: id, &town)
        try expectNothing(.hidden(.init(0)), of: id, &town)
        // Not beyond what there is.
        try expectStep(.cleared(upTo: .init(.max)), of: id, &town)
        #expect(try town.head(id, 1).settings.cleared == .init(3))
        #expect(try town.head(id, 1).settings.hidden == [])
        try expectStep(.pinned(false), of: id, &town)
        try expectStep(.mutedUntil(.init(milliseconds: 0)), of: id, &town)
        #expect(try town.head(id, 2).settings == ConversationSettings())
        try town.audit()
    }

    @Test func othersSetNothing() throws {
        var (town, id) = try Self.town(messages: 1)
        let before = try town.tables()
        let unknown = StoreOutcome.refused(.init(.unknownConversation))
        #expect(try town.set(.pinned(true), of: id, by: 3) == unknown)
        #expect(try town.set(.pinned(true), of: .init(77), by: 1) == unknown)
        #expect(try town.set(.pinned(true), of: id, by: 9) == .refused(.init(.notEnrolled)))
        #expect(try town.tables() == before)
    }

    @Test func placesAreHiddenUpToALimit() throws {
        let most = MessagingLimits.hiddenMax
        var (town, id) = try Self.town(messages: most + 1)
        for place in 1...UInt64(most) {
            _ = try town.set(.hidden(.init(place)), of: id, by: 1)
        }
        let before = try town.tables()
        #expect(
            try town.set(.hidden(.init(UInt64(most) + 1)), of: id, by: 1)
                == .refused(.init(.tooManyHidden, limit: most)))
        #expect(try town.tables() == before)
        try expectStep(.cleared(upTo: .init(10)), of: id, &town)
        try expectStep(.hidden(.init(UInt64(most) + 1)), of: id, &town)
        #expect(try town.head(id, 1).settings.hidden.count == most - 9)
    }

    @Test func whoLeftAGroupStillClearsIt() throws {
        var town = try Town(1...2)
        let id = try town.group(2, [1])
        _ = try town.act(.left, by: 1, to: .conversation(id)).get()
        _ = try town.say(from: 2, in: id).get()
        try expectStep(.cleared(upTo: .init(9)), of: id, &town)
        #expect(try town.head(id, 1).settings.cleared == .init(2))
    }
}
