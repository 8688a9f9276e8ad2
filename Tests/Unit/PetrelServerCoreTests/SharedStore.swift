// A store that a test and a core both hold.

import PetrelMessaging
import PetrelServices

final class SharedStore: Store {
    var inner: MemoryStore
    /// What `submit` throws instead of taking anything in.
    var refusal: StoreFailure?

    init(_ inner: MemoryStore = MemoryStore(limits: .forStrangers)) { self.inner = inner }

    var incarnation: UInt64 { inner.incarnation }

    func submit(
        _ operation: StoreOperation, ticket: UInt64, by worker: Int
    ) throws(StoreFailure) {
        if let refusal { throw refusal }
        try inner.submit(operation, ticket: ticket, by: worker)
    }

    func takeCompletions(of worker: Int, into completions: inout [StoreCompletion]) {
        inner.takeCompletions(of: worker, into: &completions)
    }

    func account(handle: String) throws(StoreFailure) -> AccountRecord? {
        try inner.account(handle: handle)
    }

    func account(_ id: AccountID) throws(StoreFailure) -> AccountRecord? { try inner.account(id) }

    func device(key: DeviceKey) throws(StoreFailure) -> DeviceRecord? {
        try inner.device(key: key)
    }

    func newestFeed(_ account: AccountID) throws(StoreFailure) -> FeedSequence {
        try inner.newestFeed(account)
    }

    var limits: ServiceLimits { inner.limits }

    func accountState(_ account: AccountID) throws(StoreFailure) -> AccountState? {
        try inner.accountState(account)
    }

    func contact(_ peer: AccountID, of account: AccountID) throws(StoreFailure) -> Contact? {
        try inner.contact(peer, of: account)
    }

    func presentContacts(of account: AccountID) throws(StoreFailure) -> [AccountID] {
        try inner.presentContacts(of: account)
    }

    func changes(
        of account: AccountID, after cursor: FeedSequence, limit: Int
    ) throws(StoreFailure) -> FeedSlice {
        try inner.changes(of: account, after: cursor, limit: limit)
    }

    func item(
        _ subject: FeedSubject, of account: AccountID
    ) throws(StoreFailure) -> SyncItem? {
        try inner.item(subject, of: account)
    }

    func largeGroups(
        of account: AccountID, after id: ConversationID, limit: Int
    ) throws(StoreFailure) -> [ConversationHead] {
        try inner.largeGroups(of: account, after: id, limit: limit)
    }

    func head(
        of id: ConversationID, for account: AccountID
    ) throws(StoreFailure) -> ConversationHead? {
        try inner.head(of: id, for: account)
    }

    func members(
        of id: ConversationID, after account: AccountID, limit: Int
    ) throws(StoreFailure) -> [MemberRecord] {
        try inner.members(of: id, after: account, limit: limit)
    }

    func messages(_ request: MessageRequest) throws(StoreFailure) -> MessageSlice {
        try inner.messages(request)
    }
}

extension ServiceLimits {
    /// Strangers may say as much as they like: most tests are about something else.
    static var forStrangers: ServiceLimits {
        var limits = ServiceLimits()
        limits.strangerMessagesMax = 10_000
        return limits
    }
}
