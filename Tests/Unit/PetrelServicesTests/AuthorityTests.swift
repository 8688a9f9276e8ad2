// Who may do what: the tables of the specification, asked through the services and the store.

import PetrelBase
import PetrelMessaging
import PetrelServices
import Testing

/// One who asks, by how it stands to the group, or to person 1.
enum Standpoint: String, CaseIterable, Sendable {
    case owner, admin, member, muted, left, removed, outsider
    case oneself, contact, answered, stranger, blockedByIt, blocksIt

    /// The number of its account.
    var number: UInt64 {
        self == .oneself ? 1 : UInt64(Self.allCases.firstIndex(of: self) ?? 0) + 1
    }
}

struct AuthorityTests {
    /// Everybody of the tables, a group of person 1, and a message of person 1 to each in a 1:1
    /// conversation; devices 1 and 2 of each, of which device 3 was revoked.
    private struct Scene {
        var town: Town
        var group: ConversationID
        var names: UInt64 = 100

        init() throws {
            town = try Town(1...20)
            let inside: [Standpoint] = [.admin, .member, .muted, .left, .removed]
            group = try town.group(1, inside.map(\.number) + [20])
            for standpoint in Standpoint.allCases {
                for key in [UInt64(100), 200] {
                    _ = try town.apply(
                        .enrolDevice(
                            EnrolDevice(
                                account: .init(standpoint.number),
                                key: .init(.init(key + standpoint.number, 0, 0, 0)),
                                deviceName: "", helloCounter: 1, time: town.now)))
                }
                _ = try town.apply(
                    .changeAccount(
                        ChangeAccount(
                            account: .init(standpoint.number), device: .init(1),
                            change: .revokeDevice(.init(3)), time: town.now)))
            }
            for event in [
                ConversationEvent.role(Town.person(Standpoint.admin.number), .admin),
                .role(Town.person(20), .admin),
                .muted(Town.person(Standpoint.muted.number), seconds: 60),
                .removed(Town.person(Standpoint.removed.number)),
            ] {
                _ = try town.act(event, by: 1, to: .conversation(group)).get()
            }
            _ = try town.act(.left, by: Standpoint.left.number, to: .conversation(group)).get()
            try town.befriend(1, Standpoint.contact.number)
            _ = try town.say(from: 1, to: Standpoint.answered.number).get()
            for standpoint in [Standpoint.blockedByIt, .blocksIt] {
                _ = try town.say(from: 1, to: standpoint.number).get()
            }
            #expect(try town.change(1, Standpoint.blockedByIt.number, .block) == nil)
            #expect(try town.change(Standpoint.blocksIt.number, 1, .block) == nil)
        }

        /// Sends an event through the service; returns why it was refused.
        mutating func send(
            _ event: ConversationEvent, by account: UInt64, device: UInt32 = 1,
            to target: OutgoingMessage.Target, peer: UInt64? = nil
        ) throws -> MessagingError? {
            names += 1
            let message = OutgoingMessage(
                clientMessageID: ClientMessageID(
                    high: UInt64(clamping: town.now.milliseconds) << 16 | 0x7000, low: names),
                target: target, event: event)
            let sender = Principal(
                account: .init(account), device: .init(device), handle: "p\(account)")
            do throws(Refused) {
                var append = try MessageService.admit(
                    message, from: sender, digest: .init(names, 0, 0, 0),
                    newConversation: .init(50_000 + names), wall: town.now, store: town.store)
                if let peer {
                    append.target = .peer(.init(peer), ifNew: .init(50_000 + names))
                }
                return try judge(append)
            } catch {
                return error.error
            }
        }

        private mutating func judge(_ append: AppendMessage) throws(Refused) -> MessagingError? {
            do {
                return try town.refusal(.appendMessage(append))
            } catch {
                throw Refused(.storageFailed)
            }
        }
    }

    private static let message = ConversationEvent.message(
        Content(contentType: "", body: Array("m".utf8)))

    /// Where it goes when a test names the other by number: the handles of the town are too short.
    private static let anywhere = OutgoingMessage.Target.conversation(.init(1))

    private static let groupEvents: [(String, ConversationEvent)] = [
        ("message", message),
        ("reaction", .reaction(Reaction(sequence: .init(6), text: "+"))),
        ("added", .added([Town.person(19)])),
        ("changed", .changed(GroupChange(name: "other"))),
        ("retention", .retention(seconds: 3_600)),
        ("remove admin", .removed(Town.person(20))),
        ("remove owner", .removed(Town.person(1))),
        ("mute owner", .muted(Town.person(1), seconds: 5)),
        ("role", .role(Town.person(Standpoint.member.number), .admin)),
        ("dissolved", .dissolved), ("joined", .joined), ("left", .left),
        ("gone", .gone(.recalled)),
    ]

