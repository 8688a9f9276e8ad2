// petrel recv: what others wrote, each message once.

import ArgumentParser
import Foundation
import Petrel
import PetrelBase

/// Prints messages that were not printed before, and waits for more if asked.
struct RecvCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "recv", abstract: "Prints messages that were not printed before.",
        discussion: """
            Remembers in the store what it has printed, by conversation. It is noted after the \
            printing, so a kill in between prints a message again rather than never.
            """)

    @Flag(help: "Wait for more when everything was printed.")
    var follow = false
    @Option(help: ArgumentHelp("End after that many messages.", valueName: "n"))
    var count: Int?
    @Flag(help: "Print everything from the first message on; remembers nothing.")
    var fromStart = false
    @Flag(help: "Print this account's own messages too.")
    var own = false
    @Flag(help: "Read the disk only, without asking the server.")
    var offline = false
    @Option(help: "How long to wait for the server.", transform: Interval.init(parsing:))
    var timeout = Interval.seconds(30)
    @Flag(help: "Print a JSON line for each message instead of text.")
    var json = false
    @OptionGroup var client: ClientOptions

    /// Checks what the options mean together.
    func validate() throws {
        guard count.map({ $0 > 0 }) ?? true else {
            throw ValidationError("--count \(count ?? 0) is not a number of messages from 1")
        }
        guard !offline || !follow else {
            throw ValidationError("--offline reads what is there; it cannot --follow")
        }
    }

    /// Prints.
    func run() async throws {
        let client = try client.openEnrolled(network: offline ? .none : .automatic)
        do {
            if !offline, !follow, count == nil { try await catchUp(client) }
            var marks = fromStart ? ShownMarks() : try ShownMarks(directory: self.client.directory)
            if follow || count != nil {
                try await printAsTheyCome(client, &marks)
            } else {
                try printStored(client, &marks)
            }
        } catch let error as PetrelError {
            throw Failure(error)
        }
        await client.close()
    }

    private func catchUp(_ client: PetrelClient) async throws {
        let (options, limit) = (self.client, timeout)
        try await within(limit, { options.noAnswer(after: limit, client) }) {
            try await client.caughtUp()
        }
    }

    private func printStored(_ client: PetrelClient, _ marks: inout ShownMarks) throws {
        for conversation in try client.conversations() {
            var next = (marks[conversation.id] ?? 0) + 1
            while next <= conversation.contiguous {
                let page = try client.history(of: conversation.id, from: next, limit: 200)
                    .filter { $0.place.number <= conversation.contiguous }
                for message in page { show(message) }
                next = (page.last?.place.number ?? conversation.contiguous) + 1
                marks[conversation.id] = next - 1
                try save(&marks)
            }
        }
    }

    private func printAsTheyCome(_ client: PetrelClient, _ marks: inout ShownMarks) async throws {
        let stopper = Interruption { await client.close() }
        defer { stopper.end() }
        var left = count ?? .max
        for await message in try client.inbox(from: .after(marks.positions)) {
            guard show(message) else { continue }
            marks[message.place.conversation] = message.place.number
            try save(&marks)
            left -= 1
            guard left > 0 else { break }
        }
    }

    private func save(_ marks: inout ShownMarks) throws {
        if !fromStart { try marks.save(directory: client.directory) }
    }

    @discardableResult
    private func show(_ message: Message) -> Bool {
        guard message.kind == .said, own || message.origin == .other else { return false }
        let shown = ShownMessage(message)
        if json { result(json: shown) } else { result(shown.line) }
        return true
    }
}
