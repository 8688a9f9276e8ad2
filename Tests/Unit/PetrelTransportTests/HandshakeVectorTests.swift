// Handshakes as the second implementation makes them (Protocol/vectors/handshake.json).

import PetrelBase
import PetrelCrypto
import PetrelWire
import Testing

@testable import PetrelTransport

@Suite struct HandshakeVectorTests {
    struct File: Decodable { var handshakes: [Vector] }

    struct Vector: Decodable {
        var name, server_secret, server_public, device_secret, device_public: String
        var client_ephemeral_secret, server_ephemeral_secret, counter: String
        var client_connection_id, server_connection_id: String
        var client_parameters, server_parameters: [String: String]
        var early_messages: [String]
        var prologue, hello_payload, mac1_key, mac1, hello, accept_payload, accept: String
        var handshake_hash, client_traffic_secret, server_traffic_secret: String
        var first_packet_payload, first_packet: String
    }

    private func each(_ body: (Vector) throws -> Void) throws {
        let file = try vectors("handshake.json", as: File.self)
        #expect(file.handshakes.count >= 3)
        for vector in file.handshakes { try body(vector) }
    }

    private func keyPair(_ text: String) throws -> KeyPair {
        let bytes = try hex(text)
        return KeyPair(secret: SecretKey(copying: bytes.span.bytes))
    }

    private func meaning(of parameters: TransportParameters) -> [String: String] {
        [
            "ack_delay_max_ms": "\(parameters.ackDelayMax.nanoseconds / 1_000_000)",
            "initial_credit": "\(parameters.initialCredit)",
            "idle_timeout_ms": "\(parameters.idleTimeout.nanoseconds / 1_000_000)",
        ]
    }

