// Handshakes that must not succeed, and states that must survive the attempt.

import PetrelBase
import Testing

@testable import PetrelCrypto

@Suite final class HandshakeTests {
    private static let prologue = Array("petrel test".utf8)
    private let client = KeyPair()
    private let server = KeyPair()

    private func initiator(
        towards key: PublicKey? = nil, prologue: [UInt8] = prologue
    ) -> HandshakeState {
        HandshakeState(
            initiator: client, remoteStatic: key ?? server.publicKey, ephemeral: KeyPair(),
            prologue: prologue.span.bytes)
    }

    private func responder(prologue: [UInt8] = prologue) -> HandshakeState {
        HandshakeState(responder: server, ephemeral: KeyPair(), prologue: prologue.span.bytes)
    }

    @Test(arguments: [0, 1, 16, 1_000])
    func bothSidesEndWithTheSameSecrets(payloadByteCount: Int) throws {
        let payload = [UInt8](repeating: 7, count: payloadByteCount)
        var initiator = initiator()
        var responder = responder()
        #expect(initiator.remoteStatic == server.publicKey)
        #expect(responder.remoteStatic == nil)
        let first = try write(&initiator, payload).get()
        #expect(first.count == payloadByteCount + HandshakeState.firstMessageOverhead)
        #expect(read(&responder, first) == .success(payload))
        #expect(responder.remoteStatic == client.publicKey)
        let second = try write(&responder, payload).get()
        #expect(second.count == payloadByteCount + HandshakeState.secondMessageOverhead)
        #expect(read(&initiator, second) == .success(payload))
        #expect(initiator.isComplete && responder.isComplete)
        let ofInitiator = try initiator.split()
        let ofResponder = try responder.split()
        #expect(ofInitiator.handshakeHash == ofResponder.handshakeHash)
        #expect(copy(ofInitiator.initiatorToResponder) == copy(ofResponder.initiatorToResponder))
        #expect(copy(ofInitiator.responderToInitiator) == copy(ofResponder.responderToInitiator))
        #expect(copy(ofInitiator.initiatorToResponder) != copy(ofInitiator.responderToInitiator))
    }

    @Test func everyFlippedBitIsForgedAndTheStateSurvives() throws {
        var initiator = initiator()
        var responder = responder()
        let first = try write(&initiator, [1, 2, 3]).get()
        flipEveryBit(of: first) { read(&responder, $0) }
        #expect(responder.remoteStatic == nil)
        #expect(read(&responder, first) == .success([1, 2, 3]))
        let second = try write(&responder, [4, 5]).get()
        flipEveryBit(of: second) { read(&initiator, $0) }
        #expect(read(&initiator, second) == .success([4, 5]))
        #expect(try initiator.split().handshakeHash == responder.split().handshakeHash)
    }

    private func flipEveryBit(
        of genuine: [UInt8], _ attempt: ([UInt8]) -> Result<[UInt8], HandshakeError>
    ) {
        for bit in 0..<genuine.count * 8 {
            var message = genuine
            message[bit / 8] ^= 1 << (bit % 8)
            #expect(attempt(message) == .failure(.forged), "bit \(bit)")
        }
    }

    @Test func everyTruncationIsRefused() throws {
        var initiator = initiator()
        var responder = responder()
        let first = try write(&initiator, [1, 2, 3]).get()
        for count in 0..<first.count {
            let error: HandshakeError =
                count < HandshakeState.firstMessageOverhead ? .truncated : .forged
            #expect(read(&responder, Array(first.prefix(count))) == .failure(error))
        }
        #expect(read(&responder, first + [0]) == .failure(.forged))
        #expect(read(&responder, first) == .success([1, 2, 3]))
        let second = try write(&responder, [4, 5]).get()
        for count in 0..<second.count {
            let error: HandshakeError =
                count < HandshakeState.secondMessageOverhead ? .truncated : .forged
            #expect(read(&initiator, Array(second.prefix(count))) == .failure(error))
        }
        #expect(read(&initiator, second + [0]) == .failure(.forged))
        #expect(read(&initiator, second) == .success([4, 5]))
    }

    @Test(arguments: ["", "petrel tesu", "petrel test2"])
    func anotherPrologueIsForged(other: String) throws {
        var initiator = initiator(prologue: Array(other.utf8))
        var responder = responder()
        let first = try write(&initiator, []).get()
        #expect(read(&responder, first) == .failure(.forged))
    }

