// What can go wrong outside a handshake, as values.

/// Why a cryptographic operation gave no result.
public enum CryptoError: Error, Equatable, Sendable {
    /// The peer's point has a small order: the agreed secret would be known to everyone.
    case lowOrderPoint
    /// The system has not the memory that the password hash asks for.
    case outOfMemory
    /// The password cost lies outside the bounds of `PasswordHash.Cost`.
    case costOutOfBounds
    /// The password record is damaged or of an unknown version.
    case malformedRecord
}
