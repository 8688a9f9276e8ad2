// Floods of HELLOs: cookies under load, rates of hosts, bounds, and honest clients in between.

import PetrelBase
import PetrelCrypto
import PetrelMessaging
import PetrelTransport
import PetrelWire
import Testing

@testable import PetrelServerCore

struct FloodTests {
    private static let elsewhere = Address(v4: 0xC0A8_0001, port: 9)

    /// A client that asks from any address, and what it was told there.
    private final class Flooder {
        private let identity = KeyPair()
        private let server: PublicKey
        private var counter: UInt64 = 0
        private var handshake: ClientHandshake?

        init(_ bench: Bench) { server = bench.core.publicKey }

        func hello(_ now: Instant, cookie: Cookie? = nil) throws -> [UInt8] {
            counter += 1
            handshake = try ClientHandshake(
                identity: identity, server: server, counter: counter, connectionID: 1,
                cookie: cookie, configuration: SessionConfiguration(), lifetime: .seconds(20),
                now: now)
            return try again(now)
        }

        func again(_ now: Instant) throws -> [UInt8] {
            var room = [UInt8](repeating: 0, count: 1_500)
            var span = room.mutableSpan
            var view = span.mutableBytes
            guard let count = handshake?.transmit(into: &view, now: now) else {
                throw Bench.Unexpected(what: "no HELLO")
            }
            return Array(room.prefix(count))
        }

        func take(_ retry: [UInt8], _ now: Instant) throws -> Cookie {
            let isTaken = handshake?.receiveRetry(retry.span.bytes, now: now)
            #expect(isTaken == true)
            var cookie: Cookie?
            switch handshake {
            case .some(let handshake): cookie = handshake.cookie
            case .none: break
            }
            guard let cookie else { throw Bench.Unexpected(what: "no cookie") }
            return cookie
        }
    }

    private func underLoad(_ change: (inout ServerCoreConfiguration) -> Void = { _ in }) -> Bench {
        let bench = Bench(change)
        bench.core.noteLag(.milliseconds(21), now: bench.now)
        return bench
    }

    // MARK: Cookies

    @Test func underLoadAHelloIsAnsweredWithACookieAndCostsNothing() throws {
        let bench = underLoad()
        let flooder = Flooder(bench)
        let digest = bench.stateDigest
        let hello = try flooder.hello(bench.now)
        bench.inject(hello, from: Self.elsewhere)
        let answers = bench.takeAll()
        #expect(answers.map(\.to) == [Self.elsewhere])
        #expect(answers.map(\.bytes.count) == [WireLimits.retryByteCount])
        #expect(bench.stateDigest == digest)
        #expect(bench.metrics.droppedHelloUncookied == 1)
        #expect(bench.metrics.datagramsReceived == bench.metrics.datagramsDropped)
        _ = try flooder.take(answers[0].bytes, bench.now)
        bench.inject(try flooder.again(bench.now), from: Self.elsewhere)
        #expect(bench.takeAll().map { $0.bytes.first } == [PacketForm.acceptByte])
        #expect(bench.halfOpenCount == 1)
    }

