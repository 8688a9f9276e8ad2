// petrel chat: a conversation in a terminal, line by line.

import ArgumentParser
import Foundation
import Petrel
import PetrelBase

/// Sends each line that is typed, shows what comes, and says what became of both.
struct ChatCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "chat", abstract: "Talks with somebody, line by line.",
        discussion: """
            Each line is a message: it is on this disk before the next one is read, and is sent \
            as soon as the server can be reached, in order, also by a later chat. Ctrl-C or the \
            end of the input ends the chat; nothing is lost by either.

            Own messages are marked ✓ when the server has stored them and ✓✓ when the other side \
            has them. With --json, events are JSON lines: ready, queued, delivery, message, \
            connection, refused.
            """)

    @Argument(help: "The handle of the other account.")
    var peer: String
    @OptionGroup var client: ClientOptions
    @Flag(help: "Print events as JSON lines; empty lines are messages too.")
    var json = false

    /// Talks.
    func run() async throws {
        let client = try client.openEnrolled()
        var marks = try ShownMarks(directory: self.client.directory)
        let screen = ChatScreen(
            peer: peer.lowercased(), handle: client.account?.handle ?? "", isJSON: json)
        screen.ready(queued: try client.queuedCount(), directory: self.client.directory)
        let stopper = Interruption { await client.close() }
        defer { stopper.end() }
        let typing = Task { try await send(client, screen) }
        let watching = Task {
            for await state in client.states { screen.connection(state, client.carrier) }
        }
        let listening = Task {
            for await obstacle in client.obstacles {
                if let obstacle { screen.obstacle(obstacle) }
            }
        }
        do {
            for await message in try client.inbox(from: .after(marks.positions)) {
                screen.show(message)
                marks[message.place.conversation] = message.place.number
                try marks.save(directory: self.client.directory)
            }
            typing.cancel()
            try await typing.value
        } catch let error as PetrelError where error.code != .closed {
            throw Failure(error)
        } catch is PetrelError {
            // Closed while a line was being taken in: it was not, and the reader is told so.
        }
        await watching.value
        await listening.value
    }

    private func send(_ client: PetrelClient, _ screen: ChatScreen) async throws {
        var last: Outgoing?
        for await line in InputLines() {
            guard json || !line.isEmpty else { continue }
            do {
                let outgoing = try await client.send(
                    Array(line.utf8), contentType: "", to: peer)
                last = outgoing
                screen.queued(outgoing, line)
                Task {
                    for await delivery in outgoing.deliveries {
                        screen.delivery(outgoing, delivery)
                    }
                }
            } catch {
                guard error.code != .closed else { return }
                screen.refused(line, error)
            }
        }
        guard !Task.isCancelled else { return }
        await leave(client, after: last)
    }

    /// The end of the input ends the chat, soon after the last line was answered.
    private func leave(_ client: PetrelClient, after last: Outgoing?) async {
        if let last {
            _ = try? await within(.seconds(10), { "" }) { try await last.reached(.committed) }
        }
        await client.close()
    }
}

/// The lines of the standard input, read on a thread of their own.
struct InputLines: AsyncSequence {
    /// Reads for one loop.
    struct AsyncIterator: AsyncIteratorProtocol {
        var lines: AsyncStream<String>.Iterator

        mutating func next() async -> String? { await lines.next() }
    }

    func makeAsyncIterator() -> AsyncIterator {
        let (stream, continuation) = AsyncStream.makeStream(of: String.self)
        let thread = Thread {
            while let line = readLine(strippingNewline: true) { continuation.yield(line) }
            continuation.finish()
        }
        thread.start()
        return AsyncIterator(lines: stream.makeAsyncIterator())
    }
}
