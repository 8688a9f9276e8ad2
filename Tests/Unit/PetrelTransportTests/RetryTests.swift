// RETRY and RESET at the client: what is believed, how often, and what follows.

import PetrelBase
import PetrelCrypto
import PetrelWire
import Testing

@testable import PetrelTransport

@Suite struct RetryTests {
    private static let server = KeyPair(
        secret: SecretKey(copying: [UInt8](repeating: 7, count: 32).span.bytes))
    private static let phone = Address(v4: 0xC000_0201, port: 40_000)
    private static let start = Instant.at(1_000)

    /// A client that asks, in a form that the macros of tests can be given.
    private final class Asker {
        private var handshake: ClientHandshake

        init(cookie: Cookie? = nil) throws {
            handshake = try ClientHandshake(
                identity: KeyPair(), server: RetryTests.server.publicKey, counter: 1,
                connectionID: 5, cookie: cookie, configuration: SessionConfiguration(),
                lifetime: .seconds(60), now: RetryTests.start)
        }

        var hasCookie: Bool { handshake.cookie != nil }
        func isExpired(now: Instant) -> Bool { handshake.isExpired(now: now) }

        func hello(_ now: Instant = RetryTests.start) -> [UInt8]? {
            var room = [UInt8](repeating: 0, count: 1_500)
            var span = room.mutableSpan
            var view = span.mutableBytes
            return handshake.transmit(into: &view, now: now).map { Array(room.prefix($0)) }
        }

        func takes(_ retry: [UInt8], _ now: Instant = RetryTests.start) -> Bool {
            handshake.receiveRetry(retry.span.bytes, now: now)
        }
    }

    /// A server's secrets, likewise.
    private final class Jar {
        private var secrets = CookieSecrets(lifetime: .seconds(120), now: RetryTests.start)

        func cookie() -> Cookie {
            secrets.cookie(for: RetryTests.phone, now: RetryTests.start)
        }

        func isShown(in hello: [UInt8]) -> Bool {
            Hello.showsCookie(
                hello.span.bytes, from: RetryTests.phone, secrets: &secrets,
                now: RetryTests.start)
        }

        func retry(to hello: [UInt8]) -> [UInt8] {
            let key = RetryKey(serverKey: RetryTests.server.publicKey)
            var room = [UInt8](repeating: 0, count: 1_500)
            var span = room.mutableSpan
            var view = span.mutableBytes
            let count = Retry.write(
                answering: Hello.mac1(of: hello.span.bytes), cookie: cookie(), key: key,
                into: &view)
            return Array(room.prefix(count ?? 0))
        }
    }

    @Test func aClientShowsTheCookieAtOnceAndEveryBitIsAuthenticated() throws {
        let jar = Jar()
        let asker = try Asker()
        let first = try #require(asker.hello())
        #expect(Array(first[224..<240]) == [UInt8](repeating: 0, count: 16))
        let retry = jar.retry(to: first)
        #expect(retry.count == WireLimits.retryByteCount)
        #expect(retry.count <= first.count)
        let before = Self.start + .milliseconds(40)
        #expect(asker.hello(before) == nil)
        #expect(asker.takes(retry, before))
        let second = try #require(asker.hello(before))
        #expect(first.prefix(224) == second.prefix(224))
        let mac = Mac1Key(serverKey: Self.server.publicKey)
        let tag = Hello.tag(of: first.span.bytes, mac: mac)
        #expect(tag != nil)
        #expect(Hello.tag(of: second.span.bytes, mac: mac) == tag)
        #expect(jar.isShown(in: second))
        #expect(!jar.isShown(in: first))
        for damaged in second.damaged {
            #expect(Hello.tag(of: damaged.span.bytes, mac: mac) == nil)
        }
        let opened = try Hello(opening: second.span.bytes, identity: Self.server.duplicate())
        let counter = opened.counter
        #expect(counter == 1)
        // Later copies show it too, at the usual pace.
        let third = try #require(asker.hello(before + .milliseconds(150)))
        #expect(third == second)
    }

