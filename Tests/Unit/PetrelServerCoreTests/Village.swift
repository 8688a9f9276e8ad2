// People on a bench, and what the tests of the messenger say and hear.

import PetrelBase
import PetrelMessaging
import PetrelServerCore
import PetrelServices
import Testing

extension Bench {
    /// Asks, lets the server answer, and returns the answer.
    func ask(_ peer: Peer, _ kind: Command.Kind) throws -> Notice.Kind {
        let request = try peer.ask(kind, now: now)
        run(.milliseconds(60))
        return try peer.answer(request)
    }

    /// Asks and returns why that was refused; `nil` if it was not.
    func refusal(_ peer: Peer, _ kind: Command.Kind) throws -> Refusal? {
        if case .refusal(let refusal) = try ask(peer, kind) { refusal } else { nil }
    }

    /// Another device of an account.
    func device(of handle: String) throws -> Peer {
        let peer = try stranger()
        guard case .welcome = try ask(peer, .logIn(form(handle))) else {
            throw Unexpected(what: "\(handle) cannot log in")
        }
        _ = peer.take()
        return peer
    }

    /// Makes two people contacts.
    func befriend(_ a: Peer, _ name: String, _ b: Peer, _ other: String) throws {
        for (peer, person, change) in [
            (a, other, ContactChange.request(greeting: "hello")), (b, name, .accept),
        ] {
            #expect(try ask(peer, .changeContact(Person(handle: person), change)) == .done)
        }
        _ = (a.take(), b.take())
    }

    /// A group of one peer and its contacts; returns its number.
    func group(_ owner: Peer, _ members: [String], _ number: UInt64) throws -> ConversationID {
        let creation = GroupCreation(name: "us", members: members.map { Person(handle: $0) })
        let message = OutgoingMessage(
            clientMessageID: name(number), target: .newGroup, event: .created(creation))
        guard case .verdict(let verdict) = try ask(owner, .send(message)) else {
            throw Unexpected(what: "no group")
        }
        return verdict.conversation
    }

    func name(_ number: UInt64) -> ClientMessageID {
        ClientMessageID(high: UInt64(clamping: wall.milliseconds) << 16 | 0x7000, low: number)
    }

    func event(
        _ event: ConversationEvent, in conversation: ConversationID, _ number: UInt64
    ) -> Command.Kind {
        .send(
            OutgoingMessage(
                clientMessageID: name(number), target: .conversation(conversation), event: event))
    }
}

extension Peer {
    /// Takes what is of a kind, and drops the rest.
    func take<Value>(_ kind: (Notice.Kind) -> Value?) -> [Value] {
        take().compactMap { kind($0.kind) }
    }
}

extension Notice.Kind {
    var receipt: Receipt? { if case .receipt(let value) = self { value } else { nil } }
    var presences: [Presence]? { if case .presences(let value) = self { value } else { nil } }
    var typing: TypingNotice? { if case .typing(let value) = self { value } else { nil } }
    var message: PushedMessage? { if case .message(let value) = self { value } else { nil } }
    var change: PushedChange? { if case .change(let value) = self { value } else { nil } }
    var digest: ConversationSequence? { if case .digest(_, let last) = self { last } else { nil } }
}
