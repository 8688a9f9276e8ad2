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
final class SimulatedDisk: StoreInFront {
    /// What is on the disk, and what waits.
    private(set) var memory: MemoryStore
    weak var watcher: (any DiskWatcher)?

    init(limits: ServiceLimits) {
        memory = MemoryStore(limits: limits)
        memory.holdsCompletions = true
    }

    /// Operations that wait for the disk.
    var pendingCount: Int { memory.pendingCount }

    /// Whether nothing new fits.
    var isFull: Bool {
        get { memory.isFull }
        set { memory.isFull = newValue }
    }

    /// The transaction of the oldest `count` operations is durable; their submitter may be told.
    func commit(_ count: Int) { watch(memory.flush(count)) }

    /// The process dies; the transaction under way, of `count` operations, is durable or not.
    func crash(keeping count: Int) { watch(memory.crash(keeping: count)) }

    /// The disk fails, though the oldest `count` operations are on it.
    func fail(keeping count: Int) { watch(memory.fail(keeping: count)) }

    /// A new process, of so many workers, opens the disk, which works.
    func restart(workers: Int) { memory.restart(workers: workers) }

    private func watch(_ applied: [MemoryStore.Applied]) {
        for (operation, result) in applied { watcher?.wrote(operation, result) }
    }

    // MARK: The contract

    var kept: MemoryStore { memory }

    func submit(
        _ operation: StoreOperation, ticket: UInt64, by worker: Int
    ) throws(StoreFailure) {
        try memory.submit(operation, ticket: ticket, by: worker)
    }

    func takeCompletions(of worker: Int, into completions: inout [StoreCompletion]) {
        memory.takeCompletions(of: worker, into: &completions)
    }
}
