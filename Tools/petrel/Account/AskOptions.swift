// What every command that asks the server something has in common.

import ArgumentParser
import Petrel
import PetrelBase
import PetrelMessaging

/// The account, how long to wait for the server, and the form of the answer.
struct AskOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "How long to wait for the server: seconds, or a duration like 500ms.",
            valueName: "seconds"),
        transform: Self.duration(parsing:))
    var wait = Interval.seconds(30)
    @Flag(help: "Print JSON instead of text.")
    var json = false
    @OptionGroup var client: ClientOptions

    /// Opens the account's client, lets `body` use it, and closes it; ends with status 3 if that
    /// takes longer than `wait`, and says `consequence` then.
    func asking<Value: Sendable>(
        consequence: String = "",
        _ body: @escaping @Sendable (PetrelClient) async throws -> Value
    ) async throws -> Value {
        let client = try client.openEnrolled()
        let (options, limit) = (self.client, wait)
        do {
            let value = try await within(
                limit, { options.noAnswer(after: limit, client) + consequence }
            ) {
                try await body(client)
            }
            try options.keepAddress()
            await client.close()
            return value
        } catch let error as PetrelError {
            throw Failure(error)
        }
    }

    /// Reads the disk once nothing of the account is missing on it; at once if `offline`.
    func reading<Value: Sendable>(
        offline: Bool, _ body: @escaping @Sendable (PetrelClient) throws -> Value
    ) async throws -> Value {
        guard offline else {
            return try await asking { client in
                try await client.upToDate()
                return try body(client)
            }
        }
        let client = try client.openEnrolled(network: .none)
        do {
            let value = try body(client)
            await client.close()
            return value
        } catch let error as PetrelError {
            throw Failure(error)
        }
    }

    /// Says that `what` was done: `line` for people, an object for programs.
    func done(_ what: String, to subject: String, at place: Place? = nil, _ line: String) {
        guard json else { return result(line) }
        result(
            json: Done(
                done: what, to: subject,
                conversation: place.map { HumanUnits.digits($0.conversation.number) },
                place: place?.number))
    }

    /// Reads `20`, `1.5` or `500ms`.
    static func duration(parsing text: String) throws -> Interval {
        guard text.allSatisfy({ "0123456789.".contains($0) }), !text.isEmpty else {
            return try Interval(parsing: text)
        }
        return try Interval(parsing: "\(text)s")
    }

    /// That something was done.
    private struct Done: Encodable {
        var schema = "petrel-done-1"
        var done: String
        var to: String
        var conversation: String?
        var place: UInt64?
    }
}

extension PetrelClient {
    /// Waits until nothing of the account is missing here; fails if this device was shut out.
    func upToDate() async throws {
        try await withThrowingTaskGroup(of: Bool.self) { group in
            group.addTask {
                try await self.caughtUp()
                return true
            }
            group.addTask {
                for await state in self.states where state == .revoked {
                    throw PetrelError(
                        .revoked, "this device was shut out of the account",
                        advice: "look with --offline at what is here, or log in with an empty "
                            + "directory")
                }
                return false
            }
            while let isComplete = try await group.next(), !isComplete {}
            group.cancelAll()
        }
    }
}
