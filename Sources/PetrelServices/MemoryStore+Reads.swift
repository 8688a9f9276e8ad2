// Reading the store in memory.

public import PetrelMessaging

extension MemoryStore {
    public func account(handle: String) throws(StoreFailure) -> AccountRecord? {
        try read { rows throws(Trouble) in try rows.account(handle: handle) }
    }

    public func account(_ id: AccountID) throws(StoreFailure) -> AccountRecord? {
        try read { rows throws(Trouble) in try rows.account(id) }
    }

    public func device(key: DeviceKey) throws(StoreFailure) -> DeviceRecord? {
        try read { rows throws(Trouble) in try rows.device(key: key) }
    }

    public func newestFeed(_ account: AccountID) throws(StoreFailure) -> FeedSequence {
        try read { rows throws(Trouble) in try rows.newestFeed(account) }
    }

    public func feed(
        _ account: AccountID, after cursor: FeedSequence, limit: Int
    ) throws(StoreFailure) -> FeedSlice {
        try read { rows throws(Trouble) in try rows.feed(account, after: cursor, limit: limit) }
    }

    public func conversation(_ id: ConversationID) throws(StoreFailure) -> ConversationRecord? {
        try read { rows throws(Trouble) in try rows.conversation(id) }
    }

    public func messages(_ request: MessageRequest) throws(StoreFailure) -> MessageSlice {
        try read { rows throws(Trouble) in try rows.messages(request) }
    }

    private typealias Trouble = MemoryRows.Trouble

    private func read<R>(
        _ body: (borrowing MemoryRows) throws(Trouble) -> R
    ) throws(StoreFailure) -> R {
        guard !isFailed else { throw .failed }
        do throws(Trouble) {
            return try body(durable)
        } catch {
            // A question is never refused, and these rows are never damaged.
            throw .failed
        }
    }
}
