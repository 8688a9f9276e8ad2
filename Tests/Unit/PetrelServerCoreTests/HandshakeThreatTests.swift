// Threats by handshake packets that floods are not: replays and forgeries of HELLO, what it shows.

import PetrelBase
import PetrelCrypto
import PetrelMessaging
import PetrelServices
import PetrelTransport
import PetrelWire
import Testing

@testable import PetrelServerCore

struct HandshakeThreatTests {
    private static let elsewhere = Address(v4: 0xC0A8_0001, port: 9)

    /// A HELLO alone, replayed or made by who stole the server's key, does nothing to a session.
    @Test func aHelloWithoutAFirstPacketTouchesNoLiveSession() throws {
        let bench = Bench()
        let anna = try bench.member("anna")
        let before = try bench.store.device(key: DeviceKey(anna.key))?.helloCounter
        // The same key says HELLO elsewhere, and is never heard again.
        let double = anna.double()
        try double.connect(now: bench.now)
        bench.inject(try #require(bench.datagram(of: double)), from: Self.elsewhere)
        let answers = bench.takeAll()
        #expect(answers.map(\.to) == [Self.elsewhere])
        #expect(bench.halfOpenCount == 1)
        bench.run(.milliseconds(200))
        #expect(try bench.store.device(key: DeviceKey(anna.key))?.helloCounter == before)
        #expect(bench.metrics.sessionsConfirmed == 1)
        #expect(bench.metrics.sessionsReplaced == 0)
        try anna.ask(.send(bench.message(1, "hi", to: .handle("anna"))), now: bench.now)
        bench.run(.milliseconds(50))
        #expect(bench.metrics.messagesCommitted == 1)
        #expect(anna.closed == nil)
        bench.run(.seconds(6))
        #expect(bench.halfOpenCount == 0)
        #expect(anna.isConnected)
    }

    /// Who stole the server's key cannot shut a device out by a counter that it has not reached.
    @Test func aForgedCounterShutsNobodyOut() throws {
        let bench = Bench()
        let anna = try bench.member("anna")
        let double = anna.double()
        for _ in 0..<5 { try double.connect(now: bench.now) }
        bench.inject(try #require(bench.datagram(of: double)), from: Self.elsewhere)
        #expect(bench.takeAll().count == 1)
        try anna.connect(now: bench.now)
        bench.run(.seconds(1))
        #expect(anna.isConnected)
        #expect(bench.metrics.sessionsConfirmed == 2)
    }

    /// Whoever has many real addresses fills the table of half-open sessions, and nothing else.
    @Test func halfOpenSessionsFromEverywhereTakeNothingFromOthers() throws {
        let bench = Bench { $0.hellosPerWakeupMax = 1_000 }
        let anna = try bench.member("anna")
        for _ in 0..<100 {
            let peer = bench.newPeer()
            try peer.connect(now: bench.now)
            for _ in 0..<2 {
                guard let hello = bench.datagram(of: peer) else { continue }
                bench.inject(hello, from: peer.address)
                for (bytes, _) in bench.takeAll() where bytes[0] == PacketForm.retryByte {
                    peer.take(bytes, from: Bench.server, now: bench.now)
                }
            }
            peer.isCutOff = true
        }
        #expect(bench.halfOpenCount == 16)
        #expect(bench.sessionsCount == 17)
        #expect(bench.finding == nil)
        try anna.ask(.send(bench.message(1, "hi", to: .handle("anna"))), now: bench.now)
        bench.run(.milliseconds(50))
        #expect(bench.metrics.messagesCommitted == 1)
        _ = try bench.member("bob")
    }

    /// A watcher learns from HELLO and ACCEPT neither who asks nor the token of the session.
    @Test func aHelloHidesWhoAsks() throws {
        let bench = Bench()
        let anna = bench.newPeer()
        try anna.connect(now: bench.now)
        let hello = try #require(bench.datagram(of: anna))
        bench.inject(hello, from: anna.address)
        let accept = try #require(bench.takeAll().first).bytes
        var key: [UInt8] = []
        anna.key.withBytes { bytes in
            for i in 0..<32 { key.append(bytes.unsafeLoad(fromByteOffset: i, as: UInt8.self)) }
        }
        for datagram in [hello, accept] {
            for start in 0...datagram.count - 8 {
                let part = datagram[start..<start + 8]
                #expect(!part.elementsEqual(key.prefix(8)))
            }
        }
        bench.core.noteLag(.milliseconds(21), now: bench.now)
        let bob = bench.newPeer()
        try bob.connect(now: bench.now)
        bench.inject(try #require(bench.datagram(of: bob)), from: bob.address)
        #expect(bench.takeAll().map { $0.bytes.first } == [PacketForm.retryByte])
    }

    /// Another version, in the clear or in the prologue, is not talked to.
    @Test func noOtherVersionIsAgreedOn() throws {
        let bench = Bench()
        let anna = bench.newPeer()
        try anna.connect(now: bench.now)
        let hello = try #require(bench.datagram(of: anna))
        let mac = Mac1Key(serverKey: bench.core.publicKey)
        for version in [UInt8(0), 2, 3, 255] {
            var other = hello
            other[4] = version
            let code = mac.mac(other.span.bytes.extracting(first: 240))
            for i in 0..<16 {
                other[240 + i] = code.bytes.unsafeLoad(fromByteOffset: i, as: UInt8.self)
            }
            bench.inject(other, from: Self.elsewhere)
        }
        #expect(bench.takeAll().isEmpty)
        #expect(bench.metrics.droppedUnrecognised == 4)
    }

    /// Empty, short and far too long datagrams of every form get no answer.
    @Test func sizesThatNoPacketHasAreSilent() throws {
        for lag in [Interval.zero, .milliseconds(21)] {
            let bench = Bench()
            bench.core.noteLag(lag, now: bench.now)
            let anna = bench.newPeer()
            try anna.connect(now: bench.now)
            let hello = try #require(bench.datagram(of: anna))
            for count in 0..<256 { bench.inject(Array(hello.prefix(count)), from: Self.elsewhere) }
            for extra in [1, 2, 100, 1_244, 2_000, 65_000] {
                bench.inject(hello + [UInt8](repeating: 0, count: extra), from: Self.elsewhere)
            }
            #expect(bench.takeAll().isEmpty)
            #expect(bench.metrics.datagramsAccepted == 0)
            #expect(bench.metrics.datagramsReceived == bench.metrics.datagramsDropped)
        }
    }
}