    @Test func aRetryToAnotherHelloOrChangedOnTheWayIsIgnored() throws {
        let jar = Jar()
        let asker = try Asker()
        let other = try Asker()
        let mine = try #require(asker.hello())
        let theirs = try #require(other.hello())
        let foreign = jar.retry(to: theirs)
        #expect(!asker.takes(foreign))
        let genuine = jar.retry(to: mine)
        for damaged in genuine.damaged {
            #expect(!asker.takes(damaged))
        }
        #expect(!asker.hasCookie)
        #expect(asker.hello() == nil)
        #expect(asker.takes(genuine))
        // It answered the HELLO without a cookie, which is said no more.
        #expect(!asker.takes(genuine))
    }

    /// Whoever sees HELLOs can make RETRYs: they cause few packets, and do not end the attempt.
    @Test func retriesWithoutEndCauseFewHellos() throws {
        let asker = try Asker()
        var latest = try #require(asker.hello())
        var sent = 0
        for _ in 0..<100 {
            let jar = Jar()
            let retry = jar.retry(to: latest)
            _ = asker.takes(retry)
            while let next = asker.hello() {
                latest = next
                sent += 1
            }
        }
        #expect(sent == 8)
        #expect(!asker.isExpired(now: Self.start))
        #expect(asker.hello(Self.start + .milliseconds(150)) != nil)
    }

    /// A server that gives the same cookie again and again is asked at the usual pace.
    @Test func theSameCookieAgainHurriesNobody() throws {
        let jar = Jar()
        let asker = try Asker()
        let first = try #require(asker.hello())
        let retry = jar.retry(to: first)
        #expect(asker.takes(retry))
        let second = try #require(asker.hello())
        let again = jar.retry(to: second)
        #expect(asker.takes(again))
        #expect(asker.hello() == nil)
    }

    @Test func aCookieOfAnEarlierAttemptIsShownAtOnce() throws {
        let jar = Jar()
        let asker = try Asker(cookie: jar.cookie())
        let hello = try #require(asker.hello())
        #expect(jar.isShown(in: hello))
    }

    struct File: Decodable {
        var retries: [RetryVector]
        var resets: [ResetVector]
    }

    struct RetryVector: Decodable {
        var name, server_public, hello, retry, hello_with_cookie: String
    }

    struct ResetVector: Decodable { var name, token, reset: String }

    /// What a HELLO with a cookie looks like, from the HELLO and the RETRY alone.
    @Test func hellosWithCookiesAreThoseOfTheVectors() throws {
        let file = try vectors("cookies.json", as: File.self)
        #expect(file.retries.count >= 3)
        for vector in file.retries {
            let server = try hex(vector.server_public)
            let key = PublicKey(server.span.bytes)
            let hello = try hex(vector.hello)
            let retry = try hex(vector.retry)
            #expect(PacketForm(retry.span.bytes, receivedBy: .client) == .retry)
            let seal = RetryKey(serverKey: key)
            let cookie = seal.open(
                retry.span.bytes.extracting(droppingFirst: WireLimits.retryHeaderByteCount),
                mac1: Hello.mac1(of: hello.span.bytes))
            guard let cookie else {
                Issue.record("\(vector.name): the RETRY does not open")
                continue
            }
            var again = Array(hello.prefix(224))
            again += copy(cookie.mac2(again.span.bytes).bytes)
            again += copy(Mac1Key(serverKey: key).mac(again.span.bytes).bytes)
            #expect(again == (try hex(vector.hello_with_cookie)), "\(vector.name)")
        }
    }

    @Test func resetsOfTheVectorsAreRecognised() throws {
        let file = try vectors("cookies.json", as: File.self)
        #expect(file.resets.count >= 2)
        for vector in file.resets {
            let bytes = try hex(vector.reset)
            let tokenBytes = try hex(vector.token)
            guard let token = ResetToken(exactly: tokenBytes.span.bytes) else {
                throw VectorError(reason: vector.token)
            }
            #expect(ends(bytes, in: token), "\(vector.name)")
            #expect(PacketForm(bytes.span.bytes, receivedBy: .client) != nil, "\(vector.name)")
            for damaged in bytes.damaged where damaged.suffix(16) != bytes.suffix(16) {
                #expect(!ends(damaged, in: token), "\(vector.name)")
            }
        }
    }

    private func ends(_ datagram: [UInt8], in token: ResetToken) -> Bool {
        token.ends(datagram.span.bytes)
    }

