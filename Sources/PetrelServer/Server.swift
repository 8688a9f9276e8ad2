// The server as a process sees it: start, run until it is told to stop, and say why it ended.

internal import Glibc
public import PetrelBase
public import PetrelCrypto
internal import PetrelEvent
public import PetrelServerCore
internal import PetrelServices
internal import PetrelStore
internal import PetrelTransport

/// A server: its keys, its store, its hash threads, and its workers.
///
/// Worker 0 is on the thread that runs the server, each other one on a thread of its own.
///
/// Belongs to one thread, but for `stopper`.
public final class Server {
    /// Why `run` returned.
    public enum Ending: Equatable, Sendable {
        /// It was told to stop; all that was acknowledged is on the disk.
        case stopped
        /// The store failed: the process must end with status 74 and the store be verified.
        case storageFailed(ServerError)
    }

    /// Stops a server from any thread.
    public struct Stopper: Sendable {
        fileprivate let mailbox: Mailbox<Worker.Stop>

        /// Asks the server to stop; `run` returns soon.
        public func stop() { _ = mailbox.post(.gracefully) }
    }

    /// The key that clients must know.
    public let publicKey: PublicKey
    /// Where it listens, with the port that the kernel chose.
    public let address: Address
    /// Where it takes TCP connections; `nil` if it takes none.
    public let tcpAddress: Address?
    /// What stops it.
    public let stopper: Stopper

    private let store: LocalStore
    private let pool: HashPool
    private let loops: [EventLoop]
    private let workers: [Worker]
    private let mailboxes: [Worker.Mailboxes]

    /// Opens keys, store and socket; nothing is served before `run`.
    ///
    /// `notice` gets a sentence for the operator when something is wrong that does not end the
    /// server, such as a damaged record; on any thread.
    ///
    /// - Throws: `ServerError`, with what to do about it.
    public init(
        _ settings: ServerConfiguration,
        notice: @escaping @Sendable (String) -> Void = { _ in }
    ) throws(ServerError) {
        var settings = try settings.validated()
        let identity = KeyPair(
            secret: try KeyFile.key(KeyFile.identityName, in: settings.directory))
        let pepper = try KeyFile.key(KeyFile.pepperName, in: settings.directory)
        publicKey = identity.publicKey
        let core = settings.core
        let mailboxes: [Worker.Mailboxes]
        let loops: [EventLoop]
        do throws(SystemError) {
            loops = try Self.several(settings.workers) { _ throws(SystemError) in try EventLoop() }
            mailboxes = try Self.several(settings.workers) { _ throws(SystemError) in
                try Worker.Mailboxes(hashesMax: core.hashJobsMax + settings.hashThreads)
            }
        } catch {
            throw ServerError(error)
        }
        let address = try Self.address(settings.listen)
        // All workers announce the port, so it must be known before there is any.
        settings.core.session.tcpPort = try Self.tcpPort(settings)
        tcpAddress = settings.core.session.tcpPort.map { settings.listen.over(.stream, port: $0) }
        do throws(StoreError) {
            store = try Self.store(settings, notice) {
                for worker in mailboxes { _ = worker.commits.post(()) }
            }
        } catch {
            throw ServerError(error)
        }
        let store = store
        let pool = try HashPool(
            threads: settings.hashThreads, queuedMax: core.hashJobsMax, pepper: pepper,
            cost: settings.passwordCost
        ) { ticket, result in
            _ = mailboxes[0].hashes.post(Worker.HashDone(ticket: ticket, result: result))
        }
        do throws(ServerError) {
            var isSteered: Bool?
            workers = try Self.several(settings.workers) { index throws(ServerError) in
                let doors = try Self.doors(
                    of: index, among: settings.workers, at: address, isSteered: isSteered)
                isSteered = doors.isSteered
                return try Self.worker(
                    index, settings, doors: doors, identity: identity.duplicate(), store: store,
                    loop: loops[index], pool: pool, mailboxes: mailboxes)
            }
        } catch {
            for loop in loops { loop.forgetAll() }
            pool.close()
            throw error
        }
        self.pool = pool
        self.loops = loops
        self.mailboxes = mailboxes
        self.address = workers[0].localAddress
        stopper = Stopper(mailbox: mailboxes[0].stops)
    }

    deinit {
        for loop in loops { loop.forgetAll() }
        pool.close()
    }

    /// Serves until a signal or `stopper` ends it, or the store fails; can be called once.
    ///
    /// - Throws: `ServerError` if the event loop or the socket itself fails.
    public func run() throws(ServerError) -> Ending {
        defer { close() }
        var threads: [WorkerThread] = []
        var broken: SystemError?
        do throws(SystemError) {
            for loop in loops.dropFirst() { threads.append(try WorkerThread(running: loop)) }
            try loops[0].run()
        } catch {
            broken = error
        }
        // Worker 0 has ended: because all do, or because it cannot go on.
        if broken != nil || workers[0].hasFailed || workers[0].failure != nil {
            for other in mailboxes { _ = other.stops.post(.atOnce) }
        }
        for thread in threads {
            let error = thread.join()
            broken = broken ?? error
        }
        if let failure = broken ?? workers.lazy.compactMap(\.failure).first {
            throw ServerError(failure)
        }
        guard workers.contains(where: \.hasFailed) else { return .stopped }
        let error = store.failure.map { ServerError($0) }
        return .storageFailed(error ?? .storeFailed)
    }

