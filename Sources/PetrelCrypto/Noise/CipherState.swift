// A Noise key and the counter of what it has sealed (Noise rev 34 §5.1).

internal import CSodium

/// ChaCha20-Poly1305 under one key, each message under the next number.
///
/// The nonce is Noise's own: 4 zero bytes, then the number in 8 bytes, little endian (Noise §12).
/// Petrel's packets use `PacketCipher` instead; this serves the handshake and the vectors.
public struct CipherState: ~Copyable, Sendable {
    /// Bytes that encryption adds.
    public static let tagByteCount = 16

    private let key: SecretKey
    /// How many messages were encrypted or decrypted; the number of the next.
    public private(set) var nonce: UInt64

    /// Creates the state of a fresh `key`, or one that continues at `nonce`.
    public init(key: consuming SecretKey, nonce: UInt64 = 0) {
        self.key = key
        self.nonce = nonce
    }

    /// Makes a second state of the same key and number.
    func duplicate() -> CipherState { CipherState(key: key.duplicate(), nonce: nonce) }

    /// Encrypts `plaintext` to the start of `room` and returns the bytes written.
    ///
    /// - Throws: `noRoom` when plaintext and tag do not fit, `nonceExhausted` after 2^64 - 1
    ///   messages; neither counts as a message.
    public mutating func encrypt(
        _ plaintext: RawSpan, associatedData: RawSpan, into room: inout MutableRawSpan
    ) throws(HandshakeError) -> Int {
        let byteCount = plaintext.byteCount + Self.tagByteCount
        guard byteCount <= room.byteCount else { throw .noRoom }
        guard nonce < .max else { throw .nonceExhausted }
        var nonceBytes = nonceForCipher
        room.withUnsafeMutableBytes { room in
            plaintext.withUnsafeBytes { plaintext in
                associatedData.withUnsafeBytes { data in
                    withUnsafeBytes(of: &nonceBytes) { nonce in
                        guard let start = room.baseAddress, let nonce = nonce.baseAddress else {
                            return
                        }
                        _ = crypto_aead_chacha20poly1305_ietf_encrypt_detached(
                            start, start + plaintext.count, nil, plaintext.baseAddress,
                            UInt64(plaintext.count), data.baseAddress, UInt64(data.count), nil,
                            nonce, key.unsafeAddress)
                    }
                }
            }
        }
        nonce += 1
        return byteCount
    }

    /// Decrypts `ciphertext` to the start of `room` and returns the bytes written.
    ///
    /// - Throws: `truncated` when not even the tag is there, `noRoom`, `nonceExhausted`, `forged`;
    ///   none counts as a message, and `room` is left as it was.
    public mutating func decrypt(
        _ ciphertext: RawSpan, associatedData: RawSpan, into room: inout MutableRawSpan
    ) throws(HandshakeError) -> Int {
        let byteCount = ciphertext.byteCount - Self.tagByteCount
        guard byteCount >= 0 else { throw .truncated }
        guard byteCount <= room.byteCount else { throw .noRoom }
        guard nonce < .max else { throw .nonceExhausted }
        var nonceBytes = nonceForCipher
        let isGenuine = room.withUnsafeMutableBytes { room in
            ciphertext.withUnsafeBytes { sealed in
                associatedData.withUnsafeBytes { data in
                    withUnsafeBytes(of: &nonceBytes) { nonce in
                        guard let sealed = sealed.baseAddress, let nonce = nonce.baseAddress else {
                            return false
                        }
                        // As in `PacketCipher.open`: check first, so that a forgery writes nothing.
                        let verdict = crypto_aead_chacha20poly1305_ietf_decrypt_detached(
                            nil, nil, sealed, UInt64(byteCount), sealed + byteCount,
                            data.baseAddress, UInt64(data.count), nonce, key.unsafeAddress)
                        guard verdict == 0 else { return false }
                        guard let start = room.baseAddress else { return true }
                        _ = crypto_stream_chacha20_ietf_xor_ic(
                            start, sealed, UInt64(byteCount), nonce, 1, key.unsafeAddress)
                        return true
                    }
                }
            }
        }
        guard isGenuine else { throw .forged }
        nonce += 1
        return byteCount
    }

    private var nonceForCipher: (UInt32, UInt32, UInt32) {
        let low = UInt32(truncatingIfNeeded: nonce)
        let high = UInt32(truncatingIfNeeded: nonce >> 32)
        return (0, low.littleEndian, high.littleEndian)
    }
}
