// Hexadecimal, files of vectors, and bytes from spans, for the tests of this folder.

import Foundation
import PetrelBase

@testable import PetrelCrypto

struct VectorError: Error { let reason: String }

/// The bytes that `text` spells in hexadecimal; white space is skipped.
func hex(_ text: String) throws -> [UInt8] {
    let digits = text.filter { !$0.isWhitespace }
    guard digits.utf8.count.isMultiple(of: 2) else { throw VectorError(reason: "odd hex: \(text)") }
    var bytes: [UInt8] = []
    var rest = digits[...]
    while !rest.isEmpty {
        guard let byte = UInt8(rest.prefix(2), radix: 16) else {
            throw VectorError(reason: "not hex: \(rest.prefix(2))")
        }
        bytes.append(byte)
        rest = rest.dropFirst(2)
    }
    return bytes
}

/// `hex` of 32 bytes as a key.
func secretKey(_ text: String) throws -> SecretKey {
    let bytes = try hex(text)
    guard bytes.count == SecretKey.byteCount else { throw VectorError(reason: "no key: \(text)") }
    return SecretKey(copying: bytes.span.bytes)
}

/// `hex` of 32 bytes as a public key.
func publicKey(_ text: String) throws -> PublicKey {
    let bytes = try hex(text)
    guard let key = PublicKey(exactly: bytes.span.bytes) else {
        throw VectorError(reason: "no key: \(text)")
    }
    return key
}

/// A copy of what a span shows.
func copy(_ span: RawSpan) -> [UInt8] { span.withUnsafeBytes { Array($0) } }

/// The bytes of a secret, which tests may see.
func copy(_ key: borrowing SecretKey) -> [UInt8] { copy(key.bytes) }

/// The folder of vectors, found from where this file lies.
let vectorFolder = URL(fileURLWithPath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent().appendingPathComponent("Protocol/vectors")

/// Decodes a file of vectors from `Protocol/vectors`.
func vectors<T: Decodable>(_ name: String, as type: T.Type) throws -> T {
    let data = try Data(contentsOf: vectorFolder.appendingPathComponent(name))
    return try JSONDecoder().decode(type, from: data)
}

/// Calls `body` with a span over `bytes`, which it may change.
func withMutableBytes<R>(of bytes: inout [UInt8], _ body: (inout MutableRawSpan) -> R) -> R {
    var span = bytes.mutableSpan
    var room = span.mutableBytes
    return body(&room)
}

/// What writing a handshake message gave; room is lent for any message.
func write(
    _ state: inout HandshakeState, _ payload: [UInt8], room byteCount: Int = 70_000
) -> Result<[UInt8], HandshakeError> {
    var bytes = [UInt8](repeating: 0xEE, count: byteCount)
    var written = 0
    do throws(HandshakeError) {
        var span = bytes.mutableSpan
        var room = span.mutableBytes
        var writer = ByteWriter(&room)
        try state.writeMessage(payload: payload.span.bytes, to: &writer)
        written = writer.offset
    } catch {
        return .failure(error)
    }
    return .success(Array(bytes.prefix(written)))
}

/// What reading a handshake message gave: its payload.
func read(
    _ state: inout HandshakeState, _ message: [UInt8], room byteCount: Int = 70_000
) -> Result<[UInt8], HandshakeError> {
    var bytes = [UInt8](repeating: 0xEE, count: byteCount)
    var count = 0
    do throws(HandshakeError) {
        var span = bytes.mutableSpan
        var room = span.mutableBytes
        count = try state.readMessage(message.span.bytes, into: &room)
    } catch {
        return .failure(error)
    }
    return .success(Array(bytes.prefix(count)))
}
