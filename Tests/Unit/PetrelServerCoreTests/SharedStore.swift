// A store that a test and a core both hold.

import PetrelMessaging
import PetrelServices

final class SharedStore: Store {
    var inner: MemoryStore
    /// What `submit` throws instead of taking anything in.
    var refusal: StoreFailure?

    init(_ inner: MemoryStore = MemoryStore()) { self.inner = inner }

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

    func feed(
        _ account: AccountID, after cursor: FeedSequence, limit: Int
    ) throws(StoreFailure) -> FeedSlice {
        try inner.feed(account, after: cursor, limit: limit)
    }

    func conversation(_ id: ConversationID) throws(StoreFailure) -> ConversationRecord? {
        try inner.conversation(id)
    }

    func messages(_ request: MessageRequest) throws(StoreFailure) -> MessageSlice {
        try inner.messages(request)
    }
}
