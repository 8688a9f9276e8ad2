// All that protects one direction of a session between two key updates.

/// Packet and header protection, both derived from one traffic secret.
@frozen
public struct TrafficKeys: ~Copyable, Sendable {
    /// Protects payloads; label `petrel key`.
    public let cipher: PacketCipher
    /// Protects packet numbers; label `petrel hp`.
    public let header: HeaderProtector

    /// Derives the keys of `secret`.
    public init(secret: borrowing SecretKey) {
        cipher = PacketCipher(key: KeyDerivation.derive(from: secret, label: "petrel key"))
        header = HeaderProtector(key: KeyDerivation.derive(from: secret, label: "petrel hp"))
    }
}
