// Up to where each conversation was printed, kept in a file of the client's directory.

import Foundation
import Petrel
import PetrelMessaging

/// The last place printed of each conversation.
struct ShownMarks: Equatable {
    /// The places, by conversation.
    private(set) var positions: [ConversationID: UInt64] = [:]

    /// Creates marks before every first message.
    init() {}

    /// Reads the marks; none if there is no file.
    init(directory: String) throws {
        let path = Self.path(directory)
        guard let data = FileManager.default.contents(atPath: path) else { return }
        guard let stored = try? JSONDecoder().decode([String: UInt64].self, from: data) else {
            throw Failure(
                status: .badInput,
                message: "\(path) is damaged; remove it, and recv prints everything again")
        }
        for (text, place) in stored {
            guard let number = UInt64(text, radix: 16) else { continue }
            positions[ConversationID(number)] = place
        }
    }

    /// Accesses the place of a conversation.
    subscript(conversation: ConversationID) -> UInt64? {
        get { positions[conversation] }
        set { positions[conversation] = newValue }
    }

    /// Writes the marks, as a whole or not at all.
    func save(directory: String) throws {
        var stored: [String: UInt64] = [:]
        for (conversation, place) in positions {
            stored[ShownMessage.hexadecimal(conversation)] = place
        }
        let path = Self.path(directory)
        do {
            try JSONEncoder().encode(stored).write(
                to: URL(fileURLWithPath: path), options: .atomic)
        } catch {
            throw Failure(
                status: .storage,
                message: "\(path) cannot be written (\(error.localizedDescription)); make room, "
                    + "or the messages are printed again next time")
        }
    }

    private static func path(_ directory: String) -> String { "\(directory)/shown.json" }
}
