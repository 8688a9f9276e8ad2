// petrel groups: the groups of this account, and one of them in full.

import ArgumentParser
import Petrel
import PetrelMessaging

/// The commands about groups.
struct GroupsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "groups", abstract: "Shows and changes groups.",
        discussion: "Without a subcommand, the groups that this account knows are listed.",
        subcommands: [
            List.self, Show.self, Create.self, Add.self, Join.self, Leave.self, Remove.self,
            SetRole.self, Silence.self, Rename.self, Open.self, Close.self, Retention.self,
            Dissolve.self,
        ], defaultSubcommand: List.self)

    /// Lists.
    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Lists the groups that this account knows.")
        @Flag(help: "Read the disk only, without asking the server.")
        var offline = false
        @OptionGroup var ask: AskOptions

        /// Prints a line for each.
        func run() async throws {
            let groups = try await ask.reading(offline: offline) { try $0.conversations() }
                .compactMap { ShownGroup($0) }
            guard !ask.json else { return groups.forEach { result(json: $0) } }
            guard !groups.isEmpty else {
                return say("no groups yet; petrel groups create NAME HANDLE... begins one")
            }
            ShownGroup.table(groups).lines.forEach(result)
        }
    }

    /// Shows.
    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Shows a group and its members.")
        @OptionGroup var of: GroupOptions

        /// Prints it.
        func run() async throws {
            let shown = try await of.ask.asking { [group = of.group] client in
                try await client.upToDate()
                let conversations = try client.conversations()
                let id = try ConversationName.group(group, among: conversations)
                var page = try await client.members(of: id)
                var members = page.members
                while let next = page.next {
                    page = try await client.members(of: id, after: next)
                    members += page.members
                }
                return try client.conversation(id).flatMap { ShownGroup($0, members: members) }
            }
            guard let shown else {
                throw Failure(
                    status: .badInput, message: "\(of.group) is no group; see petrel groups")
            }
            guard !of.ask.json else { return result(json: shown) }
            shown.lines.forEach(result)
        }
    }

    /// Creates.
    struct Create: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Begins a group of contacts, owned by this account.")
        @Argument(help: "What it is called, in 1 to 64 bytes.") var name: String
        @Argument(help: "The handles of the other members.") var handles: [String] = []
        @Flag(help: "Let everybody who knows its number join.") var open = false
        @OptionGroup var ask: AskOptions

        /// Creates it, and prints its number.
        func run() async throws {
            let (name, handles, open) = (name, handles, open)
            let place = try await ask.asking { client in
                try await client.createGroup(name, members: handles, isOpen: open)
                    .reached(.committed)
            }
            ask.done(
                "group_created", to: name, at: place, HumanUnits.digits(place.conversation.number))
        }
    }

    /// Joins.
    struct Join: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Comes into an open group.")
        @Argument(help: "The number of the group: 16 digits.", transform: GroupNumber.init)
        var number: GroupNumber
        @OptionGroup var ask: AskOptions

        /// Joins it.
        func run() async throws {
            let number = number
            try await ask.changing("joined", to: number.text, words: "you are in \(number.text)") {
                client in try await client.joinGroup(number.id)
            }
        }
    }
}

/// The number of a group, as somebody typed it.
struct GroupNumber: Equatable, Sendable {
    /// The group.
    var id: ConversationID
    /// The 16 digits.
    var text: String { HumanUnits.digits(id.number) }

    /// Reads it.
    init(_ text: String) throws {
        guard let id = ConversationName.number(text) else {
            throw ValidationError("'\(text)' is no number of a group; give its 16 digits")
        }
        self.id = id
    }
}
