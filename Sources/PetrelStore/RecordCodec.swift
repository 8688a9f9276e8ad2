// Records: a version in front, a checksum behind, and a reader that fails instead of trapping.

import PetrelBase

/// A value of a table.
///
/// ```
/// version 1 | fields | CRC-32C of all before 4
/// ```
protocol Record: Sendable {
    init(from reader: inout ByteReader) throws(DecodeError)
    func write(to writer: inout RecordWriter)
}

/// The version byte of every record of this schema.
let recordVersion: UInt8 = 1

extension Record {
    /// The bytes to store.
    func sealed() -> [UInt8] { sealed(version: recordVersion) }

    func sealed(version: UInt8) -> [UInt8] {
        var writer = RecordWriter(capacity: 128)
        writer.add(version)
        write(to: &writer)
        writer.add(Checksum.crc32c(writer.bytes.span.bytes))
        return writer.bytes
    }

    /// Reads what `sealed` wrote; anything else is an error.
    init(sealed bytes: RawSpan, version: UInt8 = recordVersion) throws(DecodeError) {
        let contentCount = bytes.byteCount - 4
        guard contentCount >= 1 else { throw .truncated(offset: bytes.byteCount) }
        var tail = ByteReader(bytes.extracting(droppingFirst: contentCount))
        let content = bytes.extracting(first: contentCount)
        guard try tail.readUInt32() == Checksum.crc32c(content) else {
            throw .malformed(offset: contentCount)
        }
        var reader = ByteReader(content)
        guard try reader.readUInt8() == version else { throw .malformed(offset: 0) }
        self = try Self(from: &reader)
        guard reader.remaining == 0 else { throw .malformed(offset: reader.offset) }
    }
}

/// Bytes under construction, growing as fields are added; numbers go in network byte order.
struct RecordWriter {
    /// What was written.
    private(set) var bytes: [UInt8] = []

    init(capacity: Int) { bytes.reserveCapacity(capacity) }

    mutating func add(_ number: some FixedWidthInteger) {
        withUnsafeBytes(of: number.bigEndian) { bytes.append(contentsOf: $0) }
    }

    mutating func add(_ span: RawSpan) {
        span.withUnsafeBytes { bytes.append(contentsOf: $0) }
    }

    /// Adds a length and the bytes.
    mutating func addCounted(_ more: [UInt8]) {
        add(UInt32(more.count))
        bytes.append(contentsOf: more)
    }

    /// Adds a length and the text.
    mutating func addCounted(_ text: String) {
        add(UInt32(text.utf8.count))
        bytes.append(contentsOf: text.utf8)
    }
}

extension ByteReader {
    mutating func readCounted() throws(DecodeError) -> [UInt8] {
        let count = Int(try readUInt32())
        return try readBytes(count).withUnsafeBytes { Array($0) }
    }

    mutating func readText() throws(DecodeError) -> String {
        let count = Int(try readUInt32())
        return try readBytes(count).withUnsafeBytes { String(decoding: $0, as: UTF8.self) }
    }

    mutating func readSigned() throws(DecodeError) -> Int64 {
        Int64(bitPattern: try readUInt64())
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
