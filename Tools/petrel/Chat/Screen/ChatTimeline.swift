// The messages of one conversation as they are shown, and which of them are in view.

/// The messages of one conversation.
struct ChatTimeline: Equatable, Sendable {
    /// Messages and holes, oldest first.
    var items: [ChatItem] = []
    /// Whether older messages are on this disk and not among the items.
    var hasOlder = false
    /// The first message that was not looked at when the conversation was opened.
    var firstUnread: UInt64?
    /// What stands at the lower edge; `nil` to follow the newest.
    var anchor: Anchor?

    /// An item at the lower edge of the view.
    ///
    /// Named, and not counted in rows, so that the view stays where it is whatever comes, goes or
    /// grows above and below.
    struct Anchor: Equatable, Sendable {
        /// The item.
        var item: String
        /// Rows of it below the edge.
        var rowsBelow: Int
    }
}

/// A message or a hole.
enum ChatItem: Equatable, Sendable {
    case message(ChatMessage)
    case hole(ChatHole)

    /// What it is called as long as it is there.
    var id: String {
        switch self {
        case .message(let message): message.id
        case .hole(let hole): "hole before \(hole.last + 1)"
        }
    }
}

/// Messages that are not here yet.
struct ChatHole: Equatable, Sendable {
    /// The first that is missing.
    var first: UInt64
    /// The last.
    var last: UInt64
    /// How many of them have come since they are being fetched; `nil` while nobody asks for them.
    var progress: ChatProgress?
}

/// A message as it is shown.
struct ChatMessage: Equatable, Sendable {
    /// What it says.
    enum Content: Equatable, Sendable {
        case text(String)
        /// A body that is no text.
        case data(type: String, byteCount: Int)
        /// Taken back by somebody, empty where an administrator may have been it.
        case recalled(by: String)
        case expired
        /// Something that happened to the conversation: who came, who left, its new name.
        case event(String)
    }

    /// The message that another one answers.
    struct Quote: Equatable, Sendable {
        var author: String
        var text: String
    }

    /// A sign that members put on a message.
    struct Reaction: Equatable, Sendable {
        var sign: String
        var count: Int
        /// Whether this account is among them.
        var isOwn: Bool
    }

    /// What it was called by its sender; the same before and after it has a place.
    var id: String
    /// Its place; `nil` before the server has it.
    var number: UInt64?
    /// The handle of its author.
    var author: String
    /// Whether this account wrote it.
    var isOwn: Bool
    /// When the server took it in, or else when it was written, in milliseconds since 1970.
    var milliseconds: Int64
    /// What it says.
    var content: Content
    var isEdited = false
    /// What it answers.
    var quote: Quote?
    var reactions: [Reaction] = []
    /// How far an own message has come.
    var progress: Progress?

    /// How far an own message has come.
    enum Progress: Equatable, Sendable {
        /// On this disk.
        case queued
        /// On its way.
        case sent
        /// The server has it.
        case committed
        /// A device of another member has it.
        case delivered
        /// So many members have read it.
        case read(by: Int)
        /// The server will never take it.
        case failed(String)

        /// The sign beside the message.
        var tick: String {
            switch self {
            case .queued: "·"
            case .sent: "↑"
            case .committed: "✓"
            case .delivered: "✓✓"
            case .read: "●●"
            case .failed: "✗"
            }
        }

        /// The colour of the sign.
        var style: ChatStyle {
            switch self {
            case .queued, .sent: .waiting
            case .committed, .delivered: .dim
            case .read: .good
            case .failed: .bad
            }
        }
    }
}
