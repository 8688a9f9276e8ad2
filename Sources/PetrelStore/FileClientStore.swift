// The store of a client on its own disk.

public import PetrelBase
public import PetrelClientData
public import PetrelMessaging
import PetrelServices

/// A `ClientStore` in one directory of one disk, for one process.
///
/// Each call of `apply` is on the disk when it returns. In lists, records that cannot be read are
/// left out and told of in `damaged`; what stands alone throws `damaged` instead.
public final class FileClientStore: ClientStore, Sendable {
    /// Room for data unless told otherwise; the file grows only as data come.
    public static let defaultMapBytes = 1 << 30

    private static let identityKey = Key.text("identity")
    private static let helloCounterKey = Key.text("hello-counter")
    private static let cursorKey = Key.text("cursor")
    private static let networksKey = Key.text("networks")
    private static let accountKey = Key.text("account")
    private static let lastOutboxIndexKey = Key.text("last-outbox-index")

    let environment: Environment

    /// Opens the store in `directory`, creating it if there is none; its parent must exist.
    public init(directory: String, mapBytes: Int = defaultMapBytes) throws(StoreError) {
        environment = try Environment(directory: directory, mapBytes: mapBytes, purpose: .client)
    }

    /// Lets go of the directory; all else fails from now on.
    public func close() { environment.close() }

    /// Why nothing is written any more, after a commit failed.
    public var failure: StoreError? { environment.failure }

    /// The damaged records met so far, the first hundred of them.
    public var damaged: [DamagedRecord] { environment.damaged }

    public func apply(_ changes: [ClientChange]) throws(ClientStoreError) {
        do throws(StoreError) {
            try environment.write { transaction throws(StoreError) in
                for change in changes { try apply(change, to: &transaction) }
            }
        } catch {
            throw report(error)
        }
    }

    private func apply(
        _ change: ClientChange, to transaction: inout WriteTransaction
    ) throws(StoreError) {
        switch change {
        case .identity(let identity):
            try transaction.put(IdentityRow(identity), at: Self.identityKey, in: .meta)
        case .helloCounter(let counter):
            try transaction.put(NumberRow(counter), at: Self.helloCounterKey, in: .meta)
        case .enqueue(let entry):
            try transaction.put(OutboxRow(entry), at: .number(entry.index), in: .outbox)
            let last: NumberRow? = try transaction.row(Self.lastOutboxIndexKey, in: .meta)
            guard entry.index > last?.number ?? 0 else { return }
            try transaction.put(NumberRow(entry.index), at: Self.lastOutboxIndexKey, in: .meta)
        case .dequeue(let index): try transaction.remove(.number(index), in: .outbox)
        case .fail(let index, let code, let reason, let limit):
            let row: OutboxRow? = try transaction.row(.number(index), in: .outbox)
            guard let row else { return }
            try transaction.remove(.number(index), in: .outbox)
            let failed = FailedEntry(
                entry: row.entry, code: code, reason: reason, limit: limit)
            try transaction.put(FailedRow(failed), at: .number(index), in: .failed)
        case .message(let record): try transaction.keep(record)
        case .erase(let id, let place, let why): try transaction.erase(id, place, why)
        case .trim(let id, let end):
            try transaction.trim(id, below: end, limit: ClientChange.trimMax)
        case .contact(let contact):
            let key = Key.account(contact.person.account)
            guard contact.isWorthKeeping else { return try transaction.remove(key, in: .contact) }
            try transaction.put(ItemRow(.contact(contact)), at: key, in: .contact)
        case .account(let state):
            try transaction.put(ItemRow(.account(state)), at: Self.accountKey, in: .meta)
        case .conversation(let conversation):
            let key = Key.conversation(conversation.id)
            try transaction.put(KnownRow(conversation), at: key, in: .known)
        case .cursor(let incarnation, let feed):
            let row = CursorRow(incarnation: incarnation, feed: feed)
            try transaction.put(row, at: Self.cursorKey, in: .meta)
        case .networks(let networks):
            try transaction.put(NetworksRow(networks), at: Self.networksKey, in: .meta)
        }
    }

    private func report(_ error: StoreError) -> ClientStoreError {
        switch error.kind {
        case .full: return .full
        case .damaged(let record):
            environment.report(record)
            return .damaged
        default: return .failed(code: error.code)
        }
    }
}

extension FileClientStore {
    public func identity() throws(ClientStoreError) -> ClientIdentity? {
        let row: IdentityRow? = try row(Self.identityKey, in: .meta)
        return row?.identity
    }

