// Keeping passwords so that neither a stolen database nor a slow guess gives them away.

internal import CSodium
internal import PetrelBase

/// Argon2id over a password keyed with the server's pepper, as a record that describes itself.
///
///     +---------+------------+--------+------+------+
///     | version | memory KiB | passes | salt | hash |
///     | 1       | 4          | 4      | 16   | 32   |
///     +---------+------------+--------+------+------+
///
/// Integers are big endian. The pepper is a key that the database does not hold: without it, a copy
/// of the database cannot even be guessed at. Hashing takes the memory and the time that `Cost`
/// says, by intention: keep it off the threads that serve packets.
public enum PasswordHash {
    /// Bytes in a record.
    public static let recordByteCount = 57

    private static let version: UInt8 = 1
    private static let saltByteCount = 16
    private static let hashByteCount = 32

    /// What one guess costs.
    public struct Cost: Hashable, Sendable {
        /// Bounds of the memory: the least that Argon2 works with, and what one login may take.
        public static let memoryBytesRange = 8 * 1_024...1_024 * 1_024 * 1_024
        /// Bounds of the passes; more than the upper one only wastes a server's time.
        public static let passesRange = 1...64

        /// Bytes of memory for one hash, a multiple of 1,024.
        public let memoryBytes: Int
        /// Passes over that memory.
        public let passes: Int

        /// Checks a cost.
        ///
        /// - Throws: `costOutOfBounds`, also for memory that is no multiple of 1,024 bytes.
        public init(memoryBytes: Int, passes: Int) throws(CryptoError) {
            guard
                Self.memoryBytesRange.contains(memoryBytes), memoryBytes.isMultiple(of: 1_024),
                Self.passesRange.contains(passes)
            else { throw .costOutOfBounds }
            self.init(checkedMemoryBytes: memoryBytes, passes: passes)
        }

        private init(checkedMemoryBytes memoryBytes: Int, passes: Int) {
            self.memoryBytes = memoryBytes
            self.passes = passes
        }

        /// 64 MiB and 3 passes: the second choice of RFC 9106 §4, in one lane.
        public static let standard = Cost(checkedMemoryBytes: 64 * 1_024 * 1_024, passes: 3)
    }

    /// Makes the record of a password under a fresh salt.
    ///
    /// - Throws: `outOfMemory`.
    public static func make(
        password: RawSpan, pepper: borrowing SecretKey, cost: Cost
    ) throws(CryptoError) -> [UInt8] {
        var salt = InlineArray<16, UInt8>(repeating: 0)
        fillRandom(&salt)
        let hash = try self.hash(
            password: password, pepper: pepper, cost: cost, salt: salt.span.bytes)
        return record(cost: cost, salt: salt.span.bytes, hash: hash.bytes)
    }

    /// Whether `record` was made of this password and this pepper.
    ///
    /// - Throws: `malformedRecord` for a record of another form or with a cost out of bounds,
    ///   `outOfMemory`.
    public static func verify(
        password: RawSpan, pepper: borrowing SecretKey, record: RawSpan
    ) throws(CryptoError) -> Bool {
        let cost = try self.cost(of: record)
        // The length was compared with the record's by `cost(of:)`.
        let salt = record.extracting(9..<9 + saltByteCount)
        let stored = record.extracting(9 + saltByteCount..<recordByteCount)
        let hash = try self.hash(password: password, pepper: pepper, cost: cost, salt: salt)
        return constantTimeEqual(hash.bytes, stored)
    }

    /// Whether `record` was made at another cost than `cost`, so that the next login should renew
    /// it.
    ///
    /// - Throws: `malformedRecord`.
    public static func needsRehash(record: RawSpan, cost: Cost) throws(CryptoError) -> Bool {
        try self.cost(of: record) != cost
    }

    /// A record that no password fits, for verifying against when there is no such account.
    ///
    /// It costs as much as a true one, so that the time of an answer does not tell who is known.
    public static func dummyRecord(cost: Cost) -> [UInt8] {
        var salt = InlineArray<16, UInt8>(repeating: 0)
        fillRandom(&salt)
        return record(cost: cost, salt: salt.span.bytes, hash: SecretKey().bytes)
    }
}

extension PasswordHash {
    private static func hash(
        password: RawSpan, pepper: borrowing SecretKey, cost: Cost, salt: RawSpan
    ) throws(CryptoError) -> SecretKey {
        // Keyed first, so that the memory-hard part always has 32 bytes of input, however long
        // the password is.
        let keyed = SecretKey { room in
            password.withUnsafeBytes {
                _ = crypto_generichash(
                    room, SecretKey.byteCount, $0.baseAddress, UInt64($0.count),
                    pepper.unsafeAddress, SecretKey.byteCount)
            }
        }
        var status: Int32 = -1
        let hash = SecretKey { room in
            salt.withUnsafeBytes { salt in
                keyed.bytes.withUnsafeBytes { keyed in
                    guard let salt = salt.baseAddress, let keyed = keyed.baseAddress else { return }
                    status = crypto_pwhash(
                        room, UInt64(hashByteCount), keyed.assumingMemoryBound(to: CChar.self),
                        UInt64(SecretKey.byteCount), salt, UInt64(cost.passes), cost.memoryBytes,
                        crypto_pwhash_ALG_ARGON2ID13)
                }
            }
        }
        guard status == 0 else { throw .outOfMemory }
        return hash
    }

    private static func record(cost: Cost, salt: RawSpan, hash: RawSpan) -> [UInt8] {
        var record: [UInt8] = [version]
        record.reserveCapacity(recordByteCount)
        for value in [cost.memoryBytes / 1_024, cost.passes] {
            withUnsafeBytes(of: UInt32(value).bigEndian) { record.append(contentsOf: $0) }
        }
        salt.withUnsafeBytes { record.append(contentsOf: $0) }
        hash.withUnsafeBytes { record.append(contentsOf: $0) }
        return record
    }

    /// The cost that a record names, once its form and the bounds of the cost are checked.
    private static func cost(of record: RawSpan) throws(CryptoError) -> Cost {
        guard record.byteCount == recordByteCount else { throw .malformedRecord }
        var reader = ByteReader(record)
        do {
            guard try reader.readUInt8() == version else { throw CryptoError.malformedRecord }
            let memoryKiB = try reader.readUInt32()
            let passes = try reader.readUInt32()
            return try Cost(memoryBytes: Int(memoryKiB) * 1_024, passes: Int(passes))
        } catch {
            throw .malformedRecord
        }
    }

    private static func fillRandom(_ bytes: inout InlineArray<16, UInt8>) {
        var span = bytes.mutableSpan
        var room = span.mutableBytes
        SecureRandom().fill(&room)
    }
}
