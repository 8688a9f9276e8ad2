// Noise_IK: both sides prove who they are in one round trip (Noise rev 34 §5.3, §7.5).

public import PetrelBase

/// One side of the handshake `Noise_IK_25519_ChaChaPoly_SHA256`.
///
///     IK:  <- s                   the initiator knows the responder's static key
///          -> e, es, s, ss        message 1, with a payload
///          <- e, ee, se           message 2, with a payload
///
/// The payload of message 1 has no forward secrecy and can be replayed; that of message 2 is safe
/// from replay. Then `split` gives the secrets of the session.
public struct HandshakeState: ~Copyable, Sendable {
    /// The name of the suite, which is hashed before anything else.
    public static let protocolName: StaticString = "Noise_IK_25519_ChaChaPoly_SHA256"
    /// Bytes of message 1 beyond its payload: e, sealed s, tag of the payload.
    public static let firstMessageOverhead = 96
    /// Bytes of message 2 beyond its payload: e, tag of the payload.
    public static let secondMessageOverhead = 48
    /// The most bytes of a message (Noise §3).
    public static let messageByteCountMax = 65_535

    private enum Phase { case first, second, complete }

    private let isInitiator: Bool
    private var phase = Phase.first
    private var symmetric: SymmetricState
    private let localStatic: KeyPair
    private let ephemeral: KeyPair
    /// Who the peer is: known to the initiator at once, to the responder once message 1 is read.
    public private(set) var remoteStatic: PublicKey?
    private var remoteEphemeral: PublicKey?

    /// Creates the side that writes message 1 to the owner of `remoteStatic`.
    ///
    /// `ephemeral` must be fresh; both sides must give the same `prologue`.
    public init(
        initiator localStatic: borrowing KeyPair, remoteStatic: PublicKey,
        ephemeral: consuming KeyPair, prologue: RawSpan
    ) {
        isInitiator = true
        symmetric = Self.start(prologue: prologue, responderStatic: remoteStatic)
        self.localStatic = localStatic.duplicate()
        self.ephemeral = ephemeral
        self.remoteStatic = remoteStatic
    }

    /// Creates the side that reads message 1.
    ///
    /// `ephemeral` must be fresh; both sides must give the same `prologue`.
    public init(
        responder localStatic: borrowing KeyPair, ephemeral: consuming KeyPair, prologue: RawSpan
    ) {
        isInitiator = false
        symmetric = Self.start(prologue: prologue, responderStatic: localStatic.publicKey)
        self.localStatic = localStatic.duplicate()
        self.ephemeral = ephemeral
        remoteStatic = nil
    }

    private static func start(prologue: RawSpan, responderStatic: PublicKey) -> SymmetricState {
        var symmetric = SymmetricState(protocolName: protocolName)
        symmetric.mixHash(prologue)
        symmetric.mixHash(responderStatic.bytes)
        return symmetric
    }

    /// Whether both messages have passed and `split` may be called.
    public var isComplete: Bool { phase == .complete }

    /// Writes this side's message.
    ///
    /// - Throws: `outOfOrder`, `tooLong`, `noRoom`, or `lowOrderPoint` when the peer's key is none;
    ///   nothing is written then and the state is as before.
    public mutating func writeMessage(
        payload: RawSpan, to writer: inout ByteWriter
    ) throws(HandshakeError) {
        guard phase == (isInitiator ? .first : .second) else { throw .outOfOrder }
        let overhead = isInitiator ? Self.firstMessageOverhead : Self.secondMessageOverhead
        let byteCount = overhead + payload.byteCount
        guard byteCount <= Self.messageByteCountMax else { throw .tooLong }
        guard byteCount <= writer.remaining else { throw .noRoom }
        var message = [UInt8](repeating: 0, count: byteCount)
        var span = message.mutableSpan
        var room = span.mutableBytes
        let next =
            isInitiator
            ? try writeFirst(payload: payload, into: &room)
            : try writeSecond(payload: payload, into: &room)
        do throws(NoRoom) {
            try writer.writeBytes(room.bytes)
        } catch {
            throw .noRoom
        }
        symmetric = next
        phase = isInitiator ? .second : .complete
    }

    /// Reads the peer's message, puts its payload to the start of `room`, returns its byte count.
    ///
    /// - Throws: `outOfOrder`, `tooLong`, `truncated`, `noRoom`, `lowOrderPoint` or `forged`; the
    ///   state and `room` are as before then, so that a genuine message can still follow a forged
    ///   one.
    public mutating func readMessage(
        _ message: RawSpan, into room: inout MutableRawSpan
    ) throws(HandshakeError) -> Int {
        guard phase == (isInitiator ? .second : .first) else { throw .outOfOrder }
        guard message.byteCount <= Self.messageByteCountMax else { throw .tooLong }
        let overhead = isInitiator ? Self.secondMessageOverhead : Self.firstMessageOverhead
        guard message.byteCount >= overhead else { throw .truncated }
        guard message.byteCount - overhead <= room.byteCount else { throw .noRoom }
        return isInitiator
            ? try readSecond(message, into: &room) : try readFirst(message, into: &room)
    }

