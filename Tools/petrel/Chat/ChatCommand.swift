// petrel chat: conversations in a terminal, on the full screen or line by line.

import ArgumentParser
import Foundation
import Petrel

/// Talks with people.
struct ChatCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "chat", abstract: "Talks with people, on the full screen or line by line.",
        discussion: """
            On a terminal it shows the conversations, their messages and how things stand with the \
            server; /help lists what can be typed. With --plain, or without a terminal, each line \
            is a message to the one account that was named.

            A message is on this disk before the next one is read, and is sent as soon as the \
            server can be reached, in order, also by a later chat. Ctrl-C ends the chat; nothing \
            is lost by it.

            Own messages are marked ✓ when the server has stored them and ✓✓ when the other side \
            has them. With --json, events are JSON lines: ready, queued, delivery, message, \
            connection, refused.
            """)

    @Argument(help: "The handle of the other account; without it, the full screen lists all.")
    var peer: String?
    @OptionGroup var client: ClientOptions
    @Flag(help: "Line by line, also on a terminal.")
    var plain = false
    @Flag(help: "Print events as JSON lines; empty lines are messages too.")
    var json = false

    /// Checks what the options mean together.
    func validate() throws {
        guard peer != nil || !(plain || json) else {
            throw ValidationError("name the account to talk with: petrel chat HANDLE")
        }
    }

    /// Talks.
    func run() async throws {
        if !plain, !json, TerminalScreen.isUsable {
            let chat = try FullScreenChat(client.openEnrolled(), client)
            return try await chat.run(with: peer?.lowercased())
        }
        guard let peer else {
            throw Failure(
                status: .usage,
                message: "without a terminal, name the account to talk with: petrel chat HANDLE")
        }
        let chat = PlainChat(peer: peer, isJSON: json, directory: client.directory)
        try await chat.run(client.openEnrolled())
    }
}
