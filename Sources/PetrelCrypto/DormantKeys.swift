// The keys of a session that sleeps: enough to know its peer's packets, and to go on from there.

internal import CSodium

/// What remains of a `KeyPhases` while its session has nothing to say: 192 bytes in one place.
///
/// The key from before the last update is not among them, and the one that our packets are sealed
/// with is derived again when the session wakes. Both reading keys are there, so that a packet, be
/// it forged or of the next generation, costs a tag and no derivation.
public struct DormantKeys: ~Copyable {
    /// Which key stands where, 32 bytes each.
    enum Place: Int {
        case readHeader
        case writeHeader
        case current
        case next
        case nextSecret
        case writeSecret
    }

    private static let byteCount = 6 * SecretKey.byteCount

    private let pointer: UnsafeMutableRawPointer
    /// The generation that our packets are sealed with.
    private let writeGeneration: UInt32
    /// The highest generation that a packet of the peer was opened with.
    private let readGeneration: UInt32

    /// Copies what is needed of `keys`, which their owner wipes.
    public init(_ keys: borrowing KeyPhases) {
        pointer = .allocate(byteCount: Self.byteCount, alignment: 16)
        keys.copyKeys(to: pointer)
        writeGeneration = UInt32(truncatingIfNeeded: keys.writeGeneration)
        readGeneration = UInt32(truncatingIfNeeded: keys.readGeneration)
    }

    deinit {
        sodium_memzero(pointer, Self.byteCount)
        pointer.deallocate()
    }

    /// The keys, ready for use.
    public func wake() -> KeyPhases {
        KeyPhases(
            readHeader: HeaderProtector(key: key(.readHeader)),
            writeHeader: HeaderProtector(key: key(.writeHeader)),
            current: PacketCipher(key: key(.current)), next: PacketCipher(key: key(.next)),
            nextSecret: key(.nextSecret), writeSecret: key(.writeSecret),
            readGeneration: UInt64(readGeneration), writeGeneration: UInt64(writeGeneration))
    }

    /// The bytes to combine with the header of a packet of the peer; allocates nothing.
    ///
    /// - Precondition: `sample.byteCount == HeaderProtector.sampleByteCount`.
    public func readMask(sample: RawSpan) -> InlineArray<5, UInt8> {
        HeaderProtector.mask(sample: sample, key: address(.readHeader))
    }

    /// Whether the peer sealed that packet, whose header is not masked any more.
    ///
    /// `nil`: there is no key for its phase. Nothing is decrypted or allocated.
    public func isGenuine(
        _ datagram: RawSpan, phase: UInt8, headerByteCount: Int, packetNumber: UInt64
    ) -> Bool? {
        let place: Place
        switch UInt64(phase &- UInt8(truncatingIfNeeded: readGeneration & 3)) & 3 {
        case 0: place = .current
        case 1: place = .next
        default: return nil
        }
        return PacketCipher.isGenuine(
            datagram, headerByteCount: headerByteCount, pathID: 0, packetNumber: packetNumber,
            key: address(place))
    }

    private func key(_ place: Place) -> SecretKey {
        SecretKey(copying: UnsafeRawPointer(pointer + place.rawValue * SecretKey.byteCount))
    }

    private func address(_ place: Place) -> UnsafePointer<UInt8> {
        UnsafePointer(
            (pointer + place.rawValue * SecretKey.byteCount)
                .assumingMemoryBound(to: UInt8.self))
    }
}

/// Sound because the bytes are written only before `init` returns.
extension DormantKeys: @unchecked Sendable {}
