// Walking a table in the order of its keys.

import CLMDB
import PetrelServices

/// A place in a table.
///
/// Never outlives the call that made it, nor its transaction: a cursor must be closed before its
/// write transaction ends.
struct Cursor: ~Copyable {
    private let handle: OpaquePointer
    private let path: String
    private var found = MDB_val()

    init(_ transaction: borrowing some (Transaction & ~Copyable), _ table: TableName)
        throws(StoreError)
    {
        var handle: OpaquePointer?
        let code = mdb_cursor_open(transaction.handle, transaction.tables[table], &handle)
        guard code == 0, let handle else {
            throw StoreError(code: code, doing: "open a cursor", path: transaction.path)
        }
        self.handle = handle
        path = transaction.path
    }

    deinit { mdb_cursor_close(handle) }

    /// The key at this place, after a move that returned `true`.
    var key: Key { Key(Array(bytes)) }

    /// Whether the key at this place begins with the first `count` bytes of `other`.
    func sharesPrefix(of other: Key, _ count: Int) -> Bool {
        bytes.count >= count && bytes.prefix(count).elementsEqual(other.bytes.prefix(count))
    }

    /// Moves to the first key that is not below `key`; returns whether there is one.
    mutating func seek(_ key: Key) throws(StoreError) -> Bool {
        var found = MDB_val()
        var value = MDB_val()
        let code = key.bytes.withUnsafeBytes { key in
            found = MDB_val(key)
            return mdb_cursor_get(handle, &found, &value, MDB_SET_RANGE)
        }
        self.found = found
        return try isFound(code)
    }

    /// Moves to the next key; returns whether there is one.
    mutating func next() throws(StoreError) -> Bool {
        var value = MDB_val()
        return try isFound(mdb_cursor_get(handle, &found, &value, MDB_NEXT))
    }

    private var bytes: UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(start: found.mv_data, count: found.mv_size)
    }

    private func isFound(_ code: Int32) throws(StoreError) -> Bool {
        if code == MDB_NOTFOUND { return false }
        guard code == 0 else { throw StoreError(code: code, doing: "walk a table", path: path) }
        return true
    }
}
