// The cheap proof that a stranger knows the server's public key, asked before anything costly.

internal import CSodium
public import PetrelBase

/// A 16-byte authentication code; compared only by its key's `verify`, hence not `Equatable`.
public struct MessageCode: Sendable, BitwiseCopyable {
    /// Bytes in a code.
    public static let byteCount = 16

    private var words: InlineArray<2, UInt64>

    init(filling fill: (UnsafeMutablePointer<UInt8>) -> Void) {
        words = InlineArray(repeating: 0)
        var span = words.mutableSpan
        span.withUnsafeMutableBytes { room in
            guard let start = room.baseAddress else { return }
            fill(start.assumingMemoryBound(to: UInt8.self))
        }
    }

    /// The code's bytes, lent for as long as the code is borrowed.
    public var bytes: RawSpan {
        @_lifetime(borrow self)
        get { words.span.bytes }
    }

    /// Writes the 16 bytes.
    public func write(to writer: inout ByteWriter) throws(NoRoom) {
        try writer.writeBytes(words.span.bytes)
    }
}

/// The key of MAC1: whoever knows the server's public key has it, and a scanner has not.
///
/// Keyed BLAKE2b with 16 bytes of output, as WireGuard does it with BLAKE2s. Allocates nothing
/// after `init`.
public struct Mac1Key: ~Copyable, Sendable {
    private let key: SecretKey

    /// Derives the key of one server: BLAKE2b-256 of `petrel mac1` and its public key.
    public init(serverKey: PublicKey) {
        var input = InlineArray<43, UInt8>(repeating: 0)
        let label = span(of: "petrel mac1")
        for index in 0..<11 {
            input[index] = label.unsafeLoad(fromByteOffset: index, as: UInt8.self)
        }
        for index in 0..<32 {
            input[11 + index] = serverKey.bytes.unsafeLoad(fromByteOffset: index, as: UInt8.self)
        }
        let digest = Digest.blake2b256(input.span.bytes)
        key = SecretKey(copying: digest.bytes)
    }

    /// The code of `bytes`.
    public func mac(_ bytes: RawSpan) -> MessageCode {
        MessageCode { room in
            bytes.withUnsafeBytes {
                _ = crypto_generichash(
                    room, MessageCode.byteCount, $0.baseAddress, UInt64($0.count),
                    key.unsafeAddress, SecretKey.byteCount)
            }
        }
    }

    /// Whether `tag` is the code of `bytes`, in a time that does not tell where it differs.
    public func verify(_ bytes: RawSpan, tag: RawSpan) -> Bool {
        let code = mac(bytes)
        return constantTimeEqual(code.bytes, tag)
    }
}
