// One LMDB environment in a private directory; the first failed commit is its last.

import CLMDB
import Glibc
import PetrelServices
import Synchronization

/// The tables of one store, open in this process and nowhere else.
///
/// The default flags and `MDB_NOTLS` only: every commit is on the disk when it returns. After a
/// failed flush the kernel forgets what it could not write and the next flush succeeds, so the
/// first commit that fails for another reason than room is remembered, and nothing is written any
/// more.
final class Environment: Sendable {
    static let tablesMax: MDB_dbi = 32
    private static let pooledReadersMax = 8
    private static let damagedRecordsMax = 100

    private struct State {
        /// Transactions that were reset, to be renewed.
        var idleReaders: [Reader] = []
        /// Transactions that are going on.
        var activeCount = 0
        var longestRead: Int64 = 0
        var isClosed = false
        var failure: StoreError?
        var damaged: [DamagedRecord] = []
    }

    /// A read transaction between two uses; without thread-local storage any thread may renew it.
    private struct Reader: @unchecked Sendable {
        var handle: OpaquePointer
    }

    /// The directory.
    let path: String
    /// The numbers of the open tables.
    let tables: Tables
    /// The limits that the rules of a server's store go by.
    let limits: ServiceLimits
    // Good on any thread until a closed environment has no transaction: see `leave`.
    nonisolated(unsafe) private let handle: OpaquePointer
    private let state: Mutex<State>
    private let damageMet: @Sendable (DamagedRecord) -> Void
    private let directory: PrivateDirectory

    /// Opens the store in `path`, creating it if there is none.
    ///
    /// `damageMet` is told of each damaged record once, on the thread that met it. If
    /// `endsProcessOnDamagedPages`, `MapGuard` watches.
    init(
        directory path: String, mapBytes: Int, purpose: Purpose, limits: ServiceLimits = .init(),
        endsProcessOnDamagedPages: Bool = false,
        damageMet: @escaping @Sendable (DamagedRecord) -> Void = { _ in }
    ) throws(StoreError) {
        let directory = try PrivateDirectory(path)
        var handle: OpaquePointer?
        let code = mdb_env_create(&handle)
        guard code == 0, let handle else {
            throw StoreError(code: code, doing: "create the environment", path: path)
        }
        do throws(StoreError) {
            if endsProcessOnDamagedPages { MapGuard.watch(handle, path: path) }
            try Self.open(handle, path, mapBytes)
            if endsProcessOnDamagedPages { try MapGuard.mapped(handle, path: path) }
            tables = try Schema.admit(handle, path: path, purpose: purpose)
            try directory.synchronise(path)
        } catch {
            mdb_env_close(handle)
            throw error
        }
        self.path = path
        self.limits = limits
        self.handle = handle
        self.directory = directory
        self.damageMet = damageMet
        state = Mutex(State())
    }

    deinit { close() }

    private static func open(
        _ handle: OpaquePointer, _ path: String, _ mapBytes: Int
    ) throws(StoreError) {
        let steps: [() -> Int32] = [
            { mdb_env_set_mapsize(handle, mapBytes) },
            { mdb_env_set_maxdbs(handle, tablesMax) },
            { mdb_env_open(handle, path, UInt32(MDB_NOTLS), 0o600) },
            // Slots of readers that died keep old pages from being used again.
            { mdb_reader_check(handle, nil) },
        ]
        for step in steps {
            let code = step()
            guard code == 0 else {
                throw StoreError(code: code, doing: "open the environment", path: path)
            }
        }
    }

    /// Lets nobody in any more; the files are closed when the last one is gone.
    func close() {
        let isLast = state.withLock { state in
            guard !state.isClosed else { return false }
            state.isClosed = true
            return state.activeCount == 0
        }
        if isLast { release() }
    }

    private func release() {
        let idle = state.withLock { state in
            let idle = state.idleReaders
            state.idleReaders = []
            return idle
        }
        for reader in idle { mdb_txn_abort(reader.handle) }
        mdb_env_close(handle)
        directory.unlock()
    }

    /// Lends the only write transaction to `body` and makes its changes durable; if `body` throws,
    /// nothing is changed.
    ///
    /// Failing to commit for another reason than room is final.
    func write<R>(
        _ body: (inout WriteTransaction) throws(StoreError) -> R
    ) throws(StoreError) -> R {
        let isOpen = state.withLock { state in
            guard !state.isClosed else { return false }
            state.activeCount += 1
            return true
        }
        guard isOpen else { throw .closed(path) }
        defer { leave() }
        if let failure { throw failure }
        return try commit(body)
    }

