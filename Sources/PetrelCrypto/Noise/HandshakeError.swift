// What a peer, or a caller, can get wrong during a handshake.

/// Why a handshake message could not be written or read.
public enum HandshakeError: Error, Equatable, Sendable {
    /// It is not this side's turn, or the handshake is not yet, or already, complete.
    case outOfOrder
    /// The message is shorter than its fixed parts.
    case truncated
    /// The message was not made by the expected peer for this handshake, or was changed since.
    case forged
    /// A public key of small order, with which no secret can be agreed.
    case lowOrderPoint
    /// The message exceeds 65,535 bytes (Noise §3).
    case tooLong
    /// The room lent for the result is too small.
    case noRoom
    /// A key has sealed as many messages as it may.
    case nonceExhausted
}
