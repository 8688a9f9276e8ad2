// Sending, and what becomes of what was sent: all of it goes through the outbox.

internal import PetrelBase
internal import PetrelClientCore
internal import PetrelClientData
public import PetrelMessaging
internal import PetrelStore

/// Sending.
extension PetrelClient {
    /// Sends a text to an account; returns when the outbox has it on disk.
    ///
    /// - Throws: `inputInvalid`, `busy`, `storeFull`, `storeFailed` or `closed`; nothing is sent.
    @discardableResult
    public func send(
        _ text: String, to handle: String, replyTo: UInt64? = nil, lifetime: Duration? = nil
    ) async throws(PetrelError) -> Outgoing {
        try await send(
            Array(text.utf8), contentType: "", to: handle, replyTo: replyTo, lifetime: lifetime)
    }

    /// Sends a text into a conversation; returns when the outbox has it on disk.
    ///
    /// - Throws: `inputInvalid`, `busy`, `storeFull`, `storeFailed` or `closed`; nothing is sent.
    @discardableResult
    public func send(
        _ text: String, in conversation: ConversationID, replyTo: UInt64? = nil,
        mentions: [AccountID] = [], lifetime: Duration? = nil
    ) async throws(PetrelError) -> Outgoing {
        try await send(
            Array(text.utf8), contentType: "", in: conversation, replyTo: replyTo,
            mentions: mentions, lifetime: lifetime)
    }

    /// Sends bytes to an account; returns when the outbox has them on disk.
    ///
    /// - Parameters:
    ///   - body: what is said, of 65,024 bytes at most.
    ///   - contentType: its media type; empty for `text/plain`.
    ///   - handle: whom it is for.
    ///   - replyTo: the number of the message that it answers; `nil` for none.
    ///   - lifetime: how long after its commit it is gone; `nil` for never.
    /// - Returns: the message, to be followed.
    /// - Throws: `inputInvalid`, `busy`, `storeFull`, `storeFailed` or `closed`; nothing is sent.
    @discardableResult
    public func send(
        _ body: [UInt8], contentType: String, to handle: String, replyTo: UInt64? = nil,
        lifetime: Duration? = nil
    ) async throws(PetrelError) -> Outgoing {
        let content = Content(
            body, contentType, replyTo: replyTo, mentions: [], lifetime: lifetime)
        return try await commit(.message(content), to: .handle(handle))
    }

    /// Sends bytes into a conversation; returns when the outbox has them on disk.
    ///
    /// - Parameters:
    ///   - body: what is said, of 65,024 bytes at most.
    ///   - contentType: its media type; empty for `text/plain`.
    ///   - conversation: where it is said.
    ///   - replyTo: the number of the message that it answers; `nil` for none.
    ///   - mentions: members whom it is about, 50 at most.
    ///   - lifetime: how long after its commit it is gone; `nil` for never.
    /// - Returns: the message, to be followed.
    /// - Throws: `inputInvalid`, `busy`, `storeFull`, `storeFailed` or `closed`; nothing is sent.
    @discardableResult
    public func send(
        _ body: [UInt8], contentType: String, in conversation: ConversationID,
        replyTo: UInt64? = nil, mentions: [AccountID] = [], lifetime: Duration? = nil
    ) async throws(PetrelError) -> Outgoing {
        let content = Content(
            body, contentType, replyTo: replyTo, mentions: mentions, lifetime: lifetime)
        return try await commit(.message(content), to: .conversation(conversation))
    }

    /// Says an own message otherwise; returns when the outbox has that on disk.
    ///
    /// The server takes it within 48 hours.
    ///
    /// - Throws: `inputInvalid`, `busy`, `storeFull`, `storeFailed` or `closed`; nothing is sent.
    @discardableResult
    public func edit(
        _ place: Place, to text: String, mentions: [AccountID] = []
    ) async throws(PetrelError) -> Outgoing {
        try await edit(place, to: Array(text.utf8), contentType: "", mentions: mentions)
    }

    /// Says an own message otherwise, in bytes of a media type.
    ///
    /// - Throws: `inputInvalid`, `busy`, `storeFull`, `storeFailed` or `closed`; nothing is sent.
    @discardableResult
    public func edit(
        _ place: Place, to body: [UInt8], contentType: String, mentions: [AccountID] = []
    ) async throws(PetrelError) -> Outgoing {
        let content = Content(body, contentType, replyTo: nil, mentions: mentions, lifetime: nil)
        return try await commit(.edit(sequence: place.sequence, content), at: place)
    }

