// Long records stand in parts, in a table of their own.

import PetrelBase
import PetrelServices

extension Key {
    /// The number of a chunk of a long record.
    static func chunk(_ number: UInt16, of key: Key, in table: TableName) -> Key {
        var writer = RecordWriter(capacity: key.bytes.count + 3)
        writer.add(table.number)
        writer.add(key.bytes.span.bytes)
        writer.add(number)
        return Key(writer.bytes)
    }
}

/// Stands in place of a record that is too long for one value; its parts are in `blob`.
struct ChunkedHead: Record {
    /// The version byte by which a head is told from a record.
    static let version: UInt8 = 0xFF
    /// The most bytes that one value holds: longer ones would take overflow pages.
    static let valueBytesMax = 1_900
    /// No value that was ever stored is as long: those that may be long stand in chunks.
    static let storedBytesMax = 4_096
    /// The longest record: far above the longest body, and far below what could exhaust memory.
    static let recordBytesMax = 1 << 20

    /// Bytes of the record.
    var bytesCount: UInt32

    /// Parts in `blob`.
    var chunksCount: Int {
        (Int(bytesCount) + Chunk.bytesMax - 1) / Chunk.bytesMax
    }

    init(bytesCount: Int) { self.bytesCount = UInt32(bytesCount) }

    init(from reader: inout ByteReader) throws(DecodeError) {
        bytesCount = try reader.readUInt32()
        guard bytesCount <= Self.recordBytesMax else { throw .malformed(offset: 1) }
    }

    func write(to writer: inout RecordWriter) { writer.add(bytesCount) }
}

/// A part of a long record.
struct Chunk: Record {
    /// Eight to a page of 4 KiB with their keys.
    ///
    /// The database splits a full page so that the last
    /// value goes to the new one: of two values only one would stay, of eight seven do.
    static let bytesMax = 476

    var bytes: ArraySlice<UInt8>

    init(_ bytes: ArraySlice<UInt8>) { self.bytes = bytes }

    init(from reader: inout ByteReader) throws(DecodeError) {
        bytes = try reader.readBytes(reader.remaining).withUnsafeBytes { Array($0)[...] }
    }

    func write(to writer: inout RecordWriter) {
        bytes.withUnsafeBytes { writer.add($0.bytes) }
    }
}
