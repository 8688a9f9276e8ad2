// The proof that whoever asks can be reached where it says: cookies, and their seal in a RETRY.

internal import CSodium
public import PetrelBase

/// 16 bytes that a server gives to one address and port, which must be shown in MAC2.
public struct Cookie: Sendable, BitwiseCopyable {
    /// Bytes in a cookie.
    public static let byteCount = MessageCode.byteCount

    private let code: MessageCode

    init(_ code: MessageCode) { self.code = code }

    /// The cookie's bytes, lent for as long as the cookie is borrowed.
    public var bytes: RawSpan {
        @_lifetime(borrow self)
        get { code.bytes }
    }

    /// MAC2 of a HELLO: keyed BLAKE2b with 16 bytes of output, whose key is the cookie.
    public func mac2(_ bytes: RawSpan) -> MessageCode {
        MessageCode { room in
            code.bytes.withUnsafeBytes { key in
                bytes.withUnsafeBytes {
                    _ = crypto_generichash(
                        room, MessageCode.byteCount, $0.baseAddress, UInt64($0.count),
                        key.baseAddress, key.count)
                }
            }
        }
    }

    /// Whether `tag` is MAC2 of `bytes`, in a time that does not tell where it differs.
    public func verify(_ bytes: RawSpan, mac2 tag: RawSpan) -> Bool {
        let code = mac2(bytes)
        return constantTimeEqual(code.bytes, tag)
    }
}

/// The secrets that cookies are made of, renewed as time passes; nothing is kept per client.
///
/// A secret makes cookies for one lifetime and is accepted for one more.
public struct CookieSecrets: ~Copyable, Sendable {
    private var current = SecretKey()
    private var previous = SecretKey()
    private var renewal: Instant
    private let lifetime: Interval

    /// Draws the first secrets.
    ///
    /// - Precondition: `lifetime` is positive.
    public init(lifetime: Interval, now: Instant) {
        precondition(lifetime > .zero)
        self.lifetime = lifetime
        renewal = now + lifetime
    }

    /// The cookie of an address: keyed BLAKE2b of its 16 bytes and its port.
    public mutating func cookie(for address: Address, now: Instant) -> Cookie {
        renew(now: now)
        return Self.cookie(for: address, secret: current)
    }

    /// Whether `tag` is MAC2 of `bytes` by a cookie that the address was given lately.
    public mutating func accept(
        _ bytes: RawSpan, mac2 tag: RawSpan, from address: Address, now: Instant
    ) -> Bool {
        renew(now: now)
        return Self.cookie(for: address, secret: current).verify(bytes, mac2: tag)
            || Self.cookie(for: address, secret: previous).verify(bytes, mac2: tag)
    }

    private mutating func renew(now: Instant) {
        guard now >= renewal else { return }
        #if PETREL_PLANTED
            if PlantedBug.cookieNeverExpires.isActive { return }
        #endif
        let isLate = now - renewal >= lifetime
        swap(&current, &previous)
        current = SecretKey()
        if isLate { previous = SecretKey() }
        renewal = isLate ? now + lifetime : renewal + lifetime
    }

    static func cookie(for address: Address, secret: borrowing SecretKey) -> Cookie {
        var input = InlineArray<18, UInt8>(repeating: 0)
        for i in 0..<8 {
            input[i] = UInt8(truncatingIfNeeded: address.high >> UInt64(56 - 8 * i))
            input[8 + i] = UInt8(truncatingIfNeeded: address.low >> UInt64(56 - 8 * i))
        }
        input[16] = UInt8(address.port >> 8)
        input[17] = UInt8(address.port & 0xFF)
        #if PETREL_PLANTED
            if PlantedBug.cookieNotBoundToPort.isActive { (input[16], input[17]) = (0, 0) }
        #endif
        let key = secret.unsafeAddress
        return Cookie(
            MessageCode { room in
                input.span.bytes.withUnsafeBytes {
                    _ = crypto_generichash(
                        room, MessageCode.byteCount, $0.baseAddress, UInt64($0.count), key,
                        SecretKey.byteCount)
                }
            })
    }
}

