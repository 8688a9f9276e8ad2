// What events do to groups: who is in, what they may, what they see, how large groups are told.

import PetrelBase
import PetrelMessaging
import PetrelServices
import Testing

@Suite struct GroupRulesTests {
    @Test func aGroupBeginsWithItsOwnerAndContacts() throws {
        var town = try Town(1...3)
        let id = try town.group(1, [2, 3])
        #expect(try town.state(id, 1).role == .owner)
        #expect(try town.state(id, 2) == GroupState(name: "us", membersCount: 3, role: .member))
        let creation = GroupCreation(name: "us", members: [Town.person(2), Town.person(3)])
        #expect(try town.events(id, 3) == [.created(creation)])
        for person: UInt64 in 1...3 {
            let slice = try town.store.changes(of: .init(person), after: .init(0), limit: 99)
            #expect(slice.items.contains { $0.isAbout(id) })
        }
    }

    @Test func onlyContactsAreTakenIn() throws {
        var town = try Town(1...4)
        let id = try town.group(1, [2])
        let target = AppendMessage.Target.conversation(id)
        #expect(
            try town.act(.added([Town.person(3)]), by: 1, to: target).failure
                == Refused(.notContact))
        #expect(
            try town.act(.added([Town.person(9)]), by: 1, to: target).failure
                == Refused(.unknownRecipient))
        #expect(
            try town.act(.added([Town.person(2)]), by: 1, to: target).failure
                == Refused(.relationWrong))
        try town.befriend(1, 3)
        try town.befriend(2, 4)
        #expect(
            try town.act(.added([Town.person(4)]), by: 2, to: target).failure
                == Refused(.notPermitted))
        let added = try town.act(.added([Town.person(2), Town.person(3)]), by: 1, to: target).get()
        // Who was in already is not taken in.
        #expect(added.record.event == .added([Town.person(3)]))
        #expect(added.group?.joined == [.init(3)])
        // What was before is not for who came later.
        #expect(try town.head(id, 3).first == .init(2))
        #expect(try town.events(id, 3) == [added.record.event])
    }

    @Test func whoLeavesSeesTheGroupAsItWasThen() throws {
        var town = try Town(1...3)
        let id = try town.group(1, [2, 3])
        _ = try town.act(.left, by: 2, to: .conversation(id)).get()
        _ = try town.say("later", from: 1, in: id).get()
        #expect(try town.head(id, 2).last == .init(2))
        #expect(try town.state(id, 2).standing == .left)
        #expect(try town.events(id, 2).last == .left)
        #expect(try town.say(from: 2, in: id).failure == Refused(.notMember))
        let late = try town.act(.left, by: 2, to: .conversation(id)).failure
        #expect(late == Refused(.notMember))
        // Taken in again, it begins anew.
        _ = try town.act(.added([Town.person(2)]), by: 1, to: .conversation(id)).get()
        #expect(try town.head(id, 2).first == .init(4))
        #expect(try town.head(id, 2).last == .init(4))
        #expect(try town.say(from: 2, in: id).failure == nil)
    }

    @Test func ranksDecideWhoIsPutOutOrMuted() throws {
        var town = try Town(1...4)
        let id = try town.group(1, [2, 3, 4])
        let target = AppendMessage.Target.conversation(id)
        _ = try town.act(.role(Town.person(2), .admin), by: 1, to: target).get()
        let cases: [(UInt64, ConversationEvent, MessagingError?)] = [
            (3, .removed(Town.person(4)), .notPermitted),
            (3, .muted(Town.person(4), seconds: 60), .notPermitted),
            (2, .removed(Town.person(1)), .notPermitted),
            (2, .muted(Town.person(1), seconds: 60), .notPermitted),
            (2, .role(Town.person(3), .admin), .notPermitted),
            (2, .dissolved, .notPermitted),
            (2, .changed(GroupChange(name: "ours")), nil),
            (2, .muted(Town.person(3), seconds: 60), nil),
            (1, .removed(Town.person(2)), nil),
            (1, .removed(Town.person(2)), .relationWrong),
        ]
        for (person, event, error) in cases {
            let failure = try town.act(event, by: person, to: target).failure
            #expect(failure?.error == error, "\(person): \(event)")
        }
        #expect(try town.state(id, 1).name == "ours")
        #expect(try town.state(id, 2).standing == .removed)
        #expect(
            try town.say(from: 3, in: id).failure == Refused(.muted, retryAfter: .seconds(60)))
        town.now = town.now.adding(seconds: 61)
        #expect(try town.say(from: 3, in: id).failure == nil)
    }

    @Test func theOwnersRoleIsGivenOrInherited() throws {
        var town = try Town(1...4)
        let id = try town.group(1, [2, 3, 4])
        let target = AppendMessage.Target.conversation(id)
        _ = try town.act(.role(Town.person(3), .owner), by: 1, to: target).get()
        #expect(try town.state(id, 1).role == .admin)
        #expect(try town.state(id, 3).role == .owner)
        _ = try town.act(.left, by: 3, to: target).get()
        // The admin comes before members.
        #expect(try town.state(id, 1).role == .owner)
        _ = try town.act(.left, by: 1, to: target).get()
        #expect(try town.state(id, 2).role == .owner)
        _ = try town.act(.left, by: 2, to: target).get()
        _ = try town.act(.left, by: 4, to: target).get()
        #expect(try town.state(id, 4).standing == .left)
        #expect(try town.store.members(of: id, after: .init(0), limit: 9).isEmpty)
    }

    @Test func anOpenGroupIsJoinedByWhoKnowsItAndAClosedOneIsNotThere() throws {
        var town = try Town(1...3)
        let closed = try town.group(1, [])
        #expect(
            try town.act(.joined, by: 3, to: .conversation(closed)).failure
                == Refused(.unknownConversation))
        _ = try town.act(
            .changed(GroupChange(isOpen: true)), by: 1, to: .conversation(closed)
        ).get()
        #expect(try town.act(.joined, by: 3, to: .conversation(closed)).failure == nil)
        #expect(
            try town.act(.joined, by: 3, to: .conversation(closed)).failure
                == Refused(.relationWrong))
        #expect(try town.state(closed, 3).membersCount == 2)
    }

    @Test func aDissolvedGroupIsReadAndNothingElse() throws {
        var town = try Town(1...2)
        let id = try town.group(1, [2])
        _ = try town.act(.dissolved, by: 1, to: .conversation(id)).get()
        for person: UInt64 in 1...2 {
            #expect(try town.state(id, person).standing == .dissolved)
            #expect(try town.say(from: person, in: id).failure == Refused(.dissolved))
            #expect(try town.events(id, person).last == .dissolved)
        }
        // Nor does anybody come in, though it was open.
        var open = try Town(1...2)
        let ended = try open.group(1, [], isOpen: true)
        _ = try open.act(.dissolved, by: 1, to: .conversation(ended)).get()
        #expect(
            try open.act(.joined, by: 2, to: .conversation(ended)).failure
                == Refused(.unknownConversation))
        // It does not count any more.
        var limits = ServiceLimits()
        limits.groupsMax = 1
        var other = try Town(1...1, limits: limits)
        let first = try other.group(1, [])
        let again = AppendMessage.Target.newGroup(.init(77))
        let creation = ConversationEvent.created(GroupCreation(name: "2", members: []))
        #expect(
            try other.act(creation, by: 1, to: again).failure == Refused(.tooManyGroups, limit: 1))
        _ = try other.act(.dissolved, by: 1, to: .conversation(first)).get()
        #expect(try other.act(creation, by: 1, to: again).failure == nil)
    }

    @Test func aFullGroupTakesNobodyIn() throws {
        var limits = ServiceLimits()
        limits.membersMax = 2
        var town = try Town(1...3, limits: limits)
        let id = try town.group(1, [2], isOpen: true)
        #expect(
            try town.act(.joined, by: 3, to: .conversation(id)).failure
                == Refused(.groupFull, limit: 2))
        #expect(try town.store.head(of: id, for: .init(3)) == nil)
    }

    @Test func anAdminTakesBackWhatOthersSaid() throws {
        var town = try Town(1...3)
        let id = try town.group(1, [2, 3])
        _ = try town.say("rude", from: 2, in: id).get()
        let recall = ConversationEvent.recall(sequence: .init(2))
        #expect(
            try town.act(recall, by: 3, to: .conversation(id)).failure == Refused(.notPermitted))
        town.now = town.now.adding(hours: 100)
        #expect(try town.act(recall, by: 1, to: .conversation(id)).failure == nil)
        #expect(try town.events(id, 3)[1] == .gone(.recalled))
        #expect(try town.store.account(.init(2))?.bytesUsed == 0)
    }

    @Test func aLargeGroupMakesEntriesOnlyForWhomItMentions() throws {
        var limits = ServiceLimits()
        limits.smallGroupMembersMax = 3
        var town = try Town(1...5, limits: limits)
        let id = try town.group(1, [2, 3])
        #expect(try town.say(from: 2, in: id).get().feeds.count == 3)
        try town.befriend(1, 4)
        let grown = try town.act(
            .added([Town.person(4)]), by: 1, to: .conversation(id)
        ).get()
        // By the event that makes it large all are told, and named, so that workers list them.
        #expect(grown.feeds.count == 4)
        #expect(grown.group?.isLarge == true)
        #expect(Set(grown.group?.joined ?? []) == Set((1...4).map { AccountID($0) }))
        let quiet = try town.say(from: 2, in: id).get()
        #expect(quiet.feeds.isEmpty && quiet.group?.isLarge == true)
        let loud = try town.say(from: 2, in: id, mentions: [3]).get()
        #expect(loud.feeds.map(\.account) == [.init(3)])
        #expect(
            try town.say(from: 2, in: id, mentions: [5]).failure == Refused(.unknownRecipient))
        let heads = try town.store.largeGroups(of: .init(4), after: .init(0), limit: 10)
        #expect(heads.map(\.conversation) == [id])
        #expect(heads.first?.last == loud.sequence)
        // Once large, it stays so.
        let gone = try town.act(.removed(Town.person(4)), by: 1, to: .conversation(id)).get()
        #expect(gone.feeds.map(\.account) == [.init(4)])
        #expect(try town.state(id, 1).isLarge)
        #expect(try town.store.largeGroups(of: .init(4), after: .init(0), limit: 10).isEmpty)
    }

    @Test func marksOfGroupsAreThoseOfTheOthers() throws {
        var town = try Town(1...3)
        let id = try town.group(1, [2, 3])
        let place = try town.say(from: 1, in: id).get().sequence
        #expect(try town.head(id, 1).delivered == .init(0))
        let mark = DeliveredMark(conversation: id, sequence: place)
        func acknowledge(_ account: UInt64, read: Bool) -> StoreOperation {
            .acknowledge(
                AcknowledgeDelivery(
                    account: .init(account), device: .init(1), feed: .init(0),
                    delivered: read ? [] : [mark], read: read ? [mark] : []))
        }
        guard case .acknowledged(let first) = try town.apply(acknowledge(2, read: false)) else {
            throw Town.Unexpected()
        }
        #expect(first.map(\.delivered) == [place])
        #expect(first.first?.feeds.isEmpty == true)
        #expect(try town.head(id, 1).delivered == place)
        #expect(try town.head(id, 2).delivered == .init(0))
        guard case .acknowledged(let second) = try town.apply(acknowledge(3, read: true)) else {
            throw Town.Unexpected()
        }
        // Its own devices hear that it has read.
        #expect(second.first?.feeds.map(\.account) == [.init(3)])
        #expect(second.first?.read == place)
        #expect(try town.head(id, 1).readByPeer == place)
        #expect(try town.head(id, 3).read == place)
        #expect(try town.apply(acknowledge(3, read: true)) == .acknowledged([]))
    }
}

extension SyncItem {
    /// Whether it tells of that conversation.
    func isAbout(_ id: ConversationID) -> Bool {
        guard case .conversation(let head) = kind else { return false }
        return head.conversation == id
    }
}
