// The reference implementation of the client's store: a value in memory.

public import PetrelBase
public import PetrelMessaging

/// A client's store in memory, for tests, for the simulator, and for clients that keep nothing.
///
/// A plain value: a copy taken before a change is what a crash would leave behind.
public struct MemoryClientStore: ClientStore, Sendable {
    fileprivate struct State {
        var identity: ClientIdentity?
        var helloCounter: UInt64 = 0
        var incarnation: UInt64 = 0
        var feed = FeedSequence(0)
        var networks: [BindingLifetime] = []
        /// By index, lowest first.
        var outbox: [OutboxEntry] = []
        var lastOutboxIndex: UInt64 = 0
        /// By index, lowest first.
        var failed: [FailedEntry] = []
        /// By identifier, lowest first.
        var conversations: [LocalConversation] = []
        /// By place, lowest first.
        var messages: [ConversationID: [MessageRecord]] = [:]
    }

    private var state = State()
    /// Why every call of `apply` fails, while it is set; reads go on.
    public var failure: ClientStoreError?

    /// Creates an empty store.
    public init() {}

    public mutating func apply(_ changes: [ClientChange]) throws(ClientStoreError) {
        if let failure { throw failure }
        for change in changes { state.apply(change) }
    }

    public func identity() throws(ClientStoreError) -> ClientIdentity? { state.identity }
    public func helloCounter() throws(ClientStoreError) -> UInt64 { state.helloCounter }
    public func networks() throws(ClientStoreError) -> [BindingLifetime] { state.networks }
    public func lastOutboxIndex() throws(ClientStoreError) -> UInt64 { state.lastOutboxIndex }
    public func failed() throws(ClientStoreError) -> [FailedEntry] { state.failed }

    public func cursor() throws(ClientStoreError) -> (incarnation: UInt64, feed: FeedSequence) {
        (state.incarnation, state.feed)
    }

    public func outbox(
        after index: UInt64, limit: Int
    ) throws(ClientStoreError) -> [OutboxEntry] {
        Array(state.outbox.lazy.filter { $0.index > index }.prefix(max(0, limit)))
    }

    public func conversations() throws(ClientStoreError) -> [LocalConversation] {
        state.conversations
    }

    public func conversation(
        _ id: ConversationID
    ) throws(ClientStoreError) -> LocalConversation? {
        state.conversations.first { $0.id == id }
    }

    public func messages(
        _ conversation: ConversationID, from sequence: ConversationSequence, limit: Int
    ) throws(ClientStoreError) -> [MessageRecord] {
        let all = state.messages[conversation] ?? []
        return Array(all.lazy.filter { $0.sequence >= sequence }.prefix(max(0, limit)))
    }
}

extension MemoryClientStore.State {
    fileprivate mutating func apply(_ change: ClientChange) {
        switch change {
        case .identity(let identity): self.identity = identity
        case .helloCounter(let counter): helloCounter = counter
        case .enqueue(let entry):
            outbox.put(entry, by: \.index)
            lastOutboxIndex = max(lastOutboxIndex, entry.index)
        case .dequeue(let index): outbox.removeAll { $0.index == index }
        case .fail(let index, let code, let reason):
            guard let entry = outbox.first(where: { $0.index == index }) else { return }
            outbox.removeAll { $0.index == index }
            failed.put(FailedEntry(entry: entry, code: code, reason: reason), by: \.entry.index)
        case .message(let record):
            messages[record.conversation, default: []].putIfAbsent(record)
        case .conversation(let conversation): conversations.put(conversation, by: \.id)
        case .cursor(let incarnation, let feed):
            self.incarnation = incarnation
            self.feed = feed
        case .networks(let networks): self.networks = networks
        }
    }
}

extension Array {
    /// Puts `element` at its place in an array sorted by `key`, replacing one with the same key.
    fileprivate mutating func put<Key: Comparable>(_ element: Element, by key: (Element) -> Key) {
        let place = firstPlace(notBelow: key(element), by: key)
        if place < count, key(self[place]) == key(element) {
            self[place] = element
        } else {
            insert(element, at: place)
        }
    }

    /// Returns the first index whose key is not below `bound`; new elements mostly go to the end.
    fileprivate func firstPlace<Key: Comparable>(
        notBelow bound: Key, by key: (Element) -> Key
    ) -> Int {
        var place = count
        while place > 0, key(self[place - 1]) >= bound { place -= 1 }
        return place
    }
}

extension Array where Element == MessageRecord {
    fileprivate mutating func putIfAbsent(_ record: MessageRecord) {
        let place = firstPlace(notBelow: record.sequence) { $0.sequence }
        guard place == count || self[place].sequence != record.sequence else { return }
        insert(record, at: place)
    }
}