    @Test func anotherServerIsForged() throws {
        var initiator = initiator(towards: KeyPair().publicKey)
        var responder = responder()
        let first = try write(&initiator, []).get()
        #expect(read(&responder, first) == .failure(.forged))
    }

    @Test func theAnswerOfAnotherHandshakeIsForged() throws {
        var mine = initiator()
        var other = initiator()
        _ = try write(&mine, []).get()
        var responder = responder()
        #expect(read(&responder, try write(&other, []).get()) == .success([]))
        let answer = try write(&responder, []).get()
        #expect(read(&mine, answer) == .failure(.forged))
        #expect(read(&other, answer) == .success([]))
    }

    @Test func turnsAreKept() throws {
        var initiator = initiator()
        var responder = responder()
        let anything = [UInt8](repeating: 1, count: 200)
        #expect(read(&initiator, anything) == .failure(.outOfOrder))
        #expect(write(&responder, []) == .failure(.outOfOrder))
        expectSplit(of: initiator, fails: true)
        expectSplit(of: responder, fails: true)
        let first = try write(&initiator, []).get()
        #expect(write(&initiator, []) == .failure(.outOfOrder))
        #expect(read(&responder, first) == .success([]))
        #expect(read(&responder, first) == .failure(.outOfOrder))
        expectSplit(of: initiator, fails: true)
        expectSplit(of: responder, fails: true)
        let second = try write(&responder, []).get()
        #expect(write(&responder, []) == .failure(.outOfOrder))
        #expect(read(&responder, first) == .failure(.outOfOrder))
        #expect(read(&initiator, second) == .success([]))
        #expect(read(&initiator, second) == .failure(.outOfOrder))
        #expect(write(&initiator, []) == .failure(.outOfOrder))
        expectSplit(of: initiator, fails: false)
        expectSplit(of: responder, fails: false)
    }

    private func expectSplit(of state: borrowing HandshakeState, fails: Bool) {
        var error: HandshakeError?
        do throws(HandshakeError) {
            _ = try state.split()
        } catch let thrown {
            error = thrown
        }
        #expect(error == (fails ? .outOfOrder : nil))
    }

    @Test func limitsChangeNothing() throws {
        var initiator = initiator()
        var responder = responder()
        #expect(write(&initiator, [1, 2, 3], room: 98) == .failure(.noRoom))
        let largest = HandshakeState.messageByteCountMax - HandshakeState.firstMessageOverhead
        let payload = [UInt8](repeating: 1, count: largest + 1)
        #expect(write(&initiator, payload) == .failure(.tooLong))
        let first = try write(&initiator, [1, 2, 3], room: 99).get()
        #expect(read(&responder, first, room: 2) == .failure(.noRoom))
        let tooLong = [UInt8](repeating: 1, count: HandshakeState.messageByteCountMax + 1)
        #expect(read(&responder, tooLong) == .failure(.tooLong))
        #expect(read(&responder, first, room: 3) == .success([1, 2, 3]))
    }

    @Test func theLargestMessagePasses() throws {
        var initiator = initiator()
        var responder = responder()
        let largest = HandshakeState.messageByteCountMax - HandshakeState.firstMessageOverhead
        let payload = [UInt8](repeating: 1, count: largest)
        let first = try write(&initiator, payload).get()
        #expect(first.count == HandshakeState.messageByteCountMax)
        #expect(read(&responder, first) == .success(payload))
    }

    @Test(arguments: KeyTests.lowOrderPoints)
    func lowOrderKeysAreRefused(point: String) throws {
        let low = try publicKey(point)
        var lost = initiator(towards: low)
        #expect(write(&lost, []) == .failure(.lowOrderPoint))
        var initiator = initiator()
        var responder = responder()
        let first = try write(&initiator, []).get()
        let lowFirst = (try hex(point)) + first.dropFirst(32)
        #expect(read(&responder, lowFirst) == .failure(.lowOrderPoint))
        #expect(read(&responder, first) == .success([]))
        let second = try write(&responder, []).get()
        let lowSecond = (try hex(point)) + second.dropFirst(32)
        #expect(read(&initiator, lowSecond) == .failure(.lowOrderPoint))
        #expect(read(&initiator, second) == .success([]))
    }

