// The public half of a key pair, as a value that compares, hashes and prints.

public import PetrelBase

/// An X25519 public key: 32 bytes that anyone may see (RFC 7748 §5).
///
/// Any 32 bytes are one; a point of small order is refused where a secret is agreed.
public struct PublicKey: Hashable, Sendable, BitwiseCopyable {
    /// Bytes in a key.
    public static let byteCount = 32

    let storage: Words256

    init(_ storage: Words256) { self.storage = storage }

    /// Copies a key out of `bytes`.
    ///
    /// - Precondition: `bytes.byteCount == PublicKey.byteCount`.
    public init(_ bytes: RawSpan) { storage = Words256(bytes) }

    /// Copies a key out of `bytes`, unless they are more or fewer than 32.
    public init?(exactly bytes: RawSpan) {
        guard bytes.byteCount == Self.byteCount else { return nil }
        storage = Words256(bytes)
    }

    /// Reads 64 hexadecimal digits of either case; nil when `text` is anything else.
    public init?(hexadecimal text: String) {
        guard let storage = Words256(hexadecimal: text) else { return nil }
        self.storage = storage
    }

    /// The key's bytes, lent for as long as the key is borrowed.
    public var bytes: RawSpan {
        @_lifetime(borrow self)
        get { storage.bytes }
    }

    /// Lends the key's bytes to `body`, where binding `bytes` would be in the way.
    public func withBytes<R: ~Copyable, E: Error>(
        _ body: (RawSpan) throws(E) -> R
    ) throws(E) -> R {
        try body(storage.bytes)
    }

    /// Writes the 32 bytes.
    public func write(to writer: inout ByteWriter) throws(NoRoom) {
        try writer.writeBytes(storage.bytes)
    }

    /// 64 lower-case hexadecimal digits.
    public var hexadecimal: String { storage.hexadecimal }
}
