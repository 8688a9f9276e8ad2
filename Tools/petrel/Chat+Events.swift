// What chat and recv say as JSON lines, and what the demo reads of it.

import Foundation
import PetrelBase
import PetrelEvent

/// The clock of all commands.
enum EventClock {
    /// The monotonic clock.
    static var now: Instant { EventLoop.now }
}

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

/// A message as it is shown.
struct ShownMessage: Codable {
    /// Always `message`.
    var event = "message"
    /// The conversation, 16 hexadecimal digits.
    var conversation: String
    /// Its place in the conversation.
    var place: UInt64
    /// Who wrote it: a handle.
    var from: String
    /// When the server took it in, in milliseconds since 1970.
    var time: Int64
    /// The body, if it is UTF-8 text.
    var text: String?
    /// The body in base64, if it is not.
    var base64: String?
}