    // MARK: RESET

    private func reset(_ token: ResetToken, trigger: Int) throws -> [UInt8]? {
        let bytes = try written { writer in try token.write(to: &writer) }
        var random = RandomStream(seed: 1, label: "reset")
        var room = [UInt8](repeating: 0, count: 1_500)
        var span = room.mutableSpan
        var view = span.mutableBytes
        let count = Reset.write(
            token: bytes.span.bytes, trigger: trigger, random: &random, into: &view)
        return count.map { Array(room.prefix($0)) }
    }

    private func connected() throws -> (Pair, ResetToken) {
        let pair = try Pair()
        pair.run(for: .seconds(1)) { $0.atServer.confirmed == 1 }
        guard let token = pair.client?.peerParameters.resetToken else {
            throw VectorError(reason: "no token")
        }
        return (pair, token)
    }

    @Test func theTokenOfTheSessionEndsItAtOnce() throws {
        let (pair, token) = try connected()
        let reset = try #require(try reset(token, trigger: 40))
        #expect(PacketForm(reset.span.bytes, receivedBy: .client) != nil)
        pair.deliver(reset, toServer: false)
        #expect(pair.atClient.closed == .reset)
        #expect(pair.client?.isClosed == true)
    }

    /// A late packet with a retired ID is answered with the token of that, and must end nothing.
    @Test func onlyTheTokenOfTheIDInUseEndsTheSession() throws {
        let (pair, token) = try connected()
        guard let next = ResetToken(exactly: Array(UInt8(40)..<56).span.bytes) else {
            throw VectorError(reason: "no token")
        }
        pair.server?.offer(connectionID: 0x0102_0000_0000_0009, resetToken: next)
        try pair.send([1], as: .durable, fromClient: false)
        pair.run(for: .seconds(1))
        let early = try #require(try reset(next, trigger: 40))
        pair.deliver(early, toServer: false)
        #expect(pair.atClient.closed == nil, "that ID is spare")
        pair.client?.networkChanged(now: pair.now)
        pair.run(for: .seconds(1))
        #expect(pair.client?.statistics.connectionIDsUsed == 1)
        pair.deliver(try #require(try reset(token, trigger: 40)), toServer: false)
        #expect(pair.atClient.closed == nil, "that ID is retired")
        pair.deliver(try #require(try reset(next, trigger: 40)), toServer: false)
        #expect(pair.atClient.closed == .reset)
    }

    @Test func anythingElseEndsNothing() throws {
        let (pair, token) = try connected()
        let genuine = try #require(try reset(token, trigger: 40))
        var other = genuine
        for bit in 0..<128 {
            other = genuine
            other[genuine.count - 1 - bit / 8] ^= 1 << UInt8(bit % 8)
            pair.deliver(other, toServer: false)
        }
        pair.deliver(Array(genuine.dropFirst(genuine.count - 31)), toServer: false)
        pair.deliver(genuine + [0], toServer: false)
        pair.deliver(Array(genuine.dropLast()), toServer: false)
        #expect(pair.atClient.closed == nil)
        // A server believes nobody.
        pair.deliver(genuine, toServer: true)
        #expect(pair.atServer.closed == nil)
        try pair.send([1, 2, 3], as: .durable)
        pair.run(for: .seconds(1)) { $0.atServer.messages.count == 1 }
        #expect(pair.atServer.messages == [[1, 2, 3]])
    }

    @Test func aResetIsShorterThanItsTriggerAndTriggersNone() throws {
        let (_, token) = try connected()
        for trigger in 0...1_500 {
            guard let reset = try reset(token, trigger: trigger) else {
                #expect(trigger < 40)
                continue
            }
            #expect(reset.count < trigger)
            #expect(try self.reset(token, trigger: reset.count) == nil)
            #expect(reset[0] & 0xC0 == 0x40)
        }
    }

    @Test func whatAServerKeepsUntilConfirmationIsSmall() {
        // Three keys and an ACCEPT lie outside of the value.
        let outside = 2 * (SecretKey.byteCount + 16) + 32 + 128
        #expect(MemoryLayout<UnconfirmedSession>.size + outside <= 1_024)
        #expect(MemoryLayout<UnconfirmedSession>.size <= 256)
    }
}
