// The server's half of the handshake: a HELLO is checked cheaply, opened, and answered.

public import PetrelBase
public import PetrelCrypto
public import PetrelWire

/// Tells HELLOs apart: those that say the same have the same tag, whatever cookie they show.
///
/// It is the tag of the Noise message, which authenticates all of it.
public struct HelloTag: Hashable, Sendable {
    /// The first half.
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
        guard hasSizeOfOne(datagram) else { return nil }
        let covered = datagram.byteCount - WireLimits.macByteCount
        let code = datagram.extracting(droppingFirst: covered)
        guard mac.verify(datagram.extracting(first: covered), tag: code) else { return nil }
        let noiseEnd = covered - WireLimits.macByteCount
        var reader = ByteReader(
            datagram.extracting(noiseEnd - WireLimits.tagByteCount..<noiseEnd))
        guard let high = try? reader.readUInt64(), let low = try? reader.readUInt64() else {
            return nil
        }
        return HelloTag(high: high, low: low)
    }

    /// MAC1 of a HELLO: its last 16 bytes.
    ///
    /// - Precondition: it has the size of a HELLO.
    @_lifetime(copy datagram)
    public static func mac1(of datagram: RawSpan) -> RawSpan {
        datagram.extracting(last: WireLimits.macByteCount)
    }

    /// Whether MAC2 shows a cookie that the address was given lately.
    public static func showsCookie(
        _ datagram: RawSpan, from address: Address, secrets: inout CookieSecrets, now: Instant
    ) -> Bool {
        guard hasSizeOfOne(datagram) else { return false }
        let covered = datagram.byteCount - 2 * WireLimits.macByteCount
        let mac2 = datagram.extracting(covered..<covered + WireLimits.macByteCount)
        // Most of a flood shows none; four hashes a datagram would be wasted on it.
        guard !isZero(mac2) else { return false }
        return secrets.accept(
            datagram.extracting(first: covered), mac2: mac2, from: address, now: now)
    }

    private static func hasSizeOfOne(_ datagram: RawSpan) -> Bool {
        WireLimits.helloByteCount...WireLimits.helloByteCountMax ~= datagram.byteCount
    }

    private static func isZero(_ mac: RawSpan) -> Bool {
        var reader = ByteReader(mac)
        guard let high = try? reader.readUInt64(), let low = try? reader.readUInt64() else {
            return true
        }
        return high | low == 0
    }

    /// Opens a HELLO whose MAC1 is right.
    ///
    /// - Throws: `.helloMalformed` if it was not made for this server, or its payload is malformed.
    public init(opening datagram: RawSpan, identity: borrowing KeyPair) throws(DropReason) {
        let prologue = Prologue.bytes(server: identity.publicKey)
        var noise = unsafe HandshakeState(
            responder: identity, ephemeral: KeyPair(), prologue: prologue.span.bytes)
        let end = datagram.byteCount - 2 * WireLimits.macByteCount
        var storage = InlineArray<1_200, UInt8>(repeating: 0)
        var span = storage.mutableSpan
        var room = unsafe span.mutableBytes
        guard Self.hasSizeOfOne(datagram),
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
    ///   - resetToken: what will end a RESET of the session, if the server can make one.
    ///   - address: where the HELLO came from.
    ///   - configuration: the settings of the session.
    ///   - now: the time.
    ///   - room: at least `WireLimits.helloByteCount` bytes.
    /// - Returns: `nil` if `room` is too small or the client's key is no usable one.
    public consuming func accept(
        connectionID: UInt64, resetToken: ResetToken? = nil, from address: Address,
        configuration: SessionConfiguration, now: Instant, into room: inout MutableRawSpan
    ) -> Accepted? {
        let localID = ConnectionID.server(connectionID)
        var parameters = configuration.parameters
        parameters.resetToken = resetToken
        let isTaken = payload.early.messageByteCount <= configuration.receiveCredit
        let early = isTaken ? payload.early : EarlyMessages()
        if !early.isEmpty { parameters.earlyMessages = early.count }
        let answer = AcceptPayload(connectionID: localID, parameters: parameters)
        guard let byteCount = write(answer, into: &room), let secrets = try? noise.split() else {
            return nil
        }
        // What only a server may say is not kept: a half-open session is to be small.
        var asked = payload.parameters
        (asked.classes, asked.resetToken, asked.earlyMessages) = ([], nil, nil)
        let session = UnconfirmedSession(
            deviceKey: deviceKey, address: address, localID: localID,
            remoteID: payload.connectionID, parameters: asked, early: early, secrets: secrets)
        return Accepted(
            session: session, byteCount: byteCount, configuration: configuration, now: now)
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
    private let session: UnconfirmedSession
    /// Bytes of the ACCEPT.
    public let byteCount: Int
    private let configuration: SessionConfiguration
    private let now: Instant

    fileprivate init(
        session: consuming UnconfirmedSession, byteCount: Int,
        configuration: SessionConfiguration, now: Instant
    ) {
        self.session = session
        self.byteCount = byteCount
        self.configuration = configuration
        self.now = now
    }

    /// Takes out what is kept until the client's first packet.
    public consuming func takeUnconfirmed() -> UnconfirmedSession { session }

    /// Takes the whole session out, not confirmed yet.
    public consuming func takeSession() -> Session {
        session.session(configuration: configuration, now: now)
    }
}