    private func commit<R>(
        _ body: (inout WriteTransaction) throws(StoreError) -> R
    ) throws(StoreError) -> R {
        var transaction = try WriteTransaction(
            environment: handle, tables: tables, path: path, limits: limits, damageMet: report)
        let result = try body(&transaction)
        do throws(StoreError) {
            try transaction.commit(path: path)
        } catch {
            if error.kind != .full { latch(error) }
            throw error
        }
        return result
    }

    /// Remembers the first failure; nothing is written after it.
    func latch(_ failure: StoreError) {
        state.withLock { if $0.failure == nil { $0.failure = failure } }
    }

    /// Why nothing is written any more, once a commit failed.
    var failure: StoreError? { state.withLock { $0.failure } }

    /// The part of the map that is in use, from 0 to 1.
    ///
    /// Pages that were freed count only while the map looks well filled: finding them takes a walk.
    func usedFraction() throws(StoreError) -> Double {
        let transaction = try ReadTransaction(self)
        var info = MDB_envinfo()
        var status = MDB_stat()
        try transaction.check(mdb_env_info(handle, &info), "examine the map")
        try transaction.check(mdb_env_stat(handle, &status), "examine the map")
        // These numbers stand in a page without a checksum: they may be anything.
        let pagesMax = max(1, info.me_mapsize / max(1, Int(status.ms_psize)))
        let pages = min(max(0, info.me_last_pgno), pagesMax) + 1
        let fraction = Double(pages) / Double(pagesMax)
        guard fraction >= 0.75 else { return fraction }
        let free = try transaction.freePages()
        return Double(pages - min(pages, free)) / Double(pagesMax)
    }

    /// Keeps note of a record that cannot be read.
    func report(_ record: DamagedRecord) {
        let isNew = state.withLock { state in
            guard state.damaged.count < Self.damagedRecordsMax, !state.damaged.contains(record)
            else { return false }
            state.damaged.append(record)
            return true
        }
        if isNew { damageMet(record) }
    }

    /// The damaged records met so far, the first hundred of them.
    var damaged: [DamagedRecord] { state.withLock { $0.damaged } }

    /// How long the longest read transaction took, in nanoseconds.
    var longestReadNanoseconds: Int64 { state.withLock { $0.longestRead } }

    /// Returns a read transaction, renewed or new; `giveBack` must follow.
    func takeReader() throws(StoreError) -> OpaquePointer {
        let (isOpen, reader) = state.withLock { state -> (Bool, Reader?) in
            guard !state.isClosed else { return (false, nil) }
            state.activeCount += 1
            return (true, state.idleReaders.popLast())
        }
        guard isOpen else { throw .closed(path) }
        var handle = reader?.handle
        let code =
            if let handle { mdb_txn_renew(handle) } else {
                mdb_txn_begin(self.handle, nil, UInt32(MDB_RDONLY), &handle)
            }
        guard code == 0, let handle else {
            if let reader { mdb_txn_abort(reader.handle) }
            leave()
            throw StoreError(code: code, doing: "begin to read", path: path)
        }
        return handle
    }

    func giveBack(_ handle: OpaquePointer, after nanoseconds: Int64) {
        mdb_txn_reset(handle)
        let reader = Reader(handle: handle)
        let isKept = state.withLock { state in
            state.longestRead = max(state.longestRead, nanoseconds)
            guard state.idleReaders.count < Self.pooledReadersMax else { return false }
            state.idleReaders.append(reader)
            return true
        }
        if !isKept { mdb_txn_abort(handle) }
        leave()
    }

    private func leave() {
        let isLast = state.withLock { state in
            state.activeCount -= 1
            return state.isClosed && state.activeCount == 0
        }
        if isLast { release() }
    }
}

extension ReadTransaction {
    /// More pages than one entry of the list can name, unless it is damaged.
    private static let listedPagesMax = 1 << 24

    /// Counts the pages that were freed, by walking the database's own list of them.
    fileprivate borrowing func freePages() throws(StoreError) -> Int {
        var cursor: OpaquePointer?
        try check(mdb_cursor_open(handle, 0, &cursor), "walk the free pages")
        defer { mdb_cursor_close(cursor) }
        var (key, value) = (MDB_val(), MDB_val())
        var pages = 0
        while true {
            let code = mdb_cursor_get(cursor, &key, &value, MDB_NEXT)
            if code == MDB_NOTFOUND { return pages }
            try check(code, "walk the free pages")
            let bytes = UnsafeRawBufferPointer(start: value.mv_data, count: value.mv_size)
            guard bytes.count >= MemoryLayout<Int>.size else { continue }
            pages += min(max(0, bytes.loadUnaligned(as: Int.self)), Self.listedPagesMax)
        }
    }
}
