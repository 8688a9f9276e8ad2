// The server's half of the handshake: a HELLO is checked cheaply, opened, and answered.

public import PetrelBase
public import PetrelCrypto
internal import PetrelWire

/// Tells HELLOs apart: the same bytes have the same tag.
public struct HelloTag: Hashable, Sendable {
    /// The first half of MAC1.
    public var high: UInt64
    /// The second half.
    public var low: UInt64
}

/// A HELLO that was opened: who asks, and the means to answer.
///
/// It may be a replay; until the session made from it is confirmed, nothing may be done for it.
public struct Hello: ~Copyable {
    /// Who asks: the key that the device proved.
    public let deviceKey: PublicKey
    /// The device's counter.
    public let counter: UInt64
    private let payload: HelloPayload
    private var noise: HandshakeState

    /// Checks MAC1, which costs little; `nil` if the sender does not know the server's key.
    public static func tag(of datagram: RawSpan, mac: borrowing Mac1Key) -> HelloTag? {
        let covered = WireLimits.helloByteCount - WireLimits.macByteCount
        guard datagram.byteCount == WireLimits.helloByteCount else { return nil }
        let code = datagram.extracting(droppingFirst: covered)
        guard mac.verify(datagram.extracting(first: covered), tag: code) else { return nil }
        var reader = ByteReader(code)
        guard let high = try? reader.readUInt64(), let low = try? reader.readUInt64() else {
            return nil
        }
        return HelloTag(high: high, low: low)
    }

    /// Opens a HELLO whose MAC1 is right.
    ///
    /// - Throws: `.helloMalformed` if it was not made for this server, or its payload is malformed.
    public init(opening datagram: RawSpan, identity: borrowing KeyPair) throws(DropReason) {
        let prologue = Prologue.bytes(server: identity.publicKey)
        var noise = unsafe HandshakeState(
            responder: identity, ephemeral: KeyPair(), prologue: prologue.span.bytes)
        let end = WireLimits.helloByteCount - 2 * WireLimits.macByteCount
        var storage = InlineArray<256, UInt8>(repeating: 0)
        var span = storage.mutableSpan
        var room = unsafe span.mutableBytes
        guard datagram.byteCount == WireLimits.helloByteCount,
            let count = try? noise.readMessage(
                datagram.extracting(WireLimits.helloHeaderByteCount..<end), into: &room),
            let deviceKey = noise.remoteStatic
        else { throw .helloMalformed }
        var reader = ByteReader(room.bytes.extracting(first: count))
        guard let payload = try? HelloPayload(&reader) else { throw .helloMalformed }
        self.noise = noise
        self.payload = payload
        self.deviceKey = deviceKey
        counter = payload.counter
    }

    /// Answers: writes the ACCEPT into `room` and makes the session, not confirmed yet.
    ///
    /// - Parameters:
    ///   - connectionID: what the client is to write on its packets.
    ///   - address: where the HELLO came from.
    ///   - configuration: the settings of the session.
    ///   - now: the time.
    ///   - room: at least `WireLimits.helloByteCount` bytes.
    /// - Returns: `nil` if `room` is too small or the client's key is no usable one.
    public consuming func accept(
        connectionID: UInt64, from address: Address, configuration: SessionConfiguration,
        now: Instant, into room: inout MutableRawSpan
    ) -> Accepted? {
        let localID = ConnectionID.server(connectionID)
        let answer = AcceptPayload(
            connectionID: localID, parameters: configuration.parameters)
        guard let byteCount = write(answer, into: &room), let secrets = try? noise.split() else {
            return nil
        }
        let session = Session(
            side: .server, configuration: configuration, localID: localID,
            remoteID: payload.connectionID, peerKey: deviceKey,
            peerParameters: payload.parameters, secrets: secrets, address: address, now: now)
        return Accepted(session: session, byteCount: byteCount)
    }

    private mutating func write(_ answer: AcceptPayload, into room: inout MutableRawSpan) -> Int? {
        var storage = InlineArray<208, UInt8>(repeating: 0)
        var span = storage.mutableSpan
        var plain = unsafe span.mutableBytes
        var plainWriter = ByteWriter(&plain)
        guard (try? answer.write(to: &plainWriter)) != nil else { return nil }
        let plainCount = plainWriter.offset
        var writer = ByteWriter(&room)
        guard (try? writer.writeUInt8(PacketForm.acceptByte)) != nil,
            (try? writer.writeUInt32(WireLimits.version)) != nil,
            (try? payload.connectionID.write(to: &writer)) != nil,
            (try? noise.writeMessage(
                payload: plain.bytes.extracting(first: plainCount), to: &writer)) != nil
        else { return nil }
        return writer.offset
    }
}

/// A session that waits for the client's first packet, and the ACCEPT that grants it.
public struct Accepted: ~Copyable {
    /// The session, not confirmed yet.
    public var session: Session
    /// Bytes of the ACCEPT.
    public var byteCount: Int

    /// Takes the session out.
    public consuming func takeSession() -> Session { session }
}
