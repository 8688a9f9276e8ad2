// HELLO and ACCEPT from strangers, from the network between, and from hostile owners of keys.

import PetrelBase
import PetrelCrypto
import PetrelWire

@testable import PetrelTransport

/// Plays one side of a handshake against bytes that are anything but what it expects.
enum HandshakeTarget {
    static let serverAddress = Address(v4: 0x0A00_0001, port: 7_700)
    static let clientAddress = Address(v4: 0x0A00_0002, port: 4_000)
    static let start = Instant(nanoseconds: 1_000_000_000)

    static func feed(_ bytes: [UInt8]) throws {
        var tape = Tape(bytes)
        let kind = tape.byte()
        guard kind < 200 else { return try feedCookies(kind, &tape) }
        switch kind % 5 {
        case 0: try raw(tape.rest())
        case 1: try damagedHello(&tape)
        case 2: try hostileClient(tape.rest())
        case 3: try damagedAccept(&tape)
        default: try hostileServer(tape.rest())
        }
    }

    /// Bytes of a stranger are no HELLO, and no ACCEPT.
    private static func raw(_ bytes: [UInt8]) throws {
        let server = FuzzKeys.server()
        let mac = Mac1Key(serverKey: server.publicKey)
        try hold(Hello.tag(of: bytes.span.bytes, mac: mac) == nil, "a stranger proved a key")
        let hello = try? Hello(opening: bytes.span.bytes, identity: server)
        try hold(hello == nil, "a HELLO of a stranger")
        var handshake = try handshake()
        try hold(!receives(&handshake, bytes), "an ACCEPT of a stranger")
    }

    /// A HELLO that was changed on its way is refused, whoever makes its MAC1 right.
    private static func damagedHello(_ tape: inout Tape) throws {
        let server = FuzzKeys.server()
        let mac = Mac1Key(serverKey: server.publicKey)
        var early = EarlyMessages()
        for _ in 0..<tape.below(3) {
            _ = early.append([UInt8](repeating: 7, count: tape.below(256)).span.bytes)
        }
        var handshake = try handshake(early)
        let genuine = try hello(of: &handshake)
        try hold(Hello.tag(of: genuine.span.bytes, mac: mac) != nil, "a HELLO without MAC1")
        let covered = genuine.count - WireLimits.macByteCount
        let noiseEnd = covered - WireLimits.macByteCount
        var damaged = genuine
        for _ in 0..<8 where !tape.isAtEnd { damaged[tape.below(noiseEnd)] ^= tape.byte() }
        guard damaged != genuine else { return }
        try hold(Hello.tag(of: damaged.span.bytes, mac: mac) == nil, "MAC1 does not cover it")
        let code = mac.mac(Array(damaged.prefix(covered)).span.bytes)
        damaged.replaceSubrange(covered..., with: copy(code.bytes))
        try hold(Hello.tag(of: damaged.span.bytes, mac: mac) != nil, "MAC1 is wrong")
        // The form and the version are checked before; the rest is Noise's.
        let isNoiseChanged = damaged[5..<noiseEnd] != genuine[5..<noiseEnd]
        let opened = try? Hello(opening: damaged.span.bytes, identity: server)
        try hold(opened == nil || !isNoiseChanged, "a HELLO that was changed on its way")
    }

    /// A client that has a key may put anything into its HELLO.
    private static func hostileClient(_ payload: [UInt8]) throws {
        let server = FuzzKeys.server()
        let identity = FuzzKeys.pair(9)
        let prologue = Prologue.bytes(server: server.publicKey)
        var noise = HandshakeState(
            initiator: identity, remoteStatic: server.publicKey, ephemeral: KeyPair(),
            prologue: prologue.span.bytes)
        let size = max(HelloPayload.byteCount, min(payload.count, HelloPayload.byteCountMax))
        let padded = Array((payload + [UInt8](repeating: 0, count: size)).prefix(size))
        let message = written {
            try $0.writeUInt8(PacketForm.helloByte)
            try $0.writeUInt32(WireLimits.version)
            try noise.writeMessage(payload: padded.span.bytes, to: &$0)
            try $0.writeZeros(2 * WireLimits.macByteCount)
        }
        guard let message else { throw Finding(description: "a HELLO that cannot be written") }
        guard let hello = try? Hello(opening: message.span.bytes, identity: server) else { return }
        try hold(hello.deviceKey == identity.publicKey, "another device")
        var answer = try answer(hello)
        try hold(!answer.session.isConfirmed, "confirmed by a HELLO that may be a replay")
        var reader = ByteReader(padded.span.bytes)
        let asked = try HelloPayload(&reader)
        try hold(answer.session.early == asked.early, "other messages than it carries")
        try hold(asked.early.frames.count <= 384, "a half-open session that is large")
        try hold(answer.session.statistics.messagesReceived == 0, "a HELLO that is acted upon")
        try live(&answer.session)
    }

