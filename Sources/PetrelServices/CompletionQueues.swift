// Hands completions to the workers that share a store: to each its own, and the news of all others.

#if PETREL_PLANTED
    internal import PetrelBase
#endif

/// What a store has to tell each of its workers, and the terms of their submissions.
///
/// Used by stores, which call `complete` in the order of the commits.
public struct CompletionQueues: Sendable {
    /// Completions that one worker may be behind before nothing more is taken in.
    public static let untakenMax = 65_536

    private struct Queue {
        var completions: [StoreCompletion] = []
        var terms = AppendTerms()
    }

    private var queues: [Queue]

    /// Creates empty queues for that many workers.
    public init(workers: Int) {
        precondition(workers > 0)
        queues = Array(repeating: Queue(), count: workers)
    }

    /// Workers that share the store.
    public var workersCount: Int { queues.count }

    /// Whether a worker is so far behind that the store takes nothing in.
    public var isCongested: Bool {
        queues.contains { $0.completions.count >= Self.untakenMax }
    }

    /// The terms of the workers' submissions, for a store that applies several before it tells.
    public var terms: [AppendTerms] { queues.map(\.terms) }

    /// The term of what a worker submits now.
    public func term(of worker: Int) -> UInt64 { queues[worker].terms.current }

    /// Notes what came of an operation that a worker submitted in `term`, for all who must hear it.
    public mutating func complete(
        _ operation: StoreOperation, ticket: UInt64, by worker: Int, in term: UInt64,
        result: Result<StoreOutcome, StoreFailure>
    ) {
        queues[worker].terms.applied(operation, submittedIn: term, result: result)
        queues[worker].completions.append(StoreCompletion(ticket: ticket, result: result))
        guard queues.count > 1, Self.isNews(result) else { return }
        #if PETREL_PLANTED
            if PlantedBug.newsStayWithWorker.isActive { return }
        #endif
        let news = StoreCompletion(
            ticket: ticket, result: result, submitter: .another(operation))
        for other in queues.indices where other != worker {
            queues[other].completions.append(news)
        }
    }

    /// Moves a worker's completions to the end of `completions`.
    public mutating func take(of worker: Int, into completions: inout [StoreCompletion]) {
        completions.append(contentsOf: queues[worker].completions)
        queues[worker].completions.removeAll(keepingCapacity: true)
        queues[worker].terms.told()
    }

    private static func isNews(_ result: Result<StoreOutcome, StoreFailure>) -> Bool {
        switch result {
        case .success(.appended(let message)): !message.isDuplicate
        case .success(.acknowledged(let marks)): !marks.isEmpty
        case .success(.enrolled(_, _, let changes)), .success(.changed(let changes)):
            !changes.steps.isEmpty || !changes.revoked.isEmpty
        case .success(.expired(let events)): !events.isEmpty
        case .failure(let failure): failure == .failed
        case .success: false
        }
    }
}
