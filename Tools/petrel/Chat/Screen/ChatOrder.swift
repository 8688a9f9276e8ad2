// What the client is asked to do by a command, besides sending and showing.

import Petrel
import PetrelBase
import PetrelMessaging

/// What a command asks of the client.
enum ChatOrder: Equatable, Sendable {
    /// Changes how this account stands with another one; `nil`: the one that is meant.
    case contact(ContactDeed, String?)
    /// Begins a group with these members.
    case group(String, [String])
    /// Changes the group that is shown.
    case change(GroupDeed)
    /// Changes a message.
    case message(UInt64, MessageDeed)
    /// Changes what the conversation is for this account alone.
    case setting(SettingDeed)

    /// What is done to the relation with an account.
    enum ContactDeed: Equatable, Sendable {
        case add(greeting: String)
        case accept
        case decline
        case block
        case unblock
    }

    /// What is done to a group.
    enum GroupDeed: Equatable, Sendable {
        case invite([String])
        case leave
        case kick(String)
        /// For that time; `nil`: may speak again.
        case silence(String, Interval?)
        case role(String, Role)
        case rename(String)
        case dissolve
    }

    /// What is done to a message.
    enum MessageDeed: Equatable, Sendable {
        case edit(String)
        case recall
        /// Adds the sign, or takes an own one back.
        case react(String)
        /// Hides it for this account alone.
        case delete
    }

    /// What is done to a conversation for this account alone.
    enum SettingDeed: Equatable, Sendable {
        case pin(Bool)
        /// For that time; `nil`: not any more.
        case mute(Interval?)
        /// Hides what was said up to now.
        case clear
    }
}

/// What the commands of orders are typed like.
extension SlashForm {
    /// People.
    static let people: [SlashForm] = [
        contact("add", "[HANDLE] [GREETING]", "asks somebody to become contacts") {
            .add(greeting: $0.rest(after: 1) ?? "")
        },
        contact("accept", "[HANDLE]", "accepts a request") { $0.words.count < 2 ? .accept : nil },
        contact("decline", "[HANDLE]", "declines it; the other is not told") {
            $0.words.count < 2 ? .decline : nil
        },
        contact("block", "[HANDLE]", "takes nothing from somebody any more") {
            $0.words.count < 2 ? .block : nil
        },
        contact("unblock", "[HANDLE]", "takes messages again") {
            $0.words.count < 2 ? .unblock : nil
        },
    ]

    /// Groups.
    static let groups: [SlashForm] = [
        SlashForm(
            name: "group", arguments: "NAME HANDLE...",
            summary: "begins a group of contacts; quote a name with spaces: \"The hikers\""
        ) { arguments in
            guard let (name, rest) = arguments.name,
                let handles = SlashArguments(text: rest).handles(from: 0)
            else { return nil }
            return .order(.group(name, handles))
        },
        SlashForm(name: "invite", arguments: "HANDLE...", summary: "takes contacts into the group")
        {
            $0.handles(from: 0).map { .order(.change(.invite($0))) }
        },
        SlashForm(name: "leave", arguments: "", summary: "leaves the group") {
            $0.words.isEmpty ? .order(.change(.leave)) : nil
        },
        SlashForm(name: "kick", arguments: "HANDLE", summary: "puts a member out") { arguments in
            guard arguments.words.count == 1 else { return nil }
            return arguments.handle(0).map { .order(.change(.kick($0))) }
        },
        SlashForm(
            name: "silence", arguments: "HANDLE TIME",
            summary: "lets a member not speak for a time, such as 10min; off ends it"
        ) { arguments in
            guard arguments.words.count == 2, let handle = arguments.handle(0),
                let time = arguments.time(1)
            else { return nil }
            return .order(.change(.silence(handle, time.length)))
        },
        SlashForm(
            name: "role", arguments: "HANDLE member|admin|owner",
            summary: "says what a member may do"
        ) { arguments in
            let roles: [String: Role] = ["member": .member, "admin": .admin, "owner": .owner]
            guard arguments.words.count == 2, let handle = arguments.handle(0),
                let role = roles[arguments.words[1].lowercased()]
            else { return nil }
            return .order(.change(.role(handle, role)))
        },
        SlashForm(name: "rename", arguments: "NAME", summary: "calls the group otherwise") {
            $0.rest(after: 0).map { .order(.change(.rename($0))) }
        },
        SlashForm(
            name: "dissolve", arguments: "", summary: "ends the group: all read it, nobody writes"
        ) {
            $0.words.isEmpty ? .order(.change(.dissolve)) : nil
        },
    ]