    @Test func aCookieServesOneAddressOnly() throws {
        let bench = underLoad()
        let flooder = Flooder(bench)
        bench.inject(try flooder.hello(bench.now), from: Self.elsewhere)
        let cookie = try flooder.take(try #require(bench.takeAll().first).bytes, bench.now)
        var neighbour = Self.elsewhere
        neighbour.port += 1
        for address in [neighbour, Address(v4: 0xC0A8_0002, port: 9)] {
            bench.inject(try flooder.hello(bench.now, cookie: cookie), from: address)
            #expect(bench.takeAll().map { $0.bytes.first } == [PacketForm.retryByte])
        }
        #expect(bench.halfOpenCount == 0)
        bench.inject(try flooder.hello(bench.now, cookie: cookie), from: Self.elsewhere)
        #expect(bench.takeAll().map { $0.bytes.first } == [PacketForm.acceptByte])
    }

    @Test func anOldCookieIsGoodForNothing() throws {
        let bench = underLoad()
        let flooder = Flooder(bench)
        bench.inject(try flooder.hello(bench.now), from: Self.elsewhere)
        let cookie = try flooder.take(try #require(bench.takeAll().first).bytes, bench.now)
        bench.run(.seconds(241))
        bench.core.noteLag(.milliseconds(21), now: bench.now)
        bench.inject(try flooder.hello(bench.now, cookie: cookie), from: Self.elsewhere)
        #expect(bench.takeAll().map { $0.bytes.first } == [PacketForm.retryByte])
        // So is that of an earlier process.
        bench.inject(try flooder.hello(bench.now), from: Self.elsewhere)
        let second = try flooder.take(try #require(bench.takeAll().first).bytes, bench.now)
        bench.restart()
        bench.core.noteLag(.milliseconds(21), now: bench.now)
        bench.inject(try flooder.hello(bench.now, cookie: second), from: Self.elsewhere)
        #expect(bench.takeAll().map { $0.bytes.first } == [PacketForm.retryByte])
    }

    @Test func loadHasThreeSignsAndPasses() throws {
        let bench = Bench { $0.hellosPerWakeupMax = 0 }
        #expect(!bench.isUnderLoad)
        bench.core.noteLag(.milliseconds(20), now: bench.now)
        #expect(!bench.isUnderLoad)
        bench.core.noteLag(.milliseconds(21), now: bench.now)
        #expect(bench.isUnderLoad)
        bench.run(.milliseconds(1_001))
        #expect(!bench.isUnderLoad)
        // HELLOs that wait: an eighth of 256.
        for i in 0..<31 { bench.inject(try Flooder(bench).hello(bench.now), from: host(i)) }
        #expect(!bench.isUnderLoad)
        bench.inject(try Flooder(bench).hello(bench.now), from: host(31))
        #expect(bench.isUnderLoad)
        // Half-open sessions: an eighth of 16.
        let other = Bench()
        for i in 0..<2 { bench.inject(try Flooder(bench).hello(bench.now), from: host(i)) }
        for i in 0..<2 { other.inject(try Flooder(other).hello(other.now), from: host(i)) }
        _ = other.takeAll()
        #expect(other.halfOpenCount == 2)
        #expect(other.isUnderLoad)
        other.run(.seconds(7))
        #expect(!other.isUnderLoad)
    }

    private func host(_ index: Int) -> Address {
        Address(v4: 0xC612_0000 | UInt32(index), port: 1_000)
    }

    // MARK: Rates

    /// With a cookie, from one host: five at once, then twenty a second.
    @Test func aHostWithoutSessionsIsLimited() throws {
        let bench = underLoad { $0.halfOpenMax = 4_096 }
        var answered = 0
        var flooder = Flooder(bench)
        for round in 0..<3 {
            for i in 0..<40 {
                var address = Self.elsewhere
                address.port = UInt16(1_000 + round * 100 + i)
                flooder = Flooder(bench)
                bench.inject(try flooder.hello(bench.now), from: address)
                let retry = try #require(bench.takeAll().first).bytes
                _ = try flooder.take(retry, bench.now)
                bench.inject(try flooder.again(bench.now), from: address)
                answered += bench.takeAll().count
            }
            #expect(answered == 5 + 5 * round, "round \(round)")
            bench.run(.milliseconds(250))
        }
        #expect(bench.metrics.droppedHelloTooOften == 3 * 40 - 15)
        // Another host is not concerned.
        let neighbour = Address(v4: 0xC0A8_0002, port: 9)
        flooder = Flooder(bench)
        bench.core.noteLag(.milliseconds(21), now: bench.now)
        bench.inject(try flooder.hello(bench.now), from: neighbour)
        _ = try flooder.take(try #require(bench.takeAll().first).bytes, bench.now)
        bench.inject(try flooder.again(bench.now), from: neighbour)
        #expect(bench.takeAll().count == 1)
    }

    /// A session vouches for its host: behind that address may be a thousand phones.
    @Test func aHostWithSessionsMayAskMore() throws {
        let bench = Bench { $0.halfOpenMax = 4_096 }
        let anna = try bench.stranger()
        bench.core.noteLag(.milliseconds(21), now: bench.now)
        var answered = 0
        for i in 0..<100 {
            var address = anna.address
            address.port = UInt16(10_000 + i)
            let flooder = Flooder(bench)
            bench.inject(try flooder.hello(bench.now), from: address)
            _ = try flooder.take(try #require(bench.takeAll().first).bytes, bench.now)
            bench.inject(try flooder.again(bench.now), from: address)
            bench.run(.microseconds(200))
            answered += 1
        }
        #expect(bench.metrics.hellosAccepted == UInt64(answered + 1))
        #expect(bench.metrics.droppedHelloTooOften == 0)
    }

    /// Nobody can empty another's bucket: without its cookie nothing is charged.
    @Test func forgedSourcesDoNotUseUpTheBucketOfAHost() throws {
        let bench = underLoad()
        for _ in 0..<1_000 {
            bench.inject(try Flooder(bench).hello(bench.now), from: Self.elsewhere)
        }
        _ = bench.takeAll()
        let victim = Flooder(bench)
        bench.inject(try victim.hello(bench.now), from: Self.elsewhere)
        _ = try victim.take(try #require(bench.takeAll().first).bytes, bench.now)
        bench.inject(try victim.again(bench.now), from: Self.elsewhere)
        #expect(bench.takeAll().map { $0.bytes.first } == [PacketForm.acceptByte])
    }

    @Test func bucketsFollowTheirRates() {
        var buckets = HostBuckets(capacity: 64, secret: 5)
        var now = Instant(nanoseconds: 0)
        let rate = BucketRate(spacing: .milliseconds(50), burst: 5)
        let host = Host(Self.elsewhere)
        var taken = 0
        for _ in 0..<10_000 {
            if buckets.take(host, rate, now: now) { taken += 1 }
            now = now + .milliseconds(1)
        }
        #expect(taken == 5 + 9_999 / 50)
        // Quiet for as long as it likes, a host has a burst and no more.
        now = now + .seconds(100_000)
        taken = 0
        for _ in 0..<100 where buckets.take(host, rate, now: now) { taken += 1 }
        #expect(taken == 5)
    }

    @Test func hostsOfIPv6AreNetworks() {
        let first = Address(high: 0x2001_0db8_0000_0001, low: 1, port: 1)
        let second = Address(high: 0x2001_0db8_0000_0001, low: 99, port: 2)
        let third = Address(high: 0x2001_0db8_0000_0002, low: 1, port: 1)
        #expect(Host(first) == Host(second))
        #expect(Host(first) != Host(third))
        #expect(Host(Address(v4: 1, port: 1)) == Host(Address(v4: 1, port: 2)))
        #expect(Host(Address(v4: 1, port: 1)) != Host(Address(v4: 2, port: 1)))
    }

    /// The table does not grow, and a million others do not give a greedy host a new bucket soon.
    @Test func bucketsAreBounded() {
        var buckets = HostBuckets(capacity: 1_024, secret: 9)
        let now = Instant(nanoseconds: 0)
        let rate = BucketRate(spacing: .milliseconds(50), burst: 5)
        let greedy = Host(Self.elsewhere)
        var taken = 0
        for i in 0..<20_000 {
            if buckets.take(greedy, rate, now: now) { taken += 1 }
            _ = buckets.take(Host(host(i)), rate, now: now)
        }
        // Of four that fall together, those that asked once give way first.
        #expect(taken == 5)
    }

    // MARK: Order and bounds

    /// One wakeup opens few HELLOs; the rest wait, and those beyond are dropped.
    @Test func oneWakeupOpensFewHellos() throws {
        let bench = Bench {
            $0.halfOpenMax = 4_096; $0.hellosWaitingMax = 1_024
        }
        for i in 0..<100 { bench.inject(try Flooder(bench).hello(bench.now), from: host(i)) }
        #expect(bench.takeAll().count == 16)
        #expect(bench.takeAll().isEmpty)
        #expect(bench.waitingCount == 84)
        #expect(bench.deadline <= bench.now + .milliseconds(1))
        bench.run(.milliseconds(10))
        #expect(bench.waitingCount == 0)
        #expect(bench.metrics.hellosAccepted == 100)
        #expect(bench.deadline > bench.now + .milliseconds(1))
    }

    /// What sessions have to send goes out before any answer to a stranger.
    @Test func sessionsComeFirst() throws {
        let bench = Bench()
        let bob = try bench.member("bob")
        bench.inject(try Flooder(bench).hello(bench.now), from: Self.elsewhere)
        try bob.ask(
            .sync(incarnation: 0, cursor: FeedSequence(0), limit: 10), now: bench.now)
        bench.inject(try #require(bench.datagram(of: bob)), from: bob.address)
        let order = bench.takeAll().map(\.to)
        #expect(order.first == bob.address)
        #expect(order.last == Self.elsewhere)
    }

    /// A flood that shows no cookie, with and without MAC1: honest clients get in, nobody leaves.
    @Test func honestClientsGetInDuringAFlood() throws {
        let bench = Bench()
        let anna = try bench.member("anna")
        var random = RandomStream(seed: 1, label: "flood")
        var flood: [[UInt8]] = []
        for _ in 0..<50 { flood.append(try Flooder(bench).hello(bench.now)) }
        var late: [Peer] = []
        for round in 0..<100 {
            for i in 0..<30 {
                var bytes = flood[Int(random.below(50))]
                if i % 3 == 0 { bytes[Int(random.below(256))] ^= 1 }
                bench.inject(bytes, from: Address(v4: 0xC633_0000, port: UInt16(round * 100 + i)))
            }
            if round % 10 == 0 {
                let peer = bench.newPeer()
                try peer.connect(now: bench.now)
                late.append(peer)
            }
            bench.run(.milliseconds(20))
        }
        for peer in late {
            #expect(peer.isConnected)
            #expect(peer.take().map(\.kind) == [.stranger(Stranger())])
        }
        #expect(anna.isConnected)
        #expect(anna.closed == nil)
        #expect(bench.metrics.droppedHelloUncookied > 1_000)
        #expect(bench.finding == nil)
    }

    /// No answer to a stranger has more bytes, or is more, than what it answers.
    @Test func strangersGetNoMoreThanTheyGave() throws {
        for lag in [Interval.zero, .milliseconds(21)] {
            let bench = Bench { $0.halfOpenMax = 1_024 }
            bench.core.noteLag(lag, now: bench.now)
            for i in 0..<50 {
                let hello = try Flooder(bench).hello(bench.now)
                for _ in 0..<3 { bench.inject(hello, from: host(i)) }
                let answers = bench.takeAll()
                #expect(answers.count <= 3)
                #expect(answers.allSatisfy { $0.to == host(i) && $0.bytes.count <= hello.count })
                bench.run(.milliseconds(1))
            }
        }
    }

    /// Packets to a half-open session that do not open: bounded in a wakeup, and no harm after it.
    @Test func junkToAHalfOpenSessionDoesNotKeepItsClientOut() throws {
        let bench = Bench()
        let anna = bench.newPeer()
        try anna.connect(now: bench.now)
        bench.inject(try #require(bench.datagram(of: anna)), from: anna.address)
        var accept = try #require(bench.takeAll().first).bytes
        var acceptSpan = accept.mutableSpan
        var datagram = acceptSpan.mutableBytes
        anna.receive(&datagram, from: Bench.server, now: bench.now)
        let genuine = try #require(bench.datagram(of: anna))
        for i in 0..<1_000 {
            var junk = genuine
            junk[genuine.count - 1 - i % 16] ^= 1
            bench.inject(junk, from: Self.elsewhere)
        }
        #expect(bench.takeAll().isEmpty)
        #expect(bench.halfOpenCount == 1)
        bench.run(.milliseconds(1))
        bench.inject(genuine, from: anna.address)
        bench.run(.milliseconds(50))
        #expect(anna.isConnected)
        #expect(bench.metrics.sessionsConfirmed == 1)
        #expect(bench.halfOpenCount == 0)
    }

    @Test func aHalfOpenSessionTakesLessThanAKilobyte() {
        let outside = 2 * (SecretKey.byteCount + 16) + 32 + 128
        // In the slab, in three tables, and what it points to.
        let tables = 64 + 32 + 24
        #expect(MemoryLayout<HalfOpen>.size + tables + outside <= 1_024)
    }
}
