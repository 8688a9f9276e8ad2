// A message as chat and recv print it, for people and for programs.

import Foundation
import Petrel
import PetrelBase
import PetrelEvent
import PetrelMessaging

/// The clock of all commands.
enum EventClock {
    /// The monotonic clock.
    static var now: Instant { EventLoop.now }
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
    var time_ms: Int64
    /// The body, if it is UTF-8 text.
    var text: String?
    /// The body in base64, if it is not.
    var base64: String?

    /// Creates it from a message of the client.
    init(_ message: Message) {
        conversation = Self.hexadecimal(message.place.conversation)
        place = message.place.number
        from = message.sender
        time_ms = message.milliseconds
        text = message.text
        base64 = message.text == nil ? Data(message.body).base64EncodedString() : nil
    }

    /// The line for people; control characters of others cannot reach the terminal.
    var line: String {
        let date = Date(timeIntervalSince1970: Double(time_ms) / 1_000)
        let time = date.formatted(.dateTime.hour(.twoDigits(amPM: .omitted)).minute(.twoDigits))
        return "\(time) \(from): \(shownText)"
    }

    private var shownText: String {
        guard let text else { return "(\(base64?.count ?? 0) characters of base64, not text)" }
        return String(
            text.unicodeScalars.map { scalar in
                let isControl = scalar.value < 32 && scalar != "\n" && scalar != "\t"
                return isControl || (127..<160).contains(scalar.value)
                    ? "\u{FFFD}" : Character(scalar)
            })
    }

    /// The 16 digits of a conversation's number.
    static func hexadecimal(_ conversation: ConversationID) -> String {
        let digits = String(conversation.number, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }
}
