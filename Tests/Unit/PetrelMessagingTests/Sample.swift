// Messages of every kind with random contents, for properties.

import PetrelBase
import PetrelMessaging

enum Sample {
    static func text(_ random: inout RandomStream, max: UInt64) -> String {
        String(decoding: bytes(&random, max: max).map { $0 % 26 + 97 }, as: UTF8.self)
    }

    static func bytes(_ random: inout RandomStream, max: UInt64) -> [UInt8] {
        (0..<random.below(max + 1)).map { _ in UInt8(truncatingIfNeeded: random.next()) }
    }

    static func identifier(_ random: inout RandomStream) -> ClientMessageID {
        let time = WallTime(milliseconds: Int64(random.below(1 << 45)))
        return ClientMessageID(time: time, random: &random)
    }

    static func record(_ random: inout RandomStream) -> MessageRecord {
        MessageRecord(
            conversation: .init(random.next()), sequence: .init(1 + random.below(1 << 60)),
            sender: .init(random.next()), senderDevice: .init(UInt32(random.below(1 << 32))),
            senderHandle: text(&random, max: 32), clientMessageID: identifier(&random),
            time: WallTime(milliseconds: Int64(bitPattern: random.next())),
            event: event(&random))
    }

    static func person(_ random: inout RandomStream) -> Person {
        Person(account: .init(1 + random.below(1 << 60)), handle: text(&random, max: 32))
    }

    static func content(_ random: inout RandomStream) -> Content {
        Content(
            contentType: text(&random, max: 64), body: bytes(&random, max: 300),
            replyTo: .init(random.below(99)),
            mentions: (0..<random.below(4)).map { _ in .init(random.next()) },
            lifetimeSeconds: UInt32(random.below(1 << 32)))
    }

    static func events(_ random: inout RandomStream) -> [ConversationEvent] {
        let place = ConversationSequence(1 + random.below(1 << 60))
        let people = (0..<random.below(5)).map { _ in person(&random) }
        return [
            .message(content(&random)), .edit(sequence: place, content(&random)),
            .recall(sequence: place),
            .reaction(
                Reaction(
                    sequence: place, text: text(&random, max: 9), isWithdrawn: random.chance(0.5))),
            .created(
                GroupCreation(
                    name: text(&random, max: 64), members: people, isOpen: random.chance(0.5))),
            .added(people), .joined, .left, .removed(person(&random)),
            .role(person(&random), Role.allCases[Int(random.below(3))]),
            .muted(person(&random), seconds: UInt32(random.below(1 << 32))),
            .changed(GroupChange(name: text(&random, max: 64), isOpen: nil)),
            .changed(GroupChange(name: "", isOpen: random.chance(0.5))),
            .retention(seconds: random.next()), .dissolved,
            .gone(Gone.allCases[Int(random.below(4))]),
        ]
    }

    static func event(_ random: inout RandomStream) -> ConversationEvent {
        let all = events(&random)
        return all[Int(random.below(UInt64(all.count)))]
    }

    static func head(_ random: inout RandomStream) -> ConversationHead {
        let settings = ConversationSettings(
            isPinned: random.chance(0.5), mutedUntil: time(&random), cleared: .init(random.next()),
            hidden: (0..<random.below(5)).map { _ in .init(random.next()) })
        let group = GroupState(
            name: text(&random, max: 64), membersCount: UInt32(random.below(1 << 32)),
            role: Role.allCases[Int(random.below(3))],
            standing: Standing.allCases[Int(random.below(4))], isOpen: random.chance(0.5),
            isLarge: random.chance(0.5), mutedUntil: time(&random))
        return ConversationHead(
            conversation: .init(random.next()), last: .init(random.next()),
            first: .init(random.next()), byteCount: random.next(),
            delivered: .init(random.next()), readByPeer: .init(random.next()),
            read: .init(random.next()), settings: random.chance(0.5) ? settings : .init(),
            retentionSeconds: random.next(),
            kind: random.chance(0.5) ? .peer(person(&random)) : .group(group))
    }

