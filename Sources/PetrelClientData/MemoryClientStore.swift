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
        /// By target, lowest first.
        var overlays: [ConversationID: [Overlay]] = [:]
        /// Earliest first.
        var expiring: [Expiry] = []
        /// By account, lowest first.
        var contacts: [Contact] = []
        var account: AccountState?
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

    public func contacts() throws(ClientStoreError) -> [Contact] { state.contacts }
    public func accountState() throws(ClientStoreError) -> AccountState? { state.account }

    public func overlays(
        _ conversation: ConversationID, from sequence: ConversationSequence, limit: Int
    ) throws(ClientStoreError) -> [Overlay] {
        let all = state.overlays[conversation] ?? []
        return Array(all.lazy.filter { $0.target >= sequence }.prefix(max(0, limit)))
    }

    public func expiring(limit: Int) throws(ClientStoreError) -> [Expiry] {
        Array(state.expiring.prefix(max(0, limit)))
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
        case .fail(let index, let code, let reason, let limit):
            guard let entry = outbox.first(where: { $0.index == index }) else { return }
            outbox.removeAll { $0.index == index }
            failed.put(
                FailedEntry(entry: entry, code: code, reason: reason, limit: limit),
                by: \.entry.index)
        case .message(let record): keep(record)
        case .erase(let id, let place, let why): erase(id, place, why)
        case .trim(let id, let end): trim(id, below: end, limit: ClientChange.trimMax)
        case .contact(let contact):
            guard contact.isWorthKeeping else {
                return contacts.removeAll { $0.person.account == contact.person.account }
            }
            contacts.put(contact, by: \.person.account)
        case .account(let state): account = state
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

extension Array {
    /// The element whose key is `wanted`, in an array sorted by `key`.
    fileprivate func element<Key: Comparable>(
        _ wanted: Key, by key: (Element) -> Key
    ) -> Element? {
        let place = firstPlace(notBelow: wanted, by: key)
        return place < count && key(self[place]) == wanted ? self[place] : nil
    }
}

extension MemoryClientStore.State: EventTables {
    func event(_ conversation: ConversationID, _ sequence: ConversationSequence) -> MessageRecord? {
        messages[conversation]?.element(sequence, by: \.sequence)
    }

    func places(
        _ conversation: ConversationID, below end: ConversationSequence, limit: Int
    ) -> [ConversationSequence] {
        (messages[conversation] ?? []).prefix(max(0, limit)).map(\.sequence).filter { $0 < end }
    }

    mutating func set(_ record: MessageRecord) {
        messages[record.conversation, default: []].put(record, by: \.sequence)
    }

    mutating func removeEvent(_ conversation: ConversationID, _ sequence: ConversationSequence) {
        messages[conversation]?.removeAll { $0.sequence == sequence }
    }

    func overlay(_ conversation: ConversationID, _ target: ConversationSequence) -> Overlay? {
        overlays[conversation]?.element(target, by: \.target)
    }

    mutating func set(_ overlay: Overlay) {
        overlays[overlay.conversation, default: []].put(overlay, by: \.target)
    }

    mutating func removeOverlay(_ conversation: ConversationID, _ target: ConversationSequence) {
        overlays[conversation]?.removeAll { $0.target == target }
    }

    mutating func note(_ expiry: Expiry) { expiring.put(expiry, by: \.order) }

    mutating func forget(_ expiry: Expiry) { expiring.removeAll { $0 == expiry } }
}

extension Expiry {
    /// What expiries are sorted by.
    struct Order: Comparable {
        var time: Int64
        var conversation: ConversationID
        var sequence: ConversationSequence

        static func < (a: Order, b: Order) -> Bool {
            (a.time, a.conversation, a.sequence) < (b.time, b.conversation, b.sequence)
        }
    }

    fileprivate var order: Order {
        Order(time: time.milliseconds, conversation: conversation, sequence: sequence)
    }
}
