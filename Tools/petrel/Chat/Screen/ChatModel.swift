// What a full-screen chat shows: a value that is fed from the client and drawn by the renderer.

import Petrel
import PetrelBase

/// Everything that a full-screen chat shows.
struct ChatModel: Equatable, Sendable {
    /// The account's own handle.
    var handle: String
    /// The conversations, in the order of the list.
    var conversations: [ChatConversation] = []
    /// The conversation that is shown; `nil` for the list alone.
    var open: ChatTarget?
    /// Who asks to become contacts, and has no answer.
    var requests: [ChatRequest] = []
    /// The line of the list that Enter opens while no conversation is shown.
    var highlighted = 0
    /// The messages of the open conversation.
    var timeline = ChatTimeline()
    /// What is being typed.
    var input = InputLine()
    /// How things stand with the server.
    var status = ChatStatus()
    /// What covers the messages until a key is pressed.
    var overlay: ChatOverlay?
    /// A word about what was just done or refused, above the input.
    var notice: ChatNotice?
    /// What time it is, in milliseconds since 1970.
    var now: Int64 = 0

    /// The conversation that is shown, as the list has it.
    var openConversation: ChatConversation? { conversations.first { $0.target == open } }
}

/// Somebody who asks to become contacts.
struct ChatRequest: Equatable, Sendable {
    /// Who asks.
    var handle: String
    /// The line that came with it; empty for none.
    var greeting: String
}

/// What a message can be sent to.
enum ChatTarget: Hashable, Sendable {
    /// An account; the conversation may not exist yet.
    case handle(String)
    /// A conversation that has no single other member, or whose other member is not known yet.
    case conversation(ConversationID)
}

/// A line of the list of conversations.
struct ChatConversation: Equatable, Sendable {
    /// Who takes part.
    enum Kind: Equatable, Sendable {
        case direct
        case group
    }

    /// Where its messages go.
    var target: ChatTarget
    /// Its number; `nil` before its first message.
    var id: ConversationID?
    /// What it is called.
    var title: String
    /// Who takes part.
    var kind = Kind.direct
    /// A few words behind the title, such as how many members there are.
    var subtitle = ""
    /// Messages that were not looked at here.
    var unread: UInt64 = 0
    /// Whether it keeps quiet.
    var isMuted = false
    /// Whether it stays on top.
    var isPinned = false
    /// Whether the other member is there; `nil` if that is not known.
    var presence: ChatPresence?
    /// Handles of those who are typing.
    var typing: [String] = []
    /// Messages that are not here yet.
    var missing: UInt64 = 0
}

/// Whether somebody is there.
enum ChatPresence: Equatable, Sendable {
    case online
    case away
    /// Was there last at that time, in milliseconds since 1970, if that is known.
    case offline(lastSeen: Int64?)
}

/// How far a work has come that has a known end.
struct ChatProgress: Equatable, Sendable {
    var done: UInt64
    var total: UInt64
}

/// How things stand with the server.
struct ChatStatus: Equatable, Sendable {
    /// Whether the server is reached.
    enum Link: Equatable, Sendable {
        case connecting(attempt: Int)
        /// Reached; the round trip is known after the first measurement.
        case connected(roundTrip: Interval?, isOverTCP: Bool)
        /// Tried again by itself at that time, in milliseconds since 1970.
        case waiting(until: Int64, reason: String)
        /// This device's disk fails, or the client was closed.
        case ended(String)
    }

    /// Whether the server is reached.
    var link = Link.connecting(attempt: 1)
    /// When the server was heard last, in milliseconds since 1970; `nil` if never.
    var lastContact: Int64?
    /// Messages that wait for the server.
    var outboxCount = 0
    /// What is being fetched; `nil` if nothing is missing.
    var sync: ChatProgress?
    /// Why the server takes no messages for now.
    var obstacle: String?
    /// The server's address without its key.
    var server = ""
}

/// Lines that cover the messages.
struct ChatOverlay: Equatable, Sendable {
    /// What a line says.
    struct Line: Equatable, Sendable {
        /// What it is about; lines without are wrapped over the whole width.
        var label = ""
        /// What there is to say.
        var text: String
    }

    var title: String
    var lines: [Line]
    /// Lines above the first one that is shown.
    var scroll = 0
}

/// A word about what was just done or refused.
struct ChatNotice: Equatable, Sendable {
    var text: String
    /// Whether something was refused.
    var isBad: Bool
}
