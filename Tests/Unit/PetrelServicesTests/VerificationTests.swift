// Whatever people do, the store keeps its promises; and when it does not, the check says so.

import PetrelBase
import PetrelMessaging
import Testing

@testable import PetrelServices

@Suite struct VerificationTests {
    /// Random deeds of people in a town, allowed or not.
    @Test(arguments: 1...24 as ClosedRange<UInt64>)
    func theStoreIsSoundWhateverPeopleDo(seed: UInt64) throws {
        var random = RandomStream(seed: seed, label: "town")
        var limits = ServiceLimits()
        limits.smallGroupMembersMax = 4
        limits.membersMax = 6
        limits.groupsMax = 3
        limits.contactsMax = 6
        limits.accountBytesMax = 300
        limits.conversationEventsMax = 60
        var town = try Town(1...7, limits: limits)
        var deeds = Deeds(random: RandomStream(seed: seed, label: "deeds"))
        for step in 1...400 {
            town.now = WallTime(
                milliseconds: town.now.milliseconds + Int64(random.below(400_000)))
            try deeds.act(in: &town)
            guard step.isMultiple(of: 50) else { continue }
            let report = try town.store.verification(at: town.now)
            #expect(report.isSound, "step \(step): \(report.findings.prefix(3))")
        }
        let report = try town.store.verification(at: town.now)
        #expect(report.isSound, "\(report.findings.prefix(3))")
        #expect(report.events > 20)
    }

    @Test func eachBrokenPromiseIsFound() throws {
        var town = try Town(1...3)
        let id = try town.group(1, [2, 3])
        for _ in 1...3 { _ = try town.say("hello", from: 1, in: id).get() }
        let pair = try town.say("hello", from: 1, to: 2).get().conversation
        let sound = town.store
        #expect(try sound.verification(at: town.now).isSound)
        let breaks: [(VerificationReport.Rule, (inout MemoryRows) throws -> Void)] = [
            (.gap, { try $0.delete(.message(.init(2), of: id), in: .message) }),
            (.foreign, { try $0.delete(.member(.init(1), of: id), in: .member) }),
            (
                .double,
                { rows in
                    let key = Key.message(.init(2), of: id)
                    guard let row: MessageRow = try rows.find(key, in: .message) else { return }
                    let other = Key.message(.init(3), of: id)
                    guard var copy: MessageRow = try rows.find(other, in: .message) else { return }
                    copy.message.clientMessageID = row.message.clientMessageID
                    try rows.set(copy, at: other, in: .message)
                }
            ),
            (
                .deduplication,
                { rows in
                    rows.removeAll(in: .deduplication)
                }
            ),
            (
                .feed,
                { rows in
                    try rows.set(
                        FeedRow(.conversation(id)), at: .feed(.init(1), of: .init(2)), in: .feed)
                }
            ),
            (.membership, { try $0.delete(.group(id, of: .init(2)), in: .memberOf) }),
            (.relation, { try $0.delete(.contact(.init(1), of: .init(2)), in: .contact) }),
            (
                .count,
                { rows in
                    var head = try rows.accountHead(.init(1))
                    head.bytesUsed += 1
                    try rows.set(head, at: .account(.init(1)), in: .accountHead)
                }
            ),
            (
                .mark,
                { rows in
                    let key = Key.member(.init(2), of: id)
                    guard var row: MemberRow = try rows.find(key, in: .member) else { return }
                    row.read = .init(99)
                    try rows.set(row, at: key, in: .member)
                }
            ),
            (.index, { try $0.delete(.pair(.init(1), .init(2)), in: .pair) }),
        ]
        for (rule, harm) in breaks {
            var store = sound
            try harm(&store.durable)
            let report = try store.verification(at: town.now)
            #expect(report.findings.contains { $0.rule == rule }, "\(rule): \(report.findings)")
        }
        #expect(pair.number > 0)
    }
}

/// What people do, drawn at random.
private struct Deeds {
    var random: RandomStream
    private var groups: [ConversationID] = []

    init(random: RandomStream) { self.random = random }

    mutating func act(in town: inout Town) throws {
        let account = 1 + random.below(7)
        let other = 1 + random.below(7)
        switch random.below(12) {
        case 0...1: _ = try town.change(account, other, contactChange())
        case 2:
            let id = ConversationID(10_000 + random.below(100_000))
            let members = (0..<random.below(4)).map { _ in Town.person(1 + random.below(8)) }
            let creation = GroupCreation(name: "g", members: members, isOpen: random.chance(0.5))
            if try town.act(.created(creation), by: account, to: .newGroup(id)).failure == nil {
                groups.append(id)
            }
        case 3...4: _ = try town.say("text", from: account, to: other)
        case 5...8:
            guard let group = random.element(of: groups) else { return }
            _ = try town.act(groupEvent(), by: account, to: .conversation(group))
        case 9: try acknowledge(account, in: &town)
        case 10: try changeConversation(account, in: &town)
        default: _ = try town.apply(.expire(at: town.now, limit: Int(random.below(20))))
        }
    }

    private mutating func contactChange() -> ContactChange {
        let changes: [ContactChange] = [
            .request(greeting: "hi"), .request(greeting: ""), .accept, .accept, .accept, .decline,
            .remove, .block, .unblock, .alias("x"),
        ]
        return changes[Int(random.below(UInt64(changes.count)))]
    }

    private mutating func groupEvent() -> ConversationEvent {
        let person = Town.person(1 + random.below(7))
        let place = ConversationSequence(1 + random.below(20))
        let content = Content(
            contentType: "", body: [1, 2, 3],
            mentions: random.chance(0.3) ? [person.account] : [],
            lifetimeSeconds: random.chance(0.3) ? 600 : 0)
        let edit = Content(contentType: "", body: [4, 5])
        let events: [ConversationEvent] = [
            .message(content), .message(content), .message(content),
            .edit(sequence: place, edit), .recall(sequence: place),
            .reaction(Reaction(sequence: place, text: "+")), .added([person]), .joined, .left,
            .removed(person), .role(person, .admin), .role(person, .owner),
            .muted(person, seconds: 100), .changed(GroupChange(name: "n", isOpen: true)),
            .retention(seconds: random.chance(0.5) ? 3_000 : 0),
            random.chance(0.1) ? .dissolved : .joined,
        ]
        return events[Int(random.below(UInt64(events.count)))]
    }

    private mutating func acknowledge(_ account: UInt64, in town: inout Town) throws {
        guard let group = random.element(of: groups) else { return }
        let mark = DeliveredMark(
            conversation: group, sequence: .init(1 + random.below(30)))
        _ = try town.apply(
            .acknowledge(
                AcknowledgeDelivery(
                    account: .init(account), device: .init(1),
                    feed: .init(random.below(50)), delivered: random.chance(0.5) ? [mark] : [],
                    read: random.chance(0.5) ? [mark] : [])))
    }

    private mutating func changeConversation(_ account: UInt64, in town: inout Town) throws {
        guard let group = random.element(of: groups) else { return }
        let place = ConversationSequence(1 + random.below(20))
        let changes: [ConversationChange] = [
            .pinned(random.chance(0.5)), .mutedUntil(town.now), .cleared(upTo: place),
            .hidden(place),
        ]
        _ = try town.apply(
            .changeConversation(
                ChangeConversation(
                    account: .init(account), device: .init(1), conversation: group,
                    change: changes[Int(random.below(4))])))
    }
}

extension RandomStream {
    fileprivate mutating func element<Element>(of list: [Element]) -> Element? {
        list.isEmpty ? nil : list[Int(below(UInt64(list.count)))]
    }
}
