// A client's disk: outlives the client's process, may be full, and tells when it was written.

internal import PetrelBase
internal import PetrelClientData
internal import PetrelMessaging

/// A client's store that outlives its process.
final class SimulatedClientDisk: ClientStore {
    private var memory = MemoryClientStore()
    /// Transactions written; a crash may fall right behind one.
    private(set) var writes = 0
    /// Messages written since the watcher last looked.
    private var written: [MessageRecord] = []

    /// Why nothing can be written now.
    var failure: ClientStoreError? {
        get { memory.failure }
        set { memory.failure = newValue }
    }

    /// Returns the messages written since the last call.
    func takeWritten() -> [MessageRecord] {
        defer { written.removeAll(keepingCapacity: true) }
        return written
    }

    func apply(_ changes: [ClientChange]) throws(ClientStoreError) {
        try memory.apply(changes)
        writes += 1
        for change in changes {
            guard case .message(let record) = change else { continue }
            written.append(record)
        }
    }

    func identity() throws(ClientStoreError) -> ClientIdentity? { try memory.identity() }
    func helloCounter() throws(ClientStoreError) -> UInt64 { try memory.helloCounter() }
    func cursor() throws(ClientStoreError) -> (incarnation: UInt64, feed: FeedSequence) {
        try memory.cursor()
    }
    func networks() throws(ClientStoreError) -> [BindingLifetime] { try memory.networks() }
    func outbox(after index: UInt64, limit: Int) throws(ClientStoreError) -> [OutboxEntry] {
        try memory.outbox(after: index, limit: limit)
    }
    func lastOutboxIndex() throws(ClientStoreError) -> UInt64 { try memory.lastOutboxIndex() }
    func failed() throws(ClientStoreError) -> [FailedEntry] { try memory.failed() }
    func conversations() throws(ClientStoreError) -> [LocalConversation] {
        try memory.conversations()
    }
    func conversation(_ id: ConversationID) throws(ClientStoreError) -> LocalConversation? {
        try memory.conversation(id)
    }
    func contacts() throws(ClientStoreError) -> [Contact] { try memory.contacts() }
    func accountState() throws(ClientStoreError) -> AccountState? { try memory.accountState() }
    func overlays(
        _ conversation: ConversationID, from sequence: ConversationSequence, limit: Int
    ) throws(ClientStoreError) -> [Overlay] {
        try memory.overlays(conversation, from: sequence, limit: limit)
    }
    func expiring(limit: Int) throws(ClientStoreError) -> [Expiry] {
        try memory.expiring(limit: limit)
    }
    func messages(
        _ conversation: ConversationID, from sequence: ConversationSequence, limit: Int
    ) throws(ClientStoreError) -> [MessageRecord] {
        try memory.messages(conversation, from: sequence, limit: limit)
    }
}
