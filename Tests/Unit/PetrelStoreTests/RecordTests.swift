// Records and keys as bytes: what was written is read, what was changed is noticed.

import PetrelBase
import PetrelMessaging
import PetrelServices
import Testing

@testable import PetrelStore

@Suite struct RecordTests {
    private let row = DeduplicationRow(
        conversation: .init(1), sequence: .init(2), digest: .init(3, 4, 5, 6),
        time: .init(milliseconds: -7))

    @Test func aRecordStartsWithItsVersionAndEndsWithItsChecksum() {
        let bytes = NumberRow(0x0102_0304_0506_0708).sealed()
        #expect(bytes.prefix(9) == [1, 1, 2, 3, 4, 5, 6, 7, 8])
        let checksum = Checksum.crc32c(Array(bytes.prefix(9)).span.bytes)
        #expect(
            bytes.suffix(4) == [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: checksum >> $0) })
    }

    @Test func everyFlippedBitIsNoticed() throws {
        let bytes = row.sealed()
        let read = try DeduplicationRow(sealed: bytes.span.bytes)
        #expect(read.digest == row.digest)
        #expect(read.time == row.time)
        for bit in 0..<bytes.count * 8 {
            var damaged = bytes
            damaged[bit / 8] ^= 1 << (bit % 8)
            #expect(throws: DecodeError.self) {
                try DeduplicationRow(sealed: damaged.span.bytes)
            }
        }
    }

    @Test func everyTruncationIsRefused() {
        let bytes = row.sealed()
        for count in 0..<bytes.count {
            let part = Array(bytes.prefix(count))
            #expect(throws: DecodeError.self) { try DeduplicationRow(sealed: part.span.bytes) }
        }
    }

    @Test func goodChecksumsDoNotMakeSense() {
        // Another version, a length beyond the end, bytes after the end: all well sealed.
        let newer = NumberRow(1).sealed(version: 2)
        #expect(throws: DecodeError.malformed(offset: 0)) {
            try NumberRow(sealed: newer.span.bytes)
        }
        let number = NumberRow(.max).sealed()
        #expect(throws: DecodeError.truncated(offset: 5)) { try TextRow(sealed: number.span.bytes) }
        #expect(throws: DecodeError.malformed(offset: 1)) {
            try EmptyRow(sealed: number.span.bytes)
        }
        #expect(throws: DecodeError.self) { try KnownRow(sealed: number.span.bytes) }
        let head = ChunkedHead(bytesCount: 1 << 24).sealed(version: ChunkedHead.version)
        #expect(throws: DecodeError.malformed(offset: 1)) {
            try ChunkedHead(sealed: head.span.bytes, version: ChunkedHead.version)
        }
    }

    @Test func chanceIsNeverATrap() {
        var random = RandomStream(seed: 1, label: "records")
        for _ in 0..<20_000 {
            var bytes = (0..<random.below(90)).map { _ in
                // Small numbers make lengths that nearly fit.
                random.chance(0.7) ? 0 : UInt8(truncatingIfNeeded: random.next())
            }
            bytes.insert(recordVersion, at: 0)
            let checksum = Checksum.crc32c(bytes.span.bytes)
            for shift in [24, 16, 8, 0] {
                bytes.append(UInt8(truncatingIfNeeded: checksum >> shift))
            }
            _ = try? AccountRow(sealed: bytes.span.bytes)
            _ = try? DeviceRow(sealed: bytes.span.bytes)
            _ = try? MessageRow(sealed: bytes.span.bytes)
            _ = try? OutboxRow(sealed: bytes.span.bytes)
            _ = try? FailedRow(sealed: bytes.span.bytes)
            _ = try? KnownRow(sealed: bytes.span.bytes)
        }
    }

    @Test func keysSortAsTheirNumbersDo() {
        let times: [Int64] = [.min, -1_000, -1, 0, 1, 255, 256, .max]
        let keys = times.map {
            Key.deduplicated(.init(high: 1, low: 2), of: .init(3), at: .init(milliseconds: $0))
        }
        for (low, high) in zip(keys, keys.dropFirst()) {
            #expect(low.bytes.lexicographicallyPrecedes(high.bytes))
        }
        let id = ClientMessageID(high: 1, low: 2)
        #expect(keys[0].deduplication == Key.deduplication(id, of: .init(3)))
        #expect(Key.pair(.init(1), .init(2)) == Key.pair(.init(2), .init(1)))
        #expect(Key.feed(.init(9), of: .init(1)).second == 9)
        #expect(Key([1, 2]).second == 0)
    }

    @Test func keysCompareAsTheirBytesDo() {
        var random = RandomStream(seed: 2, label: "keys")
        var keys = (0..<300).map { _ in
            Key((0..<random.below(20)).map { _ in random.chance(0.9) ? 7 : UInt8(random.below(9)) })
        }
        keys += [Key([]), Key([255]), Key([0x80, 0, 0, 0, 0, 0, 0, 0]), Key(1)]
        for a in keys {
            for b in keys {
                #expect((a < b) == a.bytes.lexicographicallyPrecedes(b.bytes))
                let count = Int(random.below(9))
                let isPrefix =
                    a.bytes.count >= count && b.bytes.count >= count
                    && a.bytes.prefix(count) == b.bytes.prefix(count)
                #expect(a.sharesPrefix(of: b, count) == isPrefix)
            }
        }
    }

    /// The numbers stand in the keys of chunks, the names in the database.
    @Test func tablesKeepTheirNumbersAndNames() {
        let server = [
            "0 meta", "1 blob", "2 account", "3 handle", "4 device", "5 deviceKey", "6 watermark",
            "7 pair", "8 conversation", "9 member", "10 message", "11 feed", "12 accountHead",
            "13 deduplication", "14 deduplicated", "18 contact", "19 invitation", "20 invited",
            "21 hidden", "22 memberOf", "23 largeOf", "24 expiry", "25 retention", "26 deleting",
        ]
        let client = [
            "0 meta", "1 blob", "10 message", "15 outbox", "16 failed", "17 known", "18 contact",
            "24 expiry", "40 overlay",
        ]
        for (purpose, expected) in [(Purpose.server, server), (.client, client)] {
            let tables = purpose.tables.sorted { $0.number < $1.number }
            #expect(tables.map { "\($0.number) \($0)" } == expected)
        }
    }
}
