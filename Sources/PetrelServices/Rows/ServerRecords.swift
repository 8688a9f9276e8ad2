// Records that say little: numbers, texts, nothing; and fields that many records have.

public import PetrelBase
public import PetrelMessaging

/// A number: under a name in `meta`, or what a key stands for.
public struct NumberRow: Record {
    /// The number.
    public var number: UInt64

    /// Creates the row.
    public init(_ number: UInt64) { self.number = number }
    public init(from reader: inout ByteReader) throws(DecodeError) {
        number = try reader.readUInt64()
    }
    public func write(to writer: inout RecordWriter) { writer.add(number) }
}

/// A text under a name, in `meta`.
public struct TextRow: Record {
    /// The text.
    public var text: String

    /// Creates the row.
    public init(_ text: String) { self.text = text }
    public init(from reader: inout ByteReader) throws(DecodeError) { text = try reader.readText() }
    public func write(to writer: inout RecordWriter) { writer.addCounted(text) }
}

/// Nothing: all that is to say is in the key.
public struct EmptyRow: Record {
    /// Creates the row.
    public init() {}
    public init(from reader: inout ByteReader) throws(DecodeError) {}
    public func write(to writer: inout RecordWriter) {}
}

extension InlineWords4 {
    /// Reads 32 bytes.
    public init(from reader: inout ByteReader) throws(DecodeError) {
        self.init(
            try reader.readUInt64(), try reader.readUInt64(), try reader.readUInt64(),
            try reader.readUInt64())
    }

    /// Adds 32 bytes.
    public func write(to writer: inout RecordWriter) {
        for word in [a, b, c, d] { writer.add(word) }
    }
}

extension ClientMessageID {
    /// Reads 16 bytes.
    public init(from reader: inout ByteReader) throws(DecodeError) {
        self.init(high: try reader.readUInt64(), low: try reader.readUInt64())
    }

    /// Adds 16 bytes.
    public func write(to writer: inout RecordWriter) {
        writer.add(high)
        writer.add(low)
    }
}
