// Messages in the HELLO: taken in once, first and in order, when the session is confirmed.

import PetrelBase
import PetrelCrypto
import PetrelWire
import Testing

@testable import PetrelTransport

@Suite struct EarlyMessagesTests {
    private static func message(_ text: String) -> [UInt8] { Array(text.utf8) }

    private func early(_ texts: [String]) throws -> EarlyMessages {
        var early = EarlyMessages()
        for text in texts {
            let message = Self.message(text)
            let isTaken = early.append(message.span.bytes)
            #expect(isTaken)
        }
        return early
    }

    private static var serverKeys: KeyPair { KeyPair(secret: Pair.serverKey.duplicate()) }

    // MARK: Sessions

    @Test func theyComeFirstOnceAndInOrder() throws {
        let pair = try Pair(early: try early(["one", "two"]))
        #expect(pair.run(for: .seconds(1)) { !$0.hasHandshake })
        #expect(pair.client?.earlyMessagesTaken == 2)
        #expect(pair.atServer.confirmed == 0 && pair.atServer.messages.isEmpty)
        // What is said now rides in the packet that confirms.
        try pair.send(Self.message("three"), as: .durable)
        #expect(pair.run(for: .seconds(1)) { $0.atServer.messages.count == 3 })
        #expect(pair.atServer.messages == ["one", "two", "three"].map(Self.message))
        #expect(pair.atServer.confirmed == 1)
        pair.run(for: .seconds(2))
        try pair.send(Self.message("four"), as: .durable)
        pair.run(for: .seconds(2))
        #expect(pair.atServer.messages == ["one", "two", "three", "four"].map(Self.message))
        #expect(pair.atServer.closed == nil && pair.atClient.closed == nil)
        #expect(pair.client?.audit() == nil && pair.server?.audit() == nil)
        // The messages of the HELLO travelled there and nowhere else.
        #expect(pair.client?.statistics.bytesSent ?? 0 < 500)
    }

    @Test(arguments: UInt64(1)...20)
    func theyComeThroughABadLink(seed: UInt64) throws {
        var faults = LinkFaults()
        (faults.loss, faults.duplication, faults.jitter) = (0.4, 0.3, .milliseconds(80))
        let pair = try Pair(seed: seed, faults: faults, early: try early(["0", "1", "2"]))
        #expect(pair.run(for: .seconds(60)) { !$0.hasHandshake })
        for i in 3..<20 { try pair.send(Self.message("\(i)"), as: .durable) }
        #expect(pair.run(for: .seconds(120)) { $0.atServer.messages.count >= 20 })
        pair.run(for: .seconds(5))
        #expect(pair.atServer.messages == (0..<20).map { Self.message("\($0)") })
    }

    @Test func copiesOfTheHelloBringThemNoSecondTime() throws {
        let pair = try Pair(early: try early(["once"]))
        pair.run(for: .seconds(1)) { $0.atServer.confirmed == 1 }
        let sent = pair.captured.filter(\.toServer)
        for packet in sent { pair.deliver(packet.bytes, toServer: true) }
        pair.run(for: .seconds(2))
        #expect(pair.atServer.messages == [Self.message("once")])
    }

    @Test func theFirstPacketMayBeLost() throws {
        let pair = try Pair(early: try early(["early"]))
        var isFirst = true
        pair.loses = { toServer, bytes in
            guard toServer, bytes[0] != PacketForm.helloByte, isFirst else { return false }
            isFirst = false
            return true
        }
        #expect(pair.run(for: .seconds(3)) { $0.atServer.messages.count == 1 })
        #expect(!isFirst)
        #expect(pair.atServer.messages == [Self.message("early")])
    }

    /// They count against the credit, like what comes behind them.
    @Test func theyCountAgainstTheCredit() throws {
        let text = String(repeating: "x", count: 300)
        let pair = try Pair(early: try early([text]))
        #expect(pair.run(for: .seconds(1)) { !$0.hasHandshake })
        #expect(pair.client?.queue.creditUsed == 300)
        #expect(pair.client?.queue.count == 0)
    }

    @Test func aServerWithoutCreditTakesNone() throws {
        let early = try early([String(repeating: "x", count: 300)])
        for (credit, taken) in [(299, 0), (300, 1)] {
            let handshake = try Self.handshake(early)
            var configuration = SessionConfiguration()
            configuration.receiveCredit = credit
            let answer = try Self.answer(handshake.hello, configuration)
            let kept = answer.session.early.count
            #expect(kept == taken)
            let opened = try handshake.open(answer.accept)?.earlyMessagesTaken
            #expect(opened == taken)
        }
    }

    // MARK: Handshakes

    /// One attempt, to be asked step by step.
    final class Attempt {
        var handshake: ClientHandshake
        var hello: [UInt8] = []

        init(_ handshake: consuming ClientHandshake) {
            self.handshake = handshake
            hello = transmit(at: 0) ?? []
        }