    static func items(_ random: inout RandomStream) -> [SyncItem] {
        let profile = Profile(name: text(&random, max: 64), about: text(&random, max: 256))
        let contact = Contact(
            person: person(&random),
            state: Contact.State.allCases[Int(random.below(5))], isBlocked: random.chance(0.5),
            alias: text(&random, max: 64), greeting: text(&random, max: 256), profile: profile)
        let state = AccountState(
            profile: profile,
            privacy: Privacy(presence: .nobody, lastSeen: .everybody, receipts: .contacts),
            devices: (0..<random.below(10)).map { _ in
                DeviceState(
                    device: .init(UInt32(random.below(99))), name: text(&random, max: 64),
                    created: time(&random), connected: time(&random))
            },
            bytesUsed: random.next(), bytesMax: random.next(), hasRecovery: random.chance(0.5))
        return [.conversation(head(&random)), .contact(contact), .account(state)].map {
            SyncItem(feed: .init(random.next()), kind: $0)
        }
    }

    static func time(_ random: inout RandomStream) -> WallTime {
        WallTime(milliseconds: Int64(bitPattern: random.next()))
    }

    static func marks(_ random: inout RandomStream) -> [Watermark] {
        (0..<random.below(20)).map { _ in
            Watermark(conversation: .init(random.next()), sequence: .init(random.next()))
        }
    }

    static func digest(_ random: inout RandomStream) -> RecoveryDigest {
        RecoveryDigest(
            words: .init(random.next(), random.next(), random.next(), random.next()))
    }

    static func commands(_ random: inout RandomStream) -> [Command] {
        let logIn = Registration(
            handle: text(&random, max: 40), password: bytes(&random, max: 128),
            deviceName: text(&random, max: 64))
        var registration = logIn
        registration.invitation = text(&random, max: 40)
        registration.recovery = random.chance(0.5) ? digest(&random) : nil
        let recovery = Recovery(
            handle: text(&random, max: 40), code: text(&random, max: 40),
            password: bytes(&random, max: 128), deviceName: text(&random, max: 64),
            recovery: digest(&random))
        let from = 1 + random.below(1 << 40)
        let targets: [OutgoingMessage.Target] = [
            .conversation(.init(random.next())), .handle(text(&random, max: 40)), .newGroup,
        ]
        let sends: [Command.Kind] = events(&random).map { event in
            .send(
                OutgoingMessage(
                    clientMessageID: identifier(&random),
                    target: targets[Int(random.below(3))], event: event))
        }
        let kinds: [Command.Kind] = [
            .register(registration), .logIn(logIn), .recover(recovery),
            .sync(
                SyncRequest(
                    incarnation: random.next(), cursor: .init(random.next()),
                    limit: UInt32(random.below(1 << 32)), largeAfter: .init(random.next()))),
            .pull(
                conversation: .init(random.next()), from: from, to: from + random.below(1 << 40),
                newestFirst: random.chance(0.5)),
            .acknowledge(
                feed: .init(random.next()), delivered: marks(&random), read: marks(&random)),
            .invite(lifetimeSeconds: UInt32(random.below(1 << 32))),
            .lookUp(handle: text(&random, max: 40)),
            .listMembers(.init(random.next()), after: .init(random.next())),
        ]
        return (kinds + sends + changes(&random)).map {
            Command(request: random.next(), kind: $0)
        }
    }

    private static func changes(_ random: inout RandomStream) -> [Command.Kind] {
        let place = ConversationSequence(random.next())
        let account: [AccountChange] = [
            .profile(Profile(name: text(&random, max: 64), about: text(&random, max: 99))),
            .privacy(Privacy(presence: .everybody, lastSeen: .nobody, receipts: .contacts)),
            .password(
                old: bytes(&random, max: 50), new: bytes(&random, max: 50),
                recovery: random.chance(0.5) ? digest(&random) : nil),
            .deviceName(.init(3), text(&random, max: 64)), .revokeDevice(.init(4)),
            .delete(password: bytes(&random, max: 50)),
        ]
        let contact: [ContactChange] = [
            .request(greeting: text(&random, max: 99)), .accept, .decline, .remove, .block,
            .unblock, .alias(text(&random, max: 64)),
        ]
        let conversation: [ConversationChange] = [
            .pinned(random.chance(0.5)), .mutedUntil(time(&random)), .cleared(upTo: place),
            .hidden(place),
        ]
        let activities: [Activity] = [
            .presence(.away), .presence(.offline), .typing(.init(random.next()), isStopped: true),
            .viewing(nil), .viewing(.init(1 + random.below(99))),
        ]
        return account.map { .changeAccount($0) }
            + contact.map { .changeContact(person(&random), $0) }
            + conversation.map { .changeConversation(.init(random.next()), $0) }
            + activities.map { .activity($0) }
    }

