// One snapshot for questions: what is damaged in it is reported, and taken for none.

import Glibc
import PetrelServices

/// A view of a store's tables that answers as well as its records allow.
struct Snapshot: ~Copyable, RowReader {
    typealias Failure = StoreError

    private let transaction: ReadTransaction
    private let environment: Environment

    init(_ environment: Environment) throws(StoreError) {
        transaction = try ReadTransaction(environment)
        self.environment = environment
    }

    func find<R: Record>(_ key: Key, in table: TableName) throws(Trouble) -> R? {
        do throws(Trouble) {
            return try transaction.find(key, in: table)
        } catch {
            guard case .damaged(let row) = error else { throw error }
            report(row)
            return nil
        }
    }

    func has(_ key: Key, in table: TableName) throws(Trouble) -> Bool {
        try transaction.has(key, in: table)
    }

    func list(
        _ table: TableName, from start: Key, prefix: Int, limit: Int
    ) throws(Trouble) -> [Key] {
        try transaction.list(table, from: start, prefix: prefix, limit: limit)
    }

    func count(_ table: TableName, from start: Key, prefix: Int) throws(Trouble) -> Int {
        try transaction.count(table, from: start, prefix: prefix)
    }

    var limits: ServiceLimits { environment.limits }

    func report(_ row: DamagedRow) { environment.report(DamagedRecord(row)) }
}

extension Environment {
    /// Lends a snapshot to `body`.
    func read<R>(
        _ body: (borrowing Snapshot) throws(Snapshot.Trouble) -> R
    ) throws(StoreError) -> R {
        let snapshot = try Snapshot(self)
        do throws(Snapshot.Trouble) {
            return try body(snapshot)
        } catch {
            switch error {
            case .failed(let failure): throw failure
            case .damaged(let row): throw .damaged(DamagedRecord(row), path: path)
            // Only changes are refused; a question that were would find no answer.
            case .refused, .full: throw StoreError(code: EPERM, doing: "read", path: path)
            }
        }
    }
}