    /// The 32 bytes of `publicKey`, for the address that people paste.
    public var publicKeyBytes: [UInt8] { publicKey.bytes.withUnsafeBytes { Array($0) } }

    /// What all workers counted; to be read before or after `run`.
    public var metrics: CoreMetrics {
        workers.reduce(CoreMetrics()) { $0 + $1.metrics }
    }

    /// What became of TCP connections; to be read before or after `run`.
    public var streamMetrics: StreamMetrics { workers[0].streamMetrics }

    private func close() {
        for loop in loops { loop.forgetAll() }
        pool.close()
        // Finishes what waits; nobody is told of it any more, and clients ask again.
        store.close()
    }

    private static func several<Element, Failure: Error>(
        _ count: Int, _ make: (Int) throws(Failure) -> Element
    ) throws(Failure) -> [Element] {
        var elements: [Element] = []
        for index in 0..<count { elements.append(try make(index)) }
        return elements
    }

    private static func worker(
        _ index: Int, _ settings: ServerConfiguration, doors: consuming Doors,
        identity: consuming KeyPair, store: LocalStore, loop: EventLoop, pool: HashPool,
        mailboxes: [Worker.Mailboxes]
    ) throws(ServerError) -> Worker {
        var core = settings.core
        core.worker = UInt8(index)
        core.workers = settings.workers
        core.session.isTracing = settings.qlogDirectory != nil
        core.session.revealsSecrets = settings.keyLog != nil
        core.seed = SecureRandom().next()
        let brain = ServerCore(
            configuration: core, identity: identity, store: store, now: EventLoop.now)
        let streams = index == 0 ? try connections(settings, tcpPort: core.session.tcpPort) : nil
        let keyLog = try keyLog(settings.keyLog)
        let logs = try logs(settings.qlogDirectory)
        do throws(SystemError) {
            let worker = try Worker(
                core: brain, doors: doors, streams: streams, loop: loop, pool: pool,
                mailboxes: mailboxes,
                stopTimeout: settings.stopTimeout, keyLog: keyLog, logs: logs)
            if index == 0, settings.signals == .stop {
                try loop.watchSignal(SIGINT, with: worker)
                try loop.watchSignal(SIGTERM, with: worker)
            }
            return worker
        } catch {
            throw ServerError(error)
        }
    }

    /// The address that all sockets are bound to, which nobody else has bound.
    ///
    /// Sockets that share a port would let those of another server join them.
    private static func address(_ wish: Address) throws(ServerError) -> Address {
        do throws(SystemError) {
            return try UDPSocket(boundTo: wish).localAddress
        } catch {
            throw ServerError(error, listening: wish)
        }
    }

    private static func doors(
        of index: Int, among workers: Int, at address: Address, isSteered: Bool?
    ) throws(ServerError) -> Doors {
        do throws(SystemError) {
            return try Doors(
                of: UInt8(index), among: workers, at: address, isSteered: isSteered)
        } catch {
            throw ServerError(error, listening: address)
        }
    }

    private static func keyLog(_ path: String?) throws(ServerError) -> KeyLogFile? {
        guard let path else { return nil }
        do throws(SystemError) {
            return try KeyLogFile(path: path)
        } catch {
            throw ServerError(
                kind: .keyFile, happened: "The key log \(path) cannot be used: \(error).",
                advice: "Name a file that only its owner may read, or a new one.")
        }
    }

    private static func logs(_ path: String?) throws(ServerError) -> LogDirectory? {
        guard let path else { return nil }
        do throws(SystemError) {
            return try LogDirectory(path: path)
        } catch {
            throw ServerError(
                kind: .configuration,
                happened: "The qlog directory \(path) cannot be used: \(error).",
                advice: "Name a directory that exists and can be written to.")
        }
    }

    private static func store(
        _ settings: ServerConfiguration, _ notice: @escaping @Sendable (String) -> Void,
        wake: @escaping @Sendable () -> Void
    ) throws(StoreError) -> LocalStore {
        let directory = settings.directory
        return try LocalStore(
            directory: directory, mapBytes: settings.mapBytes, workers: settings.workers,
            limits: settings.limits,
            endsProcessOnDamagedPages: settings.signals == .stop,
            damageMet: { record in
                notice(
                    "The record \(record) in \(directory) is damaged and is not used any more. "
                        + "Restore it from a backup; other records are not affected.")
            },
            wake: wake)
    }

    /// The TCP port to listen on; one that is free, if the kernel is to choose.
    private static func tcpPort(
        _ settings: ServerConfiguration
    ) throws(ServerError) -> UInt16? {
        guard settings.tcpPort == 0 else { return settings.tcpPort }
        return try streamListener(settings.listen.over(.stream, port: 0)).port
    }

    private static func connections(
        _ settings: ServerConfiguration, tcpPort: UInt16?
    ) throws(ServerError) -> StreamConnections? {
        guard let tcpPort else { return nil }
        let listener = try streamListener(settings.listen.over(.stream, port: tcpPort))
        return StreamConnections(listener: listener, limits: settings.streams)
    }

    private static func streamListener(
        _ address: Address
    ) throws(ServerError) -> StreamListener {
        do throws(SystemError) {
            return try StreamListener(boundTo: address)
        } catch {
            throw ServerError(error, listening: address)
        }
    }
}
