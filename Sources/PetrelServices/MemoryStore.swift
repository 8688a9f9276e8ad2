// The reference implementation of the store: no disk, but a disk's delays, crashes and failures.

#if PETREL_PLANTED
    internal import PetrelBase
#endif

/// A store in memory, for tests, and for the simulator as its disk.
///
/// A plain value. By default each operation is durable at once and its completion waits for
/// `takeCompletions`. With `holdsCompletions`, operations wait until `flush` makes the oldest of
/// them durable; what is not flushed at a `crash` never happened. Reads see what is durable.
public struct MemoryStore: Store, Sendable {
    /// What is on the disk.
    var durable = MemoryStoreState()
    private struct Submission: Sendable {
        var operation: StoreOperation
        var ticket: UInt64
        var term: UInt64
    }

    private var pending: [Submission] = []
    private var terms = AppendTerms()
    private var completions: [StoreCompletion] = []
    private let queueCountMax: Int

    /// Which life of the store this is.
    public let incarnation: UInt64
    /// Whether operations wait for `flush`.
    public var holdsCompletions = false
    /// Whether the disk is full: what adds accounts, devices or messages completes with `full`.
    public var isFull = false
    /// Whether the disk failed; nothing is taken in or read any more.
    public private(set) var isFailed = false

    /// Creates an empty store that lets `queueCountMax` operations wait.
    ///
    /// - Precondition: `incarnation > 0`.
    public init(
        incarnation: UInt64 = 1, queueCountMax: Int = StoreLimits.queuedOperationsMax
    ) {
        precondition(incarnation > 0)
        self.incarnation = incarnation
        self.queueCountMax = queueCountMax
    }

    /// Operations that wait for `flush`.
    public var pendingCount: Int { pending.count }

    public mutating func submit(
        _ operation: StoreOperation, ticket: UInt64
    ) throws(StoreFailure) {
        guard !isFailed else { throw .failed }
        guard pending.count < queueCountMax else { throw .busy }
        pending.append(
            Submission(operation: operation, ticket: ticket, term: terms.current))
        if !holdsCompletions { flush() }
    }

    public mutating func takeCompletions(into completions: inout [StoreCompletion]) {
        completions.append(contentsOf: self.completions)
        self.completions.removeAll(keepingCapacity: true)
        terms.told()
    }

    /// Makes the oldest `count` waiting operations durable, all if there are fewer.
    public mutating func flush(_ count: Int = .max) {
        for submission in takePending(count) {
            completions.append(
                StoreCompletion(ticket: submission.ticket, result: apply(submission)))
        }
    }

    /// The process dies: of the waiting operations the oldest `count` are on the disk, and nobody
    /// was told; the others, and all completions not taken yet, are gone.
    public mutating func crash(keeping count: Int = 0) {
        for submission in takePending(count) { _ = apply(submission) }
        #if PETREL_PLANTED
            if PlantedBug.deduplicationForgotten.isActive { durable.deduplication.removeAll() }
        #endif
        pending.removeAll()
        completions.removeAll()
        terms = AppendTerms()
    }

    /// The disk fails: all waiting operations complete with `failed`, though the oldest `count` of
    /// them are on the disk; after `restart` they can be read.
    public mutating func fail(keeping count: Int = 0) {
        let waiting = pending
        for submission in takePending(count) { _ = apply(submission) }
        pending.removeAll()
        isFailed = true
        for submission in waiting {
            completions.append(
                StoreCompletion(ticket: submission.ticket, result: .failure(.failed)))
        }
    }

    /// A new process opens what is on the disk, which works again.
    public mutating func restart() {
        crash()
        isFailed = false
    }

    private mutating func apply(
        _ submission: Submission
    ) -> Result<StoreOutcome, StoreFailure> {
        guard terms.mayApply(submission.operation, submittedIn: submission.term) else {
            return .failure(.full)
        }
        let result = durable.apply(submission.operation, isFull: isFull)
        terms.applied(submission.operation, submittedIn: submission.term, result: result)
        return result
    }

    private mutating func takePending(_ count: Int) -> ArraySlice<Submission> {
        let taken = pending.prefix(max(0, count))
        pending.removeFirst(taken.count)
        return taken
    }
}
