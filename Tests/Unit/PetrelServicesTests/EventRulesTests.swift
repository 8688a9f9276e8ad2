// What events do to conversations of two: strangers, blocks, edits, recalls, lifetimes, marks.

import PetrelBase
import PetrelMessaging
import PetrelServices
import Testing

@Suite struct EventRulesTests {
    @Test func aStrangerMayWriteThreeMessagesUntilItIsAccepted() throws {
        var town = try Town(1...2)
        for _ in 1...3 { #expect(try town.say(from: 1, to: 2).failure == nil) }
        #expect(try town.say(from: 1, to: 2).failure == Refused(.strangerLimit, limit: 3))
        // Who is written to may answer, and that accepts.
        #expect(try town.say(from: 2, to: 1).failure == nil)
        for _ in 1...5 { #expect(try town.say(from: 1, to: 2).failure == nil) }
    }

    @Test func aContactIsNoStranger() throws {
        var town = try Town(1...2)
        for _ in 1...3 { #expect(try town.say(from: 1, to: 2).failure == nil) }
        try town.befriend(1, 2)
        for _ in 1...5 { #expect(try town.say(from: 1, to: 2).failure == nil) }
    }

    @Test func oneWritesToOneselfWithoutLimit() throws {
        var town = try Town(1...1)
        for _ in 1...5 { #expect(try town.say(from: 1, to: 1).failure == nil) }
        #expect(try town.head(.init(1_101), 1).kind == .peer(Town.person(1)))
    }

    @Test func whoBlocksIsNotWrittenToAndDoesNotWrite() throws {
        var town = try Town(1...2)
        try town.befriend(1, 2)
        #expect(try town.change(2, 1, .block) == nil)
        #expect(try town.say(from: 1, to: 2).failure == Refused(.blocked))
        #expect(try town.say(from: 2, to: 1).failure == Refused(.notPermitted))
        #expect(try town.change(2, 1, .unblock) == nil)
        #expect(try town.say(from: 1, to: 2).failure == nil)
    }

    @Test func anEditReplacesWhatItsSenderSaidAndNothingElse() throws {
        var town = try Town(1...3)
        try town.befriend(1, 2)
        let id = try town.say("one", from: 1, to: 2).get().conversation
        let content = Content(contentType: "", body: Array("two".utf8))
        let edit = ConversationEvent.edit(sequence: .init(1), content)
        let target = AppendMessage.Target.conversation(id)
        #expect(try town.act(edit, by: 2, to: target).failure == Refused(.notPermitted))
        #expect(try town.act(edit, by: 3, to: target).failure == Refused(.unknownConversation))
        #expect(try town.act(edit, by: 1, to: target).get().sequence == .init(2))
        let edited = ConversationEvent.edit(sequence: .init(2), content)
        #expect(try town.act(edited, by: 1, to: target).failure == Refused(.targetInvalid))
        town.now = town.now.adding(hours: 49)
        #expect(
            try town.act(edit, by: 1, to: target).failure == Refused(.tooLate, limit: 48 * 3_600))
    }

    @Test func aMessageIsEditedSoOftenAndNoMore() throws {
        var town = try Town(1...2)
        let id = try town.say(from: 1, to: 2).get().conversation
        let edit = ConversationEvent.edit(
            sequence: .init(1), Content(contentType: "", body: [1, 2]))
        for _ in 0..<MessagingLimits.editsMax {
            #expect(try town.act(edit, by: 1, to: .conversation(id)).failure == nil)
        }
        #expect(
            try town.act(edit, by: 1, to: .conversation(id)).failure
                == Refused(.tooManyEdits, limit: 32))
    }

    @Test func aRecallErasesTheMessageAndItsEdits() throws {
        var town = try Town(1...2)
        let id = try town.say("secret", from: 1, to: 2).get().conversation
        let content = Content(contentType: "", body: Array("secret!".utf8))
        for _ in 1...2 {
            _ = try town.act(
                .edit(sequence: .init(1), content), by: 1, to: .conversation(id)
            ).get()
        }
        #expect(try town.store.account(.init(1))?.bytesUsed == 20)
        let recall = ConversationEvent.recall(sequence: .init(1))
        #expect(
            try town.act(recall, by: 2, to: .conversation(id)).failure == Refused(.notPermitted))
        _ = try town.act(recall, by: 1, to: .conversation(id)).get()
        let gone = ConversationEvent.gone(.recalled)
        #expect(try town.events(id, 2) == [gone, gone, gone, recall])
        #expect(try town.store.account(.init(1))?.bytesUsed == 0)
        #expect(
            try town.act(recall, by: 1, to: .conversation(id)).failure == Refused(.targetInvalid))
    }

    @Test func aReactionNeedsAMessageThatCanBeSeen() throws {
        var town = try Town(1...2)
        let id = try town.say(from: 1, to: 2).get().conversation
        func reaction(_ place: UInt64) -> ConversationEvent {
            .reaction(Reaction(sequence: .init(place), text: "+1"))
        }
        #expect(try town.act(reaction(1), by: 2, to: .conversation(id)).failure == nil)
        for place: UInt64 in [2, 3, 99] {
            #expect(
                try town.act(reaction(place), by: 2, to: .conversation(id)).failure
                    == Refused(.targetInvalid))
        }
    }

