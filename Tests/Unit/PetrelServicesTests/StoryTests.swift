// The story of a message: what a store still knows of it, and where it waits.

import PetrelBase
import PetrelMessaging
import Testing

@testable import PetrelServices

@Suite struct StoryTests {
    /// The identifier of the town's event of that number.
    private func name(_ number: UInt64) -> ClientMessageID {
        ClientMessageID(high: 7, low: number)
    }

    private func story(of number: UInt64, in town: Town) throws -> MessageStory {
        let stories = try town.store.stories(of: name(number))
        try #require(stories.count == 1)
        return stories[0]
    }

    private func enrol(_ device: UInt64, of account: UInt64, in town: inout Town) throws {
        _ = try town.apply(
            .enrolDevice(
                EnrolDevice(
                    account: .init(account), key: DeviceKey(.init(account, device, 0, 0)),
                    deviceName: "phone", helloCounter: 1, time: town.now)))
    }

    private func acknowledge(
        _ account: UInt64, feed: FeedSequence, _ delivered: [DeliveredMark],
        _ read: [DeliveredMark], in town: inout Town
    ) throws {
        _ = try town.apply(
            .acknowledge(
                AcknowledgeDelivery(
                    account: .init(account), device: .init(1), feed: feed, delivered: delivered,
                    read: read)))
    }

    @Test func whereAMessageWaits() throws {
        var town = try Town(1...2)
        try town.befriend(1, 2)
        try enrol(2, of: 2, in: &town)
        try enrol(3, of: 2, in: &town)
        town.now = WallTime(milliseconds: town.now.milliseconds + 5_000)
        let sent = try town.say("hello", from: 1, to: 2).get()
        _ = try town.apply(
            .changeAccount(
                ChangeAccount(
                    account: .init(2), device: .init(1), change: .revokeDevice(.init(3)),
                    time: town.now)))
        let before = try story(of: 1, in: town)
        #expect(before.isRemembered)
        #expect(before.sender == Person(account: .init(1), handle: "p1"))
        #expect(before.senderDevice == .init(1))
        #expect(before.committed == town.now)
        #expect(before.conversation == sent.conversation)
        #expect(before.sequence == .init(1))
        #expect(before.group == nil)
        #expect(before.state == .kept(.message, bytesCount: 5))
        #expect(before.changes.isEmpty)
        #expect(before.readers.map(\.person.handle) == ["p1", "p2"])
        #expect(before.readers.map(\.isDelivered) == [true, false])
        #expect(before.readers.map(\.hasRead) == [false, false])
        let entry = try #require(sent.feeds.first { $0.account == .init(2) }).feed
        let waiting = MessageStory.Device.Progress.waiting(cursor: .init(0), entry: entry)
        #expect(before.readers[1].devices.map(\.progress) == [waiting, waiting, .revoked])
        #expect(before.readers[1].devices.map(\.name) == ["", "phone", "phone"])

        let mark = DeliveredMark(conversation: sent.conversation, sequence: .init(1))
        try acknowledge(2, feed: entry, [mark], [], in: &town)
        let after = try story(of: 1, in: town)
        #expect(after.readers[1].isDelivered)
        #expect(!after.readers[1].hasRead)
        #expect(after.readers[1].devices.map(\.progress) == [.past, waiting, .revoked])
        try acknowledge(2, feed: entry, [], [mark], in: &town)
        #expect(try story(of: 1, in: town).readers[1].hasRead)
    }

    @Test func whatBecameOfAMessage() throws {
        var town = try Town(1...3)
        let id = try town.group(1, [2, 3])
        _ = try town.say("hello", from: 1, in: id).get()
        let target = AppendMessage.Target.conversation(id)
        let edit = Content(contentType: "", body: [1, 2])
        for _ in 1...2 {
            _ = try town.act(.edit(sequence: .init(2), edit), by: 1, to: target).get()
        }
        let reaction = Reaction(sequence: .init(2), text: "+")
        _ = try town.act(.reaction(reaction), by: 2, to: target).get()
        _ = try town.say("another", from: 2, in: id).get()
        var story = try story(of: 2, in: town)
        #expect(story.group == "us")
        #expect(story.state == .kept(.message, bytesCount: 5))
        #expect(story.changes.map(\.kind) == [.edit, .edit, .reaction])
        #expect(story.changes.map(\.sequence.number) == [3, 4, 5])
        #expect(story.changes.map(\.person.handle) == ["p1", "p1", "p2"])

        town.now = WallTime(milliseconds: town.now.milliseconds + 60_000)
        _ = try town.act(.recall(sequence: .init(2)), by: 1, to: target).get()
        story = try self.story(of: 2, in: town)
        #expect(story.state == .gone(.recalled))
        #expect(story.changes.map(\.kind) == [.edit, .edit, .reaction, .recall])
        #expect(story.changes.last?.time == town.now)
        // An edit has a story of its own, and no edits.
        let ofEdit = try self.story(of: 4, in: town)
        #expect(ofEdit.state == .gone(.recalled))
        #expect(ofEdit.changes.isEmpty)
        #expect(try self.story(of: 1, in: town).state == .kept(.change, bytesCount: 0))
    }

