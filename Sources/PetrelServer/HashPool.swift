// Hashes passwords on threads of its own: a hash takes a tenth of a second, datagrams cannot wait.

internal import Glibc
internal import PetrelCrypto
internal import PetrelServerCore
internal import PetrelServices

/// A few threads and a short queue; what does not fit is refused at once.
///
/// Unchecked because the compiler cannot see that `queue` is only touched while `mutex` is held.
final class HashPool: @unchecked Sendable {
    private struct Queue {
        var waiting: [HashJobTicketed] = []
        var isClosing = false
    }

    private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private let changed = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
    private var queue = Queue()
    private var threads: [pthread_t] = []
    private let queuedMax: Int
    private let pepper: SecretKey
    private let cost: PasswordHash.Cost
    /// What is compared with when there is no account, so that the answer takes as long.
    private let dummy: [UInt8]
    private let done: @Sendable (UInt64, HashResult) -> Void

    /// Starts the threads; they call `done` with each result.
    init(
        threads count: Int, queuedMax: Int, pepper: consuming SecretKey,
        cost: PasswordHash.Cost, done: @escaping @Sendable (UInt64, HashResult) -> Void
    ) throws(ServerError) {
        self.queuedMax = queuedMax
        self.pepper = pepper
        self.cost = cost
        self.done = done
        dummy = PasswordHash.dummyRecord(cost: cost)
        pthread_mutex_init(mutex, nil)
        pthread_cond_init(changed, nil)
        for _ in 0..<count {
            var thread = pthread_t()
            let code = pthread_create(
                &thread, nil,
                { argument in
                    guard let argument else { return nil }
                    Unmanaged<HashPool>.fromOpaque(argument).takeRetainedValue().work()
                    return nil
                }, Unmanaged.passRetained(self).toOpaque())
            guard code == 0 else {
                Unmanaged.passUnretained(self).release()
                close()
                throw ServerError(
                    kind: .system,
                    happened: "Cannot start a thread: \(String(cString: strerror(code))).",
                    advice: "Raise the limit of threads, or use fewer hash threads.")
            }
            threads.append(thread)
        }
    }

    deinit {
        pthread_cond_destroy(changed)
        pthread_mutex_destroy(mutex)
        changed.deallocate()
        mutex.deallocate()
    }

    /// Queues a job; returns `false`, taking nothing, if too many wait.
    func submit(_ job: HashJobTicketed) -> Bool {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        guard queue.waiting.count < queuedMax, !queue.isClosing else { return false }
        queue.waiting.append(job)
        pthread_cond_signal(changed)
        return true
    }

    /// Ends the threads after the jobs that they are at; those that wait are forgotten.
    func close() {
        pthread_mutex_lock(mutex)
        queue.isClosing = true
        queue.waiting = []
        pthread_cond_broadcast(changed)
        pthread_mutex_unlock(mutex)
        for thread in threads { pthread_join(thread, nil) }
        threads = []
    }

    private func work() {
        // Signals are for the thread of the event loop.
        var signals = sigset_t()
        sigfillset(&signals)
        pthread_sigmask(SIG_BLOCK, &signals, nil)
        while let job = next() { done(job.ticket, result(of: job.job)) }
    }

    private func next() -> HashJobTicketed? {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        while true {
            if queue.isClosing { return nil }
            if !queue.waiting.isEmpty { return queue.waiting.removeFirst() }
            pthread_cond_wait(changed, mutex)
        }
    }

    private func result(of job: HashJob) -> HashResult {
        do throws(CryptoError) {
            switch job {
            case .make(let password): return .made(record: try make(password))
            case .verify(let password, let record):
                let stored = record ?? dummy
                let isRight = try PasswordHash.verify(
                    password: password.span.bytes, pepper: pepper, record: stored.span.bytes)
                guard isRight, record != nil else { return .wrong }
                let isOld = try PasswordHash.needsRehash(record: stored.span.bytes, cost: cost)
                return .right(renewed: isOld ? try make(password) : nil)
            }
        } catch {
            // A record that cannot be read fits no password; all else is a lack of memory.
            return error == .malformedRecord ? .wrong : .notDone
        }
    }

    private func make(_ password: [UInt8]) throws(CryptoError) -> [UInt8] {
        try PasswordHash.make(password: password.span.bytes, pepper: pepper, cost: cost)
    }
}
