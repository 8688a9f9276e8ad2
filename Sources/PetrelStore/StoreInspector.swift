// Looking into the store of a server from outside, live or a copy, without changing anything.

import CLMDB
import Glibc
public import PetrelBase
public import PetrelMessaging
public import PetrelServices

/// A server's store that is open to be read only: beside the server that writes it, or a copy.
///
/// Nothing in the database is changed, and no file is made. Beside a server its lock file takes
/// note of the reader, so that pages that are looked at are not used again; a copy without that
/// file, or on a disk that is read only, is read without, and must not be served meanwhile. One
/// process must not open a store in both ways.
public struct StoreInspector: ~Copyable {
    private let environment: OpaquePointer
    private let tables: Tables
    private let path: String
    /// Which life of the store this is.
    public let incarnation: UInt64

    /// Opens the store in `directory`.
    ///
    /// A directory that others have access to is refused as it is by a server, with
    /// `unsafeDirectory`; what is no store of a server of this version, with `foreign`. A page that
    /// is damaged beyond use is a signal that ends the process; with a sentence on the standard
    /// error and status 74 if `endsProcessOnDamagedPages`.
    public init(
        directory path: String, endsProcessOnDamagedPages: Bool = false
    ) throws(StoreError) {
        let names = try PrivateDirectory.examine(path)
        guard names.contains("data.mdb") else {
            throw Schema.foreign(path, "There is no store in \(path).")
        }
        var handle: OpaquePointer?
        let code = mdb_env_create(&handle)
        guard code == 0, let handle else {
            throw StoreError(code: code, doing: "create the environment", path: path)
        }
        let opened: (tables: Tables, incarnation: UInt64)
        do throws(StoreError) {
            if endsProcessOnDamagedPages { MapGuard.watch(handle, path: path) }
            try Self.open(handle, path, hasLockFile: names.contains("lock.mdb"))
            if endsProcessOnDamagedPages { try MapGuard.mapped(handle, path: path) }
            let tables = try Schema.examine(handle, path: path, purpose: .server)
            let view = try Inspection(handle, tables, path)
            let row: NumberRow? = try view.row(Schema.incarnationKey, in: .meta)
            opened = (tables, row?.number ?? 1)
        } catch {
            mdb_env_close(handle)
            throw error
        }
        environment = handle
        tables = opened.tables
        incarnation = opened.incarnation
        self.path = path
    }

    deinit { mdb_env_close(environment) }

    /// Checks everything in one snapshot against what a store promises.
    ///
    /// `wall` is what the clock shows. Takes as long as it takes to read it all: meanwhile the file
    /// of a server grows with what it writes.
    public func verification(at wall: WallTime) throws(StoreError) -> VerificationReport {
        try read { view throws(Inspection.Trouble) in try view.verification(at: wall) }
    }

    /// Returns what the store knows of a client's identifier, for each account that used it.
    public func stories(of id: ClientMessageID) throws(StoreError) -> [MessageStory] {
        try read { view throws(Inspection.Trouble) in try view.stories(of: id) }
    }

    private func read<R>(
        _ body: (borrowing Inspection) throws(Inspection.Trouble) -> R
    ) throws(StoreError) -> R {
        let view = try Inspection(environment, tables, path)
        do throws(Inspection.Trouble) {
            return try body(view)
        } catch {
            switch error {
            case .failed(let failure): throw failure
            case .damaged(let row): throw .damaged(DamagedRecord(row), path: path)
            // Only changes are refused; a question that were would find no answer.
            case .refused, .full: throw StoreError(code: EPERM, doing: "read", path: path)
            }
        }
    }

    private static func open(
        _ handle: OpaquePointer, _ path: String, hasLockFile: Bool
    ) throws(StoreError) {
        // Without the file nobody serves this store; making one would write into a copy.
        let locking = hasLockFile ? 0 : MDB_NOLOCK
        let steps: [() -> Int32] = [
            { mdb_env_set_maxdbs(handle, Environment.tablesMax) },
            { mdb_env_open(handle, path, UInt32(MDB_RDONLY | MDB_NOTLS | locking), 0o600) },
        ]
        for step in steps {
            let code = step()
            switch code {
            case 0: continue
            case MDB_INVALID, MDB_VERSION_MISMATCH:
                throw Schema.foreign(path, "The database in \(path) is not a store of Petrel.")
            default: throw StoreError(code: code, doing: "open the environment", path: path)
            }
        }
    }
}

/// What all tables hold at one moment: what is damaged in it is taken for none.
private struct Inspection: ~Copyable, Transaction, RowReader {
    typealias Failure = StoreError

    let handle: OpaquePointer
    let tables: Tables
    let limits = ServiceLimits()

    init(_ environment: OpaquePointer, _ tables: Tables, _ path: String) throws(StoreError) {
        var handle: OpaquePointer?
        let code = mdb_txn_begin(environment, nil, UInt32(MDB_RDONLY), &handle)
        guard code == 0, let handle else {
            throw StoreError(code: code, doing: "begin to read", path: path)
        }
        self.handle = handle
        self.tables = tables
    }

    deinit { mdb_txn_abort(handle) }

    func find<R: Record>(_ key: Key, in table: TableName) throws(Trouble) -> R? {
        do throws(StoreError) {
            return try row(key, in: table)
        } catch {
            guard case .damaged = error.kind else { throw .failed(error) }
            return nil
        }
    }

    /// What is damaged is for the report of whoever looks for damage.
    func report(_ row: DamagedRow) {}
}
