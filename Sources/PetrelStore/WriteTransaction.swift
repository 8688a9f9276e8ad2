// One LMDB write transaction: committed once, or undone when its owner goes.

import CLMDB
import Glibc
import PetrelBase
import PetrelServices

/// A batch of changes that becomes visible as a whole, or not at all.
///
/// Not copyable, so it cannot be committed twice; letting go of it aborts it.
struct WriteTransaction: ~Copyable, Transaction {
    let handle: OpaquePointer
    var tables: Tables
    /// The limits that the rules go by.
    let limits: ServiceLimits
    /// Is told of damaged records that are passed over.
    let damageMet: (DamagedRecord) -> Void
    private var isOver = false

    /// Begins the transaction; waits while another thread has one.
    init(
        environment: OpaquePointer, tables: Tables, path: String,
        limits: ServiceLimits = .init(),
        damageMet: @escaping (DamagedRecord) -> Void = { _ in }
    ) throws(StoreError) {
        var handle: OpaquePointer?
        let code = mdb_txn_begin(environment, nil, 0, &handle)
        guard code == 0, let handle else {
            throw StoreError(code: code, doing: "begin to write", path: path)
        }
        self.handle = handle
        self.tables = tables
        self.limits = limits
        self.damageMet = damageMet
    }

    deinit { if !isOver { mdb_txn_abort(handle) } }

    /// Stores a record, replacing what was there; one that is too long for a value goes in chunks.
    mutating func put(
        _ record: some Record, at key: Key, in table: TableName
    ) throws(StoreError) {
        let bytes = record.sealed()
        if table.mayBeLong { try removeChunks(of: key, in: table) }
        guard bytes.count > ChunkedHead.valueBytesMax else {
            return try put(bytes, at: key, in: table)
        }
        guard table.mayBeLong, bytes.count <= ChunkedHead.recordBytesMax else {
            throw StoreError(code: EMSGSIZE, doing: "write \(bytes.count) bytes", path: path)
        }
        let head = ChunkedHead(bytesCount: bytes.count)
        try put(head.sealed(version: ChunkedHead.version), at: key, in: table)
        for number in 0..<head.chunksCount {
            let start = number * Chunk.bytesMax
            let chunk = Chunk(bytes[start..<min(bytes.count, start + Chunk.bytesMax)])
            let chunkKey = Key.chunk(UInt16(number), of: key, in: table)
            try put(chunk.sealed(), at: chunkKey, in: .blob)
        }
    }

    /// Stores bytes as they are, replacing what was there.
    mutating func put(_ value: [UInt8], at key: Key, in table: TableName) throws(StoreError) {
        let code = key.bytes.withUnsafeBytes { key in
            value.withUnsafeBytes { value in
                var key = MDB_val(key)
                var value = MDB_val(value)
                return mdb_put(handle, tables[table], &key, &value, 0)
            }
        }
        try check(code, "write")
    }

    /// Removes the record under `key`, with its chunks, if there is one.
    mutating func remove(_ key: Key, in table: TableName) throws(StoreError) {
        if table.mayBeLong { try removeChunks(of: key, in: table) }
        try removeValue(key, in: table)
    }

    /// Makes the changes durable; only after this may anyone be told of them.
    consuming func commit(path: String) throws(StoreError) {
        let code = mdb_txn_commit(handle)  // frees the handle, whatever it returns
        isOver = true
        guard code == 0 else {
            // A write that fits in part only is what LMDB calls EIO; nothing was flushed then, and
            // the pages belong to no commit.
            let isShort = code == EIO && FreeSpace.isExhausted(at: path)
            throw StoreError(code: isShort ? ENOSPC : code, doing: "commit", path: path)
        }
    }

    private mutating func removeChunks(of key: Key, in table: TableName) throws(StoreError) {
        guard let bytes = try bytes(at: key, in: table), bytes.first == ChunkedHead.version else {
            return
        }
        // The head may be damaged, so the chunks are found by their keys.
        let first = Key.chunk(0, of: key, in: table)
        let chunks = try keys(
            in: .blob, from: first, prefix: key.bytes.count + 1, limit: Int(UInt16.max))
        for chunk in chunks where chunk.bytes.count == first.bytes.count {
            try removeValue(chunk, in: .blob)
        }
    }

    private mutating func removeValue(_ key: Key, in table: TableName) throws(StoreError) {
        let code = key.bytes.withUnsafeBytes { key in
            var key = MDB_val(key)
            return mdb_del(handle, tables[table], &key, nil)
        }
        if code != MDB_NOTFOUND { try check(code, "remove") }
    }
}
