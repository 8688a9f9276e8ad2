// The store's contract: what is submitted is told of only when it is durable; reads are snapshots.

public import PetrelBase
public import PetrelMessaging

/// Why a store takes nothing in, or cannot answer.
public enum StoreFailure: Error, Equatable, Sendable {
    /// The queue of operations is full: try again after the next completions.
    case busy
    /// There is no room on the disk or in the map: nothing new is taken in.
    case full
    /// The disk failed: nothing is acknowledged any more, and the process must end.
    case failed
}

/// An operation that is durable now, or was refused.
public struct StoreCompletion: Equatable, Sendable {
    /// Who submitted the operation, as the worker sees it that takes the completion.
    public enum Submitter: Equatable, Sendable {
        /// The taker; the ticket is its own.
        case taker
        /// Another worker, which submitted this; the ticket means nothing here.
        case another(StoreOperation)
    }

    /// What the submitter calls it.
    public var ticket: UInt64
    /// What became of it.
    public var result: Result<StoreOutcome, StoreFailure>
    /// Who submitted it.
    public var submitter: Submitter

    /// Creates the completion.
    public init(
        ticket: UInt64, result: Result<StoreOutcome, StoreFailure>, submitter: Submitter = .taker
    ) {
        self.ticket = ticket
        self.result = result
        self.submitter = submitter
    }
}

/// Keeps accounts, devices, conversations, messages and feeds.
///
/// Operations are applied one at a time in the order of submission, by one writer, in batches that
/// become durable as a whole. An outcome is handed out only after its batch is durable; an outcome
/// that was handed out survives any crash. An operation without an outcome at a crash may or may
/// not have happened; repeating it is safe. Reads see all durable operations, or a later state.
///
/// Several workers may share a store. Each takes the completions of what it submitted itself, and
/// among them, in the order of the commits, those of other workers that are news for sessions or
/// a failure: so each worker tells its own sessions everything, in the same order as all others.
public protocol Store {
    /// Which life of the store this is: raised when a backup is restored; never 0.
    var incarnation: UInt64 { get }

    /// Queues `operation` of a worker; its completion will carry `ticket`.
    mutating func submit(
        _ operation: StoreOperation, ticket: UInt64, by worker: Int
    ) throws(StoreFailure)
    /// Appends a worker's completions since its last call to `completions`, in order of submission.
    mutating func takeCompletions(of worker: Int, into completions: inout [StoreCompletion])

    /// The limits that the rules go by.
    var limits: ServiceLimits { get }

    /// Returns the account with that normalised handle, deleted ones included.
    func account(handle: String) throws(StoreFailure) -> AccountRecord?
    /// Returns the account with that identifier, deleted ones included.
    func account(_ id: AccountID) throws(StoreFailure) -> AccountRecord?
    /// Returns the device with that key, revoked ones included.
    func device(key: DeviceKey) throws(StoreFailure) -> DeviceRecord?
    /// Returns what an account's own devices know of it.
    func accountState(_ account: AccountID) throws(StoreFailure) -> AccountState?
    /// Returns the relation to another account; `nil` if there never was one.
    func contact(_ peer: AccountID, of account: AccountID) throws(StoreFailure) -> Contact?
    /// Returns the accounts that have each other as contacts and do not block, by account.
    func presentContacts(of account: AccountID) throws(StoreFailure) -> [AccountID]
    /// Returns the newest entry of an account's feed; 0 if there is none.
    func newestFeed(_ account: AccountID) throws(StoreFailure) -> FeedSequence
    /// Returns what changed for an account after a cursor, oldest first, `limit` items at most.
    func changes(
        of account: AccountID, after cursor: FeedSequence, limit: Int
    ) throws(StoreFailure) -> FeedSlice
    /// Returns a subject of an account's feed as it is now.
    func item(_ subject: FeedSubject, of account: AccountID) throws(StoreFailure) -> SyncItem?
    /// Returns the large groups of an account after one, by number, `limit` at most.
    func largeGroups(
        of account: AccountID, after id: ConversationID, limit: Int
    ) throws(StoreFailure) -> [ConversationHead]
    /// Returns a conversation as an account sees it; `nil` if it never was in it.
    func head(
        of id: ConversationID, for account: AccountID
    ) throws(StoreFailure) -> ConversationHead?
    /// Returns the present members of a conversation after one, by account, `limit` at most.
    func members(
        of id: ConversationID, after account: AccountID, limit: Int
    ) throws(StoreFailure) -> [MemberRecord]
    /// Returns events of a conversation in a range of places, as many as both limits allow.
    ///
    /// At least one is returned if there is any in the range, whatever `byteLimit` says.
    func messages(_ request: MessageRequest) throws(StoreFailure) -> MessageSlice
}

extension Store {
    /// Queues `operation` of worker 0.
    public mutating func submit(
        _ operation: StoreOperation, ticket: UInt64
    ) throws(StoreFailure) {
        try submit(operation, ticket: ticket, by: 0)
    }

