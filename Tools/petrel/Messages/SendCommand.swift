// petrel send: one message, or one for each line of a file.

import ArgumentParser
import Foundation
import Petrel
import PetrelBase

/// Sends messages and waits for as much as was asked.
struct SendCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "send", abstract: "Sends a message, or each line of a file as one.",
        discussion: """
            The message is the argument, or else the whole input. A message that is in the outbox \
            is never lost: if the wait is over before the server answered, it is sent by the next \
            command of this account.
            """)

    /// What to wait for.
    enum Stage: String, ExpressibleByArgument, CaseIterable {
        case queued
        case committed
        case delivered
    }

    @Argument(help: "The handle of the account to send to.")
    var peer: String
    @Argument(help: "The message; without it, the input.")
    var text: String?
    @Option(help: ArgumentHelp("Send each line of that file; - is the input.", valueName: "file"))
    var lines: String?
    @Option(
        help: "What to wait for: queued (on this disk), committed (on the server's), delivered.")
    var wait = Stage.committed
    @Option(help: "How long to wait.", transform: Interval.init(parsing:))
    var timeout = Interval.seconds(60)
    @Flag(help: "Print a JSON line for each message instead of text.")
    var json = false
    @OptionGroup var client: ClientOptions

    private struct Answer: Encodable {
        var schema = "petrel-sent-1"
        var id: String
        var state: String
        var conversation: String?
        var place: UInt64?
    }

    /// Checks what the options mean together.
    func validate() throws {
        guard lines == nil || text == nil else {
            throw ValidationError("give a message or --lines, not both")
        }
    }

    /// Sends and waits.
    func run() async throws {
        let bodies = try bodies()
        let client = try client.openEnrolled()
        let options = self.client
        let (peer, wait, limit) = (peer, wait, timeout)
        let sent = try await queue(bodies, client, peer)
        do {
            let places = try await within(limit, { options.unsent(sent, after: limit, client) }) {
                try await Self.wait(for: sent, wait)
            }
            for (outgoing, place) in zip(sent, places) { show(outgoing, place) }
        } catch let error as PetrelError {
            throw Failure(error)
        }
        await client.close()
    }

    private func queue(
        _ bodies: [[UInt8]], _ client: PetrelClient, _ peer: String
    ) async throws -> [Outgoing] {
        var sent: [Outgoing] = []
        for body in bodies {
            do {
                sent.append(try await client.send(body, contentType: "", to: peer))
            } catch {
                var failure = Failure(error)
                failure.message +=
                    "; message \(sent.count + 1) of \(bodies.count) and those after "
                    + "it were not taken in"
                throw failure
            }
        }
        return sent
    }

    private static func wait(for sent: [Outgoing], _ stage: Stage) async throws -> [Place?] {
        var places: [Place?] = []
        for outgoing in sent {
            switch stage {
            case .queued: places.append(nil)
            case .committed: places.append(try await outgoing.reached(.committed))
            case .delivered: places.append(try await outgoing.reached(.delivered))
            }
        }
        return places
    }

    private func show(_ outgoing: Outgoing, _ place: Place?) {
        let conversation = place.map { ShownMessage.hexadecimal($0.conversation) }
        guard json else {
            let where_ = place.map { " as \($0.number) of \(conversation ?? "")" } ?? ""
            return result("\(wait.rawValue) \(outgoing.id)\(where_)")
        }
        result(
            json: Answer(
                id: outgoing.id, state: wait.rawValue, conversation: conversation,
                place: place?.number))
    }

    private func bodies() throws -> [[UInt8]] {
        guard let lines else {
            if let text { return [Array(text.utf8)] }
            return [Array(FileHandle.standardInput.readDataToEndOfFile())]
        }
        let data: Data
        if lines == "-" {
            data = FileHandle.standardInput.readDataToEndOfFile()
        } else if let contents = FileManager.default.contents(atPath: lines) {
            data = contents
        } else {
            throw Failure(status: .badInput, message: "\(lines) cannot be read; name a text file")
        }
        var bodies = data.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
            .map { [UInt8]($0) }
        if bodies.last == [] { bodies.removeLast() }
        return bodies
    }
}

extension ClientOptions {
    /// How much was not answered, and what becomes of it.
    func unsent(_ sent: [Outgoing], after limit: Interval, _ client: PetrelClient) -> String {
        let missing = sent.count { $0.delivery.place == nil }
        guard missing > 0 else {
            return "all \(sent.count) messages are committed, but not delivered in \(limit.text); "
                + "the other side is offline, nothing needs to be done"
        }
        return "\(missing) of \(sent.count) messages have no answer yet: "
            + "\(noAnswer(after: limit, client)); they stay in the outbox of \(directory) and are "
            + "sent by the next command"
    }
}
