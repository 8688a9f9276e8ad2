// What a completed handshake leaves behind.

/// One secret for each direction, and the name of the session that they belong to.
@frozen
public struct NoiseSecrets: ~Copyable, Sendable {
    /// Protects what the side that wrote message 1 sends.
    public let initiatorToResponder: SecretKey
    /// Protects what the side that wrote message 2 sends.
    public let responderToInitiator: SecretKey
    /// The same on both sides and on no other session: for binding other things to this one.
    public let handshakeHash: Digest256

    init(
        initiatorToResponder: consuming SecretKey, responderToInitiator: consuming SecretKey,
        handshakeHash: Digest256
    ) {
        self.initiatorToResponder = initiatorToResponder
        self.responderToInitiator = responderToInitiator
        self.handshakeHash = handshakeHash
    }
}
