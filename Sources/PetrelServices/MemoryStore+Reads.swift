// Reading the store in memory.

public import PetrelBase
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

    public func accountState(_ account: AccountID) throws(StoreFailure) -> AccountState? {
        try read { rows throws(Trouble) in try rows.accountState(account) }
    }

    public func contact(
        _ peer: AccountID, of account: AccountID
    ) throws(StoreFailure) -> Contact? {
        try read { rows throws(Trouble) in try rows.contact(peer, of: account) }
    }

    public func presentContacts(of account: AccountID) throws(StoreFailure) -> [AccountID] {
        try read { rows throws(Trouble) in try rows.presentContacts(of: account) }
    }

    public func newestFeed(_ account: AccountID) throws(StoreFailure) -> FeedSequence {
        try read { rows throws(Trouble) in try rows.newestFeed(account) }
    }

    public func changes(
        of account: AccountID, after cursor: FeedSequence, limit: Int
    ) throws(StoreFailure) -> FeedSlice {
        try read { rows throws(Trouble) in
            try rows.changes(of: account, after: cursor, limit: limit)
        }
    }

    public func item(
        _ subject: FeedSubject, of account: AccountID
    ) throws(StoreFailure) -> SyncItem? {
        try read { rows throws(Trouble) in try rows.item(subject, of: account) }
    }

    public func largeGroups(
        of account: AccountID, after id: ConversationID, limit: Int
    ) throws(StoreFailure) -> [ConversationHead] {
        try read { rows throws(Trouble) in
            try rows.largeGroups(of: account, after: id, limit: limit)
        }
    }

    public func head(
        of id: ConversationID, for account: AccountID
    ) throws(StoreFailure) -> ConversationHead? {
        try read { rows throws(Trouble) in try rows.head(of: id, for: account) }
    }

    public func members(
        of id: ConversationID, after account: AccountID, limit: Int
    ) throws(StoreFailure) -> [MemberRecord] {
        try read { rows throws(Trouble) in try rows.members(of: id, after: account, limit: limit) }
    }

    public func messages(_ request: MessageRequest) throws(StoreFailure) -> MessageSlice {
        try read { rows throws(Trouble) in try rows.messages(request) }
    }

    /// Checks everything that is durable against what a store promises.
    public func verification(at wall: WallTime) throws(StoreFailure) -> VerificationReport {
        try read { rows throws(Trouble) in try rows.verification(at: wall) }
    }

    /// Returns what the store knows of a client's identifier, for each account that used it.
    public func stories(of id: ClientMessageID) throws(StoreFailure) -> [MessageStory] {
        try read { rows throws(Trouble) in try rows.stories(of: id) }
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