        func transmit(at milliseconds: Double) -> [UInt8]? {
            var room = [UInt8](repeating: 0, count: 1_452)
            var span = room.mutableSpan
            var view = span.mutableBytes
            guard let count = handshake.transmit(into: &view, now: .at(milliseconds)) else {
                return nil
            }
            return Array(room.prefix(count))
        }

        func opens(_ accept: [UInt8]) throws -> Bool {
            switch try open(accept) {
            case .some: true
            case .none: false
            }
        }

        func open(_ accept: [UInt8]) throws -> Session? {
            var bytes = accept
            var span = bytes.mutableSpan
            var view = span.mutableBytes
            return handshake.receive(&view, from: .none, now: .at(0))
        }
    }

    /// What a server has when it has answered.
    struct Answer: ~Copyable {
        var accept: [UInt8]
        var session: UnconfirmedSession
    }

    static func handshake(_ early: EarlyMessages) throws -> Attempt {
        Attempt(
            try ClientHandshake(
                identity: KeyPair(secret: Pair.deviceKey.duplicate()),
                server: serverKeys.publicKey, counter: 1, connectionID: 5, early: early,
                configuration: SessionConfiguration(), lifetime: .seconds(9), now: .at(0)))
    }

    static func answer(
        _ hello: [UInt8], _ configuration: SessionConfiguration = SessionConfiguration()
    ) throws -> Answer {
        let opened = try Hello(opening: hello.span.bytes, identity: serverKeys)
        var room = [UInt8](repeating: 0, count: 1_500)
        var span = room.mutableSpan
        var view = span.mutableBytes
        let accepted = opened.accept(
            connectionID: 77, resetToken: Pair.resetToken, from: .none,
            configuration: configuration, now: .at(0), into: &view)
        guard let accepted else { throw VectorError(reason: "no ACCEPT") }
        let byteCount = accepted.byteCount
        return Answer(
            accept: Array(room.prefix(byteCount)), session: accepted.takeUnconfirmed())
    }

    /// A HELLO is as long as what it carries needs, 256 bytes at least; an ACCEPT never longer.
    @Test func sizesFollowTheMessages() throws {
        for (texts, byteCount) in [
            ([], 256), (["a"], 256), ([String(repeating: "x", count: 90)], 256),
            ([String(repeating: "x", count: 91)], 257), ([String(repeating: "x", count: 379)], 545),
        ] as [([String], Int)] {
            let attempt = try Self.handshake(try early(texts))
            #expect(attempt.hello.count == byteCount, "\(texts)")
            var configuration = SessionConfiguration()
            configuration.classes = Self.mostClasses
            let answer = try Self.answer(attempt.hello, configuration)
            let size = answer.accept.count
            #expect(size <= 256)
            let kept = answer.session.early.count
            #expect(kept == texts.count)
            let opened = try attempt.open(answer.accept)?.earlyMessagesTaken
            #expect(opened == texts.count)
        }
    }

    /// Descriptions of the greatest length that is allowed.
    private static var mostClasses: [ClassPolicy] {
        (0..<3).map { i in
            ClassPolicy(
                DeliveryClass(.durable, variant: UInt8(i + 1)), name: "a-long-name-\(i)xx",
                priority: 3, retention: ClassPolicy.retentionMax)
        }
    }

    /// A HELLO with the right MAC1 and Noise around a payload of any length.
    private func hello(padding: Int) throws -> [UInt8] {
        let server = Self.serverKeys
        let prologue = Prologue.bytes(server: server.publicKey)
        var noise = HandshakeState(
            initiator: KeyPair(secret: Pair.deviceKey.duplicate()), remoteStatic: server.publicKey,
            ephemeral: KeyPair(), prologue: prologue.span.bytes)
        let payload = HelloPayload(
            counter: 1, connectionID: .client(5), parameters: TransportParameters(),
            early: try early(["early"]))
        let plain = try written { writer in
            try payload.write(to: &writer)
            if padding > 0 { try writer.writeZeros(padding) }
        }
        let cut = plain.dropLast(max(0, -padding))
        var bytes = try written { writer in
            try writer.writeUInt8(PacketForm.helloByte)
            try writer.writeUInt32(WireLimits.version)
            try noise.writeMessage(payload: Array(cut).span.bytes, to: &writer)
            try writer.writeZeros(16)
        }
        let code = Mac1Key(serverKey: server.publicKey).mac(bytes.span.bytes)
        bytes += copy(code.bytes)
        return bytes
    }

    @Test func onlyTheSizesOfTheFormAreHellos() throws {
        let mac = Mac1Key(serverKey: Self.serverKeys.publicKey)
        for (count, isHello) in [
            (255, false), (256, true), (257, true), (1_199, true), (1_200, true), (1_201, false),
            (1_300, false),
        ] {
            let bytes = try hello(padding: count - 256)
            #expect(bytes.count == count)
            let form = PacketForm(bytes.span.bytes, receivedBy: .server)
            let tag = Hello.tag(of: bytes.span.bytes, mac: mac)
            #expect((form == .hello) == isHello, "\(count)")
            #expect((tag != nil) == isHello, "\(count)")
            let opened = try? Hello(opening: bytes.span.bytes, identity: Self.serverKeys)
            #expect((opened != nil) == isHello, "\(count)")
            guard isHello else { continue }
            let answer = try Self.answer(bytes)
            let size = answer.accept.count
            #expect(size <= 256)
        }
    }

