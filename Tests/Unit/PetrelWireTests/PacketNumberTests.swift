// Packet numbers: truncated as far as the peer can follow, and expanded again.

import PetrelBase
import PetrelWire
import Testing

@Suite struct PacketNumberTests {
    @Test func examplesOfRFC9000() {
        // RFC 9000 §A.2: 29,519 unacknowledged numbers need 16 bits, 65,611 more than 16.
        let short = TruncatedPacketNumber(0xAC_5C02, largestAcknowledged: 0xAB_E8B3)
        #expect(short == TruncatedPacketNumber(value: 0x5C02, byteCount: 2))
        let long = TruncatedPacketNumber(0xAC_E8FE, largestAcknowledged: 0xAB_E8B3)
        #expect(long == TruncatedPacketNumber(value: 0xAC_E8FE, byteCount: 3))
        // RFC 9000 §A.3.
        let received = TruncatedPacketNumber(value: 0x9B32, byteCount: 2)
        #expect(received.expanded(largest: 0xA82F_30EA) == 0xA82F_9B32)
    }

    struct Row: Sendable, CustomTestStringConvertible {
        var value: UInt32
        var byteCount: Int
        var largest: UInt64?
        var full: UInt64
        var testDescription: String
    }

    static let rows = [
        Row(value: 0, byteCount: 1, largest: nil, full: 0, testDescription: "the first"),
        Row(value: 255, byteCount: 1, largest: nil, full: 255, testDescription: "none received"),
        Row(value: 0, byteCount: 1, largest: 255, full: 256, testDescription: "next window"),
        Row(value: 255, byteCount: 1, largest: 256, full: 255, testDescription: "one behind"),
        Row(value: 0x7F, byteCount: 1, largest: 0xFF, full: 0x17F, testDescription: "127 ahead"),
        Row(value: 0x80, byteCount: 1, largest: 0xFF, full: 0x180, testDescription: "128 ahead"),
        Row(value: 0x81, byteCount: 1, largest: 0xFF, full: 0x81, testDescription: "too far ahead"),
        Row(value: 0xFF, byteCount: 1, largest: 5, full: 0xFF, testDescription: "none below zero"),
        Row(
            value: 0, byteCount: 4, largest: 1 << 32 - 1, full: 1 << 32,
            testDescription: "4 bytes, next window"),
        Row(
            value: 0, byteCount: 1, largest: 1 << 62 - 2, full: 1 << 62 - 256,
            testDescription: "no number from 2^62 on"),
    ]

    @Test(arguments: rows)
    func expands(_ row: Row) {
        let number = TruncatedPacketNumber(value: row.value, byteCount: row.byteCount)
        #expect(number.expanded(largest: row.largest) == row.full)
    }

    @Test func lengthFollowsWhatIsUnacknowledged() {
        let rows: [(UInt64, UInt64?, Int)] = [
            (0, nil, 1), (126, nil, 1), (127, nil, 2), (1_127, 1_000, 1), (1_128, 1_000, 2),
            (33_767, 1_000, 2), (33_768, 1_000, 3), (1_000 + 1 << 23, 1_000, 4),
            (1_000 + 1 << 31, 1_000, 4), (1 << 40, nil, 4),
        ]
        for (number, acknowledged, byteCount) in rows {
            let truncated = TruncatedPacketNumber(number, largestAcknowledged: acknowledged)
            #expect(truncated.byteCount == byteCount, "\(number)")
        }
    }

    /// The receiver is somewhere between what it acknowledged and what it will receive.
    @Test(arguments: UInt64(1)...50)
    func whatIsTruncatedExpandsEqual(seed: UInt64) {
        var random = RandomStream(seed: seed, label: "numbers")
        for _ in 0..<2_000 {
            let acknowledged = random.next() >> (2 + random.below(60))
            let ahead = 1 + random.next() >> (33 + random.below(31))
            guard acknowledged + ahead < 1 << 62 else { continue }
            let number = acknowledged + ahead
            let truncated = TruncatedPacketNumber(number, largestAcknowledged: acknowledged)
            let largest = acknowledged + random.below(ahead + 1)
            #expect(truncated.expanded(largest: largest) == number, "seed \(seed)")
        }
    }
}
