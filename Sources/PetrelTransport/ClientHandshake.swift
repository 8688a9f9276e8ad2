// The client's half of the handshake: one HELLO, repeated until an ACCEPT opens it into a session.

public import PetrelBase
public import PetrelCrypto
public import PetrelWire

/// One attempt to get a session: the same HELLO again and again, for a limited time.
///
/// HELLO repeats every 150 ms for 2 s, then at intervals that grow by half up to 2 s: a lost HELLO
/// costs little, a dead server costs few packets. A server under load answers with a cookie; from
/// then on the HELLO shows it.
public struct ClientHandshake: ~Copyable {
    private static let repeatInterval = Interval.milliseconds(150)
    private static let repeatSteadily = Interval.seconds(2)
    private static let repeatIntervalMax = Interval.seconds(2)
    /// RETRYs taken in: whoever sees a HELLO and knows the server's key can make them.
    private static let retriesMax = 8

    private var noise: HandshakeState
    private var hello: [UInt8]
    private let mac1Key: Mac1Key
    private let retryKey: RetryKey
    private var retriesTaken = 0
    /// The cookie that the HELLO shows; good for other attempts from the same address.
    public private(set) var cookie: Cookie?
    private let connectionID: ConnectionID
    private let early: EarlyMessages
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
    ///   - cookie: what the server gave lately, if it was under load.
    ///   - early: what the server is to take in as the first messages of the session; it may leave
    ///     them, which `Session.earlyMessagesTaken` tells.
    ///   - configuration: the settings of the session to come.
    ///   - lifetime: how long the attempt lasts; the server forgets an unconfirmed one after 10 s.
    ///   - now: the time.
    /// - Throws: if `server` is no usable key.
    public init(
        identity: borrowing KeyPair, server: PublicKey, counter: UInt64, connectionID: UInt32,
        cookie: Cookie? = nil, early: EarlyMessages = EarlyMessages(),
        configuration: SessionConfiguration, lifetime: Interval, now: Instant
    ) throws(HandshakeError) {
        let id = ConnectionID.client(connectionID)
        let prologue = Prologue.bytes(server: server)
        var noise = unsafe HandshakeState(
            initiator: identity, remoteStatic: server, ephemeral: KeyPair(),
            prologue: prologue.span.bytes)
        hello = try Self.hello(
            HelloPayload(
                counter: counter, connectionID: id, parameters: configuration.parameters,
                early: early),
            noise: &noise)
        self.noise = noise
        mac1Key = Mac1Key(serverKey: server)
        retryKey = RetryKey(serverKey: server)
        self.cookie = cookie
        self.connectionID = id
        self.early = early
        self.server = server
        self.configuration = configuration
        started = now
        expires = now + lifetime
        nextTransmission = now
        lastTransmission = now
        authenticate()
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
        return copyHello(into: &room)
    }

    /// Puts the HELLO into `room` once more, for another carrier; returns its byte count.
    public func copyHello(into room: inout MutableRawSpan) -> Int? {
        var writer = ByteWriter(&room)
        let written: Void? = unsafe try? writer.writeBytes(hello.span.bytes)
        return written == nil ? nil : hello.count
    }

    /// Takes in a RETRY: its cookie is shown at once, and in all further copies of the HELLO.
    ///
    /// Returns whether it was one for this attempt; of several to the same HELLO the first counts.
    public mutating func receiveRetry(_ datagram: RawSpan, now: Instant) -> Bool {
        guard PacketForm(datagram, receivedBy: .client) == .retry,
            retriesTaken < Self.retriesMax
        else { return false }
        let sealed = datagram.extracting(droppingFirst: WireLimits.retryHeaderByteCount)
        let opened = unsafe retryKey.open(sealed, mac1: Hello.mac1(of: hello.span.bytes))
        guard let opened else { return false }
        retriesTaken += 1
        let before = hello
        cookie = opened
        authenticate()
        // A server that does not take its own cookie gets no more HELLOs than a silent one.
        if hello != before { nextTransmission = now }
        return true
    }

    /// Opens an ACCEPT, or takes in a RETRY; `nil` if the datagram is no ACCEPT for this attempt.
    public mutating func receive(
        _ datagram: inout MutableRawSpan, from address: Address, now: Instant
    ) -> Session? {
        if receiveRetry(datagram.bytes, now: now) { return nil }
        guard case .accept(connectionID) = PacketForm(datagram.bytes, receivedBy: .client),
            let payload = open(datagram.bytes),
            let secrets = try? noise.split()
        else { return nil }
        var session = Session(
            side: .client, configuration: configuration, localID: connectionID,
            remoteID: payload.connectionID, peerKey: server, peerParameters: payload.parameters,
            secrets: secrets, address: address, now: now)
        guard session.begin(after: early) else { return nil }
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
        _ payload: HelloPayload, noise: inout HandshakeState
    ) throws(HandshakeError) -> [UInt8] {
        var plain = [UInt8](repeating: 0, count: HelloPayload.byteCountMax)
        let byteCount: Int
        do {
            var plainSpan = plain.mutableSpan
            var plainRoom = unsafe plainSpan.mutableBytes
            var plainWriter = ByteWriter(&plainRoom)
            try payload.write(to: &plainWriter)
            byteCount = plainWriter.offset
        } catch { throw .noRoom }
        plain.removeLast(plain.count - byteCount)
        var datagram = [UInt8](repeating: 0, count: byteCount + HelloPayload.overhead)
        try write(plain, noise: &noise, into: &datagram)
        return datagram
    }

    /// Writes MAC2, zeros without a cookie, and MAC1 over all before it.
    private mutating func authenticate() {
        let size = WireLimits.macByteCount
        let start = hello.count - 2 * size
        if let cookie {
            let code = unsafe cookie.mac2(hello.span.bytes.extracting(first: start))
            Self.put(code, into: &hello, at: start)
        }
        let code = unsafe mac1Key.mac(hello.span.bytes.extracting(first: start + size))
        Self.put(code, into: &hello, at: start + size)
    }

    private static func put(_ code: MessageCode, into bytes: inout [UInt8], at start: Int) {
        for i in 0..<WireLimits.macByteCount {
            bytes[start + i] = unsafe code.bytes.unsafeLoad(fromByteOffset: i, as: UInt8.self)
        }
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
