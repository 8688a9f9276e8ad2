// Short spellings for what most tests of the core say.

import PetrelMessaging

extension MessageRecord {
    /// What is said; empty for other events.
    var body: [UInt8] { content?.body ?? [] }
}

extension OutgoingMessage {
    /// Somebody says something.
    init(
        clientMessageID: ClientMessageID, target: Target, contentType: String = "", body: [UInt8]
    ) {
        self.init(
            clientMessageID: clientMessageID, target: target,
            event: .message(Content(contentType: contentType, body: body)))
    }

    /// What is said.
    var body: [UInt8] {
        get { if case .message(let content) = event { content.body } else { [] } }
        set { event = .message(Content(contentType: "", body: newValue)) }
    }
}

extension Command.Kind {
    /// Asks what changed, in the first page of a round.
    static func sync(incarnation: UInt64, cursor: FeedSequence, limit: UInt32) -> Self {
        .sync(SyncRequest(incarnation: incarnation, cursor: cursor, limit: limit))
    }

    /// Raises marks of what was received.
    static func acknowledge(feed: FeedSequence, delivered: [Watermark]) -> Self {
        .acknowledge(feed: feed, delivered: delivered, read: [])
    }
}

extension SyncPage {
    /// The conversations among the items.
    var heads: [ConversationHead] {
        items.compactMap { item in
            if case .conversation(let head) = item.kind { head } else { nil }
        }
    }
}

extension ConversationHead {
    /// The handle of the other in a 1:1 conversation.
    var peerHandle: String {
        if case .peer(let person) = kind { person.handle } else { "" }
    }
}
