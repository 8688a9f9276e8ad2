// What reads the store for the application, on whatever task asks.

internal import PetrelBase
internal import PetrelClientData
internal import PetrelMessaging
internal import PetrelStore

/// Reads the device's store and says it in the words of the application.
struct Reader: Sendable {
    let store: FileClientStore
    let shared: Shared

    /// Events of a conversation after `number`, up to the first hole.
    ///
    /// - Returns: what is to be shown of them, and the number up to which nothing else is.
    func strict(
        _ conversation: ConversationID, after number: UInt64, withChanges: Bool
    ) -> (messages: [Message], end: UInt64) {
        guard let local = try? store.conversation(conversation) else { return ([], number) }
        let end = local.held.contiguous.number
        var from = number
        // Other events are passed over, however many there are.
        while from < end,
            let records = try? store.messages(
                conversation, from: ConversationSequence(from + 1), limit: Self.batchMax),
            let last = records.last
        {
            let within = records.prefix { $0.sequence.number <= end }
            guard let lastWithin = within.last else { break }
            let messages = view(Array(within), in: local).filter { withChanges || $0.isStrict }
            guard messages.isEmpty else { return (messages, lastWithin.sequence.number) }
            from = last.sequence.number
        }
        return ([], max(number, min(from, end)))
    }

    /// Events from a place on, oldest first; what is missing or hidden is skipped.
    func messages(
        _ conversation: ConversationID, from number: UInt64, limit: Int
    ) throws(ClientStoreError) -> [Message] {
        guard let local = try store.conversation(conversation) else { return [] }
        var shown: [Message] = []
        var next = number
        while shown.count < limit {
            let records = try store.messages(
                conversation, from: ConversationSequence(next), limit: Self.batchMax)
            guard let last = records.last else { break }
            shown += view(records, in: local).filter(\.kind.isShown)
            next = last.sequence.number + 1
        }
        return Array(shown.prefix(limit))
    }

    /// Shows events with what became of them, without what the account hid.
    func view(_ records: [MessageRecord], in local: LocalConversation) -> [Message] {
        guard let first = records.first else { return [] }
        let overlays = (try? store.overlays(local.id, from: first.sequence, limit: records.count))
        var found: [ConversationSequence: Overlay] = [:]
        for overlay in overlays ?? [] { found[overlay.target] = overlay }
        let viewpoint = shared.viewpoint
        return records.filter { local.shows($0.sequence) }
            .map { Message($0, found[$0.sequence], seenFrom: viewpoint) }
    }

    /// Messages in memory at once, of each sequence.
    static let batchMax = 64
}

extension Message {
    /// Whether it is read in order by those who do not ask for changes.
    fileprivate var isStrict: Bool {
        switch kind {
        case .said, .event: true
        case .gone, .change: false
        }
    }
}

/// Conversations.
extension Reader {
    /// All conversations in the order of a list.
    func conversations() throws(ClientStoreError) -> [Conversation] {
        let contacts = try contactsByAccount()
        return try store.conversations()
            .map { local throws(ClientStoreError) in try view(local, contacts[local.peer]) }
            .sorted { $0.isAbove($1) }
    }

    /// One conversation; `nil` if there is none.
    func conversation(_ id: ConversationID) throws(ClientStoreError) -> Conversation? {
        guard let local = try store.conversation(id) else { return nil }
        return try view(local, try contactsByAccount()[local.peer])
    }

    private func contactsByAccount() throws(ClientStoreError) -> [AccountID: Contact] {
        var contacts: [AccountID: Contact] = [:]
        for contact in try store.contacts() { contacts[contact.person.account] = contact }
        return contacts
    }

    private func view(
        _ local: LocalConversation, _ contact: Contact?
    ) throws(ClientStoreError) -> Conversation {
        let viewpoint = shared.viewpoint
        var typing = (shared.typing.value[local.id] ?? []).map { viewpoint.person($0) }
        for i in typing.indices where typing[i].account == local.peer {
            typing[i].handle = local.peerHandle
        }
        return Conversation(
            local, contact: contact, preview: try preview(local), typing: typing,
            account: viewpoint.account)
    }

    /// The newest of the last events that is to be shown.
    private func preview(_ local: LocalConversation) throws(ClientStoreError) -> Message? {
        let end = local.held.highest.number
        let start = end - min(end, Self.previewMax)
        let records = try store.messages(
            local.id, from: ConversationSequence(start + 1), limit: Int(Self.previewMax))
        return view(records, in: local).last { $0.kind.isShown }
    }

    private static let previewMax: UInt64 = 32
}
