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
        switch tape.byte() & 7 {
        case 0: .register(form(&tape))
        case 1: .logIn(form(&tape))
        case 2:
            .sync(
                incarnation: tape.byte() & 1 == 0 ? 1 : tape.number(),
                cursor: .init(tape.number()), limit: UInt32(truncatingIfNeeded: tape.number()))
        case 3, 4:
            .pull(
                conversation: conversation(town, &tape), from: tape.number(), to: tape.number(),
                newestFirst: tape.byte() & 1 == 1)
        case 5:
            .acknowledge(
                feed: .init(tape.number()),
                delivered: (0..<tape.below(5)).map { _ in
                    Watermark(
                        conversation: conversation(town, &tape), sequence: .init(tape.number()))
                })
        default:
            .send(
                OutgoingMessage(
                    clientMessageID: ClientMessageID(
                        high: tape.byte() & 1 == 0 ? town.stamp : tape.number(),
                        low: tape.number()),
                    target: tape.byte() & 1 == 0
                        ? .conversation(conversation(town, &tape)) : .handle(handle(&tape)),
                    contentType: tape.byte() & 3 == 0 ? tape.text() : "",
                    body: tape.counted(max: 300)))
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
