// Agreeing on a secret with whoever holds another public key (X25519, RFC 7748).

internal import CSodium

/// An X25519 secret and the public key that belongs to it.
@frozen
public struct KeyPair: ~Copyable, Sendable {
    /// What others need to agree on a secret with this pair's owner.
    public let publicKey: PublicKey
    /// What only the owner has.
    public let secret: SecretKey

    /// Draws a fresh pair from the system's generator.
    public init() { self.init(secret: SecretKey()) }

    /// Creates the pair of a known secret; any 32 bytes are one.
    public init(secret: consuming SecretKey) {
        let address = secret.unsafeAddress
        publicKey = PublicKey(Words256 { _ = crypto_scalarmult_base($0, address) })
        self.secret = secret
    }

    /// Makes a second pair of the same secret, with an owner of its own.
    public func duplicate() -> KeyPair { KeyPair(publicKey: publicKey, secret: secret.duplicate()) }

    /// The secret that only this pair's owner and the owner of `peer` can compute.
    ///
    /// - Throws: `lowOrderPoint` when `peer` makes the result the same whatever the secret is.
    public func agree(with peer: PublicKey) throws(CryptoError) -> SecretKey {
        var status: Int32 = -1
        let agreed = SecretKey { room in
            peer.bytes.withUnsafeBytes {
                guard let point = $0.baseAddress else { return }
                status = crypto_scalarmult(room, secret.unsafeAddress, point)
            }
        }
        guard status == 0 else { throw .lowOrderPoint }
        return agreed
    }

    private init(publicKey: PublicKey, secret: consuming SecretKey) {
        self.publicKey = publicKey
        self.secret = secret
    }
}
