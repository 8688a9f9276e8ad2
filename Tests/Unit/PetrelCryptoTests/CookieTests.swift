// Cookies: bound to address, port and time; sealed for one HELLO; the same as the vectors.

import PetrelBase
import Testing

@testable import PetrelCrypto

@Suite struct CookieTests {
    struct File: Decodable {
        var retries: [RetryVector]
        var resets: [ResetVector]
    }

    struct RetryVector: Decodable {
        var name, server_public, hello, address, cookie_secret, cookie, nonce, retry, mac2: String
        var hello_with_cookie: String
        var port: UInt16
    }

    struct ResetVector: Decodable {
        var name, server_secret, connection_id, token: String
    }

    /// A key that the macros of tests can be given.
    private final class Sealer {
        let key: RetryKey

        init(_ server: PublicKey) { key = RetryKey(serverKey: server) }

        func open(_ sealed: [UInt8], mac1: [UInt8]) -> [UInt8]? {
            key.open(sealed.span.bytes, mac1: mac1.span.bytes).map { copy($0.bytes) }
        }
    }

    private final class Marker {
        let key: ResetKey

        init(_ secret: String) throws {
            key = ResetKey(identity: KeyPair(secret: try secretKey(secret)))
        }

        func recognises(_ id: UInt64) -> Bool { key.recognises(id) }
        func marked(_ id: UInt64) -> UInt64 { key.marked(id) }
        func token(of id: UInt64) -> [UInt8] { copy(key.token(of: id).bytes) }
    }

    private static let phone = Address(v4: 0xC000_0201, port: 40_000)
    private static let hello = [UInt8](repeating: 7, count: 224)

    @Test func retriesAreThoseOfTheVectors() throws {
        let file = try vectors("cookies.json", as: File.self)
        #expect(file.retries.count >= 3)
        for vector in file.retries {
            let text = vector.address
            let high = try #require(UInt64(text.prefix(16), radix: 16))
            let low = try #require(UInt64(text.suffix(16), radix: 16))
            let address = Address(high: high, low: low, port: vector.port)
            let cookie = CookieSecrets.cookie(
                for: address, secret: try secretKey(vector.cookie_secret))
            #expect(copy(cookie.bytes) == (try hex(vector.cookie)), "\(vector.name)")
            let hello = try hex(vector.hello)
            let mac2 = cookie.mac2(hello.span.bytes.extracting(first: 224))
            #expect(copy(mac2.bytes) == (try hex(vector.mac2)), "\(vector.name)")
            let sealer = Sealer(try publicKey(vector.server_public))
            let mac1 = Array(hello.suffix(16))
            let nonce = try hex(vector.nonce)
            let sealed = try seal(cookie, sealer.key, mac1: mac1, nonce: nonce)
            #expect(sealed == Array(try hex(vector.retry).dropFirst(5)), "\(vector.name)")
            #expect(sealer.open(sealed, mac1: mac1) == copy(cookie.bytes), "\(vector.name)")
        }
    }

