// The keys of a session through its updates: what to seal with, and what to try for which packet.

/// Both directions' packet protection, which can be renewed without a handshake.
///
/// Each generation's traffic secret follows from the one before by HKDF-Expand with the label
/// `petrel update`; from later secrets the earlier ones do not follow. A packet carries its
/// generation modulo 4. Header protection stays that of generation 0, because the phase of a
/// packet is readable only behind it.
///
///     reading:   previous (for a while)    current    next (ready, so that no packet derives keys)
///     writing:                             current
///
/// Whoever renews first moves its writing on; the other side follows when a packet of the next
/// generation opens. Keys are wiped when they are replaced.
public struct KeyPhases: ~Copyable, Sendable {
    /// Which of the reading keys belongs to a packet.
    public enum Choice: Equatable, Sendable {
        /// The key before the last update.
        case previous
        /// The key in use.
        case current
        /// The key that the peer would go on to.
        case next
    }

    /// Hides the packet numbers of the peer.
    public let readHeader: HeaderProtector
    /// Hides our packet numbers.
    public let writeHeader: HeaderProtector
    /// The generation that our packets are sealed with, from 0.
    public private(set) var writeGeneration: UInt64 = 0
    /// The highest generation that a packet of the peer was opened with.
    public private(set) var readGeneration: UInt64 = 0
    private var writeSecret: SecretKey
    private var writeCipher: PacketCipher
    private var previous: PacketCipher?
    private var current: PacketCipher
    private var next: PacketCipher
    /// What `next` was derived from.
    private var nextSecret: SecretKey

    /// Creates generation 0 of both directions from the secrets of the handshake.
    public init(reading: borrowing SecretKey, writing: borrowing SecretKey) {
        readHeader = HeaderProtector(key: KeyDerivation.derive(from: reading, label: "petrel hp"))
        writeHeader = HeaderProtector(key: KeyDerivation.derive(from: writing, label: "petrel hp"))
        writeSecret = writing.duplicate()
        writeCipher = Self.cipher(writing)
        previous = nil
        current = Self.cipher(reading)
        nextSecret = Self.successor(of: reading)
        next = Self.cipher(nextSecret)
    }

    /// Takes keys up again; those of our packets are derived anew.
    init(
        readHeader: consuming HeaderProtector, writeHeader: consuming HeaderProtector,
        current: consuming PacketCipher, next: consuming PacketCipher,
        nextSecret: consuming SecretKey, writeSecret: consuming SecretKey,
        readGeneration: UInt64, writeGeneration: UInt64
    ) {
        self.readHeader = readHeader
        self.writeHeader = writeHeader
        self.current = current
        self.next = next
        self.nextSecret = nextSecret
        writeCipher = Self.cipher(writeSecret)
        self.writeSecret = writeSecret
        previous = nil
        self.readGeneration = readGeneration
        self.writeGeneration = writeGeneration
    }

    /// Copies what dormant keys keep, in the order of `DormantKeys.Place`, to `room`.
    func copyKeys(to room: UnsafeMutableRawPointer) {
        let count = SecretKey.byteCount
        readHeader.copyKey(to: room)
        writeHeader.copyKey(to: room + count)
        current.copyKey(to: room + 2 * count)
        next.copyKey(to: room + 3 * count)
        nextSecret.copy(to: room + 4 * count)
        writeSecret.copy(to: room + 5 * count)
    }

    /// The two bits that our packets carry.
    public var writePhase: UInt8 { UInt8(truncatingIfNeeded: writeGeneration & 3) }

    /// Which key a packet with these two bits was sealed with; `nil` if there is none for it.
    public func choice(of phase: UInt8) -> Choice? {
        switch UInt64(phase &- UInt8(truncatingIfNeeded: readGeneration)) & 3 {
        case 0: .current
        case 1: .next
        case 3: hasPrevious ? .previous : nil
        default: nil
        }
    }

    /// Whether packets from before the last update can still be opened.
    public var hasPrevious: Bool {
        switch previous {
        case .some: true
        case .none: false
        }
    }

    /// Opens a packet in place as `PacketCipher.open` does; nothing else changes.
    public func open(
        _ datagram: inout MutableRawSpan, with choice: Choice, headerByteCount: Int,
        byteCount: Int, packetNumber: UInt64
    ) -> Int? {
        switch choice {
        case .current:
            current.open(
                &datagram, headerByteCount: headerByteCount, byteCount: byteCount, pathID: 0,
                packetNumber: packetNumber)
        case .next:
            next.open(
                &datagram, headerByteCount: headerByteCount, byteCount: byteCount, pathID: 0,
                packetNumber: packetNumber)
        case .previous:
            switch previous {
            case .some(let cipher):
                cipher.open(
                    &datagram, headerByteCount: headerByteCount, byteCount: byteCount, pathID: 0,
                    packetNumber: packetNumber)
            case .none: nil
            }
        }
    }

    /// Seals a packet in place as `PacketCipher.seal` does.
    public func seal(
        _ datagram: inout MutableRawSpan, headerByteCount: Int, payloadByteCount: Int,
        packetNumber: UInt64
    ) -> Int {
        writeCipher.seal(
            &datagram, headerByteCount: headerByteCount, payloadByteCount: payloadByteCount,
            pathID: 0, packetNumber: packetNumber)
    }

    /// Goes on to the next generation for what we send.
    public mutating func renewWriting() {
        writeSecret = Self.successor(of: writeSecret)
        writeCipher = Self.cipher(writeSecret)
        writeGeneration += 1
    }

    /// Goes on to the next generation for what the peer sends, and keeps the key before.
    public mutating func renewReading() {
        nextSecret = Self.successor(of: nextSecret)
        var cipher = Self.cipher(nextSecret)
        swap(&cipher, &next)
        swap(&cipher, &current)
        previous = consume cipher
        readGeneration += 1
    }

    /// Wipes the reading key from before the last update.
    public mutating func forgetPrevious() { previous = nil }

    private static func cipher(_ secret: borrowing SecretKey) -> PacketCipher {
        PacketCipher(key: KeyDerivation.derive(from: secret, label: "petrel key"))
    }

    private static func successor(of secret: borrowing SecretKey) -> SecretKey {
        KeyDerivation.derive(from: secret, label: "petrel update")
    }
}
