// The workers of the server's process: their cores, what lies in their mailboxes, and all together.

internal import PetrelBase
internal import PetrelServerCore
internal import PetrelServices
internal import PetrelWire

/// One worker of the server's process.
final class SimulatedWorker {
    let index: Int
    var core: ServerCore
    /// When it will be woken; an earlier deadline needs another event.
    var wakeAt = Instant.distantFuture
    /// Letters of other workers that it has not read, oldest first.
    var mail: [WorkerLetter] = []

    init(_ index: Int, core: consuming ServerCore) {
        self.index = index
        self.core = core
    }
}

extension SimulatedServer {
    /// Sessions of all workers, half-open and closing ones included.
    var sessionsCount: Int { workers.reduce(0) { $0 + $1.core.sessionsCount } }
    /// Sessions that have been confirmed.
    var confirmedCount: Int {
        workers.reduce(0) { $0 + $1.core.sessionsCount - $1.core.halfOpenCount }
    }
    /// HELLOs that wait to be opened.
    var waitingCount: Int { workers.reduce(0) { $0 + $1.core.waitingCount } }
    /// Operations that no worker was told of yet.
    var operationsCount: Int { workers.reduce(0) { $0 + $1.core.operationsCount } }
    /// A fold of the state of all workers.
    var stateDigest: UInt64 {
        workers.reduce(0) { ($0 &* 0x0000_0100_0000_01B3) ^ $1.core.stateDigest }
    }
    /// Whether any worker knows that the disk failed.
    var hasFailed: Bool { workers.contains { $0.core.hasFailed } }
    /// Whether no worker has anything left to do.
    var isDrained: Bool { workers.allSatisfy { $0.core.isDrained } }
    /// Whether every worker demands cookies at that time of the server's clock.
    func isUnderLoad(now: Instant) -> Bool {
        workers.allSatisfy { $0.core.isUnderLoad(now: now) }
    }
    /// What all workers counted.
    var metrics: CoreMetrics {
        workers.reduce(CoreMetrics()) { $0 + $1.core.metrics }
    }

    /// The worker whose socket the kernel gives a datagram to.
    func reached(by flight: Flight) -> SimulatedWorker {
        // All connections are those of the first worker.
        guard plan.count > 1, flight.source.carrier == .datagram else { return workers[0] }
        let isStray = chance.chance(plan.stray)
        let owner = Steering.worker(of: flight.bytes.span.bytes, among: plan.count)
        if let owner, !isStray { return workers[owner] }
        let source = flight.source.high ^ flight.source.low ^ UInt64(flight.source.port)
        return workers[Int((source &* 0x9E37_79B9_7F4A_7C15) >> 32) % plan.count]
    }

    /// How long it takes until a worker's thread reads what was put into its mailbox.
    func mailDelay() -> Interval {
        .microseconds(Int64(chance.below(UInt64(max(1, plan.mailDelay)))))
    }

    /// Has all workers close their sessions and take no more.
    func stop(now: Instant) {
        for worker in workers { worker.core.stop(now: now) }
    }
}
