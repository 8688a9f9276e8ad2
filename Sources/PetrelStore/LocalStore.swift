// The store of a server on its own disk.

public import PetrelServices

/// A `Store` in one directory of one disk, for one process.
///
/// Operations are written by a thread of its own; any thread may submit, take completions and read.
/// The directory belongs to the user of the process and nobody else may look into it.
public final class LocalStore: Store, Sendable {
    /// Room for data unless told otherwise; the file grows only as data come.
    public static let defaultMapBytes = 4 << 30

    let environment: Environment
    private let committer: Committer

    /// Which life of the store this is.
    public let incarnation: UInt64

    /// Opens the store in `directory`, creating it if there is none; its parent must exist.
    ///
    /// The map is the most that the store can hold. So many `workers` share it, and any of them may
    /// have completions to take when `wake` is called. It is called on the writer's thread after
    /// each batch, when there are completions to take; it must return soon, and not call `close`.
    /// The rules go by `limits`.
    /// `damageMet` is told of each of the first hundred damaged records, once, on any thread.
    ///
    /// A page of the database that is damaged beyond use is a signal that ends the process. If
    /// `endsProcessOnDamagedPages`, it ends with a sentence on the standard error and status 74
    /// instead; for a process that has no other store.
    public init(
        directory: String, mapBytes: Int = defaultMapBytes, workers: Int = 1,
        limits: ServiceLimits = .init(),
        endsProcessOnDamagedPages: Bool = false,
        damageMet: @escaping @Sendable (DamagedRecord) -> Void = { _ in },
        wake: @escaping @Sendable () -> Void
    ) throws(StoreError) {
        let environment = try Environment(
            directory: directory, mapBytes: mapBytes, purpose: .server, limits: limits,
            endsProcessOnDamagedPages: endsProcessOnDamagedPages, damageMet: damageMet)
        let transaction = try ReadTransaction(environment)
        let row: NumberRow? = try transaction.row(Schema.incarnationKey, in: .meta)
        incarnation = row?.number ?? 1
        committer = try Committer(environment, workers: workers, wake: wake)
        self.environment = environment
    }

    deinit { close() }

    /// The limits that the rules go by.
    public var limits: ServiceLimits { environment.limits }

    public func submit(
        _ operation: StoreOperation, ticket: UInt64, by worker: Int
    ) throws(StoreFailure) {
        try committer.submit(operation, ticket: ticket, by: worker)
    }

    public func takeCompletions(of worker: Int, into completions: inout [StoreCompletion]) {
        committer.takeCompletions(of: worker, into: &completions)
    }

    /// Queues `operation` of worker 0.
    public func submit(_ operation: StoreOperation, ticket: UInt64) throws(StoreFailure) {
        try submit(operation, ticket: ticket, by: 0)
    }

    /// Appends the completions of worker 0 to `completions`.
    public func takeCompletions(into completions: inout [StoreCompletion]) {
        takeCompletions(of: 0, into: &completions)
    }

    /// Finishes all operations that wait, then lets go of the directory.
    ///
    /// Completions can still be taken; all else fails from now on.
    public func close() {
        committer.close()
        environment.close()
    }

    /// Why nothing is written any more, after a commit failed.
    public var failure: StoreError? { environment.failure }

    /// The damaged records met so far, the first hundred of them.
    public var damaged: [DamagedRecord] { environment.damaged }

    /// What the store did so far.
    public var statistics: StoreStatistics {
        let counts = committer.counts
        return StoreStatistics(
            operationsCount: counts.operations, commitsCount: counts.commits,
            usedFraction: (try? environment.usedFraction()) ?? 0,
            longestReadNanoseconds: environment.longestReadNanoseconds)
    }
}

/// What a store did so far, for people who watch it.
public struct StoreStatistics: Equatable, Sendable {
    /// Operations with an outcome.
    public var operationsCount: UInt64
    /// Batches that became durable.
    public var commitsCount: UInt64
    /// The part of the map that is in use, from 0 to 1; 0 if it cannot be told.
    public var usedFraction: Double
    /// How long the longest read took; more than 100 ms keep pages from being used again.
    public var longestReadNanoseconds: Int64
}