    @Test func aLongHelloDamagedAnywhereIsNotOpened() throws {
        let attempt = try Self.handshake(try early([String(repeating: "x", count: 200)]))
        let hello = attempt.hello
        let mac = Mac1Key(serverKey: Self.serverKeys.publicKey)
        let genuine = Hello.tag(of: hello.span.bytes, mac: mac)
        #expect(genuine != nil)
        for damaged in hello.damaged {
            let tag = Hello.tag(of: damaged.span.bytes, mac: mac)
            #expect(tag == nil)
        }
        for bit in stride(from: 5 * 8, to: (hello.count - 32) * 8, by: 7) {
            var damaged = hello
            damaged[bit / 8] ^= 1 << UInt8(bit % 8)
            #expect(throws: DropReason.helloMalformed, "bit \(bit)") {
                _ = try Hello(opening: damaged.span.bytes, identity: Self.serverKeys)
            }
        }
    }

    @Test func aLongHelloShowsItsCookie() throws {
        let attempt = try Self.handshake(try early([String(repeating: "x", count: 200)]))
        let hello = attempt.hello
        var secrets = CookieSecrets(lifetime: .seconds(120), now: .at(0))
        let here = Address(v4: 0x0A00_0002, port: 4_000)
        let before = Hello.showsCookie(
            hello.span.bytes, from: here, secrets: &secrets, now: .at(1))
        #expect(!before)
        var room = [UInt8](repeating: 0, count: 100)
        var span = room.mutableSpan
        var view = span.mutableBytes
        let count = Retry.write(
            answering: Hello.mac1(of: hello.span.bytes),
            cookie: secrets.cookie(for: here, now: .at(1)),
            key: RetryKey(serverKey: Self.serverKeys.publicKey), into: &view)
        let retry = Array(room.prefix(try #require(count)))
        let isTaken = attempt.handshake.receiveRetry(retry.span.bytes, now: .at(2))
        #expect(isTaken)
        let again = try #require(attempt.transmit(at: 2))
        #expect(again.count == attempt.hello.count)
        #expect(again.dropLast(32) == attempt.hello.dropLast(32))
        let isShown = Hello.showsCookie(
            again.span.bytes, from: here, secrets: &secrets, now: .at(3))
        #expect(isShown)
        let mac = Mac1Key(serverKey: Self.serverKeys.publicKey)
        let tags = [attempt.hello, again].map { Hello.tag(of: $0.span.bytes, mac: mac) }
        #expect(tags[0] == tags[1])
    }

    /// An ACCEPT that takes in other messages than there were is not believed.
    @Test func anAcceptWithAnotherNumberIsDropped() throws {
        for (taken, isOpened) in [(nil, true), (0, true), (1, false), (2, true), (3, false)]
            as [(Int?, Bool)]
        {
            let attempt = try Self.handshake(try early(["a", "b"]))
            let server = Self.serverKeys
            let prologue = Prologue.bytes(server: server.publicKey)
            var noise = HandshakeState(
                responder: server, ephemeral: KeyPair(),
                prologue: prologue.span.bytes)
            var room = [UInt8](repeating: 0, count: 1_200)
            var span = room.mutableSpan
            var view = span.mutableBytes
            let asked = Array(attempt.hello[5..<attempt.hello.count - 32])
            _ = try noise.readMessage(asked.span.bytes, into: &view)
            var parameters = TransportParameters()
            parameters.earlyMessages = taken
            let payload = try written { writer in
                try AcceptPayload(connectionID: .server(9), parameters: parameters)
                    .write(to: &writer)
            }
            let accept = try written { writer in
                try writer.writeUInt8(PacketForm.acceptByte)
                try writer.writeUInt32(WireLimits.version)
                try writer.writeUInt32(5)
                try noise.writeMessage(payload: payload.span.bytes, to: &writer)
            }
            let isThere = try attempt.opens(accept)
            #expect(isThere == isOpened, "\(taken ?? -1)")
        }
    }

    /// Everything that waits for a confirmation, with the largest messages: 1 KiB.
    @Test func aHalfOpenSessionIsSmallWithItsMessages() throws {
        let attempt = try Self.handshake(try early([String(repeating: "x", count: 379)]))
        var configuration = SessionConfiguration()
        configuration.classes = Self.mostClasses
        let answer = try Self.answer(attempt.hello, configuration)
        let hasNoClasses = answer.session.parameters.classes.isEmpty
        #expect(hasNoClasses)
        // Two arrays with their headers, and two keys of libsodium, lie outside of the value; the
        // table adds a tag and a counter.
        let frames = answer.session.early.frames
        #expect(frames.count == 384 && frames.capacity <= 400)
        let outside = 32 + frames.capacity + 32 + answer.accept.count + 2 * 48
        #expect(MemoryLayout<UnconfirmedSession>.size + 24 + outside <= 1_024)
    }
}
