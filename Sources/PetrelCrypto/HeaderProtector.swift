// Hiding packet numbers from whoever watches the path (RFC 9001 §5.4).

internal import CSodium

/// One direction's header protection under one key, with the ChaCha20 mask of RFC 9001 §5.4.4.
public struct HeaderProtector: ~Copyable, Sendable {
    /// Bytes of a sealed packet that a mask is made from.
    public static let sampleByteCount = 16
    /// Bytes in a mask: one for the first byte, four for the packet number.
    public static let maskByteCount = 5

    private let key: SecretKey

    /// Creates the protector of `key`.
    public init(key: consuming SecretKey) { self.key = key }

    /// The bytes to combine with the header by exclusive or; allocates nothing.
    ///
    /// - Precondition: `sample.byteCount == HeaderProtector.sampleByteCount`.
    public func mask(sample: RawSpan) -> InlineArray<5, UInt8> {
        Self.mask(sample: sample, key: key.unsafeAddress)
    }

    /// Copies the key to `room`, of 32 bytes.
    func copyKey(to room: UnsafeMutableRawPointer) { key.copy(to: room) }

    static func mask(sample: RawSpan, key: UnsafePointer<UInt8>) -> InlineArray<5, UInt8> {
        precondition(sample.byteCount == sampleByteCount)
        let counter = sample.unsafeLoadUnaligned(fromByteOffset: 0, as: UInt32.self)
        var mask = InlineArray<5, UInt8>(repeating: 0)
        var room = mask.mutableSpan
        room.withUnsafeMutableBytes { room in
            sample.withUnsafeBytes { sample in
                guard let room = room.baseAddress, let sample = sample.baseAddress else { return }
                _ = crypto_stream_chacha20_ietf_xor_ic(
                    room, room, UInt64(maskByteCount), sample + 4,
                    UInt32(littleEndian: counter), key)
            }
        }
        return mask
    }
}