    /// The secrets of the session, once both messages have passed.
    ///
    /// - Throws: `outOfOrder` before that.
    public func split() throws(HandshakeError) -> NoiseSecrets {
        guard phase == .complete else { throw .outOfOrder }
        return symmetric.split()
    }
}

// The four messages. Each works on a duplicate of the symmetric state, which takes the place of
// the old one only when nothing can fail any more.
extension HandshakeState {
    private func writeFirst(
        payload: RawSpan, into room: inout MutableRawSpan
    ) throws(HandshakeError) -> SymmetricState {
        guard let remoteStatic else { throw .outOfOrder }
        var symmetric = symmetric.duplicate()
        symmetric.writeEphemeral(ephemeral.publicKey, into: &room)
        symmetric.mixKey(try Self.agree(ephemeral, remoteStatic))
        var part = room._mutatingExtracting(32..<80)
        _ = try symmetric.encryptAndHash(localStatic.publicKey.bytes, into: &part)
        symmetric.mixKey(try Self.agree(localStatic, remoteStatic))
        var rest = room._mutatingExtracting(80..<room.byteCount)
        _ = try symmetric.encryptAndHash(payload, into: &rest)
        return symmetric
    }

    private mutating func readFirst(
        _ message: RawSpan, into room: inout MutableRawSpan
    ) throws(HandshakeError) -> Int {
        var symmetric = symmetric.duplicate()
        let ephemeral = PublicKey(message.extracting(first: 32))
        symmetric.mixHash(ephemeral.bytes)
        symmetric.mixKey(try Self.agree(localStatic, ephemeral))
        var staticBytes = InlineArray<32, UInt8>(repeating: 0)
        var staticSpan = staticBytes.mutableSpan
        var staticRoom = staticSpan.mutableBytes
        _ = try symmetric.decryptAndHash(message.extracting(32..<80), into: &staticRoom)
        let peer = PublicKey(staticRoom.bytes)
        symmetric.mixKey(try Self.agree(localStatic, peer))
        let byteCount = try symmetric.decryptAndHash(
            message.extracting(droppingFirst: 80), into: &room)
        self.symmetric = symmetric
        remoteEphemeral = ephemeral
        remoteStatic = peer
        phase = .second
        return byteCount
    }

    private func writeSecond(
        payload: RawSpan, into room: inout MutableRawSpan
    ) throws(HandshakeError) -> SymmetricState {
        guard let remoteStatic, let remoteEphemeral else { throw .outOfOrder }
        var symmetric = symmetric.duplicate()
        symmetric.writeEphemeral(ephemeral.publicKey, into: &room)
        symmetric.mixKey(try Self.agree(ephemeral, remoteEphemeral))
        symmetric.mixKey(try Self.agree(ephemeral, remoteStatic))
        var rest = room._mutatingExtracting(32..<room.byteCount)
        _ = try symmetric.encryptAndHash(payload, into: &rest)
        return symmetric
    }

    private mutating func readSecond(
        _ message: RawSpan, into room: inout MutableRawSpan
    ) throws(HandshakeError) -> Int {
        var symmetric = symmetric.duplicate()
        let peer = PublicKey(message.extracting(first: 32))
        symmetric.mixHash(peer.bytes)
        symmetric.mixKey(try Self.agree(ephemeral, peer))
        symmetric.mixKey(try Self.agree(localStatic, peer))
        let byteCount = try symmetric.decryptAndHash(
            message.extracting(droppingFirst: 32), into: &room)
        self.symmetric = symmetric
        remoteEphemeral = peer
        phase = .complete
        return byteCount
    }

    private static func agree(
        _ pair: borrowing KeyPair, _ peer: PublicKey
    ) throws(HandshakeError) -> SecretKey {
        do throws(CryptoError) {
            return try pair.agree(with: peer)
        } catch {
            throw .lowOrderPoint
        }
    }
}

extension SymmetricState {
    fileprivate mutating func writeEphemeral(
        _ key: PublicKey, into room: inout MutableRawSpan
    ) {
        room.withUnsafeMutableBytes { room in
            key.bytes.withUnsafeBytes { room.copyMemory(from: $0) }
        }
        mixHash(key.bytes)
    }
}