    @Test func tokensAndMarksAreThoseOfTheVectors() throws {
        let file = try vectors("cookies.json", as: File.self)
        #expect(file.resets.count >= 2)
        for vector in file.resets {
            let key = try Marker(vector.server_secret)
            let id = try #require(UInt64(vector.connection_id, radix: 16))
            #expect(key.marked(id | 0xFFFF) == id, "\(vector.name)")
            #expect(key.recognises(id))
            #expect(key.token(of: id) == (try hex(vector.token)), "\(vector.name)")
            for bit in 0..<64 { #expect(!key.recognises(id ^ 1 << bit), "\(vector.name) \(bit)") }
        }
    }

    /// Whoever changes a bit of a RETRY, or answers another HELLO with it, is not believed.
    @Test func aRetryIsForOneHelloAndUnchanged() throws {
        let key = Sealer(KeyPair().publicKey)
        let mac1 = [UInt8](repeating: 1, count: 16)
        var secrets = CookieSecrets(lifetime: .seconds(120), now: Instant(nanoseconds: 0))
        let cookie = secrets.cookie(for: Self.phone, now: Instant(nanoseconds: 0))
        let sealed = try seal(cookie, key.key, mac1: mac1, nonce: [UInt8](repeating: 9, count: 24))
        #expect(key.open(sealed, mac1: mac1) != nil)
        for bit in 0..<sealed.count * 8 {
            var damaged = sealed
            damaged[bit / 8] ^= 1 << UInt8(bit % 8)
            #expect(key.open(damaged, mac1: mac1) == nil, "bit \(bit)")
        }
        for bit in 0..<128 {
            var other = mac1
            other[bit / 8] ^= 1 << UInt8(bit % 8)
            #expect(key.open(sealed, mac1: other) == nil, "bit \(bit)")
        }
        for count in 0..<sealed.count {
            let cut = Array(sealed.prefix(count))
            #expect(key.open(cut, mac1: mac1) == nil, "\(count) bytes")
        }
        let another = Sealer(KeyPair().publicKey)
        #expect(another.open(sealed, mac1: mac1) == nil)
    }

    @Test func noncesAreFresh() throws {
        let key = RetryKey(serverKey: KeyPair().publicKey)
        var secrets = CookieSecrets(lifetime: .seconds(120), now: Instant(nanoseconds: 0))
        let cookie = secrets.cookie(for: Self.phone, now: Instant(nanoseconds: 0))
        var seen: Set<[UInt8]> = []
        for _ in 0..<100 {
            var room = [UInt8](repeating: 0, count: 56)
            withMutableBytes(of: &room) { room in
                var writer = ByteWriter(&room)
                try? key.seal(cookie, mac1: Self.hello.span.bytes, to: &writer)
            }
            seen.insert(Array(room.prefix(24)))
        }
        #expect(seen.count == 100)
    }

    struct Age: Sendable {
        /// When the cookie was made, and when it is shown, in seconds.
        var made, shown: Int64
        var isAccepted: Bool
    }

    @Test(arguments: [
        Age(made: 0, shown: 0, isAccepted: true), Age(made: 0, shown: 119, isAccepted: true),
        Age(made: 0, shown: 120, isAccepted: true), Age(made: 0, shown: 239, isAccepted: true),
        Age(made: 0, shown: 240, isAccepted: false), Age(made: 119, shown: 239, isAccepted: true),
        Age(made: 119, shown: 240, isAccepted: false),
        Age(made: 120, shown: 359, isAccepted: true),
        Age(made: 120, shown: 360, isAccepted: false),
        Age(made: 500, shown: 619, isAccepted: true),
        Age(made: 0, shown: 100_000, isAccepted: false),
    ])
    func cookiesExpire(_ age: Age) {
        var secrets = CookieSecrets(lifetime: .seconds(120), now: Instant(nanoseconds: 0))
        let made = Instant(nanoseconds: age.made * 1_000_000_000)
        let shown = Instant(nanoseconds: age.shown * 1_000_000_000)
        let cookie = secrets.cookie(for: Self.phone, now: made)
        let mac2 = cookie.mac2(Self.hello.span.bytes)
        let isAccepted = secrets.accept(
            Self.hello.span.bytes, mac2: mac2.bytes, from: Self.phone, now: shown)
        #expect(isAccepted == age.isAccepted, "made at \(age.made), shown at \(age.shown)")
    }

    @Test func aCookieIsOfOneAddressOnePortOneHelloAndOneProcess() {
        let now = Instant(nanoseconds: 0)
        var secrets = CookieSecrets(lifetime: .seconds(120), now: now)
        let cookie = secrets.cookie(for: Self.phone, now: now)
        let mac2 = copy(cookie.mac2(Self.hello.span.bytes).bytes)
        func accepts(_ hello: [UInt8], _ mac2: [UInt8], from address: Address) -> Bool {
            secrets.accept(hello.span.bytes, mac2: mac2.span.bytes, from: address, now: now)
        }
        #expect(accepts(Self.hello, mac2, from: Self.phone))
        for bit in 0..<16 {
            var port = Self.phone
            port.port ^= 1 << UInt16(bit)
            #expect(!accepts(Self.hello, mac2, from: port), "port \(port.port)")
        }
        for bit in 0..<64 {
            var low = Self.phone
            low.low ^= 1 << UInt64(bit)
            var high = Self.phone
            high.high ^= 1 << UInt64(bit)
            #expect(!accepts(Self.hello, mac2, from: low))
            #expect(!accepts(Self.hello, mac2, from: high))
        }
        for bit in 0..<128 {
            var wrong = mac2
            wrong[bit / 8] ^= 1 << UInt8(bit % 8)
            #expect(!accepts(Self.hello, wrong, from: Self.phone))
        }
        #expect(!accepts(Self.hello, [UInt8](repeating: 0, count: 16), from: Self.phone))
        #expect(!accepts(Array(Self.hello.reversed().dropLast()), mac2, from: Self.phone))
        var others = CookieSecrets(lifetime: .seconds(120), now: now)
        let isTaken = others.accept(
            Self.hello.span.bytes, mac2: mac2.span.bytes, from: Self.phone, now: now)
        #expect(!isTaken)
    }

    private func seal(
        _ cookie: Cookie, _ key: borrowing RetryKey, mac1: [UInt8], nonce: [UInt8]
    ) throws -> [UInt8] {
        var room = [UInt8](repeating: 0, count: RetryKey.sealedByteCount)
        var span = room.mutableSpan
        var bytes = span.mutableBytes
        var writer = ByteWriter(&bytes)
        try key.seal(cookie, mac1: mac1.span.bytes, nonce: nonce.span.bytes, to: &writer)
        return room
    }
}
