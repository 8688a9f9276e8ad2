// Secrets have one owner, never move in memory, and are wiped when the owner goes.

internal import CSodium

/// 32 secret bytes.
///
/// Not copyable, so that no second copy can be forgotten; kept behind a pointer, because moving a
/// value copies its bytes and leaves the old ones behind.
public struct SecretKey: ~Copyable {
    /// Bytes in a key.
    public static let byteCount = 32

    private let pointer: UnsafeMutableRawPointer

    /// Draws a fresh key from the system's generator.
    public init() {
        self.init { randombytes_buf($0, Self.byteCount) }
    }

    /// Copies a key out of `source`, which stays the caller's to wipe.
    ///
    /// - Precondition: `source.byteCount == SecretKey.byteCount`.
    public init(copying source: RawSpan) {
        precondition(source.byteCount == Self.byteCount)
        self.init { room in
            source.withUnsafeBytes {
                UnsafeMutableRawBufferPointer(start: room, count: Self.byteCount)
                    .copyMemory(from: $0)
            }
        }
    }

    /// Creates a key that `fill` writes, all of it, into its final place.
    init(filling fill: (UnsafeMutablePointer<UInt8>) -> Void) {
        Sodium.start
        pointer = .allocate(byteCount: Self.byteCount, alignment: 16)
        let room = pointer.bindMemory(to: UInt8.self, capacity: Self.byteCount)
        room.initialize(repeating: 0, count: Self.byteCount)
        fill(room)
    }

    deinit {
        sodium_memzero(pointer, Self.byteCount)
        pointer.deallocate()
    }

    /// The key's bytes, lent for as long as the key is borrowed.
    public var bytes: RawSpan {
        @_lifetime(borrow self)
        get {
            let span = RawSpan(_unsafeStart: pointer, byteCount: Self.byteCount)
            return _overrideLifetime(span, borrowing: self)
        }
    }

    /// Lends the key's bytes to `body`, where binding `bytes` would be in the way.
    public func withBytes<R: ~Copyable, E: Error>(
        _ body: (RawSpan) throws(E) -> R
    ) throws(E) -> R {
        try body(bytes)
    }

    /// Makes a second key of the same bytes, with an owner of its own.
    public func duplicate() -> SecretKey { SecretKey(copying: bytes) }

    /// Whether both keys hold the same bytes, in a time that does not tell where they differ.
    public func isEqual(to other: borrowing SecretKey) -> Bool {
        constantTimeEqual(bytes, other.bytes)
    }

    /// Copies the key to `room`, of 32 bytes, which is its new owner's to wipe.
    func copy(to room: UnsafeMutableRawPointer) {
        room.copyMemory(from: pointer, byteCount: Self.byteCount)
    }

    /// Copies a key out of 32 bytes that stay the caller's to wipe.
    init(copying source: UnsafeRawPointer) {
        self.init { room in
            UnsafeMutableRawPointer(room).copyMemory(from: source, byteCount: Self.byteCount)
        }
    }

    /// The key for C, valid while the key lives.
    var unsafeAddress: UnsafePointer<UInt8> {
        UnsafePointer(pointer.assumingMemoryBound(to: UInt8.self))
    }
}

/// Sound because the bytes are written only before `init` returns and read only through borrows.
extension SecretKey: @unchecked Sendable {}

/// Whether both spans hold the same bytes, in a time that depends on their lengths alone.
public func constantTimeEqual(_ a: RawSpan, _ b: RawSpan) -> Bool {
    guard a.byteCount == b.byteCount else { return false }
    let count = a.byteCount
    return a.withUnsafeBytes { a in
        b.withUnsafeBytes { b in sodium_memcmp(a.baseAddress, b.baseAddress, count) == 0 }
    }
}
