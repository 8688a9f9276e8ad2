// The server's disk: transactions take their time, and survive a crash whole or not at all.

internal import PetrelBase
internal import PetrelMessaging
internal import PetrelServices

/// What watches the disk: told of each operation once it is durable, in order.
protocol DiskWatcher: AnyObject {
    /// `operation` is on the disk; `result` is what came of it.
    func wrote(_ operation: StoreOperation, _ result: Result<StoreOutcome, StoreFailure>)
}

/// A store that outlives the process that uses it.
///
/// Operations that wait when a commit begins become durable together when it ends, as in the real
/// store. Which of these moments a crash falls into is the simulation's choice.
final class SimulatedDisk: Store {
    /// What is on the disk, and what waits.
    private(set) var memory = MemoryStore()
    weak var watcher: (any DiskWatcher)?
    /// What waits, as in `memory`, by submission.
    private var waiting: [(operation: StoreOperation, ticket: UInt64)] = []
    private var ready: [StoreCompletion] = []
    private var scratch: [StoreCompletion] = []

    init() { memory.holdsCompletions = true }

    /// Operations that wait for the disk.
    var pendingCount: Int { waiting.count }

    /// Whether nothing new fits.
    var isFull: Bool {
        get { memory.isFull }
        set { memory.isFull = newValue }
    }

    /// The transaction of the oldest `count` operations is durable; their submitter may be told.
    func commit(_ count: Int) { ready.append(contentsOf: write(count)) }

    /// The process dies; the transaction under way, of `count` operations, is durable or not.
    func crash(keeping count: Int) {
        _ = write(count)
        forget()
        memory.crash()
    }

    /// The disk fails, though the oldest `count` operations are on it.
    func fail(keeping count: Int) {
        let written = write(count)
        memory.fail()
        for completion in written {
            ready.append(
                StoreCompletion(ticket: completion.ticket, result: .failure(.failed)))
        }
        memory.takeCompletions(into: &ready)
        waiting.removeAll()
    }

    /// A new process opens the disk, which works.
    func restart() {
        forget()
        memory.restart()
    }

    private func forget() {
        waiting.removeAll()
        ready.removeAll()
    }

    private func write(_ count: Int) -> [StoreCompletion] {
        let written = min(count, waiting.count)
        guard written > 0 else { return [] }
        memory.flush(written)
        scratch.removeAll(keepingCapacity: true)
        memory.takeCompletions(into: &scratch)
        for (entry, completion) in zip(waiting, scratch) {
            watcher?.wrote(entry.operation, completion.result)
        }
        waiting.removeFirst(written)
        return scratch
    }

    // MARK: The contract

    var incarnation: UInt64 { memory.incarnation }

    func submit(_ operation: StoreOperation, ticket: UInt64) throws(StoreFailure) {
        try memory.submit(operation, ticket: ticket)
        waiting.append((operation, ticket))
    }

    func takeCompletions(into completions: inout [StoreCompletion]) {
        completions.append(contentsOf: ready)
        ready.removeAll(keepingCapacity: true)
    }

    func account(handle: String) throws(StoreFailure) -> AccountRecord? {
        try memory.account(handle: handle)
    }
    func account(_ id: AccountID) throws(StoreFailure) -> AccountRecord? { try memory.account(id) }
    func device(key: DeviceKey) throws(StoreFailure) -> DeviceRecord? {
        try memory.device(key: key)
    }
    func newestFeed(_ account: AccountID) throws(StoreFailure) -> FeedSequence {
        try memory.newestFeed(account)
    }
    func feed(
        _ account: AccountID, after cursor: FeedSequence, limit: Int
    ) throws(StoreFailure) -> FeedSlice {
        try memory.feed(account, after: cursor, limit: limit)
    }
    func conversation(_ id: ConversationID) throws(StoreFailure) -> ConversationRecord? {
        try memory.conversation(id)
    }
    func messages(_ request: MessageRequest) throws(StoreFailure) -> MessageSlice {
        try memory.messages(request)
    }
}
