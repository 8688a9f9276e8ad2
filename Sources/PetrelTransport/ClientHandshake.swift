// The client's half of the handshake: one HELLO, repeated until an ACCEPT opens it into a session.

public import PetrelBase
public import PetrelCrypto
internal import PetrelWire

/// One attempt to get a session: the same HELLO again and again, for a limited time.
///
/// HELLO repeats every 150 ms for 2 s, then at intervals that grow by half up to 2 s: a lost HELLO
/// costs little, a dead server costs few packets.
public struct ClientHandshake: ~Copyable {
    private static let repeatInterval = Interval.milliseconds(150)
    private static let repeatSteadily = Interval.seconds(2)
    private static let repeatIntervalMax = Interval.seconds(2)

    private var noise: HandshakeState
    private let hello: [UInt8]
    private let connectionID: ConnectionID
    private let server: PublicKey
    private let configuration: SessionConfiguration
    private let started: Instant
    private let expires: Instant
    private var interval = repeatInterval
    private var nextTransmission: Instant
    private var lastTransmission: Instant

    /// Starts an attempt.
    ///
    /// - Parameters:
    ///   - identity: the device's key.
    ///   - server: the key that the server must prove.
    ///   - counter: higher than in any HELLO of this device before; stored before this is called.
    ///   - connectionID: what the server is to write on packets to this client.
    ///   - configuration: the settings of the session to come.
    ///   - lifetime: how long the attempt lasts; the server forgets an unconfirmed one after 10 s.
    ///   - now: the time.
    /// - Throws: if `server` is no usable key.
    public init(
        identity: borrowing KeyPair, server: PublicKey, counter: UInt64, connectionID: UInt32,
        configuration: SessionConfiguration, lifetime: Interval, now: Instant
    ) throws(HandshakeError) {
        let id = ConnectionID.client(connectionID)
        let prologue = Prologue.bytes(server: server)
        var noise = unsafe HandshakeState(
            initiator: identity, remoteStatic: server, ephemeral: KeyPair(),
            prologue: prologue.span.bytes)
        hello = try Self.hello(
            HelloPayload(
                counter: counter, connectionID: id, parameters: configuration.parameters),
            noise: &noise, server: server)
        self.noise = noise
        self.connectionID = id
        self.server = server
        self.configuration = configuration
        started = now
        expires = now + lifetime
        nextTransmission = now
        lastTransmission = now
    }

    /// When `transmit` must be called next, or the attempt ends.
    public var deadline: Instant { min(nextTransmission, expires) }

    /// Whether the attempt is over without success.
    public func isExpired(now: Instant) -> Bool { now >= expires }

    /// Puts the HELLO into `room` if it is due; returns its byte count.
    public mutating func transmit(into room: inout MutableRawSpan, now: Instant) -> Int? {
        guard now >= nextTransmission, now < expires, room.byteCount >= hello.count else {
            return nil
        }
        if now - started >= Self.repeatSteadily {
            interval = min(interval * 3 / 2, Self.repeatIntervalMax)
        }
        nextTransmission = now + interval
        lastTransmission = now
        var writer = ByteWriter(&room)
        let written: Void? = unsafe try? writer.writeBytes(hello.span.bytes)
        return written == nil ? nil : hello.count
    }

    /// Opens an ACCEPT; `nil` if the datagram is none for this attempt.
    public mutating func receive(
        _ datagram: inout MutableRawSpan, from address: Address, now: Instant
    ) -> Session? {
        guard case .accept(connectionID) = PacketForm(datagram.bytes, receivedBy: .client),
            let payload = open(datagram.bytes),
            let secrets = try? noise.split()
        else { return nil }
        var session = Session(
            side: .client, configuration: configuration, localID: connectionID,
            remoteID: payload.connectionID, peerKey: server, peerParameters: payload.parameters,
            secrets: secrets, address: address, now: now)
        session.startAsClient(now: now)
        return session
    }

    private mutating func open(_ datagram: RawSpan) -> AcceptPayload? {
        let message = datagram.extracting(droppingFirst: WireLimits.acceptHeaderByteCount)
        var storage = InlineArray<1_500, UInt8>(repeating: 0)
        var span = storage.mutableSpan
        var room = unsafe span.mutableBytes
        guard message.byteCount <= room.byteCount,
            let count = try? noise.readMessage(message, into: &room)
        else { return nil }
        var reader = ByteReader(room.bytes.extracting(first: count))
        return try? AcceptPayload(&reader)
    }

    private static func hello(
        _ payload: HelloPayload, noise: inout HandshakeState, server: PublicKey
    ) throws(HandshakeError) -> [UInt8] {
        var plain = [UInt8](repeating: 0, count: HelloPayload.byteCount)
        var datagram = [UInt8](repeating: 0, count: WireLimits.helloByteCount)
        do {
            var plainSpan = plain.mutableSpan
            var plainRoom = unsafe plainSpan.mutableBytes
            var plainWriter = ByteWriter(&plainRoom)
            try payload.write(to: &plainWriter)
        } catch { throw .noRoom }
        try write(plain, noise: &noise, into: &datagram)
        let covered = WireLimits.helloByteCount - WireLimits.macByteCount
        let code = unsafe Mac1Key(serverKey: server).mac(
            datagram.span.bytes.extracting(first: covered))
        for i in 0..<WireLimits.macByteCount {
            datagram[covered + i] = unsafe code.bytes.unsafeLoad(
                fromByteOffset: i, as: UInt8.self)
        }
        return datagram
    }

    private static func write(
        _ payload: [UInt8], noise: inout HandshakeState, into datagram: inout [UInt8]
    ) throws(HandshakeError) {
        var span = datagram.mutableSpan
        var room = unsafe span.mutableBytes
        var writer = ByteWriter(&room)
        do {
            try writer.writeUInt8(PacketForm.helloByte)
            try writer.writeUInt32(WireLimits.version)
        } catch { throw .noRoom }
        // MAC2 follows and stays zero: there is no cookie in this version.
        unsafe try noise.writeMessage(payload: payload.span.bytes, to: &writer)
    }
}

/// What both sides hash before the handshake, so that nobody talks another version or server.
enum Prologue {
    /// `petrel`, the version as u32, the server's key.
    static func bytes(server: PublicKey) -> [UInt8] {
        var bytes = Array("petrel".utf8)
        for shift in [24, 16, 8, 0] as [UInt32] {
            bytes.append(UInt8(truncatingIfNeeded: WireLimits.version >> shift))
        }
        unsafe server.bytes.withUnsafeBytes { unsafe bytes.append(contentsOf: $0) }
        return bytes
    }
}
