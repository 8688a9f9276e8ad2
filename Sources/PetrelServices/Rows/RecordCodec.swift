// Records: a version in front, a checksum behind, and a reader that fails instead of trapping.

public import PetrelBase

/// A value of a table.
///
/// ```
/// version 1 | fields | CRC-32C of all before 4
/// ```
public protocol Record: Sendable {
    /// Reads the fields.
    init(from reader: inout ByteReader) throws(DecodeError)
    /// Adds the fields.
    func write(to writer: inout RecordWriter)
}

/// The version byte of every record of this schema.
public let recordVersion: UInt8 = 1

extension Record {
    /// The bytes to store.
    public func sealed() -> [UInt8] { sealed(version: recordVersion) }

    /// The bytes to store, of another version or form.
    public func sealed(version: UInt8) -> [UInt8] {
        var writer = RecordWriter(capacity: 128)
        writer.add(version)
        write(to: &writer)
        writer.add(Checksum.crc32c(writer.bytes.span.bytes))
        return writer.bytes
    }

    /// Reads what `sealed` wrote; anything else is an error.
    public init(sealed bytes: RawSpan, version: UInt8 = recordVersion) throws(DecodeError) {
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
public struct RecordWriter {
    /// What was written.
    public private(set) var bytes: [UInt8] = []

    /// Creates a writer with room for that many bytes.
    public init(capacity: Int) { bytes.reserveCapacity(capacity) }

    /// Adds a number.
    public mutating func add(_ number: some FixedWidthInteger) {
        withUnsafeBytes(of: number.bigEndian) { bytes.append(contentsOf: $0) }
    }

    /// Adds bytes.
    public mutating func add(_ span: RawSpan) {
        span.withUnsafeBytes { bytes.append(contentsOf: $0) }
    }

    /// Adds a length and the bytes.
    public mutating func addCounted(_ more: [UInt8]) {
        add(UInt32(more.count))
        bytes.append(contentsOf: more)
    }

    /// Adds a length and the text.
    public mutating func addCounted(_ text: String) {
        add(UInt32(text.utf8.count))
        bytes.append(contentsOf: text.utf8)
    }
}

extension ByteReader {
    /// Reads a length and as many bytes.
    public mutating func readCounted() throws(DecodeError) -> [UInt8] {
        let count = Int(try readUInt32())
        return try readBytes(count).withUnsafeBytes { Array($0) }
    }

    /// Reads a length and as many bytes of text; what is no UTF-8 is repaired.
    public mutating func readText() throws(DecodeError) -> String {
        let count = Int(try readUInt32())
        return try readBytes(count).withUnsafeBytes { String(decoding: $0, as: UTF8.self) }
    }

    /// Reads a number with a sign.
    public mutating func readSigned() throws(DecodeError) -> Int64 {
        Int64(bitPattern: try readUInt64())
    }
}
