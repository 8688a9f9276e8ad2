// What can be typed instead of a message: commands that begin with a slash.

/// What a person wants who pressed Enter.
enum ChatEntry: Equatable, Sendable {
    /// Send this.
    case message(String)
    /// Do that.
    case command(SlashCommand)

    /// Reads what was typed; `//` at the start writes a message that begins with a slash.
    init(_ text: String) throws(SlashError) {
        if text.hasPrefix("//") {
            self = .message(String(text.dropFirst()))
        } else if text.hasPrefix("/") {
            self = .command(try SlashCommand(text))
        } else {
            self = .message(text)
        }
    }
}

/// A command.
enum SlashCommand: Equatable, Sendable {
    /// Opens the conversation with an account.
    case to(String)
    /// Lists the contacts and requests.
    case contacts
    /// Lists the members of the conversation.
    case members
    /// Sends a text that answers the message of that number.
    case reply(UInt64, String)
    /// Asks something of the client.
    case order(ChatOrder)
    /// Says how things stand with the server.
    case net
    /// Tells the story of a message: of that number, or the own one that was sent last.
    case why(UInt64?)
    /// Lists the commands and the keys.
    case help
    /// Leaves.
    case quit
}

/// What was typed is no command; says what would have been one.
struct SlashError: Error, Equatable, CustomStringConvertible {
    var description: String

    init(_ description: String) { self.description = description }
}

/// A command as it is documented and read.
struct SlashForm: Sendable {
    /// The word behind the slash.
    var name: String
    /// What follows it; empty for nothing.
    var arguments: String
    /// What it does.
    var summary: String
    /// Reads what follows the word; `nil` if that is not what `arguments` asks for.
    var read: @Sendable (SlashArguments) -> SlashCommand?

    /// How it is typed.
    var usage: String { arguments.isEmpty ? "/\(name)" : "/\(name) \(arguments)" }

    /// All commands, as they are listed.
    static let all: [SlashForm] =
        [
            SlashForm(
                name: "to", arguments: "HANDLE", summary: "opens the conversation with somebody"
            ) {
                $0.words.count == 1 ? $0.handle(0).map { .to($0) } : nil
            },
            SlashForm(
                name: "reply", arguments: "N TEXT", summary: "sends a text that answers message N"
            ) { arguments in
                guard let number = arguments.number(0), let text = arguments.rest(after: 1) else {
                    return nil
                }
                return .reply(number, text)
            },
        ] + messages + [bare("contacts", "who is known, who asks, who is here", .contacts)]
        + people + [bare("members", "who is in the conversation", .members)] + groups + state

    private static let state: [SlashForm] = [
        bare("net", "how things stand with the server", .net),
        SlashForm(
            name: "why", arguments: "[N]",
            summary: "what became of message N, or of your last one"
        ) { arguments in
            if arguments.words.isEmpty { return .why(nil) }
            return arguments.words.count == 1 ? arguments.number(0).map { .why($0) } : nil
        },
        bare("help", "this list", .help),
        bare("quit", "leaves; what waits is sent next time", .quit),
    ]

    private static func bare(
        _ name: String, _ summary: String, _ command: SlashCommand
    ) -> SlashForm {
        SlashForm(name: name, arguments: "", summary: summary) {
            $0.words.isEmpty ? command : nil
        }
    }
}

/// What follows the word of a command.
struct SlashArguments: Sendable {
    /// All of it, without spaces at its ends.
    var text: String

    /// Its words.
    var words: [Substring] { text.split(whereSeparator: \.isWhitespace) }

    /// A word as a handle, which is in lower case; `nil` if there is no such word.
    func handle(_ index: Int) -> String? {
        guard index < words.count else { return nil }
        let word = words[index].lowercased()
        let name = word.hasPrefix("@") ? String(word.dropFirst()) : word
        return name.isEmpty ? nil : name
    }

    /// A word as the number of a message, from 1; `nil` if it is none.
    func number(_ index: Int) -> UInt64? {
        guard index < words.count else { return nil }
        let word = words[index].hasPrefix("#") ? words[index].dropFirst() : words[index]
        guard word.allSatisfy(\.isASCII), word.first != "+", let number = UInt64(word), number > 0
        else { return nil }
        return number
    }

    /// What follows the first `count` words, with the spaces and lines in it; `nil` for nothing.
    func rest(after count: Int) -> String? {
        var rest = text[...]
        for _ in 0..<count {
            rest = rest.drop { !$0.isWhitespace }.drop(while: \.isWhitespace)
        }
        return rest.isEmpty ? nil : String(rest)
    }
}

extension SlashCommand {
    /// Reads a text that begins with a slash.
    init(_ text: String) throws(SlashError) {
        let body = text.dropFirst()
        let name = body.prefix { !$0.isWhitespace }.lowercased()
        guard let form = SlashForm.all.first(where: { $0.name == name }) else {
            throw Self.unknown(name)
        }
        let rest = body.dropFirst(name.count).drop(while: \.isWhitespace)
        let end = rest.lastIndex { !$0.isWhitespace }.map(rest.index(after:)) ?? rest.startIndex
        guard let command = form.read(SlashArguments(text: String(rest[..<end]))) else {
            throw SlashError("/\(name) is typed as \(form.usage)")
        }
        self = command
    }

    private static func unknown(_ name: String) -> SlashError {
        let names = SlashForm.all.map(\.name)
        let closest = names.min {
            Suggestion.distance($0, name) < Suggestion.distance($1, name)
        }
        if let closest, Suggestion.distance(closest, name) <= 2, !name.isEmpty {
            return SlashError(
                "there is no /\(name); did you mean /\(closest)? A message may begin with //")
        }
        return SlashError("there is no /\(name); /help lists what there is")
    }
}