    /// A peer without a secret: its static key is a point with which everybody agrees on zeros.
    @Test(arguments: KeyTests.lowOrderPoints)
    func aStaticKeyOfSmallOrderIsNobody(point: String) throws {
        let ephemeral = KeyPair()
        var symmetric = SymmetricState(protocolName: HandshakeState.protocolName)
        symmetric.mixHash(Self.prologue.span.bytes)
        let serverKey = server.publicKey
        symmetric.mixHash(serverKey.bytes)
        symmetric.mixHash(ephemeral.publicKey.bytes)
        symmetric.mixKey(try ephemeral.agree(with: server.publicKey))
        let low = try hex(point)
        var sealedStatic = [UInt8](repeating: 0, count: 48)
        var staticSpan = sealedStatic.mutableSpan
        var staticRoom = staticSpan.mutableBytes
        _ = try symmetric.encryptAndHash(low.span.bytes, into: &staticRoom)
        let zeros = [UInt8](repeating: 0, count: 32)
        symmetric.mixKey(SecretKey(copying: zeros.span.bytes))
        var sealedPayload = [UInt8](repeating: 0, count: 16)
        var payloadSpan = sealedPayload.mutableSpan
        var payloadRoom = payloadSpan.mutableBytes
        _ = try symmetric.encryptAndHash(RawSpan(), into: &payloadRoom)
        let message = copy(ephemeral.publicKey.bytes) + sealedStatic + sealedPayload
        var responder = responder()
        #expect(read(&responder, message) == .failure(.lowOrderPoint))
        #expect(responder.remoteStatic == nil)
    }
}

@Suite struct CipherStateTests {
    @Test func refusesTheLastNumber() throws {
        var state = CipherState(key: SecretKey(), nonce: .max - 1)
        var bytes = [UInt8](repeating: 0, count: 16)
        var span = bytes.mutableSpan
        var room = span.mutableBytes
        let byteCount = try state.encrypt(RawSpan(), associatedData: RawSpan(), into: &room)
        #expect(byteCount == 16)
        let error: HandshakeError?
        do throws(HandshakeError) {
            _ = try state.encrypt(RawSpan(), associatedData: RawSpan(), into: &room)
            error = nil
        } catch let thrown {
            error = thrown
        }
        #expect(error == .nonceExhausted)
        #expect(state.nonce == .max)
    }

    @Test func aForgeryCountsForNothing() throws {
        let key = SecretKey()
        var writer = CipherState(key: key.duplicate())
        var reader = CipherState(key: key.duplicate())
        let payload: [UInt8] = [1, 2, 3]
        let data: [UInt8] = [9]
        var sealed = [UInt8](repeating: 0, count: 19)
        var sealedSpan = sealed.mutableSpan
        var sealedRoom = sealedSpan.mutableBytes
        _ = try writer.encrypt(
            payload.span.bytes, associatedData: data.span.bytes, into: &sealedRoom)
        var opened: [UInt8] = [7, 7, 7]
        for bit in 0..<sealed.count * 8 {
            var forged = sealed
            forged[bit / 8] ^= 1 << (bit % 8)
            #expect(decrypt(&reader, forged, data, &opened) == .failure(.forged))
        }
        #expect(decrypt(&reader, sealed, [], &opened) == .failure(.forged))
        #expect(decrypt(&reader, Array(sealed.prefix(15)), data, &opened) == .failure(.truncated))
        #expect(opened == [7, 7, 7])
        #expect(reader.nonce == 0)
        #expect(decrypt(&reader, sealed, data, &opened) == .success(3))
        #expect(opened == payload)
        #expect(decrypt(&reader, sealed, data, &opened) == .failure(.forged), "a replay")
    }

    private func decrypt(
        _ state: inout CipherState, _ sealed: [UInt8], _ data: [UInt8], _ opened: inout [UInt8]
    ) -> Result<Int, HandshakeError> {
        var span = opened.mutableSpan
        var room = span.mutableBytes
        do throws(HandshakeError) {
            return .success(
                try state.decrypt(
                    sealed.span.bytes, associatedData: data.span.bytes, into: &room))
        } catch {
            return .failure(error)
        }
    }
}