    public func helloCounter() throws(ClientStoreError) -> UInt64 {
        let row: NumberRow? = try row(Self.helloCounterKey, in: .meta)
        return row?.number ?? 0
    }

    public func cursor() throws(ClientStoreError) -> (incarnation: UInt64, feed: FeedSequence) {
        let row: CursorRow? = try row(Self.cursorKey, in: .meta)
        return (row?.incarnation ?? 0, row?.feed ?? .init(0))
    }

    public func networks() throws(ClientStoreError) -> [BindingLifetime] {
        let row: NetworksRow? = try row(Self.networksKey, in: .meta)
        return row?.networks ?? []
    }

    public func outbox(
        after index: UInt64, limit: Int
    ) throws(ClientStoreError) -> [OutboxEntry] {
        guard index < .max else { return [] }
        let rows: [OutboxRow] = try rows(
            in: .outbox, from: .number(index + 1), prefix: 0, limit: limit)
        return rows.map(\.entry)
    }

    public func lastOutboxIndex() throws(ClientStoreError) -> UInt64 {
        let row: NumberRow? = try row(Self.lastOutboxIndexKey, in: .meta)
        return row?.number ?? 0
    }

    public func failed() throws(ClientStoreError) -> [FailedEntry] {
        let rows: [FailedRow] = try rows(in: .failed, from: .number(0), prefix: 0, limit: .max)
        return rows.map(\.failed)
    }

    public func conversations() throws(ClientStoreError) -> [LocalConversation] {
        let rows: [KnownRow] = try rows(in: .known, from: .number(0), prefix: 0, limit: .max)
        return rows.map(\.conversation)
    }

    public func conversation(
        _ id: ConversationID
    ) throws(ClientStoreError) -> LocalConversation? {
        let row: KnownRow? = try row(.conversation(id), in: .known)
        return row?.conversation
    }

    public func contacts() throws(ClientStoreError) -> [Contact] {
        let rows: [ItemRow] = try rows(in: .contact, from: .number(0), prefix: 0, limit: .max)
        return rows.compactMap { if case .contact(let contact) = $0.item { contact } else { nil } }
    }

    public func accountState() throws(ClientStoreError) -> AccountState? {
        let row: ItemRow? = try row(Self.accountKey, in: .meta)
        guard case .account(let state) = row?.item else { return nil }
        return state
    }

    public func overlays(
        _ conversation: ConversationID, from sequence: ConversationSequence, limit: Int
    ) throws(ClientStoreError) -> [Overlay] {
        let rows: [OverlayRow] = try rows(
            in: .overlay, from: .message(sequence, of: conversation), prefix: 8, limit: limit)
        return rows.map(\.overlay)
    }

    public func expiring(limit: Int) throws(ClientStoreError) -> [Expiry] {
        do throws(StoreError) {
            return try ReadTransaction(environment)
                .keys(in: .expiry, from: .number(0), prefix: 0, limit: limit)
                .map { key in
                    Expiry(
                        time: WallTime(
                            milliseconds: Int64(bitPattern: key.number(at: 0) ^ 1 << 63)),
                        conversation: ConversationID(key.number(at: 8)),
                        sequence: ConversationSequence(key.number(at: 16)))
                }
        } catch {
            throw report(error)
        }
    }

    public func messages(
        _ conversation: ConversationID, from sequence: ConversationSequence, limit: Int
    ) throws(ClientStoreError) -> [MessageRecord] {
        let rows: [EventRow] = try rows(
            in: .message, from: .message(sequence, of: conversation), prefix: 8, limit: limit)
        return rows.map(\.record)
    }

    private func row<R: Record>(_ key: Key, in table: TableName) throws(ClientStoreError) -> R? {
        do throws(StoreError) {
            return try ReadTransaction(environment).row(key, in: table)
        } catch {
            throw report(error)
        }
    }

    /// Returns rows that can be read, in order.
    private func rows<R: Record>(
        in table: TableName, from start: Key, prefix: Int, limit: Int
    ) throws(ClientStoreError) -> [R] {
        do throws(StoreError) {
            return try environment.read { snapshot throws(Snapshot.Trouble) in
                try snapshot.collect(table, from: start, prefix: prefix, limit: limit) {
                    key throws(Snapshot.Trouble) -> R? in
                    try snapshot.find(key, in: table)
                }.items
            }
        } catch {
            throw report(error)
        }
    }
}
