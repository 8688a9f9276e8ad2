// What both sides of a Noise handshake have agreed on so far (Noise rev 34 §5.2).

/// The hash over the handshake, the key that grows with each agreement, and the present cipher.
struct SymmetricState: ~Copyable {
    /// Hash of everything sent and received.
    private(set) var handshakeHash: Digest256
    private var chainingKey: SecretKey
    private var cipher: CipherState?

    /// - Precondition: `protocolName` has 32 bytes, as Petrel's has; shorter or longer ones would
    ///   be padded or hashed.
    init(protocolName: StaticString) {
        let name = span(of: protocolName)
        handshakeHash = Digest256(name)
        chainingKey = SecretKey(copying: name)
        cipher = nil
    }

    private init(copying other: borrowing SymmetricState) {
        handshakeHash = other.handshakeHash
        chainingKey = other.chainingKey.duplicate()
        switch other.cipher {
        case .some(let cipher): self.cipher = cipher.duplicate()
        case .none: self.cipher = nil
        }
    }

    /// Makes a second state, to try on it what may fail.
    func duplicate() -> SymmetricState { SymmetricState(copying: self) }

    mutating func mixHash(_ bytes: RawSpan) {
        handshakeHash = Digest.sha256(handshakeHash.bytes, followedBy: bytes)
    }

    /// Replaces the cipher by one whose key nobody has without `input`.
    mutating func mixKey(_ input: borrowing SecretKey) {
        let derived = PairOfKeys(chainingKey: chainingKey, input: input.bytes)
        chainingKey = derived.first
        cipher = CipherState(key: derived.second)
    }

    /// Encrypts to the start of `room`, which must be large enough, and returns the bytes written.
    ///
    /// - Precondition: a key has been mixed in; no message of IK encrypts before.
    mutating func encryptAndHash(
        _ plaintext: RawSpan, into room: inout MutableRawSpan
    ) throws(HandshakeError) -> Int {
        let hash = handshakeHash
        guard
            let byteCount = try cipher?.encrypt(plaintext, associatedData: hash.bytes, into: &room)
        else { preconditionFailure("encrypting before a key was mixed in") }
        room.withUnsafeMutableBytes { room in
            mixHash(RawSpan(_unsafeBytes: UnsafeRawBufferPointer(rebasing: room[..<byteCount])))
        }
        return byteCount
    }

    /// Decrypts to the start of `room` and returns the bytes written; use no state that failed.
    ///
    /// - Precondition: a key has been mixed in; no message of IK decrypts before.
    mutating func decryptAndHash(
        _ ciphertext: RawSpan, into room: inout MutableRawSpan
    ) throws(HandshakeError) -> Int {
        let hash = handshakeHash
        guard
            let byteCount = try cipher?.decrypt(ciphertext, associatedData: hash.bytes, into: &room)
        else { preconditionFailure("decrypting before a key was mixed in") }
        mixHash(ciphertext)
        return byteCount
    }

    /// The keys of what follows the handshake.
    func split() -> NoiseSecrets {
        let derived = PairOfKeys(chainingKey: chainingKey, input: RawSpan())
        return NoiseSecrets(
            initiatorToResponder: derived.first, responderToInitiator: derived.second,
            handshakeHash: handshakeHash)
    }
}

/// Noise's HKDF with two outputs (Noise §4.3), which is that of RFC 5869 without an info.
private struct PairOfKeys: ~Copyable {
    let first: SecretKey
    let second: SecretKey

    init(chainingKey: borrowing SecretKey, input: RawSpan) {
        let concentrated = KeyDerivation.extract(salt: chainingKey.bytes, input: input)
        let first = KeyDerivation.firstBlock(of: concentrated)
        second = KeyDerivation.secondBlock(of: concentrated, after: first)
        self.first = first
    }
}
