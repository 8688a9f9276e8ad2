// What read and write transactions have in common: looking things up.

import CLMDB
import PetrelBase
import PetrelServices

/// A consistent view of the tables.
protocol Transaction: ~Copyable {
    var handle: OpaquePointer { get }
    var tables: Tables { get }
}

extension Transaction where Self: ~Copyable {
    /// The directory of the store, for errors.
    var path: String {
        var path: UnsafePointer<CChar>?
        let code = mdb_env_get_path(mdb_txn_env(handle), &path)
        guard code == 0, let path else { return "" }
        return String(cString: path)
    }

    /// Returns the bytes under `key`, in the map itself: good until the next change.
    ///
    /// A length that no record has comes from a damaged page, and may lead beyond the map: then
    /// there are no bytes, which is no record either.
    func bytes(at key: Key, in table: TableName) throws(StoreError) -> UnsafeRawBufferPointer? {
        var found = MDB_val()
        let code = key.bytes.withUnsafeBytes { key in
            var key = MDB_val(key)
            return mdb_get(handle, tables[table], &key, &found)
        }
        if code == MDB_NOTFOUND { return nil }
        try check(code, "read")
        guard found.mv_size <= ChunkedHead.storedBytesMax else {
            return .init(start: nil, count: 0)
        }
        return UnsafeRawBufferPointer(start: found.mv_data, count: found.mv_size)
    }

    /// Whether anything stands under `key`, damaged or not.
    func contains(_ key: Key, in table: TableName) throws(StoreError) -> Bool {
        try bytes(at: key, in: table) != nil
    }

    /// Returns the record under `key`; a record that cannot be read is an error of kind `damaged`.
    func row<R: Record>(_ key: Key, in table: TableName) throws(StoreError) -> R? {
        guard let bytes = try bytes(at: key, in: table) else { return nil }
        do throws(DecodeError) {
            guard bytes.first == ChunkedHead.version else { return try R(sealed: bytes.bytes) }
            let head = try ChunkedHead(sealed: bytes.bytes, version: ChunkedHead.version)
            guard let whole = try join(head, key, table) else { throw .malformed(offset: 0) }
            return try R(sealed: whole.span.bytes)
        } catch {
            throw .damaged(DamagedRecord(DamagedRow(table: table, key: key)), path: path)
        }
    }

    /// Returns all parts of a long record; `nil` if one is missing or cannot be looked up.
    private func join(
        _ head: ChunkedHead, _ key: Key, _ table: TableName
    ) throws(DecodeError) -> [UInt8]? {
        var whole: [UInt8] = []
        whole.reserveCapacity(Int(head.bytesCount))
        for number in 0..<head.chunksCount {
            let chunkKey = Key.chunk(UInt16(number), of: key, in: table)
            guard let bytes = try? self.bytes(at: chunkKey, in: .blob) else { return nil }
            whole += try Chunk(sealed: bytes.bytes).bytes
        }
        return whole
    }

    /// Returns keys from `start` on that share its first `prefix` bytes, in order, `limit` at most.
    func keys(
        in table: TableName, from start: Key, prefix: Int, limit: Int
    ) throws(StoreError) -> [Key] {
        var keys: [Key] = []
        guard limit > 0 else { return keys }
        var cursor = try Cursor(self, table)
        var isFound = try cursor.seek(start)
        while isFound, keys.count < limit, cursor.sharesPrefix(of: start, prefix) {
            keys.append(cursor.key)
            isFound = try cursor.next()
        }
        return keys
    }

    func check(_ code: Int32, _ doing: String) throws(StoreError) {
        guard code == 0 else { throw StoreError(code: code, doing: doing, path: path) }
    }
}

/// The same for rules: with the errors of an operation.
extension Transaction where Self: ~Copyable {
    func find<R: Record>(_ key: Key, in table: TableName) throws(RowTrouble<StoreError>) -> R? {
        do throws(StoreError) {
            return try row(key, in: table)
        } catch {
            guard case .damaged = error.kind else { throw .failed(error) }
            throw .damaged(DamagedRow(table: table, key: key))
        }
    }

    func has(_ key: Key, in table: TableName) throws(RowTrouble<StoreError>) -> Bool {
        do throws(StoreError) {
            return try contains(key, in: table)
        } catch {
            throw .failed(error)
        }
    }

    func list(
        _ table: TableName, from start: Key, prefix: Int, limit: Int
    ) throws(RowTrouble<StoreError>) -> [Key] {
        do throws(StoreError) {
            return try keys(in: table, from: start, prefix: prefix, limit: limit)
        } catch {
            throw .failed(error)
        }
    }

    func count(
        _ table: TableName, from start: Key, prefix: Int
    ) throws(RowTrouble<StoreError>) -> Int {
        do throws(StoreError) {
            var count = 0
            var cursor = try Cursor(self, table)
            var isFound = try cursor.seek(start)
            while isFound, cursor.sharesPrefix(of: start, prefix) {
                count += 1
                isFound = try cursor.next()
            }
            return count
        } catch {
            throw .failed(error)
        }
    }
}

extension MDB_val {
    /// Shows bytes to the database, which does not change them.
    init(_ bytes: UnsafeRawBufferPointer) {
        self.init(
            mv_size: bytes.count, mv_data: UnsafeMutableRawPointer(mutating: bytes.baseAddress))
    }
}
