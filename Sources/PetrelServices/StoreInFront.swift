// A store in front of another, which answers all that is read.

public import PetrelMessaging

/// A store that takes operations in its own way, and reads from one that it keeps.
public protocol StoreInFront: Store {
    /// The kind of store that it keeps.
    associatedtype Kept: Store
    /// The store that answers what is read.
    var kept: Kept { get }
}

extension StoreInFront {
    public var incarnation: UInt64 { kept.incarnation }
    public var limits: ServiceLimits { kept.limits }

    public func account(handle: String) throws(StoreFailure) -> AccountRecord? {
        try kept.account(handle: handle)
    }

    public func account(_ id: AccountID) throws(StoreFailure) -> AccountRecord? {
        try kept.account(id)
    }

    public func device(key: DeviceKey) throws(StoreFailure) -> DeviceRecord? {
        try kept.device(key: key)
    }

    public func accountState(_ account: AccountID) throws(StoreFailure) -> AccountState? {
        try kept.accountState(account)
    }

    public func contact(_ peer: AccountID, of account: AccountID) throws(StoreFailure) -> Contact? {
        try kept.contact(peer, of: account)
    }

    public func presentContacts(of account: AccountID) throws(StoreFailure) -> [AccountID] {
        try kept.presentContacts(of: account)
    }

    public func newestFeed(_ account: AccountID) throws(StoreFailure) -> FeedSequence {
        try kept.newestFeed(account)
    }

    public func changes(
        of account: AccountID, after cursor: FeedSequence, limit: Int
    ) throws(StoreFailure) -> FeedSlice {
        try kept.changes(of: account, after: cursor, limit: limit)
    }

    public func item(
        _ subject: FeedSubject, of account: AccountID
    ) throws(StoreFailure) -> SyncItem? {
        try kept.item(subject, of: account)
    }

    public func largeGroups(
        of account: AccountID, after id: ConversationID, limit: Int
    ) throws(StoreFailure) -> [ConversationHead] {
        try kept.largeGroups(of: account, after: id, limit: limit)
    }

    public func head(
        of id: ConversationID, for account: AccountID
    ) throws(StoreFailure) -> ConversationHead? {
        try kept.head(of: id, for: account)
    }

    public func members(
        of id: ConversationID, after account: AccountID, limit: Int
    ) throws(StoreFailure) -> [MemberRecord] {
        try kept.members(of: id, after: account, limit: limit)
    }

    public func messages(_ request: MessageRequest) throws(StoreFailure) -> MessageSlice {
        try kept.messages(request)
    }
}
