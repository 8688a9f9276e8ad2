// The only place where bytes pass between our arrays and the generated types.

internal import SwiftProtobuf

/// Returns `bytes` as whatever the generated field holds.
func protoBytes<Bytes: SwiftProtobufContiguousBytes>(_ bytes: [UInt8]) -> Bytes { Bytes(bytes) }

/// Returns the bytes of a generated field.
func array(_ bytes: some SwiftProtobufContiguousBytes) -> [UInt8] {
    bytes.withUnsafeBytes { Array($0) }
}

/// Returns `message` as bytes.
///
/// Encoding fails only for missing required fields, which this schema has none of, and for messages
/// of more than 2 GiB, which no caller can build; an empty message is what the peer would refuse.
func serialized(_ message: some Message) -> [UInt8] {
    (try? message.serializedBytes()) ?? []
}

/// Reads a generated message, forgetting fields that this version does not know.
func parsed<Proto: Message>(_ bytes: RawSpan) throws(MalformedMessage) -> Proto {
    let copy = bytes.withUnsafeBytes { Array($0) }
    var options = BinaryDecodingOptions()
    options.discardUnknownFields = true
    options.messageDepthLimit = 8
    do {
        return try Proto(serializedBytes: copy, options: options)
    } catch {
        throw MalformedMessage(request: 0, reason: .undecodable)
    }
}

extension ClientMessageID {
    /// The identifier as 16 bytes.
    public var bytes: [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(16)
        for shift in stride(from: 56, through: 0, by: -8) {
            bytes.append(UInt8(truncatingIfNeeded: high >> UInt64(shift)))
        }
        for shift in stride(from: 56, through: 0, by: -8) {
            bytes.append(UInt8(truncatingIfNeeded: low >> UInt64(shift)))
        }
        return bytes
    }

    /// Creates the identifier from 16 bytes; `nil` for any other count.
    public init?(bytes: [UInt8]) {
        guard bytes.count == 16 else { return nil }
        self.init(
            high: bytes[..<8].reduce(0) { $0 << 8 | UInt64($1) },
            low: bytes[8...].reduce(0) { $0 << 8 | UInt64($1) })
    }
}