    @Test func aReplyNamesAPlaceThatCanBeSeen() throws {
        var town = try Town(1...2)
        let id = try town.say(from: 1, to: 2).get().conversation
        for (place, refusal) in [(1, nil), (3, Refused(.targetInvalid))] as [(UInt64, Refused?)] {
            let content = Content(contentType: "", body: [1], replyTo: .init(place))
            #expect(
                try town.act(.message(content), by: 1, to: .conversation(id)).failure == refusal)
        }
    }

    @Test func aMessageWithALifetimeIsErasedWhenItIsOver() throws {
        var town = try Town(1...2)
        let content = Content(contentType: "", body: [1, 2, 3], lifetimeSeconds: 60)
        let id = ConversationID(5)
        _ = try town.act(.message(content), by: 1, to: .peer(.init(2), ifNew: id)).get()
        _ = try town.say("stays", from: 1, to: 2).get()
        town.now = town.now.adding(seconds: 59)
        _ = try town.apply(.expire(at: town.now, limit: 100))
        #expect(try town.events(id, 2).first == .message(content))
        town.now = town.now.adding(seconds: 2)
        _ = try town.apply(.expire(at: town.now, limit: 100))
        #expect(try town.events(id, 2).first == .gone(.expired))
        #expect(try town.events(id, 2).count == 2)
        #expect(try town.store.account(.init(1))?.bytesUsed == 5)
    }

    @Test func retentionRemovesFromTheFrontAndKeepsTheNewest() throws {
        var town = try Town(1...2)
        try town.befriend(1, 2)
        let id = try town.say("1", from: 1, to: 2).get().conversation
        _ = try town.act(.retention(seconds: 3_600), by: 2, to: .conversation(id)).get()
        town.now = town.now.adding(seconds: 3_000)
        _ = try town.say("3", from: 2, to: 1).get()
        _ = try town.apply(.expire(at: town.now, limit: 100))
        #expect(try town.head(id, 1).first == .init(1))
        town.now = town.now.adding(seconds: 1_000)
        _ = try town.apply(.expire(at: town.now, limit: 100))
        #expect(try town.head(id, 1).first == .init(3))
        #expect(try town.events(id, 1).count == 1)
        #expect(try town.store.account(.init(1))?.bytesUsed == 0)
        town.now = town.now.adding(hours: 1_000)
        _ = try town.apply(.expire(at: town.now, limit: 100))
        #expect(try town.head(id, 1).first == .init(3))
        #expect(try town.say("4", from: 1, to: 2).get().sequence == .init(4))
    }

    @Test func theQuotaCountsBodiesAndIsGivenBack() throws {
        var limits = ServiceLimits()
        limits.accountBytesMax = 10
        var town = try Town(1...2, limits: limits)
        try town.befriend(1, 2)
        let id = try town.say("12345678", from: 1, to: 2).get().conversation
        #expect(try town.say("123", from: 1, to: 2).failure == Refused(.quotaExceeded, limit: 10))
        #expect(try town.say("12", from: 1, to: 2).failure == nil)
        #expect(try town.say("12", from: 2, to: 1).failure == nil)
        _ = try town.act(.recall(sequence: .init(1)), by: 1, to: .conversation(id)).get()
        #expect(try town.say("123", from: 1, to: 2).failure == nil)
    }

    @Test func aFullConversationTakesNothingMore() throws {
        var limits = ServiceLimits()
        limits.conversationEventsMax = 2
        var town = try Town(1...2, limits: limits)
        for _ in 1...2 { _ = try town.say(from: 1, to: 2).get() }
        #expect(try town.say(from: 2, to: 1).failure == Refused(.conversationFull, limit: 2))
    }

    @Test func eventsOfGroupsHaveNoPlaceBetweenTwo() throws {
        var town = try Town(1...3)
        try town.befriend(1, 3)
        let id = try town.say(from: 1, to: 2).get().conversation
        let events: [ConversationEvent] = [
            .added([Town.person(3)]), .joined, .left, .removed(Town.person(2)),
            .role(Town.person(2), .admin), .muted(Town.person(2), seconds: 5),
            .changed(GroupChange(name: "x")), .dissolved,
        ]
        for event in events {
            let refusal = try town.act(event, by: 1, to: .conversation(id)).failure
            #expect(refusal == Refused(.notPermitted), "\(event)")
        }
        #expect(try town.head(id, 1).last == .init(1))
    }

    @Test func aRepetitionAnswersAsBeforeAndChangesNothing() throws {
        var town = try Town(1...2)
        let content = Content(contentType: "", body: [1])
        let append = town.append(
            .message(content), by: 1, to: .peer(.init(2), ifNew: .init(5)), named: 77)
        guard case .appended(let first) = try town.apply(.appendMessage(append)),
            case .appended(let second) = try town.apply(.appendMessage(append))
        else { throw Town.Unexpected() }
        #expect(!first.isDuplicate && second.isDuplicate)
        #expect(second.sequence == first.sequence && second.feeds.isEmpty)
        #expect(second.peer == Town.person(2))
        var other = append
        other.digest = .init(0, 0, 0, 1)
        #expect(try town.refusal(.appendMessage(other)) == .identifierConflict)
        #expect(try town.head(.init(5), 1).last == .init(1))
    }
}

extension WallTime {
    func adding(seconds: Int64) -> WallTime {
        WallTime(milliseconds: milliseconds + 1_000 * seconds)
    }

    func adding(hours: Int64) -> WallTime { adding(seconds: 3_600 * hours) }
}
