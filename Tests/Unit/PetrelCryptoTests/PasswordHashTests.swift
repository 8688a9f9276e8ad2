// Password records: what fits, what does not, and what a damaged record may not ask for.

import PetrelBase
import Testing

@testable import PetrelCrypto

@Suite struct PasswordHashTests {
    struct File: Decodable { var passwords: [Vector] }
    struct Vector: Decodable { var password, pepper, record: String }

    @Test func acceptsRecordsOfTheSecondImplementation() throws {
        let file = try vectors("passwords.json", as: File.self)
        #expect(file.passwords.count >= 4)
        for vector in file.passwords {
            let pepper = try secretKey(vector.pepper)
            let record = try hex(vector.record)
            #expect(try verify(vector.password, pepper, record))
            #expect(try !verify(vector.password + "x", pepper, record))
        }
    }

    @Test func acceptsOnlyThePasswordUnderThePepper() throws {
        let cost = try PasswordHash.Cost(memoryBytes: 8_192, passes: 1)
        let pepper = SecretKey()
        let record = try make("swordfish", pepper, cost)
        #expect(record.count == PasswordHash.recordByteCount)
        #expect(try verify("swordfish", pepper, record))
        for wrong in ["", "swordfis", "swordfish ", "Swordfish", "swordfish\0"] {
            #expect(try !verify(wrong, pepper, record))
        }
        let other = SecretKey()
        #expect(try !verify("swordfish", other, record))
    }

    @Test func saltsEachRecord() throws {
        let cost = try PasswordHash.Cost(memoryBytes: 8_192, passes: 1)
        let pepper = SecretKey()
        #expect(try make("same", pepper, cost) != make("same", pepper, cost))
    }

    @Test func refusesEveryFlippedBitOfARecord() throws {
        let cost = try PasswordHash.Cost(memoryBytes: 8_192, passes: 1)
        let pepper = SecretKey()
        let genuine = try make("swordfish", pepper, cost)
        for bit in 0..<genuine.count * 8 {
            var record = genuine
            record[bit / 8] ^= 1 << (bit % 8)
            // The high bits of the cost would take seconds, as they should; they are tried below.
            if let asked = try? self.cost(record), asked.memoryBytes > 1 << 20 { continue }
            let isVerified = (try? verify("swordfish", pepper, record)) ?? false
            #expect(!isVerified, "bit \(bit)")
        }
    }

    @Test func refusesDamagedRecordsBeforeHashing() throws {
        let cost = try PasswordHash.Cost(memoryBytes: 8_192, passes: 1)
        let pepper = SecretKey()
        let genuine = try make("swordfish", pepper, cost)
        var damaged = (0..<genuine.count).map { Array(genuine.prefix($0)) }
        damaged.append(genuine + [0])
        let headers: [[UInt8]] = [
            [0, 0, 0, 0, 8, 0, 0, 0, 1],
            [2, 0, 0, 0, 8, 0, 0, 0, 1],
            [1, 0, 0, 0, 7, 0, 0, 0, 1],
            [1, 0, 16, 0, 1, 0, 0, 0, 1],
            [1, 255, 255, 255, 255, 0, 0, 0, 1],
            [1, 0, 0, 0, 8, 0, 0, 0, 0],
            [1, 0, 0, 0, 8, 0, 0, 0, 65],
            [1, 0, 0, 0, 8, 255, 255, 255, 255],
        ]
        damaged += headers.map { $0 + genuine.dropFirst(9) }
        for record in damaged {
            #expect(throws: CryptoError.malformedRecord) {
                _ = try verify("swordfish", pepper, record)
            }
            #expect(throws: CryptoError.malformedRecord) {
                _ = try PasswordHash.needsRehash(record: record.span.bytes, cost: cost)
            }
        }
    }

    @Test func noPasswordFitsTheDummy() throws {
        let cost = try PasswordHash.Cost(memoryBytes: 16_384, passes: 2)
        let dummy = PasswordHash.dummyRecord(cost: cost)
        let pepper = SecretKey()
        #expect(try !verify("", pepper, dummy))
        #expect(try cost == self.cost(dummy))
        #expect(dummy != PasswordHash.dummyRecord(cost: cost))
    }

    @Test func asksForANewHashWhenTheCostChanges() throws {
        let cost = try PasswordHash.Cost(memoryBytes: 8_192, passes: 1)
        let pepper = SecretKey()
        let record = try make("swordfish", pepper, cost)
        #expect(try !PasswordHash.needsRehash(record: record.span.bytes, cost: cost))
        for (memory, passes) in [(16_384, 1), (8_192, 2)] {
            let other = try PasswordHash.Cost(memoryBytes: memory, passes: passes)
            #expect(try PasswordHash.needsRehash(record: record.span.bytes, cost: other))
        }
    }

    @Test(arguments: [
        (8_191, 1), (8_193, 1), (0, 1), (-8_192, 1), (8_192, 0), (8_192, 65),
        (1_024 * 1_024 * 1_024 + 1_024, 1), (Int.max, 1),
    ])
    func refusesCostsOutOfBounds(memory: Int, passes: Int) {
        #expect(throws: CryptoError.costOutOfBounds) {
            _ = try PasswordHash.Cost(memoryBytes: memory, passes: passes)
        }
    }

    private func make(
        _ password: String, _ pepper: borrowing SecretKey, _ cost: PasswordHash.Cost
    ) throws(CryptoError) -> [UInt8] {
        let bytes = Array(password.utf8)
        return try PasswordHash.make(password: bytes.span.bytes, pepper: pepper, cost: cost)
    }

    private func verify(
        _ password: String, _ pepper: borrowing SecretKey, _ record: [UInt8]
    ) throws(CryptoError) -> Bool {
        let bytes = Array(password.utf8)
        return try PasswordHash.verify(
            password: bytes.span.bytes, pepper: pepper, record: record.span.bytes)
    }

    /// The cost that a record names, found through the public interface.
    private func cost(_ record: [UInt8]) throws -> PasswordHash.Cost {
        guard record.count == PasswordHash.recordByteCount else {
            throw CryptoError.malformedRecord
        }
        let numbers = [record[1..<5], record[5..<9]].map { $0.reduce(0) { $0 << 8 | Int($1) } }
        let cost = try PasswordHash.Cost(memoryBytes: numbers[0] * 1_024, passes: numbers[1])
        guard try !PasswordHash.needsRehash(record: record.span.bytes, cost: cost) else {
            throw CryptoError.malformedRecord
        }
        return cost
    }
}
