// A chat without a screen of its own: each line that is typed is a message.

import Foundation
import Petrel
import PetrelBase

/// Sends each line that is typed, shows what comes, and says what became of both.
struct PlainChat {
    /// The handle of the other account.
    var peer: String
    /// Whether events are printed as JSON lines, and empty lines are messages too.
    var isJSON: Bool
    /// Where the client keeps its things.
    var directory: String

    /// Talks until the input ends or the chat is interrupted.
    func run(_ client: PetrelClient) async throws {
        var marks = try ShownMarks(directory: directory)
        let lines = ChatLines(
            peer: peer.lowercased(), handle: client.account?.handle ?? "", isJSON: isJSON)
        lines.ready(queued: try client.queuedCount(), directory: directory)
        let stopper = Interruption { await client.close() }
        defer { stopper.end() }
        let typing = Task { try await send(client, lines) }
        let watching = Task {
            for await state in client.states { lines.connection(state, client.carrier) }
        }
        let listening = Task {
            for await obstacle in client.obstacles {
                if let obstacle { lines.obstacle(obstacle) }
            }
        }
        do {
            for await message in try client.inbox(from: .after(marks.positions)) {
                if message.kind == .said { lines.show(message) }
                marks[message.place.conversation] = message.place.number
                try marks.save(directory: directory)
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

    private func send(_ client: PetrelClient, _ lines: ChatLines) async throws {
        var last: Outgoing?
        for await line in InputLines() {
            guard isJSON || !line.isEmpty else { continue }
            do {
                let outgoing = try await client.send(
                    Array(line.utf8), contentType: "", to: peer)
                last = outgoing
                lines.queued(outgoing, line)
                Task {
                    for await delivery in outgoing.deliveries {
                        lines.delivery(outgoing, delivery)
                    }
                }
            } catch {
                guard error.code != .closed else { return }
                lines.refused(line, error)
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