    /// Takes a message back, for everybody; returns when the outbox has that on disk.
    ///
    /// The server takes it within 48 hours; from an admin of a group, for anybody's message and
    /// always.
    ///
    /// - Throws: `inputInvalid`, `busy`, `storeFull`, `storeFailed` or `closed`; nothing is sent.
    @discardableResult
    public func recall(_ place: Place) async throws(PetrelError) -> Outgoing {
        try await commit(.recall(sequence: place.sequence), at: place)
    }

    /// Puts a reaction of 48 bytes at most at a message; returns when the outbox has it on disk.
    ///
    /// - Throws: `inputInvalid`, `busy`, `storeFull`, `storeFailed` or `closed`; nothing is sent.
    @discardableResult
    public func react(to place: Place, with text: String) async throws(PetrelError) -> Outgoing {
        try await commit(.reaction(Reaction(sequence: place.sequence, text: text)), at: place)
    }

    /// Takes an own reaction back; returns when the outbox has that on disk.
    ///
    /// - Throws: `inputInvalid`, `busy`, `storeFull`, `storeFailed` or `closed`; nothing is sent.
    @discardableResult
    public func withdrawReaction(
        _ text: String, from place: Place
    ) async throws(PetrelError) -> Outgoing {
        try await commit(
            .reaction(Reaction(sequence: place.sequence, text: text, isWithdrawn: true)),
            at: place)
    }

    private func commit(
        _ event: ConversationEvent, at place: Place
    ) async throws(PetrelError) -> Outgoing {
        try await commit(event, to: .conversation(place.conversation))
    }

    /// Puts an event into the outbox.
    func commit(
        _ event: ConversationEvent, to target: OutgoingTarget
    ) async throws(PetrelError) -> Outgoing {
        try await ask { .send(target, event, $0) }
    }
}

/// The outbox.
extension PetrelClient {
    /// What waits for the server, oldest first, `limit` at most: identifiers.
    ///
    /// - Throws: `storeFailed`.
    public func waiting(limit: Int = 100) throws(PetrelError) -> [String] {
        try outbox(limit: limit).map(\.id)
    }

    /// What waits for the server, oldest first, `limit` at most.
    ///
    /// - Throws: `storeFailed`.
    public func outbox(limit: Int = 100) throws(PetrelError) -> [WaitingMessage] {
        try read { () throws(ClientStoreError) in
            try store.outbox(after: 0, limit: limit).map { WaitingMessage($0) }
        }
    }

    /// How many messages the outbox has ever taken in on this device.
    ///
    /// - Throws: `storeFailed`.
    public func queuedCount() throws(PetrelError) -> UInt64 {
        try read { () throws(ClientStoreError) in try store.lastOutboxIndex() }
    }

    /// What the server refused for good.
    ///
    /// - Throws: `storeFailed`.
    public func failed() throws(PetrelError) -> [FailedMessage] {
        try read { () throws(ClientStoreError) in
            try store.failed().map { failed in
                FailedMessage(
                    id: failed.entry.clientMessageID.text, body: failed.entry.event.body,
                    error: PetrelError(
                        refusal: failed.code, reason: failed.reason, retryAfter: .zero,
                        limit: failed.limit))
            }
        }
    }
}

extension Place {
    /// The number as the messenger has it.
    var sequence: ConversationSequence { ConversationSequence(number) }
}

extension Content {
    /// What is said, with lifetimes rounded up to whole seconds.
    init(
        _ body: [UInt8], _ contentType: String, replyTo: UInt64?, mentions: [AccountID],
        lifetime: Duration?
    ) {
        self.init(
            contentType: contentType, body: body, replyTo: ConversationSequence(replyTo ?? 0),
            mentions: mentions, lifetimeSeconds: lifetime.map { max(1, $0.wholeSeconds) } ?? 0)
    }
}

extension Duration {
    /// Seconds, rounded up; as many as there are if there are too many or fewer than none.
    var wholeSeconds: UInt32 {
        let (seconds, attoseconds) = components
        return UInt32(clamping: attoseconds > 0 && seconds < .max ? seconds + 1 : seconds)
    }
}

extension WaitingMessage {
    init(_ entry: OutboxEntry) {
        self.init(
            id: entry.clientMessageID.text, index: entry.index, target: Target(entry.target),
            body: entry.event.body, writtenMilliseconds: entry.written.milliseconds)
    }
}

extension WaitingMessage.Target {
    init(_ target: OutgoingTarget) {
        switch target {
        case .conversation(let id): self = .conversation(id)
        case .handle(let handle): self = .handle(handle)
        case .newGroup: self = .newGroup
        }
    }
}
