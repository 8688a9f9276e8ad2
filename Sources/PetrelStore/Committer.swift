// The writer thread: whatever was queued during one flush becomes the next batch.

import Glibc
import PetrelMessaging
import PetrelServices

/// Applies operations in the order of submission, in batches that become durable as a whole.
///
/// Nothing is told of an operation before the commit of its batch returned without an error.
final class Committer: Sendable {
    /// The most operations in a batch.
    static let batchCountMax = 512
    /// The bytes after which a batch takes no further operation.
    static let batchBytesMax = 256 << 10
    /// The bytes of operations that may wait.
    private static let queuedBytesMax = 16 << 20
    /// From this part of the map on, nothing new is taken in: what is left serves acknowledgements.
    private static let fractionMax = 0.9

    private struct Submission: Sendable {
        var operation: StoreOperation
        var ticket: UInt64
        var worker: Int
        var byteCount: Int
        var term: UInt64
    }

    private struct Queue: Sendable {
        var waiting: [Submission] = []
        /// Operations without a completion, in `waiting` or at the writer.
        var count = 0
        var bytes = 0
        var completions: CompletionQueues
        var isClosing = false
        var isFailed = false
        var operationsCount: UInt64 = 0
        var commitsCount: UInt64 = 0
    }

    private let queue: Monitor<Queue>
    private let environment: Environment
    private let wake: @Sendable () -> Void
    // Written once, before anybody else has the committer.
    nonisolated(unsafe) private var thread = pthread_t()

    /// Starts the thread; it calls `wake` after each batch whose completions can be taken.
    init(
        _ environment: Environment, workers: Int, wake: @escaping @Sendable () -> Void
    ) throws(StoreError) {
        queue = Monitor(Queue(completions: CompletionQueues(workers: workers)))
        self.environment = environment
        self.wake = wake
        let code = pthread_create(
            &thread, nil,
            { argument in
                guard let argument else { return nil }
                Unmanaged<Committer>.fromOpaque(argument).takeRetainedValue().run()
                return nil
            }, Unmanaged.passRetained(self).toOpaque())
        guard code == 0 else {
            Unmanaged.passUnretained(self).release()
            throw StoreError(code: code, doing: "start the writer thread", path: environment.path)
        }
    }

    func submit(
        _ operation: StoreOperation, ticket: UInt64, by worker: Int
    ) throws(StoreFailure) {
        let byteCount = operation.byteCount
        try queue.withLock { queue throws(StoreFailure) in
            guard !queue.isFailed, !queue.isClosing else { throw .failed }
            guard queue.count < StoreLimits.queuedOperationsMax,
                queue.bytes < Self.queuedBytesMax, !queue.completions.isCongested
            else { throw .busy }
            queue.waiting.append(
                Submission(
                    operation: operation, ticket: ticket, worker: worker, byteCount: byteCount,
                    term: queue.completions.term(of: worker)))
            queue.count += 1
            queue.bytes += byteCount
        }
        queue.signal()
    }

    func takeCompletions(of worker: Int, into completions: inout [StoreCompletion]) {
        queue.withLock { $0.completions.take(of: worker, into: &completions) }
    }

    /// Takes nothing in any more, finishes what waits, and ends the thread.
    ///
    /// Must not be called from `wake`, which runs on that thread.
    func close() {
        let isFirst = queue.withLock { queue in
            defer { queue.isClosing = true }
            return !queue.isClosing
        }
        guard isFirst else { return }
        queue.signal()
        pthread_join(thread, nil)
    }

    /// Operations and commits so far.
    var counts: (operations: UInt64, commits: UInt64) {
        queue.withLock { ($0.operationsCount, $0.commitsCount) }
    }

    private func run() {
        var signals = MapGuard.signalsToBlock
        pthread_sigmask(SIG_BLOCK, &signals, nil)
        MapGuard.thisThreadWrites()
        while true {
            let taken = queue.wait { queue -> [Submission]? in
                if queue.waiting.isEmpty { return queue.isClosing ? [] : nil }
                let taken = queue.waiting
                queue.waiting = []
                return taken
            }
            guard !taken.isEmpty else { return }
            var rest = taken[...]
            while !rest.isEmpty { finish(nextBatch(of: &rest)) }
        }
    }

    private func nextBatch(of rest: inout ArraySlice<Submission>) -> ArraySlice<Submission> {
        var count = 0
        var bytes = 0
        for submission in rest.prefix(Self.batchCountMax) where bytes < Self.batchBytesMax {
            count += 1
            bytes += submission.byteCount
        }
        defer { rest = rest.dropFirst(count) }
        return rest.prefix(count)
    }

    private func finish(_ batch: ArraySlice<Submission>) {
        let (results, isCommitted) = perform(batch)
        queue.withLock { queue in
            for (submission, result) in zip(batch, results) {
                queue.completions.complete(
                    submission.operation, ticket: submission.ticket, by: submission.worker,
                    in: submission.term, result: result)
                queue.bytes -= submission.byteCount
            }
            queue.count -= batch.count
            queue.operationsCount += UInt64(batch.count)
            queue.commitsCount += isCommitted ? 1 : 0
            queue.isFailed = environment.failure != nil
        }
        wake()
    }

    /// Applies a batch in one transaction; if that fails, it fails for all of them.
    private func perform(
        _ batch: ArraySlice<Submission>
    ) -> (results: [Result<StoreOutcome, StoreFailure>], isCommitted: Bool) {
        do throws(StoreError) {
            let admission: Admission =
                try environment.usedFraction() < Self.fractionMax ? .all : .acknowledgementsOnly
            var terms = queue.withLock { $0.completions.terms }
            let results = try environment.write { transaction throws(StoreError) in
                var results: [Result<StoreOutcome, StoreFailure>] = []
                results.reserveCapacity(batch.count)
                for submission in batch {
                    let term = submission.term
                    let worker = submission.worker
                    guard terms[worker].mayApply(submission.operation, submittedIn: term) else {
                        results.append(.failure(.full))
                        continue
                    }
                    let result = try transaction.perform(submission.operation, admission)
                    terms[worker].applied(
                        submission.operation, submittedIn: submission.term, result: result)
                    results.append(result)
                }
                return results
            }
            return (results, true)
        } catch {
            let failure = StoreFailure(error)
            if failure == .failed { environment.latch(error) }
            return (batch.map { _ in .failure(failure) }, false)
        }
    }
}

extension StoreOperation {
    /// About how many bytes it adds to a batch.
    var byteCount: Int {
        switch self {
        case .createAccount(let create): 256 + create.password.count
        case .appendMessage(let append): 512 + append.event.bodyByteCount
        case .acknowledge(let acknowledge):
            64 + 64 * (acknowledge.delivered.count + acknowledge.read.count)
        // A purge removes two rows for each that it may forget.
        case .purgeDeduplication(_, let limit):
            64 + 32 * min(max(0, limit), StoreLimits.purgedRowsMax)
        case .replacePassword(_, _, let record): 64 + record.count
        case .expire(_, let limit), .continueDeletions(_, let limit):
            64 + 64 * min(max(0, limit), StoreLimits.erasedEventsMax)
        case .enrolDevice, .raiseHelloCounter, .createInvitation, .changeConversation: 256
        case .recoverAccount, .changeAccount, .changeContact: 1_024
        }
    }
}
