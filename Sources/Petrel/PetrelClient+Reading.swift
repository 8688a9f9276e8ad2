// Reading: tail first for screens, strictly in order for programs.

internal import PetrelClientCore
internal import PetrelClientData
public import PetrelMessaging
internal import PetrelStore

extension PetrelClient {
    /// The last messages of a conversation before a number, with what is missing marked: the newest
    /// page at once, whatever is still to be fetched.
    ///
    /// Edits, recalls and reactions show in the messages that they are about; what this account
    /// deleted for itself is left out.
    ///
    /// - Parameters:
    ///   - conversation: which.
    ///   - number: the `start` of the page after; `nil` for the newest page.
    ///   - limit: the most items of the page.
    /// - Returns: the page.
    /// - Throws: `storeFailed`.
    public func history(
        of conversation: ConversationID, before number: UInt64?, limit: Int = 50
    ) throws(PetrelError) -> HistoryPage {
        try read { () throws(ClientStoreError) in
            try reader.history(conversation, before: number, limit: max(1, limit))
        }
    }

    /// Messages on disk from a place on, oldest first, `limit` at most; what is missing, or deleted
    /// for this account, is skipped.
    ///
    /// - Throws: `storeFailed`.
    public func history(
        of conversation: ConversationID, from number: UInt64 = 1, limit: Int = 100
    ) throws(PetrelError) -> [Message] {
        try read { () throws(ClientStoreError) in
            try reader.messages(conversation, from: number, limit: limit)
        }
    }

    /// What stands at a place; `nil` if it is missing here, or deleted for this account.
    ///
    /// - Throws: `storeFailed`.
    public func message(at place: Place) throws(PetrelError) -> Message? {
        try read { () throws(ClientStoreError) in
            guard let local = try store.conversation(place.conversation) else { return nil }
            let records = try store.messages(place.conversation, from: place.sequence, limit: 1)
            return reader.view(records.filter { $0.sequence == place.sequence }, in: local).first
        }
    }

    /// Asks for a page of what is missing before a number, where that is not fetched without being
    /// asked for; it arrives as everything does, and `updates(of:)` tells.
    public func fetchOlder(in conversation: ConversationID, before number: UInt64) {
        _ = shared.submit(.fetch(conversation, before: number))
    }

    /// The messages of a conversation after a number, in order and without a gap, for ever.
    ///
    /// Each is told as it is when the loop comes to it. `withChanges`: edits, recalls and reactions
    /// that come later are told as well, and what is gone.
    public func messages(
        in conversation: ConversationID, after number: UInt64 = 0, withChanges: Bool = false
    ) -> Messages {
        Messages(
            reader: reader, conversation: conversation, after: number, withChanges: withChanges)
    }

    /// What others say in all conversations, in order and without a gap in each, for ever.
    ///
    /// Each is told as it is when the loop comes to it. `withChanges`: edits, recalls and reactions
    /// that come later are told as well, and what is gone.
    ///
    /// - Throws: `storeFailed`.
    public func inbox(
        from start: InboxStart = .now, withChanges: Bool = false
    ) throws(PetrelError) -> Inbox {
        var positions: [ConversationID: UInt64] = [:]
        switch start {
        case .beginning: break
        case .after(let given): positions = given
        case .now:
            try read { () throws(ClientStoreError) in
                for local in try store.conversations() {
                    positions[local.id] = local.held.contiguous.number
                }
            }
        }
        return Inbox(reader: reader, positions: positions, withChanges: withChanges)
    }
}
