// Hexadecimal, files of vectors, and bytes from spans and writers, for the tests of this folder.

import Foundation
import PetrelBase
import PetrelWire

struct VectorError: Error { let reason: String }

/// The bytes that `text` spells in hexadecimal.
func hex(_ text: String) throws -> [UInt8] {
    guard text.utf8.count.isMultiple(of: 2) else { throw VectorError(reason: "odd hex: \(text)") }
    var bytes: [UInt8] = []
    var rest = text[...]
    while !rest.isEmpty {
        guard let byte = UInt8(rest.prefix(2), radix: 16) else {
            throw VectorError(reason: "not hex: \(rest.prefix(2))")
        }
        bytes.append(byte)
        rest = rest.dropFirst(2)
    }
    return bytes
}

/// The hexadecimal text of `bytes`.
func text(_ bytes: [UInt8]) -> String {
    bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
}

/// The bytes of a number, big endian.
func bigEndian(_ value: UInt64) -> [UInt8] {
    stride(from: 56, through: 0, by: -8).map { UInt8(truncatingIfNeeded: value >> UInt64($0)) }
}

/// A copy of what a span shows.
func copy(_ span: RawSpan) -> [UInt8] { span.withUnsafeBytes { Array($0) } }

/// The folder of the specification, found from where this file lies.
let protocolFolder = URL(fileURLWithPath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent().appendingPathComponent("Protocol")

/// Decodes a file of the specification.
func specified<T: Decodable>(_ name: String, as type: T.Type) throws -> T {
    let data = try Data(contentsOf: protocolFolder.appendingPathComponent(name))
    return try JSONDecoder().decode(type, from: data)
}

/// What `body` writes into `byteCount` bytes of room.
func written(
    _ byteCount: Int = 2_048, _ body: (inout ByteWriter) throws -> Void
) throws -> [UInt8] {
    var bytes = [UInt8](repeating: 0xEE, count: byteCount)
    var span = bytes.mutableSpan
    var room = span.mutableBytes
    var writer = ByteWriter(&room)
    try body(&writer)
    let count = writer.offset
    return Array(bytes.prefix(count))
}

/// The wire form of `value` as a variable-length integer.
func varInt(_ value: UInt64) throws -> [UInt8] {
    try written { writer in try writer.writeVarInt(value) }
}