    /// Appends the completions of worker 0 to `completions`.
    public mutating func takeCompletions(into completions: inout [StoreCompletion]) {
        takeCompletions(of: 0, into: &completions)
    }
}

/// An account, as services see it.
public struct AccountRecord: Equatable, Sendable {
    /// The identifier.
    public var id: AccountID
    /// The normalised handle.
    public var handle: String
    /// The self-describing password record.
    public var password: [UInt8]
    /// When it was made.
    public var created: WallTime
    /// What others see of it.
    public var profile: Profile
    /// Who sees what.
    public var privacy: Privacy
    /// The digest of its recovery code; `nil` if there is none.
    public var recovery: RecoveryDigest?
    /// Bytes of bodies that it sent and that are stored.
    public var bytesUsed: UInt64
    /// Whether it was deleted: only its handle lives on.
    public var isDeleted: Bool

    /// Creates the record.
    public init(
        id: AccountID, handle: String, password: [UInt8], created: WallTime,
        profile: Profile = .init(), privacy: Privacy = .init(), recovery: RecoveryDigest? = nil,
        bytesUsed: UInt64 = 0, isDeleted: Bool = false
    ) {
        self.id = id
        self.handle = handle
        self.password = password
        self.created = created
        self.profile = profile
        self.privacy = privacy
        self.recovery = recovery
        self.bytesUsed = bytesUsed
        self.isDeleted = isDeleted
    }
}

/// A device, as services see it.
public struct DeviceRecord: Equatable, Sendable {
    /// The account that it belongs to.
    public var account: AccountID
    /// Its number there.
    public var device: DeviceID
    /// The key that it proves.
    public var key: DeviceKey
    /// What the owner calls it.
    public var name: String
    /// The highest handshake counter accepted from it.
    public var helloCounter: UInt64
    /// Its feed cursor, as last acknowledged.
    public var feed: FeedSequence
    /// Whether it was shut out for good.
    public var isRevoked: Bool

    /// Creates the record.
    public init(
        account: AccountID, device: DeviceID, key: DeviceKey, name: String, helloCounter: UInt64,
        feed: FeedSequence, isRevoked: Bool = false
    ) {
        self.account = account
        self.device = device
        self.key = key
        self.name = name
        self.helloCounter = helloCounter
        self.feed = feed
        self.isRevoked = isRevoked
    }
}

/// What changed for an account; of each subject only its newest change is kept.
public struct FeedSlice: Equatable, Sendable {
    /// What changed, oldest change first.
    public var items: [SyncItem]
    /// The newest entry of the feed in the same snapshot.
    public var newest: FeedSequence
    /// Entries after the last one returned.
    public var remaining: Int

    /// Creates the slice.
    public init(items: [SyncItem], newest: FeedSequence, remaining: Int) {
        self.items = items
        self.newest = newest
        self.remaining = remaining
    }
}

/// A present member of a conversation.
public struct MemberRecord: Equatable, Sendable {
    /// Who.
    public var account: AccountID
    /// What it may do.
    public var role: Role
    /// When it may speak again; long ago if it may.
    public var mutedUntil: WallTime
    /// It received all up to this place.
    public var delivered: ConversationSequence
    /// It read all up to this place.
    public var read: ConversationSequence

    /// Creates the record.
    public init(
        account: AccountID, role: Role, mutedUntil: WallTime, delivered: ConversationSequence,
        read: ConversationSequence
    ) {
        self.account = account
        self.role = role
        self.mutedUntil = mutedUntil
        self.delivered = delivered
        self.read = read
    }
}

/// Which messages to read.
public struct MessageRequest: Equatable, Sendable {
    /// From which end a range is read.
    public enum Order: Equatable, Sendable {
        /// Oldest first.
        case oldestFirst
        /// Newest first.
        case newestFirst
    }

    /// The conversation.
    public var conversation: ConversationID
    /// Who reads: only what it may see is returned, what it deleted for itself as `gone`; `nil`
    /// for everything.
    public var reader: AccountID?
    /// The places, both ends included.
    public var range: ClosedRange<UInt64>
    /// From which end.
    public var order: Order
    /// The most messages.
    public var limit: Int
    /// The most bytes of bodies.
    public var byteLimit: Int

    /// Creates the request.
    public init(
        conversation: ConversationID, reader: AccountID? = nil, range: ClosedRange<UInt64>,
        order: Order, limit: Int, byteLimit: Int
    ) {
        self.conversation = conversation
        self.reader = reader
        self.range = range
        self.order = order
        self.limit = limit
        self.byteLimit = byteLimit
    }
}

/// Messages of a conversation.
public struct MessageSlice: Equatable, Sendable {
    /// The messages, in the order asked for; handles are empty.
    public var messages: [MessageRecord]
    /// Places in the part of the range that was read whose records are damaged.
    public var damaged: [ConversationSequence]
    /// Whether nothing of the range is left.
    public var isComplete: Bool

    /// Creates the slice.
    public init(messages: [MessageRecord], damaged: [ConversationSequence], isComplete: Bool) {
        self.messages = messages
        self.damaged = damaged
        self.isComplete = isComplete
    }
}
