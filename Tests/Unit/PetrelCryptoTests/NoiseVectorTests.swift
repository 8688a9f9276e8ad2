// Whole handshakes as other implementations of Noise make them.

import Foundation
import PetrelBase
import Testing

@testable import PetrelCrypto

/// Runs `Protocol/vectors/noise-ik.json`, or the file that `NOISE_VECTORS` names.
///
/// The published collections hold hundreds of suites: those that are not ours are counted and
/// skipped, and at least one vector must remain.
@Suite struct NoiseVectorTests {
    struct File: Decodable { var vectors: [Vector] }

    struct Vector: Decodable {
        var protocol_name, name: String?
        var init_prologue, init_static, init_ephemeral, init_remote_static: String?
        var resp_prologue, resp_static, resp_ephemeral: String?
        var init_psk, resp_psk: String?
        var init_psks, resp_psks: [String]?
        var handshake_hash: String?
        var messages: [Message]?
    }

    struct Message: Decodable { var payload, ciphertext: String }

    /// A vector of our suite with nothing missing.
    struct Complete {
        var initPrologue, initStatic, initEphemeral, initRemoteStatic: String
        var respPrologue, respStatic, respEphemeral: String
        var handshakeHash: String?
        var messages: [Message]

        init?(_ vector: Vector) {
            guard
                vector.init_psk == nil, vector.resp_psk == nil,
                (vector.init_psks ?? []).isEmpty, (vector.resp_psks ?? []).isEmpty,
                let initStatic = vector.init_static, let initEphemeral = vector.init_ephemeral,
                let initRemoteStatic = vector.init_remote_static,
                let respStatic = vector.resp_static, let respEphemeral = vector.resp_ephemeral,
                let messages = vector.messages, messages.count >= 2
            else { return nil }
            initPrologue = vector.init_prologue ?? ""
            respPrologue = vector.resp_prologue ?? ""
            self.initStatic = initStatic
            self.initEphemeral = initEphemeral
            self.initRemoteStatic = initRemoteStatic
            self.respStatic = respStatic
            self.respEphemeral = respEphemeral
            handshakeHash = vector.handshake_hash
            self.messages = messages
        }
    }

    @Test func handshakesAreTheSameAsOtherImplementations() throws {
        let named = ProcessInfo.processInfo.environment["NOISE_VECTORS"]
        let url =
            named.map { URL(fileURLWithPath: $0) }
            ?? vectorFolder.appendingPathComponent("noise-ik.json")
        let file = try JSONDecoder().decode(File.self, from: Data(contentsOf: url))
        var ran = 0
        var otherSuites = 0
        var incomplete = 0
        for vector in file.vectors {
            guard vector.protocol_name ?? vector.name == "\(HandshakeState.protocolName)" else {
                otherSuites += 1
                continue
            }
            guard let complete = Complete(vector) else {
                incomplete += 1
                continue
            }
            try run(complete)
            ran += 1
        }
        print(
            "\(url.lastPathComponent): \(ran) vectors run,",
            "\(otherSuites) of other suites and \(incomplete) incomplete skipped")
        #expect(ran >= 1)
    }

    private func run(_ vector: Complete) throws {
        let initStatic = KeyPair(secret: try secretKey(vector.initStatic))
        let respStatic = KeyPair(secret: try secretKey(vector.respStatic))
        let remoteStatic = try publicKey(vector.initRemoteStatic)
        #expect(remoteStatic == respStatic.publicKey)
        let initPrologue = try hex(vector.initPrologue)
        let respPrologue = try hex(vector.respPrologue)
        var initiator = HandshakeState(
            initiator: initStatic, remoteStatic: remoteStatic,
            ephemeral: KeyPair(secret: try secretKey(vector.initEphemeral)),
            prologue: initPrologue.span.bytes)
        var responder = HandshakeState(
            responder: respStatic,
            ephemeral: KeyPair(secret: try secretKey(vector.respEphemeral)),
            prologue: respPrologue.span.bytes)
        let payloads = try vector.messages.map { try hex($0.payload) }
        let sealed = try vector.messages.map { try hex($0.ciphertext) }
        #expect(write(&initiator, payloads[0]) == .success(sealed[0]))
        #expect(read(&responder, sealed[0]) == .success(payloads[0]))
        #expect(responder.remoteStatic == initStatic.publicKey)
        #expect(write(&responder, payloads[1]) == .success(sealed[1]))
        #expect(read(&initiator, sealed[1]) == .success(payloads[1]))
        let ofInitiator = try initiator.split()
        let ofResponder = try responder.split()
        if let expected = vector.handshakeHash {
            #expect(ofInitiator.handshakeHash.hexadecimal == expected)
            #expect(ofResponder.handshakeHash.hexadecimal == expected)
        }
        try exchange(ofInitiator, ofResponder, payloads, sealed)
    }

    /// The messages after the handshake, which the two sides send in turn.
    private func exchange(
        _ initiator: borrowing NoiseSecrets, _ responder: borrowing NoiseSecrets,
        _ payloads: [[UInt8]], _ sealed: [[UInt8]]
    ) throws {
        var initiatorSends = CipherState(key: initiator.initiatorToResponder.duplicate())
        var responderReads = CipherState(key: responder.initiatorToResponder.duplicate())
        var responderSends = CipherState(key: responder.responderToInitiator.duplicate())
        var initiatorReads = CipherState(key: initiator.responderToInitiator.duplicate())
        for index in 2..<max(2, sealed.count) {
            if index.isMultiple(of: 2) {
                try send(payloads[index], sealed[index], &initiatorSends, &responderReads)
            } else {
                try send(payloads[index], sealed[index], &responderSends, &initiatorReads)
            }
        }
    }

    private func send(
        _ payload: [UInt8], _ expected: [UInt8], _ writer: inout CipherState,
        _ reader: inout CipherState
    ) throws {
        var sealed = [UInt8](repeating: 0, count: payload.count + CipherState.tagByteCount)
        var opened = [UInt8](repeating: 0, count: payload.count)
        var sealedSpan = sealed.mutableSpan
        var sealedRoom = sealedSpan.mutableBytes
        let sealedByteCount = try writer.encrypt(
            payload.span.bytes, associatedData: RawSpan(), into: &sealedRoom)
        #expect(sealedByteCount == sealed.count)
        #expect(sealed == expected)
        var openedSpan = opened.mutableSpan
        var openedRoom = openedSpan.mutableBytes
        let openedByteCount = try reader.decrypt(
            expected.span.bytes, associatedData: RawSpan(), into: &openedRoom)
        #expect(openedByteCount == payload.count)
        #expect(opened == payload)
    }
}
