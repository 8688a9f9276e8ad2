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
    var durable = MemoryRows()
    private struct Submission: Sendable {
        var operation: StoreOperation
        var ticket: UInt64
        var worker: Int
        var term: UInt64
    }

    /// An operation that is on the disk, and what came of it.
    public typealias Applied = (
        operation: StoreOperation, result: Result<StoreOutcome, StoreFailure>
    )

    private var pending: [Submission] = []
    private var queues: CompletionQueues
    private let queueCountMax: Int

    /// Which life of the store this is.
    public let incarnation: UInt64
    /// Whether operations wait for `flush`.
    public var holdsCompletions = false
    /// Whether the disk is full: what adds accounts, devices or messages completes with `full`.
    public var isFull = false
    /// Whether the disk failed; nothing is taken in or read any more.
    public private(set) var isFailed = false

    /// Creates an empty store for `workers` that lets `queueCountMax` operations wait.
    ///
    /// - Precondition: `incarnation > 0`.
    public init(
        incarnation: UInt64 = 1, queueCountMax: Int = StoreLimits.queuedOperationsMax,
        workers: Int = 1, limits: ServiceLimits = .init()
    ) {
        precondition(incarnation > 0)
        self.incarnation = incarnation
        queues = CompletionQueues(workers: workers)
        self.queueCountMax = queueCountMax
        durable.limits = limits
    }

    /// The limits that the rules go by.
    public var limits: ServiceLimits { durable.limits }

    /// Operations that wait for `flush`.
    public var pendingCount: Int { pending.count }

    public mutating func submit(
        _ operation: StoreOperation, ticket: UInt64, by worker: Int
    ) throws(StoreFailure) {
        guard !isFailed else { throw .failed }
        guard pending.count < queueCountMax, !queues.isCongested else { throw .busy }
        pending.append(
            Submission(
                operation: operation, ticket: ticket, worker: worker,
                term: queues.term(of: worker)))
        if !holdsCompletions { flush() }
    }

    public mutating func takeCompletions(
        of worker: Int, into completions: inout [StoreCompletion]
    ) {
        queues.take(of: worker, into: &completions)
    }

    /// Makes the oldest `count` waiting operations durable, all if there are fewer.
    ///
    /// Returns them with what came of each.
    @discardableResult
    public mutating func flush(_ count: Int = .max) -> [Applied] {
        takePending(count).map { submission in
            let result = apply(submission)
            queues.complete(
                submission.operation, ticket: submission.ticket, by: submission.worker,
                in: submission.term, result: result)
            return (submission.operation, result)
        }
    }

    /// The process dies: of the waiting operations the oldest `count` are on the disk, and nobody
    /// was told; the others, and all completions not taken yet, are gone.
    ///
    /// Returns those on the disk with what came of each.
    @discardableResult
    public mutating func crash(keeping count: Int = 0, workers: Int? = nil) -> [Applied] {
        let applied = flush(count)
        #if PETREL_PLANTED
            if PlantedBug.deduplicationForgotten.isActive {
                durable.removeAll(in: .deduplication)
                durable.removeAll(in: .deduplicated)
            }
        #endif
        pending.removeAll()
        queues = CompletionQueues(workers: workers ?? queues.workersCount)
        return applied
    }

    /// The disk fails: all waiting operations complete with `failed`, though the oldest `count` of
    /// them are on the disk; after `restart` they can be read.
    ///
    /// Returns those on the disk with what came of each.
    @discardableResult
    public mutating func fail(keeping count: Int = 0) -> [Applied] {
        let waiting = pending
        // Applied as they would have been, but nobody is told.
        let untold = queues
        let applied = flush(count)
        queues = untold
        pending.removeAll()
        isFailed = true
        for submission in waiting {
            queues.complete(
                submission.operation, ticket: submission.ticket, by: submission.worker,
                in: submission.term, result: .failure(.failed))
        }
        return applied
    }

    /// A new process, of as many workers as before unless told, opens the disk, which works again.
    public mutating func restart(workers: Int? = nil) {
        crash(workers: workers)
        isFailed = false
    }

    private mutating func apply(
        _ submission: Submission
    ) -> Result<StoreOutcome, StoreFailure> {
        let terms = queues.terms[submission.worker]
        guard terms.mayApply(submission.operation, submittedIn: submission.term) else {
            return .failure(.full)
        }
        #if PETREL_PLANTED
            if isFull, PlantedBug.refusedButStored.isActive,
                case .appendMessage = submission.operation
            {
                let result = durable.perform(submission.operation, .all)
                if case .success(.appended) = result { return .failure(.full) }
                return result
            }
        #endif
        return durable.perform(submission.operation, isFull ? .acknowledgementsOnly : .all)
    }

    private mutating func takePending(_ count: Int) -> ArraySlice<Submission> {
        let taken = pending.prefix(max(0, count))
        pending.removeFirst(taken.count)
        return taken
    }
}
