// petrel history: a page of a conversation, the newest first of all.

import ArgumentParser
import Petrel
import PetrelMessaging

/// Prints a page of a conversation, oldest message first.
struct HistoryCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "history", abstract: "Prints the last messages of a conversation.",
        discussion: """
            Edits, recalls and reactions show in the messages that they are about; what is not on \
            this disk is marked. Nothing is noted as read or printed.
            """)

    @Argument(help: "A handle, a group's name, or the 16 digits of a conversation.")
    var conversation: String
    @Option(help: ArgumentHelp("Print what stands before that number.", valueName: "number"))
    var before: UInt64?
    @Option(help: ArgumentHelp("Print that many messages at most.", valueName: "n"))
    var limit = 50
    @Flag(help: "Read the disk only, without asking the server.")
    var offline = false
    @OptionGroup var ask: AskOptions

    /// Checks what the options mean.
    func validate() throws {
        guard (1...10_000).contains(limit) else {
            throw ValidationError("--limit \(limit) is not a number of messages from 1 to 10000")
        }
    }

    /// Prints it.
    func run() async throws {
        let page = try await ask.reading(offline: offline) {
            [conversation, before, limit] client in
            let found = try ConversationName.conversation(
                conversation, among: try client.conversations())
            return try client.history(of: found.id, before: before, limit: limit)
        }
        let items = page.items.map(ShownHistory.init)
        for item in items {
            if ask.json { result(json: item) } else { result(item.line()) }
        }
        if items.isEmpty { say("nothing was said here") }
        if page.hasOlder { say("there is more; go on with --before \(page.start)") }
    }
}