    /// Messages, and the conversation they are in.
    static let messages: [SlashForm] = [
        message("edit", "TEXT", "says your message N otherwise") { .edit($0) },
        message("react", "SIGN", "puts 👍 or another sign at it; once more takes it back") {
            .react($0)
        },
        numbered("recall", "takes a message back, for everybody") { .recall },
        numbered("delete", "hides a message, for you alone") { .delete },
        setting("pin", "keeps the conversation on top", .pin(true)),
        setting("unpin", "puts it back among the others", .pin(false)),
        SlashForm(
            name: "mute", arguments: "[TIME]",
            summary: "keeps it quiet, for a year or a time such as 8h; off ends it"
        ) { arguments in
            let year = Interval.seconds(365 * 86_400)
            if arguments.words.isEmpty { return .order(.setting(.mute(year))) }
            guard arguments.words.count == 1, let time = arguments.time(0) else { return nil }
            return .order(.setting(.mute(time.length)))
        },
        setting("clear", "hides what was said up to now, for you alone", .clear),
    ]

    private static func contact(
        _ name: String, _ arguments: String, _ summary: String,
        _ deed: @escaping @Sendable (SlashArguments) -> ChatOrder.ContactDeed?
    ) -> SlashForm {
        SlashForm(name: name, arguments: arguments, summary: summary) { arguments in
            if !arguments.words.isEmpty, arguments.handle(0) == nil { return nil }
            return deed(arguments).map { .order(.contact($0, arguments.handle(0))) }
        }
    }

    private static func message(
        _ name: String, _ argument: String, _ summary: String,
        _ deed: @escaping @Sendable (String) -> ChatOrder.MessageDeed
    ) -> SlashForm {
        SlashForm(name: name, arguments: "N \(argument)", summary: summary) { arguments in
            guard let number = arguments.number(0), let text = arguments.rest(after: 1) else {
                return nil
            }
            return .order(.message(number, deed(text)))
        }
    }

    private static func numbered(
        _ name: String, _ summary: String,
        _ deed: @escaping @Sendable () -> ChatOrder.MessageDeed
    ) -> SlashForm {
        SlashForm(name: name, arguments: "N", summary: summary) { arguments in
            guard arguments.words.count == 1 else { return nil }
            return arguments.number(0).map { .order(.message($0, deed())) }
        }
    }

    private static func setting(
        _ name: String, _ summary: String, _ deed: ChatOrder.SettingDeed
    ) -> SlashForm {
        SlashForm(name: name, arguments: "", summary: summary) {
            $0.words.isEmpty ? .order(.setting(deed)) : nil
        }
    }
}

/// A length of time that was typed.
struct SlashTime: Equatable, Sendable {
    /// How long; `nil` for `off`.
    var length: Interval?
}

extension SlashArguments {
    /// Words from `start` on as handles, each once; `nil` if there are none or one is none.
    func handles(from start: Int) -> [String]? {
        var handles: [String] = []
        for index in words.indices.dropFirst(start) {
            guard let handle = handle(index) else { return nil }
            if !handles.contains(handle) { handles.append(handle) }
        }
        return handles.isEmpty ? nil : handles
    }

    /// A word as a length of time, or `off` for none; `nil` if it is neither.
    func time(_ index: Int) -> SlashTime? {
        guard index < words.count else { return nil }
        if words[index].lowercased() == "off" { return SlashTime(length: nil) }
        guard let time = try? Interval(parsing: String(words[index])), time > .zero else {
            return nil
        }
        return SlashTime(length: time)
    }

    /// The first word, or all within quotes, and what follows; `nil` if there is no such name.
    var name: (name: String, rest: String)? {
        let opening: Set<Character> = ["\"", "“", "”"]
        guard let first = text.first, opening.contains(first) else {
            guard let word = words.first else { return nil }
            return (String(word), rest(after: 1) ?? "")
        }
        let body = text.dropFirst()
        guard let end = body.firstIndex(where: opening.contains), end > body.startIndex else {
            return nil
        }
        return (String(body[..<end]), String(body[body.index(after: end)...]))
    }
}