    /// What the table of section 7 says; `nil`: done, or refused only by the event's own rule.
    private static func expected(
        _ event: String, _ standpoint: Standpoint
    ) -> Set<MessagingError?> {
        if event == "gone" { return [.malformed] }
        switch standpoint {
        case .left, .removed: return [.notMember]
        case .owner, .admin, .member, .muted: break
        default: return [.unknownConversation]
        }
        let isAdmin = standpoint == .owner || standpoint == .admin
        switch event {
        case "message": return standpoint == .muted ? [.muted] : [nil]
        case "reaction": return standpoint == .muted ? [.muted, .targetInvalid] : [.targetInvalid]
        // The newcomer is nobody's contact, which is judged after the role.
        case "added": return isAdmin ? [.notContact] : [.notPermitted]
        case "changed", "retention": return isAdmin ? [nil] : [.notPermitted]
        case "remove admin": return standpoint == .owner ? [nil] : [.notPermitted]
        case "remove owner", "mute owner": return [.notPermitted]
        case "role", "dissolved": return standpoint == .owner ? [nil] : [.notPermitted]
        case "joined": return [.relationWrong]
        default: return [nil]
        }
    }

    @Test(arguments: groupEvents.indices, Standpoint.allCases)
    func whoMayDoWhatInAGroup(index: Int, standpoint: Standpoint) throws {
        guard standpoint != .oneself else { return }
        var scene = try Scene()
        let (name, event) = Self.groupEvents[index]
        let error = try scene.send(
            event, by: standpoint.number, to: .conversation(scene.group))
        let allowed = Self.expected(name, standpoint)
        #expect(allowed.contains(error), "\(name) by \(standpoint): \(String(describing: error))")
        // The other device may do the same; one that was revoked nothing.
        var other = try Scene()
        let second = try other.send(
            event, by: standpoint.number, device: 2, to: .conversation(other.group))
        #expect(allowed.contains(second))
        let revoked = try other.send(
            event, by: standpoint.number, device: 3, to: .conversation(other.group))
        #expect(revoked == (name == "gone" ? .malformed : .deviceRevoked))
    }

    /// What somebody may say to person 1, and how often before that has an end.
    @Test(arguments: [
        (Standpoint.oneself, [nil, nil, nil, nil] as [MessagingError?]),
        (.contact, [nil, nil, nil, nil]), (.answered, [nil, nil, nil, nil]),
        (.stranger, [nil, nil, nil, .strangerLimit]), (.blockedByIt, [.blocked]),
        (.blocksIt, [.notPermitted]),
    ])
    func whoMayWriteToWhom(standpoint: Standpoint, errors: [MessagingError?]) throws {
        var scene = try Scene()
        for error in errors {
            let answer = try scene.send(
                Self.message, by: standpoint.number, to: Self.anywhere, peer: 1)
            #expect(answer == error)
        }
        let event = ConversationEvent.changed(GroupChange(name: "no"))
        let answer = try scene.send(
            event, by: standpoint.number, to: Self.anywhere, peer: 1)
        #expect(answer == .notPermitted)
        let delete = ChangeAccount(
            account: .init(1), device: .init(1), change: .delete, time: scene.town.now)
        #expect(try scene.town.refusal(.changeAccount(delete)) == nil)
        guard standpoint != .oneself else { return }
        let late = try scene.send(
            Self.message, by: standpoint.number, to: Self.anywhere, peer: 1)
        #expect(late == .unknownRecipient)
    }

    @Test(arguments: Standpoint.allCases) func whoMayRead(_ standpoint: Standpoint) throws {
        guard standpoint != .oneself else { return }
        let scene = try Scene()
        let reader = Principal(
            account: .init(standpoint.number), device: .init(1),
            handle: "p\(standpoint.number)")
        func error(_ body: () throws(Refused) -> Void) -> MessagingError? {
            do throws(Refused) {
                try body()
                return nil
            } catch {
                return error.error
            }
        }
        let pull = error { () throws(Refused) in
            _ = try SyncService.page(
                of: scene.group, from: 1, to: 100, order: .oldestFirst, for: reader,
                store: scene.town.store)
        }
        let members = error { () throws(Refused) in
            _ = try SyncService.members(
                of: scene.group, after: .init(0), for: reader, store: scene.town.store)
        }
        switch standpoint {
        case .owner, .admin, .member, .muted: #expect(pull == nil && members == nil)
        case .left, .removed: #expect(pull == nil && members == .notMember)
        default: #expect(pull == .unknownConversation && members == .unknownConversation)
        }
    }

    /// Whoever is out reads what it saw, and nothing after it.
    @Test func whoIsOutReadsWhatItSaw() throws {
        var scene = try Scene()
        #expect(try scene.send(Self.message, by: 1, to: .conversation(scene.group)) == nil)
        let number = Standpoint.removed.number
        let reader = Principal(account: .init(number), device: .init(1), handle: "p\(number)")
        let page = try SyncService.page(
            of: scene.group, from: 1, to: 100, order: .newestFirst, for: reader,
            store: scene.town.store)
        #expect(page.records.first?.event == .removed(Town.person(number)))
        #expect(page.records.last?.sequence == .init(1))
    }

    @Test(arguments: Audience.allCases, [(true, false), (false, false), (true, true)])
    func audiencesAreKept(audience: Audience, facts: (isContact: Bool, isBlocked: Bool)) {
        let isSeen = Authority.maySee(
            audience, isContact: facts.isContact, isBlocked: facts.isBlocked)
        let isMeant = audience == .everybody || audience == .contacts && facts.isContact
        #expect(isSeen == (isMeant && !facts.isBlocked))
    }
}
