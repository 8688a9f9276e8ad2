// Range sets and ACK frames against a plain set of numbers.

import PetrelBase
import PetrelWire

/// Puts numbers into a `RangeSet` and a `Set`, writes ACK frames and reads them back.
enum AckRangesTarget {
    static func feed(_ bytes: [UInt8]) throws {
        var tape = Tape(bytes)
        guard tape.byte() & 1 == 1 else { return try decode(tape.rest()) }
        var tested = RangeSet()
        var model = Model()
        let base = tape.number() & (1 << 62 - 1) >> 1
        for _ in 0..<1_000 where !tape.isAtEnd {
            let number = base + UInt64(tape.below(512))
            if tape.byte() < 240 {
                tested.insert(number)
                model.insert(number)
            } else {
                tested.removeBelow(number)
                model.removeBelow(number)
            }
            try compare(tested, model, near: number)
        }
        guard !tested.isEmpty else { return }
        let room = 1 + tape.below(400)
        let delay = Interval.microseconds(Int64(clamping: tape.number()))
        if let frame = written(room: room, { try AckFrame.write(tested, delay: delay, to: &$0) }) {
            try compare(frame, tested)
        }
    }

    private static func compare(_ tested: RangeSet, _ model: Model, near number: UInt64) throws {
        let ranges = (0..<tested.count).map { tested[$0] }
        try hold(ranges == model.ranges, "\(ranges) instead of \(model.ranges)")
        try hold(tested.highest == model.ranges.first?.upperBound, "another highest number")
        for probe in [number, number &- 1, number + 1] {
            let isIn = model.ranges.contains { $0.contains(probe) }
            try hold(tested.contains(probe) == isIn, "\(probe) is in it or not")
        }
    }

    /// The frame holds the newest ranges, as many as there was room for.
    private static func compare(_ frame: [UInt8], _ ranges: RangeSet) throws {
        var reader = ByteReader(frame.span.bytes)
        guard case .ack(let ack)? = try? Frame(&reader), reader.remaining == 0 else {
            throw Finding(description: "an ACK frame that cannot be read")
        }
        try hold(ack.count <= ranges.count && ack.largest == ranges.highest, "another ACK")
        for i in 0..<ack.count {
            try hold(ack[i] == ranges[i], "range \(i) is \(ack[i]), not \(ranges[i])")
        }
    }

    /// What is accepted from a peer has ranges in order, and can be said again.
    private static func decode(_ bytes: [UInt8]) throws {
        var reader = ByteReader(bytes.span.bytes)
        guard let ack = try? AckFrame(&reader) else { return }
        try check(ack)
    }

    /// Checks an ACK frame that was accepted.
    static func check(_ ack: borrowing AckFrame) throws {
        var ranges: [ClosedRange<UInt64>] = []
        ack.forEachRange { range in
            ranges.append(range)
            return true
        }
        try hold(ranges.count == ack.count, "\(ack.count) ranges announced, not \(ranges.count)")
        try hold(1...WireLimits.ackRangesMax ~= ack.count, "\(ack.count) ranges")
        try hold(ranges.first?.upperBound == ack.largest, "the largest is not the first")
        for i in 1..<max(ranges.count, 1) {
            try hold(ranges[i].upperBound + 1 < ranges[i - 1].lowerBound, "ranges out of order")
        }
        try hold(ack.delay >= .zero, "a delay below zero")
    }

    /// The same as `RangeSet` without any cleverness.
    private struct Model {
        private(set) var ranges: [ClosedRange<UInt64>] = []
        private var numbers: Set<UInt64> = []

        mutating func insert(_ number: UInt64) {
            numbers.insert(number)
            rebuild()
        }

        mutating func removeBelow(_ bound: UInt64) {
            numbers = numbers.filter { $0 >= bound }
            rebuild()
        }

        private mutating func rebuild() {
            ranges = []
            for number in numbers.sorted(by: >) {
                if let last = ranges.last, last.lowerBound == number + 1 {
                    ranges[ranges.count - 1] = number...last.upperBound
                } else {
                    ranges.append(number...number)
                }
            }
            for range in ranges.dropFirst(RangeSet.capacity) { numbers.subtract(range) }
            ranges = Array(ranges.prefix(RangeSet.capacity))
        }
    }
}
