// Sealing and opening one packet in place (ChaCha20-Poly1305, RFC 8439 §2.8).

internal import CSodium

/// One direction's packet protection under one key.
///
///     +------------------+--------------------+---------+
///     | header, in clear | payload, encrypted | tag, 16 |
///     +------------------+--------------------+---------+
///
/// The header is the associated data, so that both stand in one datagram and nothing is copied.
/// The nonce is the path identifier, 32 bits, followed by the packet number, 64 bits, both big
/// endian; a pair of them must never be used twice under one key. Sealing and opening allocate
/// nothing.
public struct PacketCipher: ~Copyable, Sendable {
    /// Bytes that sealing adds behind the payload.
    public static let tagByteCount = 16

    private let key: SecretKey

    /// Creates the cipher of `key`.
    public init(key: consuming SecretKey) { self.key = key }

    /// Encrypts the payload where it lies and writes the tag behind it.
    ///
    /// Returns the bytes of the whole sealed datagram.
    ///
    /// - Precondition: header, payload and tag fit into `datagram`.
    public func seal(
        _ datagram: inout MutableRawSpan, headerByteCount: Int, payloadByteCount: Int,
        pathID: UInt32, packetNumber: UInt64
    ) -> Int {
        precondition(headerByteCount >= 0 && payloadByteCount >= 0)
        let sealedByteCount = headerByteCount + payloadByteCount + Self.tagByteCount
        precondition(sealedByteCount <= datagram.byteCount)
        var nonce = Self.nonce(pathID: pathID, packetNumber: packetNumber)
        let key = key.unsafeAddress
        datagram.withUnsafeMutableBytes { datagram in
            guard let header = datagram.baseAddress else { return }
            let payload = header + headerByteCount
            withUnsafeBytes(of: &nonce) { nonce in
                guard let nonce = nonce.baseAddress else { return }
                _ = crypto_aead_chacha20poly1305_ietf_encrypt_detached(
                    payload, payload + payloadByteCount, nil, payload, UInt64(payloadByteCount),
                    header, UInt64(headerByteCount), nil, nonce, key)
            }
        }
        return sealedByteCount
    }

    /// Decrypts the payload where it lies, if header, payload and tag are as they were sealed.
    ///
    /// Returns the payload's bytes, which begin at `headerByteCount`; nil when the datagram is
    /// forged or too short, and then it is left as it was, so that another key can be tried.
    ///
    /// - Precondition: `byteCount <= datagram.byteCount`.
    public func open(
        _ datagram: inout MutableRawSpan, headerByteCount: Int, byteCount: Int, pathID: UInt32,
        packetNumber: UInt64
    ) -> Int? {
        precondition(headerByteCount >= 0 && byteCount <= datagram.byteCount)
        let payloadByteCount = byteCount - headerByteCount - Self.tagByteCount
        guard payloadByteCount >= 0 else { return nil }
        var nonce = Self.nonce(pathID: pathID, packetNumber: packetNumber)
        let key = key.unsafeAddress
        guard
            Self.isGenuine(
                datagram.bytes.extracting(first: byteCount), headerByteCount: headerByteCount,
                pathID: pathID, packetNumber: packetNumber, key: key)
        else { return nil }
        datagram.withUnsafeMutableBytes { datagram in
            guard let header = datagram.baseAddress else { return }
            let payload = header + headerByteCount
            withUnsafeBytes(of: &nonce) { nonce in
                guard let nonce = nonce.baseAddress else { return }
                // Block 0 of the stream is the authenticator's key (RFC 8439 §2.8).
                _ = crypto_stream_chacha20_ietf_xor_ic(
                    payload, payload, UInt64(payloadByteCount), nonce, 1, key)
            }
        }
        return payloadByteCount
    }

    /// Whether header, payload and tag are as they were sealed; nothing is decrypted.
    static func isGenuine(
        _ datagram: RawSpan, headerByteCount: Int, pathID: UInt32, packetNumber: UInt64,
        key: UnsafePointer<UInt8>
    ) -> Bool {
        let payloadByteCount = datagram.byteCount - headerByteCount - tagByteCount
        guard headerByteCount >= 0, payloadByteCount >= 0 else { return false }
        var nonce = nonce(pathID: pathID, packetNumber: packetNumber)
        return datagram.withUnsafeBytes { datagram in
            guard let start = datagram.baseAddress else { return false }
            let header = start.assumingMemoryBound(to: UInt8.self)
            let payload = header + headerByteCount
            return withUnsafeBytes(of: &nonce) { nonce in
                guard let nonce = nonce.baseAddress else { return false }
                // Without room for a plaintext this checks only; with it, a forgery would be
                // zeroed. Decrypting is then one pass more of the cipher, as it always is.
                let verdict = crypto_aead_chacha20poly1305_ietf_decrypt_detached(
                    nil, nil, payload, UInt64(payloadByteCount), payload + payloadByteCount,
                    header, UInt64(headerByteCount),
                    nonce.assumingMemoryBound(to: UInt8.self), key)
                return verdict == 0
            }
        }
    }

    /// Copies the key to `room`, of 32 bytes.
    func copyKey(to room: UnsafeMutableRawPointer) { key.copy(to: room) }

    private static func nonce(pathID: UInt32, packetNumber: UInt64) -> (UInt32, UInt32, UInt32) {
        let high = UInt32(truncatingIfNeeded: packetNumber >> 32)
        let low = UInt32(truncatingIfNeeded: packetNumber)
        return (pathID.bigEndian, high.bigEndian, low.bigEndian)
    }
}
