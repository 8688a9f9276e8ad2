// What happens to a conversation and to people, as sentences.

import Petrel
import PetrelBase
import PetrelMessaging

/// Says what happened to a conversation, as an account sees it.
struct ChatSentences {
    /// Who looks.
    var own: Account?

    /// What an event says; `sender` did it.
    func sentence(of event: GroupEvent, by sender: Person) -> String {
        let who = name(sender)
        switch event {
        case .created(let name, let members, let isOpen):
            let with = members.isEmpty ? "" : " with \(list(members))"
            return "\(who) began the \(isOpen ? "open " : "")group \(name)\(with)"
        case .added(let people): return "\(who) added \(list(people))"
        case .joined: return "\(who) joined"
        case .left: return "\(who) left"
        case .removed(let person): return "\(who) removed \(name(person))"
        case .role(let person, let role):
            let now =
                switch role {
                case .member: "an ordinary member"
                case .admin: "an admin"
                case .owner: "the owner"
                }
            return "\(who) made \(name(person)) \(now)"
        case .muted(let person, nil): return "\(who) lets \(name(person)) speak again"
        case .muted(let person, let time?):
            return "\(who) silenced \(name(person)) for \(Self.length(Interval(time)))"
        case .changed(let name, let isOpen): return changed(who, name, isOpen)
        case .retention(nil): return "\(who) keeps messages for ever from now on"
        case .retention(let time?):
            return "\(who) keeps messages for \(Self.length(Interval(time))) from now on"
        case .dissolved: return "\(who) ended the group; it can be read, and nobody writes"
        }
    }

    /// What somebody is called.
    func name(_ person: Person) -> String {
        if isOwn(person) { return "you" }
        return person.handle.isEmpty ? "account \(person.account.number)" : person.handle
    }

    /// Several people in one phrase.
    func list(_ people: [Person]) -> String {
        let names = people.prefix(5).map(name)
        let more = people.count - names.count
        if more > 0 { return names.joined(separator: ", ") + " and \(more) more" }
        guard let last = names.last, names.count > 1 else { return names.first ?? "nobody" }
        return names.dropLast().joined(separator: ", ") + " and " + last
    }

    /// A length of time of a second or more, in its largest whole unit.
    static func length(_ time: Interval) -> String {
        let seconds = Int64(time.milliseconds) / 1_000
        for (unit, size) in [("day", 86_400), ("hour", 3_600), ("minute", 60)] as [(String, Int64)]
        where seconds >= size && seconds % size == 0 {
            let count = seconds / size
            return "\(count) \(unit)\(count == 1 ? "" : "s")"
        }
        return "\(seconds) second\(seconds == 1 ? "" : "s")"
    }

    private func changed(_ who: String, _ name: String?, _ isOpen: Bool?) -> String {
        var deeds: [String] = []
        if let name { deeds.append("called the group \(name)") }
        if let isOpen { deeds.append(isOpen ? "opened it to everybody" : "closed it to others") }
        return "\(who) \(deeds.isEmpty ? "changed the group" : deeds.joined(separator: " and "))"
    }

    private func isOwn(_ person: Person) -> Bool {
        guard let own else { return false }
        return person.account.number == own.number || person.handle == own.handle
    }
}

extension ChatOverlay {
    /// Contacts, requests and blocked accounts.
    static func contacts(
        _ contacts: [Contact], _ presences: [AccountID: Presence], now: Int64
    ) -> ChatOverlay {
        let lines = contacts.map { contact in
            var words = [contact.isBlocked ? "blocked; /unblock takes messages again" : ""]
            switch contact.state {
            case .none: break
            case .requested: words.append("was asked, and has not answered")
            case .asked:
                words.append(
                    "asks to become contacts; /accept \(contact.person.handle), or /decline")
                if !contact.greeting.isEmpty { words.append("“\(contact.greeting)”") }
            case .contact:
                words.append("contact")
                let presence = presences[contact.person.account].map { ChatPresence($0) }
                words.append(ChatRenderer.text(presence, now: now))
            case .gone: words.append("the account was deleted")
            }
            if contact.displayName != contact.person.handle { words.append(contact.displayName) }
            return Line(
                label: contact.person.handle,
                text: words.filter { !$0.isEmpty }.joined(separator: " · "))
        }
        let none = Line(text: "Nobody yet. /add and a handle asks somebody to become contacts.")
        return ChatOverlay(title: "Contacts", lines: lines.isEmpty ? [none] : lines)
    }

    /// The members of a conversation.
    static func members(
        _ members: [Member], _ presences: [AccountID: Presence], now: Int64
    ) -> ChatOverlay {
        let lines = members.sorted { $0.role > $1.role }.map { member in
            var words: [String] = []
            switch member.role {
            case .owner: words.append("owner")
            case .admin: words.append("admin")
            case .member: break
            }
            let presence = presences[member.person.account].map { ChatPresence($0) }
            words.append(ChatRenderer.text(presence, now: now))
            if let until = member.silencedUntilMilliseconds, until > now {
                let time = Interval.seconds(max(1, (until - now) / 1_000))
                words.append("silenced for \(ChatSentences.length(time))")
            }
            if member.read > 0 { words.append("has read up to \(member.read)") }
            if !member.name.isEmpty { words.append(member.name) }
            return Line(
                label: member.person.handle,
                text: words.filter { !$0.isEmpty }.joined(separator: " · "))
        }
        return ChatOverlay(title: "Members", lines: lines)
    }
}