    @Test func serverOpensTheHello() throws {
        try each { vector in
            let server = try keyPair(vector.server_secret)
            #expect(server.publicKey.hexadecimal == vector.server_public, "\(vector.name)")
            let hello = try hex(vector.hello)
            let form = PacketForm(hello.span.bytes, receivedBy: .server)
            #expect(form == .hello)
            let mac = Mac1Key(serverKey: server.publicKey)
            let tag = Hello.tag(of: hello.span.bytes, mac: mac)
            #expect(try hex(vector.mac1) == Array(hello.suffix(16)))
            let code = Array(hello.suffix(48).prefix(16))
            let high = code.prefix(8).reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
            let low = code.suffix(8).reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
            #expect(tag == HelloTag(high: high, low: low), "\(vector.name)")
            let opened = try Hello(opening: hello.span.bytes, identity: server)
            #expect(opened.deviceKey.hexadecimal == vector.device_public, "\(vector.name)")
            #expect(opened.counter == UInt64(vector.counter, radix: 16), "\(vector.name)")
            var room = [UInt8](repeating: 0, count: 256)
            var span = room.mutableSpan
            var mutable = span.mutableBytes
            let accepted = opened.accept(
                connectionID: 1, from: .none, configuration: SessionConfiguration(),
                now: Instant(nanoseconds: 0), into: &mutable)
            guard let session = accepted?.takeSession() else {
                Issue.record("no session: \(vector.name)")
                return
            }
            #expect(
                session.remoteID.value == UInt64(vector.client_connection_id, radix: 16),
                "\(vector.name)")
            let parameters = session.peerParameters
            #expect(meaning(of: parameters) == vector.client_parameters, "\(vector.name)")
            #expect(session.early.count == vector.early_messages.count, "\(vector.name)")
        }
    }

    @Test func payloadsAreTheSame() throws {
        try each { vector in
            let helloBytes = try hex(vector.hello_payload)
            var helloReader = ByteReader(helloBytes.span.bytes)
            let hello = try HelloPayload(&helloReader)
            #expect(hello.counter == UInt64(vector.counter, radix: 16))
            var early = EarlyMessages()
            for text in vector.early_messages {
                let message = try hex(text)
                let isTaken = early.append(message.span.bytes)
                #expect(isTaken)
            }
            #expect(hello.early == early, "\(vector.name)")
            let again = try written { writer in try hello.write(to: &writer) }
            // Parameters that were left out are written, those that are unknown are not.
            if helloBytes.count == 123 { #expect(again.count == 123, "\(vector.name)") }
            #expect(meaning(of: hello.parameters) == vector.client_parameters)
            let acceptBytes = try hex(vector.accept_payload)
            var reader = ByteReader(acceptBytes.span.bytes)
            let accept = try AcceptPayload(&reader)
            #expect(accept.connectionID.value == UInt64(vector.server_connection_id, radix: 16))
            #expect(meaning(of: accept.parameters) == vector.server_parameters, "\(vector.name)")
            let taken = accept.parameters.earlyMessages ?? 0
            #expect(taken == early.count, "\(vector.name)")
            let token = accept.parameters.resetToken
            #expect((token != nil) == vector.name.contains("reset token"), "\(vector.name)")
            guard let token else { return }
            #expect(try written { writer in try token.write(to: &writer) } == Array(0..<16))
            let acceptDatagram = try hex(vector.accept)
            let form = PacketForm(acceptDatagram.span.bytes, receivedBy: .client)
            let id = try #require(UInt32(vector.client_connection_id, radix: 16))
            #expect(form == .accept(.client(id)), "\(vector.name)")
            let key = try keyPair(vector.server_secret).publicKey
            #expect(Prologue.bytes(server: key) == (try hex(vector.prologue)), "\(vector.name)")
        }
    }

    /// With the ephemeral keys given, both Noise messages and all secrets are the same bytes.
    @Test func noiseMessagesAndSecretsAreTheSame() throws {
        try each { vector in
            let prologue = try hex(vector.prologue)
            let server = try keyPair(vector.server_secret)
            var client = HandshakeState(
                initiator: try keyPair(vector.device_secret), remoteStatic: server.publicKey,
                ephemeral: try keyPair(vector.client_ephemeral_secret),
                prologue: prologue.span.bytes)
            let helloPayload = try hex(vector.hello_payload)
            let first = try written { writer in
                try client.writeMessage(payload: helloPayload.span.bytes, to: &writer)
            }
            #expect(first == Array(try hex(vector.hello).dropFirst(5).dropLast(32)))
            var responder = HandshakeState(
                responder: server, ephemeral: try keyPair(vector.server_ephemeral_secret),
                prologue: prologue.span.bytes)
            var room = [UInt8](repeating: 0, count: 1_200)
            var span = room.mutableSpan
            var mutable = span.mutableBytes
            let count = try responder.readMessage(first.span.bytes, into: &mutable)
            #expect(count == helloPayload.count)
            let acceptPayload = try hex(vector.accept_payload)
            let second = try written { writer in
                try responder.writeMessage(payload: acceptPayload.span.bytes, to: &writer)
            }
            #expect(second == Array(try hex(vector.accept).dropFirst(9)), "\(vector.name)")
            let secrets = try responder.split()
            #expect(secrets.handshakeHash.hexadecimal == vector.handshake_hash, "\(vector.name)")
            let lines = KeyLog.lines(secrets, serverID: .server(0xA1))
            #expect(
                lines == [
                    "PETREL_CLIENT_TRAFFIC_SECRET 00000000000000a1 \(vector.client_traffic_secret)",
                    "PETREL_SERVER_TRAFFIC_SECRET 00000000000000a1 \(vector.server_traffic_secret)",
                ])
        }
    }

    /// The packet that confirms the session opens with the keys of the handshake.
    @Test func firstPacketOpens() throws {
        try each { vector in
            let secretBytes = try hex(vector.client_traffic_secret)
            let keys = TrafficKeys(secret: SecretKey(copying: secretBytes.span.bytes))
            var datagram = try hex(vector.first_packet)
            #expect(datagram.count == WireLimits.serverDatagramByteCountMin)
            let mask = keys.header.mask(sample: datagram.span.bytes.extracting(13..<29))
            datagram[0] ^= mask[0] & DataHeader.protectedBits
            #expect(datagram[0] == 0x40, "\(vector.name)")
            datagram[9] ^= mask[1]
            var span = datagram.mutableSpan
            var mutable = span.mutableBytes
            let count = keys.cipher.open(
                &mutable, headerByteCount: 10, byteCount: 40, pathID: 0, packetNumber: 0)
            let payload = try hex(vector.first_packet_payload)
            #expect(count == payload.count, "\(vector.name)")
            #expect(Array(datagram[10..<10 + payload.count]) == payload, "\(vector.name)")
        }
    }
}