/// Seals cookies into RETRYs: only who sent the HELLO that is answered can use what is inside.
///
/// XChaCha20-Poly1305 under a key that whoever knows the server has, with MAC1 of the HELLO as
/// associated data and a random nonce, as WireGuard does it.
public struct RetryKey: ~Copyable, Sendable {
    /// Bytes of the nonce.
    public static let nonceByteCount = 24
    /// Bytes of nonce, sealed cookie and tag.
    public static let sealedByteCount = nonceByteCount + Cookie.byteCount + 16

    private let key: SecretKey

    /// Derives the key of one server: BLAKE2b-256 of `petrel retry` and its public key.
    public init(serverKey: PublicKey) {
        var input = InlineArray<44, UInt8>(repeating: 0)
        let label = span(of: "petrel retry")
        for i in 0..<12 { input[i] = label.unsafeLoad(fromByteOffset: i, as: UInt8.self) }
        for i in 0..<32 {
            input[12 + i] = serverKey.bytes.unsafeLoad(fromByteOffset: i, as: UInt8.self)
        }
        key = SecretKey(copying: Digest.blake2b256(input.span.bytes).bytes)
    }

    /// Writes a fresh nonce and the sealed cookie, 56 bytes.
    public func seal(
        _ cookie: Cookie, mac1: RawSpan, to writer: inout ByteWriter
    ) throws(NoRoom) {
        var nonce = InlineArray<24, UInt8>(repeating: 0)
        var span = nonce.mutableSpan
        span.withUnsafeMutableBytes {
            if let start = $0.baseAddress { randombytes_buf(start, $0.count) }
        }
        try seal(cookie, mac1: mac1, nonce: nonce.span.bytes, to: &writer)
    }

    /// Writes `nonce` and the cookie sealed with it.
    func seal(
        _ cookie: Cookie, mac1: RawSpan, nonce: RawSpan, to writer: inout ByteWriter
    ) throws(NoRoom) {
        var sealed = InlineArray<32, UInt8>(repeating: 0)
        var span = sealed.mutableSpan
        let key = key.unsafeAddress
        span.withUnsafeMutableBytes { room in
            guard let start = room.bindMemory(to: UInt8.self).baseAddress else { return }
            cookie.bytes.withUnsafeBytes { plain in
                mac1.withUnsafeBytes { mac1 in
                    nonce.withUnsafeBytes { nonce in
                        let plain = plain.bindMemory(to: UInt8.self)
                        let mac1 = mac1.bindMemory(to: UInt8.self)
                        guard let nonce = nonce.bindMemory(to: UInt8.self).baseAddress else {
                            return
                        }
                        _ = crypto_aead_xchacha20poly1305_ietf_encrypt(
                            start, nil, plain.baseAddress, UInt64(plain.count),
                            mac1.baseAddress, UInt64(mac1.count), nil, nonce, key)
                    }
                }
            }
        }
        try writer.writeBytes(nonce)
        try writer.writeBytes(sealed.span.bytes)
    }

    /// The cookie in the 56 bytes of `sealed`; nil if they were not made for the HELLO with `mac1`.
    public func open(_ sealed: RawSpan, mac1: RawSpan) -> Cookie? {
        guard sealed.byteCount == Self.sealedByteCount else { return nil }
        let nonce = sealed.extracting(first: Self.nonceByteCount)
        let box = sealed.extracting(droppingFirst: Self.nonceByteCount)
        let key = key.unsafeAddress
        var isGenuine = false
        let code = MessageCode { room in
            box.withUnsafeBytes { box in
                mac1.withUnsafeBytes { mac1 in
                    nonce.withUnsafeBytes { nonce in
                        let mac1 = mac1.bindMemory(to: UInt8.self)
                        guard let sealed = box.bindMemory(to: UInt8.self).baseAddress,
                            let nonce = nonce.bindMemory(to: UInt8.self).baseAddress
                        else { return }
                        isGenuine =
                            crypto_aead_xchacha20poly1305_ietf_decrypt(
                                room, nil, nil, sealed, UInt64(box.count),
                                mac1.baseAddress, UInt64(mac1.count), nonce, key) == 0
                    }
                }
            }
        }
        return isGenuine ? Cookie(code) : nil
    }
}
