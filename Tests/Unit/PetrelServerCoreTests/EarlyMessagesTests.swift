// Messages in HELLOs: done when the client has confirmed, and by no copy and no forgery before.

import PetrelBase
import PetrelCrypto
import PetrelMessaging
import PetrelServices
import PetrelTransport
import PetrelWire
import Testing

@testable import PetrelServerCore

@Suite struct EarlyMessagesTests {
    private static let elsewhere = Address(v4: 0xC0A8_0001, port: 9)

    private func early(_ kinds: [Command.Kind]) -> EarlyMessages {
        var early = EarlyMessages()
        for (i, kind) in kinds.enumerated() {
            let command = Command(request: UInt64(i + 1), kind: kind)
            let isTaken = early.append(command.encoded().span.bytes)
            #expect(isTaken)
        }
        return early
    }

    private func sends(_ bench: Bench, _ numbers: [UInt64], to handle: String) -> EarlyMessages {
        early(numbers.map { .send(bench.message($0, "early \($0)", to: .handle(handle))) })
    }

    @Test func theyAreCommittedInOrderBeforeWhatFollows() throws {
        let bench = Bench()
        let anna = try bench.member("anna")
        let bob = try bench.member("bob")
        try anna.connect(now: bench.now, early: sends(bench, [1, 2], to: "bob"), requests: 2)
        bench.run(.milliseconds(1))
        try anna.ask(.send(bench.message(3, "after", to: .handle("bob"))), now: bench.now)
        bench.run(.milliseconds(50))
        #expect(bench.metrics.messagesEarly == 2)
        #expect(bench.metrics.messagesCommitted == 3)
        for request in UInt64(1)...3 {
            guard case .verdict(let verdict) = try anna.answer(request) else {
                Issue.record("request \(request) has no verdict")
                continue
            }
            #expect(verdict.sequence == ConversationSequence(request))
            #expect(verdict.clientMessageID.low == request)
        }
        let bodies = bob.take().compactMap { notice in
            if case .message(let push) = notice.kind {
                return String(decoding: push.record.body, as: UTF8.self)
            }
            return nil
        }
        #expect(bodies == ["early 1", "early 2", "after"])
    }

    /// A thief of the server's key can make this HELLO without the device's key.
    @Test func withoutAFirstPacketNothingIsDone() throws {
        let bench = Bench()
        let anna = try bench.member("anna")
        let before = try bench.store.device(key: DeviceKey(anna.key))?.helloCounter
        let received = bench.metrics.commandsReceived
        let double = anna.double()
        try double.connect(now: bench.now, early: sends(bench, [1], to: "anna"))
        bench.inject(try #require(bench.datagram(of: double)), from: Self.elsewhere)
        let answers = bench.takeAll()
        #expect(answers.map(\.to) == [Self.elsewhere])
        #expect(answers[0].bytes.count <= 256)
        #expect(bench.halfOpenCount == 1)
        bench.run(.seconds(3))
        // What does not open confirms nothing.
        var forged = [UInt8](repeating: 0x40, count: 40)
        forged.replaceSubrange(1..<9, with: [0, 1, 0, 0, 0, 0, 0, 0])
        bench.inject(forged, from: Self.elsewhere)
        bench.run(.seconds(6))
        #expect(bench.halfOpenCount == 0)
        #expect(bench.metrics.commandsReceived == received)
        #expect(bench.metrics.messagesCommitted == 0)
        #expect(bench.metrics.messagesEarly == 0)
        #expect(try bench.store.device(key: DeviceKey(anna.key))?.helloCounter == before)
        #expect(anna.isConnected && anna.closed == nil)
    }

    /// Copies come to the same process, then to another one that has only what was stored.
    @Test func copiesDoNothing() throws {
        let bench = Bench()
        let anna = try bench.member("anna")
        bench.sent.removeAll()
        try anna.connect(now: bench.now, early: sends(bench, [1], to: "anna"), requests: 1)
        bench.run(.milliseconds(50))
        #expect(bench.metrics.messagesCommitted == 1)
        let hello = try #require(bench.sent.first?.bytes)
        #expect(hello[0] == PacketForm.helloByte)
        for _ in 0..<2 {
            for address in [anna.address, Self.elsewhere] {
                bench.inject(hello, from: address)
                #expect(bench.takeAll().allSatisfy { $0.bytes[0] != PacketForm.acceptByte })
            }
            bench.run(.seconds(1))
            #expect(bench.metrics.messagesEarly <= 1)
            #expect(bench.metrics.messagesRepeated == 0)
            #expect(bench.halfOpenCount == 0)
            if bench.metrics.messagesCommitted == 1 { bench.restart() }
        }
        #expect(bench.metrics.messagesCommitted == 0)
        #expect(bench.metrics.droppedHelloReplayed == 2)
    }

    /// A HELLO that was never confirmed gives way to a later one with the same messages.
    @Test func aLaterAttemptBringsThemOnce() throws {
        let bench = Bench()
        let anna = try bench.member("anna")
        anna.isCutOff = true
        try anna.connect(now: bench.now, early: sends(bench, [1], to: "anna"), requests: 1)
        bench.inject(try #require(bench.datagram(of: anna)), from: anna.address)
        _ = bench.takeAll()
        #expect(bench.halfOpenCount == 1)
        anna.isCutOff = false
        try anna.connect(now: bench.now, early: sends(bench, [1], to: "anna"), requests: 1)
        bench.run(.seconds(7))
        #expect(bench.metrics.messagesCommitted == 1)
        #expect(bench.metrics.messagesEarly == 1)
        #expect(bench.metrics.messagesRepeated == 0)
    }

    @Test func aStrangerIsRefused() throws {
        let bench = Bench()
        let anna = bench.newPeer()
        try anna.connect(now: bench.now, early: sends(bench, [1], to: "anna"), requests: 1)
        bench.run(.milliseconds(50))
        guard case .refusal(let refusal) = try anna.answer(1) else {
            Issue.record("a stranger's message is not refused")
            return
        }
        #expect(refusal.code == MessagingError.notEnrolled.rawValue)
        #expect(bench.metrics.messagesCommitted == 0)
    }

    /// The HELLOs that wait are bounded by their bytes as well.
    @Test func longHellosWaitInFewer() throws {
        let bench = Bench { $0.hellosPerWakeupMax = 0 }
        var count = 0
        while !bench.isUnderLoad, count < 100 {
            let peer = Peer(server: bench.core.publicKey, number: UInt32(1_000 + count))
            let text = String(repeating: "x", count: 300)
            try peer.connect(
                now: bench.now,
                early: early([.send(bench.message(1, text, to: .handle("anna")))]))
            let hello = try #require(bench.datagram(of: peer))
            #expect(hello.count > 512 - 64)
            bench.inject(hello, from: Self.elsewhere)
            count += 1
        }
        // An eighth of 128 KiB, not of 256 HELLOs.
        #expect((25..<40).contains(count))
        #expect(bench.waitingCount == count)
    }
}