    static func notices(_ random: inout RandomStream) -> [Notice] {
        let record = record(&random)
        let kinds: [Notice.Kind] = [
            .welcome(
                Welcome(
                    account: .init(random.next()), device: .init(UInt32(random.below(1 << 32))),
                    handle: text(&random, max: 32), incarnation: random.next(),
                    feed: .init(random.next()), time: record.time)),
            .stranger(
                Stranger(isRevoked: random.chance(0.5), needsInvitation: random.chance(0.5))),
            .refusal(
                Refusal(
                    code: UInt32(random.below(1 << 32)), reason: text(&random, max: 256),
                    retryAfter: .milliseconds(Int64(random.below(1 << 32))),
                    clientMessageID: random.chance(0.5) ? identifier(&random) : nil,
                    limit: random.next())),
            .verdict(
                Verdict(
                    clientMessageID: identifier(&random), conversation: record.conversation,
                    sequence: record.sequence, time: record.time, feed: .init(random.next()),
                    previousFeed: .init(random.next()), peer: .init(random.next()),
                    peerHandle: text(&random, max: 32))),
            .message(
                PushedMessage(
                    record: record, feed: .init(random.next()),
                    previousFeed: .init(random.next()))),
            .receipt(
                Receipt(
                    conversation: record.conversation, account: record.sender,
                    delivered: record.sequence, read: .init(random.next()),
                    feed: .init(random.next()), previousFeed: .init(random.next()))),
            .page(
                Page(
                    conversation: record.conversation, records: [record],
                    unavailable: (0..<random.below(5)).map { _ in .init(random.next()) },
                    isComplete: random.chance(0.5))),
        ]
        return (kinds + syncNotices(&random) + laterNotices(&random)).map {
            Notice(request: random.next(), kind: $0)
        }
    }

    private static func syncNotices(_ random: inout RandomStream) -> [Notice.Kind] {
        let items = items(&random)
        return [
            .syncPage(
                SyncPage(
                    incarnation: random.next(), snapshot: .init(random.next()),
                    cursor: .init(random.next()), remaining: random.next(), items: items,
                    large: (0..<random.below(3)).map { _ in head(&random) },
                    largeRemain: random.chance(0.5)))
        ]
            + items.map {
                .change(PushedChange(item: $0, previousFeed: .init(random.next())))
            }
    }

    private static func laterNotices(_ random: inout RandomStream) -> [Notice.Kind] {
        let member = GroupMember(
            person: person(&random), name: text(&random, max: 64), role: .admin,
            mutedUntil: time(&random), delivered: .init(random.next()),
            read: .init(random.next()))
        let presence = Presence(
            account: .init(random.next()), state: .away, lastSeen: time(&random),
            devicesCount: UInt32(random.below(10)))
        return [
            .done, .digest(.init(random.next()), last: .init(random.next())),
            .invitation(code: text(&random, max: 24), expires: time(&random)),
            .card(
                Card(
                    person: person(&random),
                    profile: Profile(name: text(&random, max: 64), about: ""))),
            .members(
                MembersPage(
                    conversation: .init(random.next()), members: [member],
                    isComplete: random.chance(0.5))),
            .presences([presence]),
            .typing(
                TypingNotice(
                    conversation: .init(random.next()), account: .init(random.next()),
                    isStopped: random.chance(0.5))),
        ]
    }
}
