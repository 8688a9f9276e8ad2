// ACK: which packets arrived; the frame that loss detection lives on (Protocol/transport.md §5.3).

public import PetrelBase

/// The packet numbers that a peer has received, newest first.
///
///     +-----------+---------+-------+---------+ - - - +-------+---------+
///     | largest   | delay   | count | length  |       | gap   | length  |
///     | varint    | varint  | u8    | varint  |       | varint| varint  |
///     +-----------+---------+-------+---------+ - - - +-------+---------+
///
/// A range holds `length + 1` numbers; `gap + 1` numbers are missing between two ranges. The delay
/// is counted in units of 8 microseconds.
///
/// Decoding checks the frame and keeps its bytes where they are; the ranges are read from them.
public struct AckFrame: ~Escapable {
    /// The longest delay that is told apart, in units: two minutes.
    private static let delayUnitsMax: UInt64 = 0xFF_FFFF

    /// How long the receiver held the acknowledgement back.
    public let delay: Interval
    /// The highest number acknowledged.
    public let largest: UInt64
    /// Ranges in the frame, at least one.
    public let count: Int
    /// The lengths and gaps of all ranges.
    private let body: RawSpan

    /// Decodes the body of an ACK frame.
    ///
    /// - Throws: `.truncated` if the body ends early; `.malformed` if it names a number below zero,
    ///   no range at all, or more than `WireLimits.ackRangesMax`.
    @_lifetime(copy reader)
    public init(_ reader: inout ByteReader) throws(DecodeError) {
        let largest = try reader.readVarInt()
        let units = Int64(min(try reader.readVarInt(), Self.delayUnitsMax))
        let count = Int(try reader.readUInt8())
        guard 1...WireLimits.ackRangesMax ~= count else { throw .malformed(offset: reader.offset) }
        var ahead = reader
        var ranges = AckRanges(count: count, largest: largest)
        for _ in 0..<count { _ = try ranges.next(&ahead) }
        body = try reader.readBytes(ahead.offset - reader.offset)
        delay = .microseconds(units * WireLimits.ackDelayUnitMicroseconds)
        self.largest = largest
        self.count = count
    }

    /// Returns the range at `index`; 0 is the newest.
    ///
    /// - Complexity: O(`index`); `forEachRange` reads each range once.
    /// - Precondition: `index` is one of `count`.
    public subscript(index: Int) -> ClosedRange<UInt64> {
        var found = largest...largest
        var left = index
        forEachRange { range in
            found = range
            left -= 1
            return left >= 0
        }
        precondition(index >= 0 && left < 0)
        return found
    }

    /// Calls `take` with each range, newest first, until it returns `false`.
    public func forEachRange(_ take: (ClosedRange<UInt64>) -> Bool) {
        var reader = ByteReader(body)
        var ranges = AckRanges(count: count, largest: largest)
        // Nothing is thrown: `init` has read the same bytes.
        while let range = try? ranges.next(&reader), take(range) {}
    }

    /// Writes a frame, type included, with as many of the newest `ranges` as fit.
    ///
    /// - Precondition: `ranges` is not empty.
    /// - Throws: `NoRoom` if not even one range fits; nothing is written then.
    public static func write(
        _ ranges: borrowing RangeSet, delay: Interval, to writer: inout ByteWriter
    ) throws(NoRoom) {
        let newest = ranges[0]
        let units = UInt64(
            max(0, delay.nanoseconds / (WireLimits.ackDelayUnitMicroseconds * 1_000)))
        let delayUnits = min(units, Self.delayUnitsMax)
        let firstLength = newest.upperBound - newest.lowerBound
        let fixed =
            2 + varIntByteCount(newest.upperBound) + varIntByteCount(delayUnits)
            + varIntByteCount(firstLength)
        guard fixed <= writer.remaining else { throw NoRoom() }
        var count = 1
        var byteCount = fixed
        while count < min(ranges.count, WireLimits.ackRangesMax) {
            let gap = ranges[count - 1].lowerBound - ranges[count].upperBound - 2
            let length = ranges[count].upperBound - ranges[count].lowerBound
            byteCount += varIntByteCount(gap) + varIntByteCount(length)
            guard byteCount <= writer.remaining else { break }
            count += 1
        }
        try writer.writeUInt8(FrameType.ack.rawValue)
        try writer.writeVarInt(newest.upperBound)
        try writer.writeVarInt(delayUnits)
        try writer.writeUInt8(UInt8(count))
        try writer.writeVarInt(firstLength)
        for i in 1..<max(count, 1) {
            try writer.writeVarInt(ranges[i - 1].lowerBound - ranges[i].upperBound - 2)
            try writer.writeVarInt(ranges[i].upperBound - ranges[i].lowerBound)
        }
    }
}

/// The walk over the ranges of an ACK frame.
private struct AckRanges {
    private var remaining: Int
    /// The upper end of the next range, once the gap before it was read.
    private var last: UInt64
    private var isFirst = true

    init(count: Int, largest: UInt64) {
        remaining = count
        last = largest
    }

    /// Reads the next range; `nil` after the last.
    mutating func next(_ reader: inout ByteReader) throws(DecodeError) -> ClosedRange<UInt64>? {
        guard remaining > 0 else { return nil }
        if !isFirst {
            let skip = try reader.readVarInt() + 2
            guard skip <= last else { throw .malformed(offset: reader.offset) }
            last -= skip
        }
        let length = try reader.readVarInt()
        guard length <= last else { throw .malformed(offset: reader.offset) }
        let range = last - length...last
        remaining -= 1
        isFirst = false
        last = range.lowerBound
        return range
    }
}
