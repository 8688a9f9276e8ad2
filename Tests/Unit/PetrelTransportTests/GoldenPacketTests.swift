// One packet of each kind, damaged in every way of one bit or one length: nothing may happen.

import PetrelBase
import PetrelCrypto
import PetrelTransport
import PetrelWire
import Testing

extension Pair {
    fileprivate var hasClient: Bool { client != nil }
    fileprivate var hasServer: Bool { server != nil }
}

@Suite struct GoldenPacketTests {
    /// What must not change while damaged packets come in.
    struct Seen: Equatable {
        var atClient: Heard
        var atServer: Heard
        var client: SessionStatistics?
        var server: SessionStatistics?
        var captured: Int
        var clientDeadline: Instant?
        var serverDeadline: Instant?

        init(_ pair: Pair) {
            atClient = pair.atClient
            atServer = pair.atServer
            client = pair.client?.statistics
            server = pair.server?.statistics
            captured = pair.captured.count
            clientDeadline = pair.client?.deadline
            serverDeadline = pair.server?.deadline
        }
    }

    private func connected() throws -> Pair {
        let pair = try Pair()
        #expect(pair.run(for: .seconds(2)) { $0.atServer.confirmed == 1 })
        pair.run(for: .seconds(1))
        return pair
    }

    @Test func helloDamagedIsNotAnswered() throws {
        let pair = try Pair()
        pair.pump()
        let hello = try #require(pair.captured.first { $0.toServer }?.bytes)
        #expect(hello.count == WireLimits.helloByteCount)
        let mac = Mac1Key(serverKey: KeyPair(secret: Pair.serverKey.duplicate()).publicKey)
        for damaged in hello.damaged {
            let tag = Hello.tag(of: damaged.span.bytes, mac: mac)
            #expect(tag == nil)
            pair.deliver(damaged, toServer: true)
            pair.pump()
            #expect(!pair.hasServer)
            #expect(pair.captured.count == 1)
        }
        pair.deliver(hello, toServer: true)
        #expect(pair.hasServer)
    }

    /// Behind MAC1 stands Noise: who knows the server's key but not the device's gets no further.
    @Test func helloWithItsMacRepairedIsNotOpened() throws {
        let pair = try Pair()
        pair.pump()
        let hello = try #require(pair.captured.first { $0.toServer }?.bytes)
        let identity = KeyPair(secret: Pair.serverKey.duplicate())
        let mac = Mac1Key(serverKey: identity.publicKey)
        for bit in 5 * 8..<224 * 8 {
            var damaged = hello
            damaged[bit / 8] ^= 1 << UInt8(bit % 8)
            let code = mac.mac(damaged.span.bytes.extracting(first: 240))
            damaged.replaceSubrange(240..<256, with: copy(code.bytes))
            let tag = Hello.tag(of: damaged.span.bytes, mac: mac)
            #expect(tag != nil)
            #expect(throws: DropReason.helloMalformed, "bit \(bit)") {
                _ = try Hello(opening: damaged.span.bytes, identity: identity)
            }
        }
    }

    @Test func acceptDamagedIsNotOpened() throws {
        let pair = try Pair()
        #expect(pair.run(for: .seconds(1)) { pair in pair.captured.contains { !$0.toServer } })
        let accept = try #require(pair.captured.first { !$0.toServer }?.bytes)
        for damaged in accept.damaged {
            pair.deliver(damaged, toServer: false)
            #expect(!pair.hasClient)
        }
        pair.deliver(accept, toServer: false)
        #expect(pair.hasClient)
    }

    @Test func dataTowardsTheServerDamagedHasNoEffect() throws {
        let pair = try connected()
        try damageOne(of: pair, toServer: true)
    }

    @Test func dataTowardsTheClientDamagedHasNoEffect() throws {
        let pair = try connected()
        try damageOne(of: pair, toServer: false)
    }

    private func damageOne(of pair: Pair, toServer: Bool) throws {
        let start = pair.captured.count
        let message = Array("golden".utf8)
        try pair.send(message, as: .durable, fromClient: toServer)
        pair.pump()
        let packet = try #require(pair.captured[start...].first { $0.toServer == toServer }?.bytes)
        let before = Seen(pair)
        let dropsBefore = pair.drops.count
        let damaged = packet.damaged
        for bytes in damaged {
            pair.deliver(bytes, toServer: toServer)
            pair.pump()
            #expect(Seen(pair) == before)
        }
        #expect(pair.drops.count - dropsBefore == damaged.count)
        let reasons = Set(pair.drops[dropsBefore...])
        #expect(
            reasons.isSubset(of: [.formUnknown, .headerMalformed, .keyUnknown, .forged, .replayed]))
        pair.deliver(packet, toServer: toServer)
        #expect((toServer ? pair.atServer : pair.atClient).messages == [message])
    }

    /// The same from elsewhere: a damaged packet moves nobody.
    @Test func damagedPacketsMoveNobody() throws {
        let pair = try connected()
        let start = pair.captured.count
        try pair.send([1, 2, 3], as: .durable)
        pair.pump()
        let packet = try #require(pair.captured[start...].first { $0.toServer }?.bytes)
        let address = pair.server?.address
        for bytes in packet.damaged {
            pair.deliver(bytes, toServer: true, from: Address(v4: 0x0B00_0001, port: 1))
        }
        #expect(pair.server?.address == address)
        #expect(pair.atServer.moves == 0)
    }
}