    @Test func whoMaySeeIt() throws {
        var town = try Town(1...4)
        let id = try town.group(1, [2, 3])
        try town.befriend(1, 4)
        let target = AppendMessage.Target.conversation(id)
        _ = try town.act(.left, by: 3, to: target).get()
        _ = try town.say("hello", from: 1, in: id).get()
        _ = try town.act(.added([Town.person(4)]), by: 1, to: target).get()
        _ = try town.apply(
            .changeConversation(
                ChangeConversation(
                    account: .init(2), device: .init(1), conversation: id, change: .hidden(.init(3))
                )))
        let story = try story(of: 3, in: town)
        #expect(story.readers.map(\.person.handle) == ["p1", "p2"])
        #expect(story.readers.map(\.isHidden) == [false, true])
        #expect(try self.story(of: 2, in: town).readers.map(\.isPresent) == [true, true, false])
        // A large group makes no entries that a device could wait for.
        var durable = town.store
        let key = Key.conversation(id)
        var row: ConversationRow = try #require(try durable.durable.find(key, in: .conversation))
        row.isLarge = true
        try durable.durable.set(row, at: key, in: .conversation)
        let large = try #require(try durable.stories(of: name(3)).first)
        #expect(large.readers.allSatisfy { $0.devices.map(\.progress) == [.untold] })
    }

    @Test func whatIsForgottenIsLookedFor() throws {
        var town = try Town(1...2)
        try town.befriend(1, 2)
        let fleeting = Content(contentType: "", body: [2], lifetimeSeconds: 600)
        let pair = AppendMessage.Target.peer(.init(2), ifNew: .init(50))
        _ = try town.act(.message(fleeting), by: 1, to: pair).get()
        #expect(
            try story(of: 1, in: town).expires
                == WallTime(milliseconds: town.now.milliseconds + 600_000))
        let end = WallTime(milliseconds: town.now.milliseconds + 8 * 86_400_000)
        _ = try town.apply(.purgeDeduplication(before: end, limit: 100))
        let late = try story(of: 1, in: town)
        #expect(!late.isRemembered)
        #expect(late.committed == town.now)
        #expect(late.state == .kept(.message, bytesCount: 1))
        _ = try town.apply(.expire(at: end, limit: 100))
        #expect(try story(of: 1, in: town).state == .gone(.expired))
        #expect(try town.store.stories(of: name(99)).isEmpty)
    }

    @Test func whatTheConversationKeepsNoLongerIsKnownByItsIdentifier() throws {
        var town = try Town(1...2)
        try town.befriend(1, 2)
        let sent = try town.say("one", from: 1, to: 2).get()
        _ = try town.say("two", from: 1, to: 2).get()
        _ = try town.act(
            .retention(seconds: 60), by: 1, to: .conversation(sent.conversation)
        ).get()
        let later = WallTime(milliseconds: town.now.milliseconds + 120_000)
        _ = try town.apply(.expire(at: later, limit: 100))
        let story = try story(of: 1, in: town)
        #expect(story.state == .forgotten)
        #expect(story.isRemembered)
        #expect(story.senderDevice == nil)
        #expect(story.committed == town.now)
    }

    @Test func twoAccountsMayUseTheSameIdentifier() throws {
        var town = try Town(1...3)
        for account in UInt64(1)...2 {
            let append = town.append(
                .message(Content(contentType: "", body: [1])), by: account,
                to: .peer(.init(3), ifNew: .init(60 + account)), named: 77)
            _ = try town.apply(.appendMessage(append))
        }
        let stories = try town.store.stories(of: name(77))
        #expect(stories.map(\.sender.handle) == ["p1", "p2"])
        #expect(stories.map(\.conversation.number) == [61, 62])
    }
}
