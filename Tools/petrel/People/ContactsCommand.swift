// petrel contacts: whom this account knows, and what it changes about that.

import ArgumentParser
import Petrel

/// The commands about other people.
struct ContactsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "contacts", abstract: "Shows and changes whom this account knows.",
        discussion: """
            A stranger may send three messages at most until the other accepts. Without a \
            subcommand, all contacts, requests and blocked accounts are listed.
            """,
        subcommands: [
            List.self, Add.self, Accept.self, Decline.self, Remove.self, Block.self, Unblock.self,
            Alias.self,
        ], defaultSubcommand: List.self)

    /// Lists.
    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Lists contacts, requests and blocked accounts.")
        @Flag(help: "Read the disk only, without asking the server.")
        var offline = false
        @OptionGroup var ask: AskOptions

        /// Prints a line for each.
        func run() async throws {
            let contacts = try await ask.reading(offline: offline) { try $0.contacts() }
                .map(ShownContact.init)
            guard !ask.json else { return contacts.forEach { result(json: $0) } }
            guard !contacts.isEmpty else {
                return say("no contacts yet; petrel contacts add HANDLE asks somebody")
            }
            ShownContact.table(contacts).lines.forEach(result)
        }
    }

    /// Asks somebody.
    struct Add: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Asks an account to become contacts, or accepts its request.")
        @Argument(help: "The handle of the account.") var handle: String
        @Option(help: ArgumentHelp("A line that comes with the request.", valueName: "text"))
        var greeting = ""
        @OptionGroup var ask: AskOptions

        /// Asks.
        func run() async throws {
            try await ask.asking { [handle, greeting] client in
                try await client.addContact(handle, greeting: greeting)
            }
            ask.done("contact_requested", to: handle, "\(handle) is asked to become a contact")
        }
    }

    /// Accepts.
    struct Accept: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Accepts a request.")
        @OptionGroup var of: ContactOptions

        /// Accepts.
        func run() async throws {
            try await of.change("contact_accepted", "is a contact now") { client, handle in
                try await client.acceptContact(handle)
            }
        }
    }

    /// Declines.
    struct Decline: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Declines a request, of which the other is not told.")
        @OptionGroup var of: ContactOptions

        /// Declines.
        func run() async throws {
            try await of.change("contact_declined", "is no contact") { client, handle in
                try await client.declineContact(handle)
            }
        }
    }

    /// Ends a relation.
    struct Remove: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Ends the relation, or takes an own request back.")
        @OptionGroup var of: ContactOptions

        /// Removes.
        func run() async throws {
            try await of.change("contact_removed", "is no contact any more") { client, handle in
                try await client.removeContact(handle)
            }
        }
    }

    /// Blocks.
    struct Block: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Takes nothing from an account any more, and ends the relation.")
        @OptionGroup var of: ContactOptions

        /// Blocks.
        func run() async throws {
            try await of.change("blocked", "is blocked") { client, handle in
                try await client.block(handle)
            }
        }
    }

    /// Unblocks.
    struct Unblock: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Takes messages of an account again.")
        @OptionGroup var of: ContactOptions

        /// Unblocks.
        func run() async throws {
            try await of.change("unblocked", "is not blocked any more") { client, handle in
                try await client.unblock(handle)
            }
        }
    }

    /// Names somebody.
    struct Alias: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Calls an account something, for this account alone.")
        @Argument(help: "The handle of the account.") var handle: String
        @Argument(help: "What to call it; empty for nothing.") var name: String
        @OptionGroup var ask: AskOptions

        /// Names it.
        func run() async throws {
            try await ask.asking { [handle, name] client in
                try await client.setAlias(name, of: handle)
            }
            ask.done(
                "alias_set", to: handle,
                name.isEmpty ? "\(handle) has no alias" : "\(handle) is called \(name)")
        }
    }
}

/// Whom a change is about.
struct ContactOptions: ParsableArguments {
    @Argument(help: "The handle of the account.") var handle: String
    @OptionGroup var ask: AskOptions

    /// Makes a change, and says that it was made.
    func change(
        _ what: String, _ words: String,
        _ body: @escaping @Sendable (PetrelClient, String) async throws -> Void
    ) async throws {
        try await ask.asking { [handle] client in try await body(client, handle) }
        ask.done(what, to: handle, "\(handle) \(words)")
    }
}
