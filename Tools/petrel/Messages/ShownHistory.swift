// What stands in a page of history, for people and for programs.

import Foundation
import Petrel
import PetrelMessaging

/// A message, an event or a hole of a conversation.
struct ShownHistory: Encodable, Equatable {
    /// Who gave the same reaction.
    struct Reaction: Encodable, Equatable {
        var text: String
        var from: [String]
    }

    /// The name of this form.
    var schema = "petrel-history-1"
    /// `message`, `recalled`, `expired`, `deleted_for_me`, `gone`, `event` or `missing`.
    var kind: String
    /// Its number in the conversation; of a hole the first.
    var place: UInt64
    /// The last number of a hole.
    var last_place: UInt64?
    /// The identifier, a UUID.
    var id: String?
    /// Who said or did it.
    var from: String?
    /// When the server took it in.
    var time_unix_ms: Int64?
    /// The body, if it is text.
    var text: String?
    /// The body in base64, if it is not.
    var base64: String?
    /// The body's media type.
    var content_type: String?
    /// Whether it was edited.
    var is_edited: Bool?
    /// The number of the message that it answers.
    var reply_to: UInt64?
    /// Reactions that stand.
    var reactions: [Reaction]?
    /// When it will be gone.
    var expires_unix_ms: Int64?
    /// What happened, in words.
    var event: String?

    /// Shows an item.
    init(_ item: HistoryPage.Item) {
        switch item {
        case .hole(let places):
            self.init(missing: places)
        case .message(let message): self.init(message)
        }
    }

    private init(missing places: ClosedRange<UInt64>) {
        kind = "missing"
        place = places.lowerBound
        last_place = places.upperBound
    }

    private init(_ message: Message) {
        place = message.place.number
        id = message.id
        from = message.sender
        time_unix_ms = message.milliseconds
        reply_to = message.replyTo
        switch message.kind {
        case .said:
            kind = "message"
            text = message.text
            if message.text == nil { base64 = Data(message.body).base64EncodedString() }
            content_type = message.contentType
            is_edited = message.isEdited
            expires_unix_ms = message.expiresMilliseconds
            reactions = message.reactions.map { reaction in
                Reaction(text: reaction.text, from: reaction.people.map(\.handle))
            }
        case .gone(.recalled): kind = "recalled"
        case .gone(.expired): kind = "expired"
        case .gone(.deletedForMe): kind = "deleted_for_me"
        case .gone(.unknown): kind = "gone"
        case .event(let what):
            kind = "event"
            event = Self.words(what)
        case .change:
            kind = "event"
            event = "changed an earlier message"
        }
    }

    /// The line for people; what others wrote cannot steer the terminal.
    func line(zone: TimeZone = .current) -> String {
        guard last_place == nil else {
            let count = (last_place ?? place) - place + 1
            return "[\(place) to \(last_place ?? place): "
                + HumanUnits.count(count, "event") + " not on this device]"
        }
        let sender = from.flatMap { $0.isEmpty ? nil : $0 } ?? "somebody"
        var line = "\(place)  \(HumanTime.text(time_unix_ms ?? 0, zone: zone))  \(sender)"
        if let reply_to { line += " (to \(reply_to))" }
        switch kind {
        case "message":
            let size = base64.map { "(\($0.utf8.count) characters of base64, not text)" }
            line += ": \(text ?? size ?? "")"
            if is_edited == true { line += " (edited)" }
        case "recalled": line += " took a message back"
        case "expired": line += ": (its time is over)"
        case "deleted_for_me": line += ": (deleted here)"
        case "gone": line += ": (gone)"
        default: line += " \(event ?? "")"
        }
        for reaction in reactions ?? [] {
            line += "  \(reaction.text) \(reaction.from.joined(separator: ", "))"
        }
        return HumanUnits.printable(line)
    }

    private static func words(_ event: GroupEvent) -> String {
        switch event {
        case .created(let name, let members, let isOpen):
            "began the \(isOpen ? "open " : "")group \(name)"
                + (members.isEmpty ? "" : " with \(names(members))")
        case .added(let people): "added \(names(people))"
        case .joined: "joined"
        case .left: "left"
        case .removed(let person): "removed \(person.handle)"
        case .role(let person, let role): "made \(person.handle) \(ShownGroup.word(role))"
        case .muted(let person, let time?): "silenced \(person.handle) for \(HumanTime.text(time))"
        case .muted(let person, nil): "let \(person.handle) speak again"
        case .changed(let name, let isOpen):
            [
                name.map { "named the group \($0)" },
                isOpen.map { $0 ? "opened the group" : "closed the group" },
            ].compactMap { $0 }.joined(separator: ", ")
        case .retention(let time?): "lets messages be kept \(HumanTime.text(time))"
        case .retention(nil): "lets messages be kept for ever"
        case .dissolved: "dissolved the group"
        }
    }

    private static func names(_ people: [Person]) -> String {
        people.map { $0.handle.isEmpty ? "somebody" : $0.handle }.joined(separator: ", ")
    }
}
