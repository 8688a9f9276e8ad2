// Making keys out of keys: HKDF over HMAC-SHA256 (RFC 5869).

internal import CSodium

/// HKDF with SHA-256.
public enum KeyDerivation {
    /// The most bytes that one `expand` gives (RFC 5869 §2.3).
    public static let expandedByteCountMax = 255 * SecretKey.byteCount

    /// Concentrates `input`, of any length, into one key (RFC 5869 §2.2).
    public static func extract(salt: RawSpan, input: RawSpan) -> SecretKey {
        SecretKey { authenticate(key: salt, input, into: $0) }
    }

    /// Fills `room` with bytes that depend on every bit of `key` and `info` (RFC 5869 §2.3).
    ///
    /// - Precondition: `room.byteCount <= expandedByteCountMax`.
    public static func expand(
        _ key: borrowing SecretKey, info: RawSpan, into room: inout MutableRawSpan
    ) {
        precondition(room.byteCount <= expandedByteCountMax)
        let key = key.bytes
        room.withUnsafeMutableBytes { room in
            var block = nextBlock(key: key, previous: RawSpan(), info: info, counter: 1)
            var counter: UInt8 = 1
            var offset = 0
            while true {
                let count = min(SecretKey.byteCount, room.count - offset)
                block.bytes.extracting(first: count).withUnsafeBytes {
                    UnsafeMutableRawBufferPointer(rebasing: room[offset..<offset + count])
                        .copyMemory(from: $0)
                }
                offset += count
                guard offset < room.count else { break }
                // The precondition above keeps the counter within its byte.
                counter += 1
                block = nextBlock(key: key, previous: block.bytes, info: info, counter: counter)
            }
        }
    }

    /// The key that `label` names among all that follow from `secret`: one block of `expand`.
    public static func derive(from secret: borrowing SecretKey, label: StaticString) -> SecretKey {
        nextBlock(key: secret.bytes, previous: RawSpan(), info: span(of: label), counter: 1)
    }

    /// The first 32 bytes of what follows from `key` without an info.
    static func firstBlock(of key: borrowing SecretKey) -> SecretKey {
        nextBlock(key: key.bytes, previous: RawSpan(), info: RawSpan(), counter: 1)
    }

    /// The 32 bytes that follow `first`.
    static func secondBlock(
        of key: borrowing SecretKey, after first: borrowing SecretKey
    ) -> SecretKey {
        nextBlock(key: key.bytes, previous: first.bytes, info: RawSpan(), counter: 2)
    }

    private static func nextBlock(
        key: RawSpan, previous: RawSpan, info: RawSpan, counter: UInt8
    ) -> SecretKey {
        let last = InlineArray<1, UInt8>(repeating: counter)
        return SecretKey { authenticate(key: key, previous, info, last.span.bytes, into: $0) }
    }

    /// HMAC-SHA256 over the parts one after the other (RFC 2104).
    private static func authenticate(
        key: RawSpan, _ first: RawSpan, _ second: RawSpan = RawSpan(), _ third: RawSpan = RawSpan(),
        into room: UnsafeMutablePointer<UInt8>
    ) {
        var state = crypto_auth_hmacsha256_state()
        var nothing: UInt8 = 0
        key.withUnsafeBytes {
            if let start = $0.baseAddress {
                _ = crypto_auth_hmacsha256_init(&state, start, $0.count)
            } else {
                _ = crypto_auth_hmacsha256_init(&state, &nothing, 0)
            }
        }
        update(&state, first)
        update(&state, second)
        update(&state, third)
        crypto_auth_hmacsha256_final(&state, room)
        sodium_memzero(&state, MemoryLayout<crypto_auth_hmacsha256_state>.size)
    }

    private static func update(_ state: inout crypto_auth_hmacsha256_state, _ part: RawSpan) {
        part.withUnsafeBytes {
            _ = crypto_auth_hmacsha256_update(&state, $0.baseAddress, UInt64($0.count))
        }
    }
}

/// The bytes of a literal, which live as long as the process.
@_lifetime(immortal)
func span(of literal: StaticString) -> RawSpan {
    let bytes = RawSpan(_unsafeStart: literal.utf8Start, byteCount: literal.utf8CodeUnitCount)
    return _overrideLifetime(bytes, borrowing: ())
}
