// The server as a process sees it: start, run until it is told to stop, and say why it ended.

internal import Glibc
public import PetrelBase
public import PetrelCrypto
internal import PetrelEvent
public import PetrelServerCore
internal import PetrelServices
internal import PetrelStore
internal import PetrelTransport

/// A server: its keys, its store, its hash threads, and one worker on the thread that runs it.
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
        fileprivate let mailbox: Mailbox<Void>

        /// Asks the server to stop; `run` returns soon.
        public func stop() { _ = mailbox.post(()) }
    }

    /// The key that clients must know.
    public let publicKey: PublicKey
    /// Where it listens, with the port that the kernel chose.
    public let address: Address
    /// What stops it.
    public let stopper: Stopper

    private let store: LocalStore
    private let pool: HashPool
    private let loop: EventLoop
    private let worker: Worker

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
        let settings = try settings.validated()
        let identity = KeyPair(
            secret: try KeyFile.key(KeyFile.identityName, in: settings.directory))
        let pepper = try KeyFile.key(KeyFile.pepperName, in: settings.directory)
        publicKey = identity.publicKey
        let core = settings.core
        let mailboxes: Worker.Mailboxes
        let loop: EventLoop
        do throws(SystemError) {
            loop = try EventLoop()
            mailboxes = Worker.Mailboxes(
                commits: try Mailbox(capacity: 1),
                hashes: try Mailbox(capacity: core.hashJobsMax + settings.hashThreads),
                stops: try Mailbox(capacity: 1))
        } catch {
            throw ServerError(error)
        }
        let socket = try Self.listen(settings.listen)
        do throws(StoreError) {
            store = try Self.store(settings, notice) { _ = mailboxes.commits.post(()) }
        } catch {
            throw ServerError(error)
        }
        pool = try HashPool(
            threads: settings.hashThreads, queuedMax: core.hashJobsMax, pepper: pepper,
            cost: settings.passwordCost
        ) { ticket, result in
            _ = mailboxes.hashes.post(Worker.HashDone(ticket: ticket, result: result))
        }
        let keyLog = try Self.keyLog(settings.keyLog)
        let logs = try Self.logs(settings.qlogDirectory)
        var seeded = core
        seeded.session.isTracing = logs != nil
        seeded.session.revealsSecrets = settings.keyLog != nil
        seeded.seed = SecureRandom().next()
        let brain = ServerCore(
            configuration: seeded, identity: identity, store: store, now: EventLoop.now)
        do throws(SystemError) {
            worker = try Worker(
                core: brain, socket: socket, loop: loop, pool: pool, mailboxes: mailboxes,
                stopTimeout: settings.stopTimeout, keyLog: keyLog, logs: logs)
            if settings.signals == .stop {
                try loop.watchSignal(SIGINT, with: worker)
                try loop.watchSignal(SIGTERM, with: worker)
            }
        } catch {
            pool.close()
            throw ServerError(error)
        }
        self.loop = loop
        address = worker.localAddress
        stopper = Stopper(mailbox: mailboxes.stops)
    }

    deinit {
        loop.forgetAll()
        pool.close()
    }

    /// Serves until a signal or `stopper` ends it, or the store fails; can be called once.
    ///
    /// - Throws: `ServerError` if the event loop or the socket itself fails.
    public func run() throws(ServerError) -> Ending {
        defer { close() }
        do throws(SystemError) { try loop.run() } catch { throw ServerError(error) }
        if let failure = worker.failure { throw ServerError(failure) }
        guard worker.hasFailed else { return .stopped }
        let error = store.failure.map { ServerError($0) }
        return .storageFailed(error ?? .storeFailed)
    }

    /// The 32 bytes of `publicKey`, for the address that people paste.
    public var publicKeyBytes: [UInt8] { publicKey.bytes.withUnsafeBytes { Array($0) } }

    /// What the core counted; to be read on the thread that runs the server, or after it.
    public var metrics: CoreMetrics { worker.metrics }

    private func close() {
        loop.forgetAll()
        pool.close()
        // Finishes what waits; nobody is told of it any more, and clients ask again.
        store.close()
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
            directory: directory, mapBytes: settings.mapBytes,
            endsProcessOnDamagedPages: settings.signals == .stop,
            damageMet: { record in
                notice(
                    "The record \(record) in \(directory) is damaged and is not used any more. "
                        + "Restore it from a backup; other records are not affected.")
            },
            wake: wake)
    }

    private static func listen(_ address: Address) throws(ServerError) -> UDPSocket {
        do throws(SystemError) {
            return try UDPSocket(boundTo: address)
        } catch {
            throw ServerError(error, listening: address)
        }
    }
}
