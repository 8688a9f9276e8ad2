// Hashes without a key, and their results as values.

internal import CSodium
public import PetrelBase

/// A 256-bit hash, for comparing and looking up what is not secret.
public struct Digest256: Hashable, Sendable, BitwiseCopyable {
    /// Bytes in a digest.
    public static let byteCount = 32

    let storage: Words256

    init(_ storage: Words256) { self.storage = storage }

    /// Copies a digest out of `bytes`.
    ///
    /// - Precondition: `bytes.byteCount == Digest256.byteCount`.
    public init(_ bytes: RawSpan) { storage = Words256(bytes) }

    /// Copies a digest out of `bytes`, unless they are more or fewer than 32.
    public init?(exactly bytes: RawSpan) {
        guard bytes.byteCount == Self.byteCount else { return nil }
        storage = Words256(bytes)
    }

    /// The digest's bytes, lent for as long as the digest is borrowed.
    public var bytes: RawSpan {
        @_lifetime(borrow self)
        get { storage.bytes }
    }

    /// Lends the digest's bytes to `body`, where binding `bytes` would be in the way.
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

/// The hash functions.
public enum Digest {
    /// SHA-256 of `bytes` (FIPS 180-4).
    public static func sha256(_ bytes: RawSpan) -> Digest256 {
        sha256(bytes, followedBy: RawSpan())
    }

    /// SHA-256 of `first` and `second` one after the other.
    static func sha256(_ first: RawSpan, followedBy second: RawSpan) -> Digest256 {
        var state = crypto_hash_sha256_state()
        crypto_hash_sha256_init(&state)
        first.withUnsafeBytes {
            _ = crypto_hash_sha256_update(&state, $0.baseAddress, UInt64($0.count))
        }
        second.withUnsafeBytes {
            _ = crypto_hash_sha256_update(&state, $0.baseAddress, UInt64($0.count))
        }
        return Digest256(Words256 { room in crypto_hash_sha256_final(&state, room) })
    }

    /// BLAKE2b of `bytes`, 256 bits long and without a key (RFC 7693).
    public static func blake2b256(_ bytes: RawSpan) -> Digest256 {
        Digest256(
            Words256 { room in
                bytes.withUnsafeBytes {
                    _ = crypto_generichash(
                        room, Digest256.byteCount, $0.baseAddress, UInt64($0.count), nil, 0)
                }
            })
    }
}
