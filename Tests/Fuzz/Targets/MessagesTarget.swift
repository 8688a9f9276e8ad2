// What clients and servers say to each other, and an account that says anything to a live server.

import PetrelBase
import PetrelMessaging

/// Reads bytes as commands and notices, or as the story of a hostile account.
enum MessagesTarget {
    static func feed(_ bytes: [UInt8]) throws {
        var tape = Tape(bytes)
        guard tape.byte() & 1 == 1 else { return try decode(tape.rest()) }
        let town = try Town()
        for _ in 0..<40 where !tape.isAtEnd { try step(town, &tape) }
        try town.check()
    }

    private static func decode(_ bytes: [UInt8]) throws {
        if let command = try? Command(decoding: bytes.span.bytes) {
            let again = try? Command(decoding: command.encoded().span.bytes)
            try hold(again == command, "\(command) becomes another")
        }
        if let notice = try? Notice(decoding: bytes.span.bytes) {
            let again = try? Notice(decoding: notice.encoded().span.bytes)
            try hold(again == notice, "\(notice) becomes another")
        }
    }

    private static func step(_ town: Town, _ tape: inout Tape) throws {
        switch tape.byte() & 7 {
        case 0: try town.carolSays(tape.counted(max: 200))
        case 1: try town.annaWrites(toCarol: tape.byte() & 1 == 1)
        case 2: try town.wait(.milliseconds(Int64(tape.byte()) * 100))
        case 3: try town.carolComesBack()
        default:
            let command = Command(request: tape.number(), kind: kind(town, &tape))
            try town.carolSays(command.encoded())
        }
    }

    private static func kind(_ town: Town, _ tape: inout Tape) -> Command.Kind {
        switch tape.byte() & 15 {
        case 0: .register(form(&tape))
        case 1: .logIn(form(&tape))
        case 2:
            .sync(
                SyncRequest(
                    incarnation: tape.byte() & 1 == 0 ? 1 : tape.number(),
                    cursor: .init(tape.number()),
                    limit: UInt32(truncatingIfNeeded: tape.number()),
                    largeAfter: .init(tape.number())))
        case 3, 4:
            .pull(
                conversation: conversation(town, &tape), from: tape.number(), to: tape.number(),
                newestFirst: tape.byte() & 1 == 1)
        case 5:
            .acknowledge(
                feed: .init(tape.number()), delivered: marks(town, &tape),
                read: marks(town, &tape))
        case 6: .changeAccount(accountChange(&tape))
        case 7: .changeContact(person(town, &tape), contactChange(&tape))
        case 8:
            .changeConversation(conversation(town, &tape), conversationChange(&tape))
        case 9: .invite(lifetimeSeconds: UInt32(truncatingIfNeeded: tape.number()))
        case 10: .lookUp(handle: handle(&tape))
        case 11: .listMembers(conversation(town, &tape), after: .init(tape.number()))
        case 12: .activity(activity(town, &tape))
        default:
            .send(
                OutgoingMessage(
                    clientMessageID: ClientMessageID(
                        high: tape.byte() & 1 == 0 ? town.stamp : tape.number(),
                        low: tape.number()),
                    target: target(town, &tape), event: event(town, &tape)))
        }
    }

    private static func target(_ town: Town, _ tape: inout Tape) -> OutgoingMessage.Target {
        switch tape.byte() & 3 {
        case 0: .newGroup
        case 1: .handle(handle(&tape))
        default: .conversation(conversation(town, &tape))
        }
    }

    private static func event(_ town: Town, _ tape: inout Tape) -> ConversationEvent {
        let place = ConversationSequence(1 + UInt64(tape.byte()))
        let content = Content(
            contentType: tape.byte() & 3 == 0 ? tape.text() : "", body: tape.counted(max: 300),
            replyTo: .init(tape.number()), mentions: [], lifetimeSeconds: UInt32(tape.byte()))
        return switch tape.byte() & 15 {
        case 0: .edit(sequence: place, content)
        case 1: .recall(sequence: place)
        case 2: .reaction(Reaction(sequence: place, text: tape.text()))
        case 3: .created(GroupCreation(name: tape.text(), members: [person(town, &tape)]))
        case 4: .added([person(town, &tape)])
        case 5: .joined
        case 6: .left
        case 7: .removed(person(town, &tape))
        case 8: .role(person(town, &tape), tape.byte() & 1 == 0 ? .admin : .owner)
        case 9: .muted(person(town, &tape), seconds: UInt32(tape.byte()))
        case 10: .changed(GroupChange(name: tape.text(), isOpen: tape.byte() & 1 == 0))
        case 11: .retention(seconds: tape.number())
        case 12: .dissolved
        case 13: .gone(.recalled)
        default: .message(content)
        }
    }

    private static func accountChange(_ tape: inout Tape) -> AccountChange {
        switch tape.byte() & 7 {
        case 0: .profile(Profile(name: tape.text(), about: tape.text()))
        case 1: .privacy(Privacy(presence: .nobody, lastSeen: .everybody, receipts: .contacts))
        case 2: .password(old: Town.wrongPassword, new: tape.counted(max: 140), recovery: nil)
        case 3: .deviceName(.init(UInt32(tape.byte())), tape.text())
        case 4: .revokeDevice(.init(2 + UInt32(tape.byte())))
        default: .delete(password: Town.wrongPassword)
        }
    }

    private static func contactChange(_ tape: inout Tape) -> ContactChange {
        switch tape.byte() & 7 {
        case 0: .request(greeting: tape.text())
        case 1: .accept
        case 2: .decline
        case 3: .remove
        case 4: .block
        case 5: .unblock
        default: .alias(tape.text())
        }
    }

    private static func conversationChange(_ tape: inout Tape) -> ConversationChange {
        switch tape.byte() & 3 {
        case 0: .pinned(tape.byte() & 1 == 0)
        case 1: .mutedUntil(WallTime(milliseconds: Int64(bitPattern: tape.number())))
        case 2: .cleared(upTo: .init(tape.number()))
        default: .hidden(.init(tape.number()))
        }
    }

    private static func activity(_ town: Town, _ tape: inout Tape) -> Activity {
        switch tape.byte() & 3 {
        case 0: .presence(.away)
        case 1: .typing(conversation(town, &tape), isStopped: tape.byte() & 1 == 0)
        default: .viewing(conversation(town, &tape))
        }
    }

    private static func person(_ town: Town, _ tape: inout Tape) -> Person {
        tape.byte() & 1 == 0
            ? Person(handle: String(handle(&tape).prefix(8)))
            : Person(account: .init(1 | tape.number()))
    }

    private static func marks(_ town: Town, _ tape: inout Tape) -> [Watermark] {
        (0..<tape.below(5)).map { _ in
            Watermark(conversation: conversation(town, &tape), sequence: .init(tape.number()))
        }
    }

    private static func form(_ tape: inout Tape) -> Registration {
        let isTaken = tape.byte() & 1 == 0
        return Registration(
            handle: handle(&tape), password: isTaken ? Town.wrongPassword : tape.counted(max: 140),
            deviceName: tape.text())
    }

    private static func handle(_ tape: inout Tape) -> String {
        switch tape.byte() & 3 {
        case 0: "anna"
        case 1: "carol"
        case 2: "nobody"
        default: tape.text()
        }
    }

    private static func conversation(_ town: Town, _ tape: inout Tape) -> ConversationID {
        switch tape.byte() & 3 {
        case 0: town.secretConversation
        case 1: town.sharedConversation
        default: .init(tape.number())
        }
    }
}
