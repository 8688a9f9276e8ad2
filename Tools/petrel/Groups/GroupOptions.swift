// How a group is named on the command line, and what every change of one has in common.

import ArgumentParser
import Petrel
import PetrelMessaging

/// Which group a change is about.
struct GroupOptions: ParsableArguments {
    @Argument(help: "The group: its name, if only one is called so, or its 16 digits.")
    var group: String
    @OptionGroup var ask: AskOptions

    /// Makes a change of the group, and says that the server has it.
    func change(
        _ what: String, _ words: String,
        _ body: @escaping @Sendable (PetrelClient, ConversationID) async throws -> Outgoing
    ) async throws {
        try await ask.changing(what, to: group, words: words) { [group] client in
            if !ConversationName.isNumber(group) { try await client.upToDate() }
            return try await body(
                client, try ConversationName.group(group, among: try client.conversations()))
        }
    }
}

extension AskOptions {
    /// Puts a change into the outbox, waits for the server, and says that it was made.
    func changing(
        _ what: String, to subject: String, words: String,
        _ body: @escaping @Sendable (PetrelClient) async throws -> Outgoing
    ) async throws {
        let consequence = "; a change that is in the outbox is sent by the next command"
        let place = try await asking(consequence: consequence) { client in
            try await body(client).reached(.committed)
        }
        done(what, to: subject, at: place, words)
    }
}

/// Finds the conversation that somebody means.
enum ConversationName {
    /// Whether a text is the 16 hexadecimal digits of a conversation's number.
    static func isNumber(_ text: String) -> Bool {
        text.utf8.count == 16 && text.allSatisfy { $0.isASCII && $0.isHexDigit }
    }

    /// The number that a text is; `nil` for anything else.
    static func number(_ text: String) -> ConversationID? {
        guard isNumber(text), let number = UInt64(text, radix: 16) else { return nil }
        return ConversationID(number)
    }

    /// The group of that number, or the only one of that name.
    static func group(
        _ text: String, among conversations: [Conversation]
    ) throws(Failure) -> ConversationID {
        if let number = number(text) { return number }
        let named = conversations.filter { conversation in
            guard case .group(let group) = conversation.kind else { return false }
            return group.name == text
        }
        guard let first = named.first else {
            throw Failure(
                status: .badInput,
                message: "no group is called \"\(HumanUnits.printable(text))\" here; petrel "
                    + "groups lists names and numbers")
        }
        guard named.count == 1 else {
            let numbers = named.map { HumanUnits.digits($0.id.number) }
            throw Failure(
                status: .badInput,
                message: "\(named.count) groups are called \"\(HumanUnits.printable(text))\"; "
                    + "give the number of one: \(numbers.joined(separator: ", "))")
        }
        return first.id
    }

    /// The conversation of that number, with the account of that handle, or of the group so called.
    static func conversation(
        _ text: String, among conversations: [Conversation]
    ) throws(Failure) -> Conversation {
        let byNumber = number(text).flatMap { id in conversations.first { $0.id == id } }
        if let found = byNumber ?? conversations.first(where: { !text.isEmpty && $0.peer == text })
        {
            return found
        }
        guard number(text) == nil,
            let id = try? group(text, among: conversations),
            let found = conversations.first(where: { $0.id == id })
        else {
            throw Failure(
                status: .badInput,
                message: "there is no conversation with or in \"\(HumanUnits.printable(text))\" "
                    + "here; give a handle, a group's name, or 16 digits")
        }
        return found
    }
}
