// Reading the store of a server: one snapshot a call.

public import PetrelMessaging
public import PetrelServices

extension LocalStore {
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

    private typealias Trouble = Snapshot.Trouble

    private func read<R>(
        _ body: (borrowing Snapshot) throws(Trouble) -> R
    ) throws(StoreFailure) -> R {
        do throws(StoreError) {
            return try environment.read(body)
        } catch {
            throw StoreFailure(error)
        }
    }
}
