// What people in a town do, drawn at random: allowed or not.

import PetrelBase
import PetrelMessaging
import PetrelServices

/// What people do, drawn at random.
struct Deeds {
    var random: RandomStream
    private var groups: [ConversationID] = []

    /// Accounts that there are, numbered from 1; some are deleted later.
    private var people: UInt64
    /// Invitations that were made.
    private var invitations: UInt64 = 0

    init(of people: UInt64, random: RandomStream) {
        self.people = people
        self.random = random
    }

    mutating func act(in town: inout Town) throws {
        let account = 1 + random.below(people)
        let other = 1 + random.below(people)
        switch random.below(16) {
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
        case 11: try invite(account, in: &town)
        case 12: try arrive(in: &town)
        case 13: try changeAccount(account, in: &town)
        case 14:
            _ = try town.apply(.continueDeletions(at: town.now, limit: Int(random.below(3))))
            let week = town.now.milliseconds - 7 * 86_400_000
            _ = try town.apply(
                .purgeDeduplication(before: WallTime(milliseconds: week), limit: 20))
        default: _ = try town.apply(.expire(at: town.now, limit: Int(random.below(20))))
        }
    }

    private mutating func invite(_ account: UInt64, in town: inout Town) throws {
        invitations += 1
        let lifetime = Int64(random.below(20_000_000))
        _ = try town.apply(
            .createInvitation(
                CreateInvitation(
                    account: .init(account), device: .init(1), digest: .init(invitations, 0, 0, 1),
                    expires: WallTime(milliseconds: town.now.milliseconds + lifetime),
                    time: town.now)))
    }

    /// Somebody new comes, invited or not, or somebody has another device.
    private mutating func arrive(in town: inout Town) throws {
        let key = DeviceKey(.init(random.next(), 1, 1, 1))
        guard random.chance(0.5) else {
            let account = AccountID(1 + random.below(people))
            _ = try town.apply(
                .enrolDevice(
                    EnrolDevice(
                        account: account, key: key, deviceName: "", helloCounter: 1,
                        time: town.now)))
            return
        }
        let digest = InlineWords4(1 + random.below(invitations + 1), 0, 0, 1)
        let outcome = try town.apply(
            .createAccount(
                CreateAccount(
                    account: .init(people + 1), handle: "p\(people + 1)", password: [1], key: key,
                    deviceName: "", helloCounter: 1, time: town.now,
                    invitation: random.chance(0.7) ? digest : nil)))
        if case .enrolled = outcome { people += 1 }
    }

    private mutating func changeAccount(_ account: UInt64, in town: inout Town) throws {
        let changes: [ChangeAccount.Change] = [
            .profile(Profile(name: "n\(random.below(3))", about: "")),
            .deviceName(.init(1), "d\(random.below(3))"), .revokeDevice(.init(2)),
            random.chance(0.3) ? .delete : .profile(Profile()),
        ]
        _ = try town.apply(
            .changeAccount(
                ChangeAccount(
                    account: .init(account), device: .init(1),
                    change: changes[Int(random.below(4))], time: town.now)))
    }

    private mutating func contactChange() -> ContactChange {
        let changes: [ContactChange] = [
            .request(greeting: "hi"), .request(greeting: ""), .accept, .accept, .accept, .decline,
            .remove, .block, .unblock, .alias("x"),
        ]
        return changes[Int(random.below(UInt64(changes.count)))]
    }

    private mutating func groupEvent() -> ConversationEvent {
        let person = Town.person(1 + random.below(people))
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