    /// A changed ACCEPT is refused, and does not keep the genuine one out.
    private static func damagedAccept(_ tape: inout Tape) throws {
        let server = FuzzKeys.server()
        var handshake = try handshake()
        let asked = try Self.hello(of: &handshake)
        let hello = try Hello(opening: asked.span.bytes, identity: server)
        let answer = try answer(hello)
        let genuine = answer.accept
        var damaged = genuine
        for _ in 0..<8 where !tape.isAtEnd { damaged[tape.below(genuine.count)] ^= tape.byte() }
        if damaged != genuine {
            try hold(!receives(&handshake, damaged), "an ACCEPT that was changed on its way")
            try hold(!receives(&handshake, Array(damaged.dropLast())), "an ACCEPT cut short")
        }
        try hold(receives(&handshake, genuine), "a forged ACCEPT keeps the genuine one out")
    }

    /// A server may put anything into its ACCEPT.
    private static func hostileServer(_ payload: [UInt8]) throws {
        let server = FuzzKeys.server()
        var handshake = try handshake()
        let hello = try hello(of: &handshake)
        let prologue = Prologue.bytes(server: server.publicKey)
        var noise = HandshakeState(
            responder: server, ephemeral: KeyPair(), prologue: prologue.span.bytes)
        var plain = [UInt8](repeating: 0, count: 256)
        var plainSpan = plain.mutableSpan
        var plainRoom = plainSpan.mutableBytes
        let noiseEnd = hello.count - 2 * WireLimits.macByteCount
        let asked = Array(hello[WireLimits.helloHeaderByteCount..<noiseEnd])
        _ = try noise.readMessage(asked.span.bytes, into: &plainRoom)
        let shortened = Array(payload.prefix(1_400))
        let message = written {
            try $0.writeUInt8(PacketForm.acceptByte)
            try $0.writeUInt32(WireLimits.version)
            try $0.writeUInt32(FuzzKeys.clientID)
            try noise.writeMessage(payload: shortened.span.bytes, to: &$0)
        }
        guard var message else { throw Finding(description: "an ACCEPT that cannot be written") }
        var span = message.mutableSpan
        var view = span.mutableBytes
        guard var session = handshake.receive(&view, from: serverAddress, now: start) else {
            return
        }
        try live(&session)
    }

    /// A session with whatever parameters sends, waits and ends.
    private static func live(_ session: inout Session) throws {
        var events = SessionEvents()
        var room = [UInt8](repeating: 0, count: 1_500)
        var span = room.mutableSpan
        var view = span.mutableBytes
        let message = [UInt8](repeating: 1, count: 3_000)
        _ = try? session.send(message.span.bytes, as: .durable, now: start)
        var now = start
        for _ in 0..<200 {
            var count = 0
            while session.transmit(into: &view, now: now) != nil {
                count += 1
                try hold(count < 100, "datagrams without end")
            }
            guard !session.isClosed else { return }
            now = max(session.deadline, now + .microseconds(1))
            session.advance(now: now, into: &events)
        }
        try hold(session.isClosed, "a session that nobody answers does not end")
    }

    /// What the server has when it has answered.
    struct Answer: ~Copyable {
        var accept: [UInt8]
        var session: Session
    }

    static func answer(_ hello: consuming Hello) throws -> Answer {
        var room = [UInt8](repeating: 0, count: 1_500)
        var span = room.mutableSpan
        var view = span.mutableBytes
        let accepted = hello.accept(
            connectionID: FuzzKeys.serverID, resetToken: resetToken, from: clientAddress,
            configuration: SessionConfiguration(), now: start, into: &view)
        guard let accepted else { throw Finding(description: "a HELLO without an answer") }
        let byteCount = accepted.byteCount
        let session = accepted.takeSession()
        try hold(byteCount <= WireLimits.helloByteCount, "an answer that amplifies")
        return Answer(accept: Array(room.prefix(byteCount)), session: session)
    }

    static func handshake(
        _ early: EarlyMessages = EarlyMessages()
    ) throws -> ClientHandshake {
        try ClientHandshake(
            identity: FuzzKeys.pair(9), server: FuzzKeys.server().publicKey, counter: 1,
            connectionID: FuzzKeys.clientID, early: early, configuration: SessionConfiguration(),
            lifetime: .seconds(60), now: start)
    }

    static func hello(of handshake: inout ClientHandshake) throws -> [UInt8] {
        var room = [UInt8](repeating: 0, count: 1_500)
        var span = room.mutableSpan
        var view = span.mutableBytes
        guard let count = handshake.transmit(into: &view, now: start) else {
            throw Finding(description: "no HELLO")
        }
        return Array(room.prefix(count))
    }

    static func receives(_ handshake: inout ClientHandshake, _ bytes: [UInt8]) -> Bool {
        var bytes = bytes
        var span = bytes.mutableSpan
        var view = span.mutableBytes
        return handshake.receive(&view, from: serverAddress, now: start) != nil
    }
}
