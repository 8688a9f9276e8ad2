// What a chat shows: lines for people, or events for programs.

import Foundation
import Petrel
import PetrelBase
import Synchronization

/// The name of an event, to decide how to read the rest.
struct ChatEventName: Codable {
    /// The name.
    var event: String
}

/// The client has read its store and takes lines.
struct ChatReady: Codable {
    /// Always `ready`.
    var event = "ready"
    /// How many messages its outbox ever took in.
    var queued: UInt64
}

/// A line was taken into the outbox.
private struct ChatQueued: Codable {
    var event = "queued"
    var index: UInt64
    var id: String
}

/// An own message came further.
struct ChatDelivery: Codable {
    /// Always `delivery`.
    var event = "delivery"
    /// The message's number in the outbox.
    var index: UInt64
    /// `queued`, `sent`, `committed`, `delivered`, `read` or `failed`.
    var state: String
    /// Its place in the conversation, once it has one.
    var place: UInt64?
    /// Why it failed.
    var reason: String?
}

/// The connection is in another state.
private struct ChatConnection: Codable {
    var event = "connection"
    var state: String
    /// `udp` or `tcp`, while connected.
    var carrier: String?
}

/// The server takes no messages for now.
private struct ChatRefused: Codable {
    var event = "refused"
    var reason: String
}

/// Prints what happens in a chat; may be called from any task.
final class ChatLines: Sendable {
    private let peer: String
    private let handle: String
    private let isJSON: Bool
    private let isColoured: Bool
    private let lastState = Mutex("")

    init(peer: String, handle: String, isJSON: Bool) {
        self.peer = peer
        self.handle = handle
        self.isJSON = isJSON
        isColoured =
            isatty(STDOUT_FILENO) == 1 && ProcessInfo.processInfo.environment["NO_COLOR"] == nil
    }

    /// The client is open.
    func ready(queued: UInt64, directory: String) {
        guard !isJSON else { return result(json: ChatReady(queued: queued)) }
        note("\(handle) with \(peer); type a line to send it, Ctrl-C to leave")
    }

    /// A message came.
    func show(_ message: Message) {
        let shown = ShownMessage(message)
        guard !isJSON else { return result(json: shown) }
        guard message.sender == peer || message.origin == .ownDevice else {
            return note("\(message.sender) wrote; see it with: petrel chat \(message.sender)")
        }
        result(shown.line)
    }

    /// A line is in the outbox.
    func queued(_ outgoing: Outgoing, _ line: String) {
        if isJSON { result(json: ChatQueued(index: outgoing.index, id: outgoing.id)) }
    }

    /// An own message came further.
    func delivery(_ outgoing: Outgoing, _ delivery: Delivery) {
        guard !isJSON else {
            return result(
                json: ChatDelivery(
                    index: outgoing.index, state: delivery.name, place: delivery.place?.number,
                    reason: delivery.reason))
        }
        let start = String(decoding: outgoing.body.prefix(40), as: UTF8.self)
        switch delivery {
        case .queued, .sent: break
        case .committed: note("✓ \(start)")
        case .delivered: note("✓✓ \(start)")
        case .read: note("✓✓ read: \(start)")
        case .failed(let error): note("✗ \(start): \(error)")
        }
    }

    /// A line was not taken in.
    func refused(_ line: String, _ error: PetrelError) {
        say("petrel: not sent: \(line.prefix(40)): \(error)")
    }

    /// The server takes no messages for now; they wait in the outbox.
    func obstacle(_ error: PetrelError) {
        if isJSON {
            result(json: ChatRefused(reason: error.description))
        } else {
            note("\(error); what you write waits here until then")
        }
    }

    /// The connection changed.
    func connection(_ state: ConnectionState, _ carrier: Carrier?) {
        let text = carrier == .tcp ? "\(state.name) over TCP" : state.name
        let isNew = lastState.withLock { last in
            defer { last = text }
            return last != text
        }
        guard isNew else { return }
        guard isJSON else {
            return note(carrier == .tcp ? "\(state.text), over TCP" : state.text)
        }
        result(
            json: ChatConnection(
                state: state.name, carrier: carrier.map { $0 == .tcp ? "tcp" : "udp" }))
    }

    private func note(_ text: String) {
        result(isColoured ? "\u{1B}[2m-- \(text)\u{1B}[0m" : "-- \(text)")
    }
}

extension Delivery {
    fileprivate var name: String {
        switch self {
        case .queued: "queued"
        case .sent: "sent"
        case .committed: "committed"
        case .delivered: "delivered"
        case .read: "read"
        case .failed: "failed"
        }
    }

    fileprivate var reason: String? {
        if case .failed(let error) = self { error.description } else { nil }
    }
}

extension ConnectionState {
    fileprivate var name: String {
        switch self {
        case .idle: "idle"
        case .connecting: "connecting"
        case .connected: "connected"
        case .waiting: "waiting"
        case .storeFailed: "store_failed"
        case .revoked: "revoked"
        case .closed: "closed"
        }
    }
}
