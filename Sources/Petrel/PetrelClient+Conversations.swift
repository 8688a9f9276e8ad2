// The list of conversations, what each is for this account, and its members.

internal import PetrelBase
internal import PetrelClientCore
internal import PetrelClientData
public import PetrelMessaging
internal import PetrelStore

/// The list.
extension PetrelClient {
    /// The conversations: pinned ones first, then those that something was said in last.
    ///
    /// - Throws: `storeFailed`.
    public func conversations() throws(PetrelError) -> [Conversation] {
        try read { () throws(ClientStoreError) in try reader.conversations() }
    }

    /// The conversations in the order of a list: the present ones first, then at each change of
    /// any: messages, typing, marks, settings, names.
    public var conversationUpdates: Updates<[Conversation]> {
        let reader = reader
        return Updates(of: shared.changes) { _, _ in try? reader.conversations() }
    }

    /// A conversation; `nil` if there is none.
    ///
    /// - Throws: `storeFailed`.
    public func conversation(_ id: ConversationID) throws(PetrelError) -> Conversation? {
        try read { () throws(ClientStoreError) in try reader.conversation(id) }
    }

    /// The 1:1 conversation with an account; `nil` if nothing was ever said in it.
    ///
    /// - Throws: `storeFailed`.
    public func conversation(with handle: String) throws(PetrelError) -> Conversation? {
        let wanted = AccountHandle(handle)?.text ?? handle
        return try read { () throws(ClientStoreError) in
            guard let local = try store.conversations().first(where: { $0.peerHandle == wanted })
            else { return nil }
            return try reader.conversation(local.id)
        }
    }

    /// A conversation: its present state first, then at each change of it.
    ///
    /// What was said in it is read again with `history`.
    public func updates(of id: ConversationID) -> Updates<Conversation> {
        let reader = reader
        return Updates(of: shared.changes) { changes, before in
            if let before, changes.last(of: id) <= before { return nil }
            return (try? reader.conversation(id)) ?? nil
        }
    }
}

/// What a conversation is for this account alone.
extension PetrelClient {
    /// Notes that the account has read all up to a place; at once here, and told to the server and
    /// the other devices as soon as it is reached.
    public func markRead(upTo place: Place) { _ = shared.submit(.read(place)) }

    /// Puts a conversation above the others, or back among them; waits for the server.
    ///
    /// - Throws: `refused`, `busy`, `closed` or `cancelled`.
    public func setPinned(
        _ isPinned: Bool, _ conversation: ConversationID
    ) async throws(PetrelError) {
        try await change(.changeConversation(conversation, .pinned(isPinned)))
    }

    /// Says until when a conversation makes no sound, in milliseconds since 1970; `nil`: it does
    /// again.
    ///
    /// Waits for the server.
    ///
    /// - Throws: `refused`, `busy`, `closed` or `cancelled`.
    public func mute(
        _ conversation: ConversationID, untilMilliseconds milliseconds: Int64?
    ) async throws(PetrelError) {
        let until = WallTime(milliseconds: max(0, milliseconds ?? 0))
        try await change(.changeConversation(conversation, .mutedUntil(until)))
    }

    /// Hides all up to a place, for this account alone; waits for the server.
    ///
    /// - Throws: `refused`, `busy`, `closed` or `cancelled`.
    public func clear(upTo place: Place) async throws(PetrelError) {
        try await change(
            .changeConversation(place.conversation, .cleared(upTo: place.sequence)))
    }

    /// Hides one message, for this account alone; waits for the server.
    ///
    /// - Throws: `refused`, `inputInvalid`, `busy`, `closed` or `cancelled`.
    public func deleteForMe(_ place: Place) async throws(PetrelError) {
        try await change(.changeConversation(place.conversation, .hidden(place.sequence)))
    }

    /// Tells members of a conversation, 256 at most, by account; waits for the server.
    ///
    ///     var page = try await client.members(of: group)
    ///     while let next = page.next { page = try await client.members(of: group, after: next) }
    ///
    /// - Parameters:
    ///   - conversation: which.
    ///   - account: the `next` of the page before; `nil` for the first page.
    /// - Returns: the page.
    /// - Throws: `refused`, `busy`, `closed` or `cancelled`.
    public func members(
        of conversation: ConversationID, after account: AccountID? = nil
    ) async throws(PetrelError) -> MemberPage {
        let answer = try await askServer(
            .listMembers(conversation, after: account ?? AccountID(0)))
        guard case .members(let page) = answer else { throw .answerUnknown }
        return MemberPage(page)
    }
}
