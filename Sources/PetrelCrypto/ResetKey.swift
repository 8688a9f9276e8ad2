// What a server can still say of a session that it has forgotten, from its static key alone.

internal import CSodium

/// Marks connection IDs as the server's own, and makes the tokens that end their sessions.
///
/// Both are functions of the server's static secret and the ID, so that a restarted process knows
/// them. An ID without the mark is never answered: a scanner learns nothing, and junk costs a hash.
public struct ResetKey: ~Copyable, Sendable {
    private let token: SecretKey
    private let mark: SecretKey

    /// Derives both keys from the server's static secret, by keyed BLAKE2b of a label.
    public init(identity: borrowing KeyPair) {
        token = Self.derive("petrel reset", from: identity.secret)
        mark = Self.derive("petrel mark", from: identity.secret)
    }

    /// The token of the session with that connection ID: keyed BLAKE2b of its 8 bytes.
    public func token(of id: UInt64) -> MessageCode {
        var input = id.bigEndian
        let key = token.unsafeAddress
        return MessageCode { room in
            withUnsafeBytes(of: &input) {
                let bytes = $0.bindMemory(to: UInt8.self)
                _ = crypto_generichash(
                    room, MessageCode.byteCount, bytes.baseAddress, UInt64(bytes.count), key,
                    SecretKey.byteCount)
            }
        }
    }

    /// Replaces the last two bytes of a connection ID by the mark of the six before.
    public func marked(_ id: UInt64) -> UInt64 { id & ~0xFFFF | markOf(id) }

    /// Whether the connection ID has its mark.
    public func recognises(_ id: UInt64) -> Bool { id & 0xFFFF == markOf(id) }

    /// SipHash-2-4 of the first six bytes, cut to two.
    private func markOf(_ id: UInt64) -> UInt64 {
        var input = (id & ~0xFFFF).bigEndian
        var hash: UInt64 = 0
        let key = mark.unsafeAddress
        withUnsafeBytes(of: &input) { input in
            withUnsafeMutableBytes(of: &hash) { room in
                let input = input.bindMemory(to: UInt8.self)
                guard let start = room.bindMemory(to: UInt8.self).baseAddress else { return }
                _ = crypto_shorthash(start, input.baseAddress, 6, key)
            }
        }
        return hash.bigEndian >> 48
    }

    private static func derive(
        _ label: StaticString, from secret: borrowing SecretKey
    ) -> SecretKey {
        let text = span(of: label)
        let key = secret.unsafeAddress
        return SecretKey { room in
            text.withUnsafeBytes {
                let bytes = $0.bindMemory(to: UInt8.self)
                _ = crypto_generichash(
                    room, SecretKey.byteCount, bytes.baseAddress, UInt64(bytes.count), key,
                    SecretKey.byteCount)
            }
        }
    }
}
