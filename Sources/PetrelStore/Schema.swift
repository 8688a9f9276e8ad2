// The gate of a store: which schema it has, what it is for, and making it when there is none.

import CLMDB
import PetrelBase
import PetrelServices

/// What is checked before any table is used.
///
/// Version 2 has groups, relations and devices that are shut out; no store of version 1 was ever
/// released. A store of another version is refused before anything is written.
enum Schema {
    /// The version that this program reads and writes.
    static let version: UInt64 = 2
    /// The name of the version in `meta`; its record has the same form in all versions.
    static let versionKey = Key.text("schema")
    /// The name of the purpose in `meta`.
    static let purposeKey = Key.text("purpose")
    /// The name of the store's life in `meta`.
    static let incarnationKey = Key.text("incarnation")

    /// Opens the tables of a store that this program may use, or makes them.
    static func admit(
        _ environment: OpaquePointer, path: String, purpose: Purpose
    ) throws(StoreError) -> Tables {
        let isNew = try !isAdmitted(environment, path: path, purpose: purpose)
        var transaction = try WriteTransaction(
            environment: environment, tables: Tables(), path: path)
        var tables = Tables()
        for name in purpose.tables {
            tables[name] = try open(name, transaction.handle, UInt32(MDB_CREATE), path)
        }
        if isNew {
            transaction.tables = tables
            try transaction.put(NumberRow(version), at: versionKey, in: .meta)
            try transaction.put(TextRow(purpose.rawValue), at: purposeKey, in: .meta)
            try transaction.put(NumberRow(1), at: incarnationKey, in: .meta)
        }
        try transaction.commit(path: path)
        return tables
    }

    /// Opens the tables of a store that this program may read; makes none.
    static func examine(
        _ environment: OpaquePointer, path: String, purpose: Purpose
    ) throws(StoreError) -> Tables {
        guard try isAdmitted(environment, path: path, purpose: purpose) else {
            throw foreign(path, "There is no store in \(path).")
        }
        var transaction: OpaquePointer?
        let code = mdb_txn_begin(environment, nil, UInt32(MDB_RDONLY), &transaction)
        guard code == 0, let transaction else {
            throw StoreError(code: code, doing: "begin to read", path: path)
        }
        var tables = Tables()
        do throws(StoreError) {
            for name in purpose.tables { tables[name] = try open(name, transaction, 0, path) }
        } catch {
            mdb_txn_abort(transaction)
            throw error
        }
        // Committing keeps the tables open; there is nothing to write.
        let result = mdb_txn_commit(transaction)
        guard result == 0 else {
            throw StoreError(code: result, doing: "open the tables", path: path)
        }
        return tables
    }

    /// Whether there is a store that may be opened; `false` if there is none at all.
    private static func isAdmitted(
        _ environment: OpaquePointer, path: String, purpose: Purpose
    ) throws(StoreError) -> Bool {
        let view = try Glance(environment, path)
        guard view.hasTables else { return false }
        guard view.hasMeta, let schema: NumberRow = try view.row(versionKey, in: .meta) else {
            throw foreign(path, "The database in \(path) is not a store of Petrel.")
        }
        guard schema.number == version else {
            let age = schema.number > version ? "newer" : "older"
            throw foreign(
                path,
                "The store in \(path) has schema version \(schema.number), \(age) than \(version).",
                "Use the version of Petrel that wrote it, or choose another directory.")
        }
        let found: TextRow? = try view.row(purposeKey, in: .meta)
        guard let found, found.text == purpose.rawValue else {
            throw foreign(
                path,
                "The store in \(path) is that of a \(found?.text ?? "stranger"), "
                    + "not of a \(purpose.rawValue).")
        }
        return true
    }

    static func foreign(
        _ path: String, _ happened: String, _ advice: String = "Choose another directory."
    ) -> StoreError {
        StoreError(kind: .foreign, path: path, code: 0, happened: happened, advice: advice)
    }

    fileprivate static func open(
        _ name: TableName, _ transaction: OpaquePointer, _ flags: UInt32, _ path: String
    ) throws(StoreError) -> MDB_dbi {
        var index: MDB_dbi = 0
        let code = mdb_dbi_open(transaction, "\(name)", flags, &index)
        guard code == 0 else {
            throw StoreError(code: code, doing: "open the table \(name)", path: path)
        }
        return index
    }
}

/// A first look at an environment; what it opens is closed again when it goes.
private struct Glance: ~Copyable, Transaction {
    let handle: OpaquePointer
    let tables: Tables
    /// Whether there is any table.
    let hasTables: Bool
    /// Whether the table `meta` is there.
    let hasMeta: Bool

    init(_ environment: OpaquePointer, _ path: String) throws(StoreError) {
        var handle: OpaquePointer?
        let code = mdb_txn_begin(environment, nil, UInt32(MDB_RDONLY), &handle)
        guard code == 0, let handle else {
            throw StoreError(code: code, doing: "begin to read", path: path)
        }
        var tables = Tables()
        var main: MDB_dbi = 0
        var status = MDB_stat()
        let isOpen = mdb_dbi_open(handle, nil, 0, &main) == 0
        hasTables = isOpen && mdb_stat(handle, main, &status) == 0 && status.ms_entries > 0
        hasMeta = mdb_dbi_open(handle, "\(TableName.meta)", 0, &tables[.meta]) == 0
        self.handle = handle
        self.tables = tables
    }

    deinit { mdb_txn_abort(handle) }
}
