// What is sent and asked from the full screen, and how that is followed.

import Petrel
import PetrelBase

extension FullScreenChat {
    /// Whether the server is reached.
    var isConnected: Bool {
        if case .connected = controller.model.status.link { true } else { false }
    }

    /// Sends a text; what was not taken in can be sent again as it was.
    mutating func send(
        _ text: String, to target: ChatTarget, replyTo: UInt64?,
        _ continuation: ChatEvent.Continuation
    ) async {
        do throws(PetrelError) {
            let outgoing: Outgoing
            switch target {
            case .handle(let handle):
                outgoing = try await client.send(text, to: handle, replyTo: replyTo)
            case .conversation(let conversation):
                outgoing = try await client.send(text, in: conversation, replyTo: replyTo)
            }
            feed.note(outgoing, to: target, at: controller.model.now, replyTo: replyTo)
            Task {
                for await _ in outgoing.deliveries { continuation.yield(.changed) }
            }
        } catch {
            controller.model.input = InputLine(text)
            controller.model.notice = ChatNotice(text: "not sent: \(error)", isBad: true)
        }
    }

    /// Does what a command asks for, and follows it.
    mutating func run(
        _ order: ChatOrder, _ conversation: ConversationID?,
        _ continuation: ChatEvent.Continuation
    ) async {
        let errands = ChatErrands(client: client)
        do throws(PetrelError) {
            if let outgoing = try await errands.keep(order, in: conversation) {
                feed.noteChange(outgoing)
                if !isConnected { say("kept here, and done once the server is reached") }
                Task {
                    do throws(PetrelError) {
                        tell(try await errands.outcome(of: order, outgoing), continuation)
                    } catch {
                        tell(error, continuation)
                    }
                }
                return
            }
        } catch {
            controller.model.notice = ChatNotice(text: "not done: \(error)", isBad: true)
            return
        }
        if !isConnected { say("waits for the server; leaving the chat before drops it") }
        let now = controller.model.now
        Task {
            do throws(PetrelError) {
                tell(try await errands.ask(order, in: conversation, now: now), continuation)
            } catch {
                tell(error, continuation)
            }
        }
    }

    /// Fetches who is in a conversation, and shows it.
    mutating func showMembers(
        _ conversation: ConversationID, _ continuation: ChatEvent.Continuation
    ) {
        guard isConnected else {
            controller.model.notice = ChatNotice(
                text: "the server knows the members, and is not reached; try again when it is",
                isBad: true)
            return
        }
        let (errands, now) = (ChatErrands(client: client), controller.model.now)
        Task {
            do throws(PetrelError) {
                let members = try await errands.members(of: conversation)
                continuation.yield(
                    .overlay(.members(members, errands.client.presences, now: now)))
            } catch {
                tell(error, continuation)
            }
        }
    }

    private mutating func say(_ text: String) {
        controller.model.notice = ChatNotice(text: text, isBad: false)
    }
}

private func tell(_ outcome: ChatOutcome, _ continuation: ChatEvent.Continuation) {
    switch outcome {
    case .said(let text): continuation.yield(.outcome(text, isBad: false))
    case .opened(let conversation): continuation.yield(.begun(conversation))
    case .shown: continuation.yield(.changed)
    }
}

private func tell(_ error: PetrelError, _ continuation: ChatEvent.Continuation) {
    // A chat that is being left has nobody to tell.
    guard error.code != .closed else { return }
    continuation.yield(.outcome("not done: \(error)", isBad: true))
}
