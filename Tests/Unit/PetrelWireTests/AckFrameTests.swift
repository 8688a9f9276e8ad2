// ACK frames: what is refused, and what is written reads equal.

import PetrelBase
import PetrelWire
import Testing

@Suite struct AckFrameTests {
    struct Bad: Sendable, CustomTestStringConvertible {
        var bytes: [UInt8]
        var error: DecodeError
        var testDescription: String
    }

    static let bad = [
        Bad(bytes: [], error: .truncated(offset: 0), testDescription: "nothing"),
        Bad(bytes: [5], error: .truncated(offset: 1), testDescription: "no delay"),
        Bad(bytes: [5, 0], error: .truncated(offset: 2), testDescription: "no count"),
        Bad(bytes: [5, 0, 0], error: .malformed(offset: 3), testDescription: "no range"),
        Bad(bytes: [5, 0, 65], error: .malformed(offset: 3), testDescription: "65 ranges"),
        Bad(bytes: [5, 0, 1], error: .truncated(offset: 3), testDescription: "no length"),
        Bad(
            bytes: [5, 0, 1, 6], error: .malformed(offset: 4), testDescription: "range below zero"),
        Bad(
            bytes: [5, 0, 2, 0, 4, 0], error: .malformed(offset: 5),
            testDescription: "gap below zero"),
        Bad(
            bytes: [5, 0, 2, 0, 3, 1], error: .malformed(offset: 6),
            testDescription: "second range below zero"),
        Bad(bytes: [5, 0, 2, 0, 3], error: .truncated(offset: 5), testDescription: "no range 2"),
        Bad(
            bytes: [5, 0, 2, 0] + [UInt8](repeating: 0xFF, count: 8) + [0],
            error: .malformed(offset: 12), testDescription: "largest gap there is"),
    ]

    @Test(arguments: bad)
    func refuses(_ row: Bad) {
        #expect(throws: row.error) {
            var reader = ByteReader(row.bytes.span.bytes)
            _ = try AckFrame(&reader)
        }
    }

    /// What the set holds is what the peer reads, newest first, from any room.
    @Test(arguments: UInt64(1)...200)
    func whatIsWrittenReadsEqual(seed: UInt64) throws {
        var random = RandomStream(seed: seed, label: "ack")
        var ranges = RangeSet()
        var number = random.next() >> (2 + random.below(56))
        for _ in 0...random.below(90) {
            for _ in 0...random.below(4) {
                ranges.insert(number)
                number &+= 1
            }
            number &+= 1 + random.below(300)
            if number >= 1 << 62 { break }
        }
        let delay = Interval.microseconds(Int64(random.below(1_000)) * 8)
        let room = 30 + Int(random.below(400))
        let bytes = try written(room) { writer in
            try AckFrame.write(ranges, delay: delay, to: &writer)
        }
        #expect(bytes.first == FrameType.ack.rawValue)
        var reader = ByteReader(bytes.span.bytes)
        guard case .ack(let frame) = try Frame(&reader) else {
            Issue.record("no ACK, seed \(seed)")
            return
        }
        #expect(reader.remaining == 0)
        #expect(frame.delay == delay)
        #expect(frame.count <= ranges.count)
        for i in 0..<frame.count { #expect(frame[i] == ranges[i], "seed \(seed)") }
        // Ranges are left out only for want of room: 18 bytes are the most that one takes.
        #expect(frame.count == ranges.count || room - bytes.count < 18, "seed \(seed)")
    }

    @Test func longDelaysAreClamped() throws {
        var ranges = RangeSet()
        ranges.insert(3)
        for delay in [Interval.seconds(600), .infinite] {
            let bytes = try written { writer in
                try AckFrame.write(ranges, delay: delay, to: &writer)
            }
            var reader = ByteReader(bytes.span.bytes.extracting(droppingFirst: 1))
            let frame = try AckFrame(&reader)
            #expect(frame.delay == .microseconds(0xFF_FFFF * 8))
        }
    }
}
