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
public struct AckFrame: Sendable {
    /// How long the receiver held the acknowledgement back.
    public var delay = Interval.zero
    private var storage = InlineArray<64, ClosedRange<UInt64>>(repeating: 0...0)
    /// Ranges in the frame.
    public private(set) var count = 0

    /// The longest delay that is told apart, in units: two minutes.
    private static let delayUnitsMax: UInt64 = 0xFF_FFFF

    /// Creates a frame without ranges.
    public init() {}

    /// Returns the range at `index`; 0 is the newest.
    public subscript(index: Int) -> ClosedRange<UInt64> {
        precondition(index < count)
        return storage[index]
    }

    /// The highest number acknowledged.
    ///
    /// - Precondition: the frame has a range.
    public var largest: UInt64 { self[0].upperBound }

    /// Decodes the body of an ACK frame.
    ///
    /// - Throws: `.truncated` if the body ends early; `.malformed` if it names a number below zero,
    ///   no range at all, or more than `WireLimits.ackRangesMax`.
    public init(_ reader: inout ByteReader) throws(DecodeError) {
        var last = try reader.readVarInt()
        let units = Int64(min(try reader.readVarInt(), Self.delayUnitsMax))
        delay = .microseconds(units * WireLimits.ackDelayUnitMicroseconds)
        let count = Int(try reader.readUInt8())
        guard 1...WireLimits.ackRangesMax ~= count else { throw .malformed(offset: reader.offset) }
        for i in 0..<count {
            if i > 0 {
                let skip = try reader.readVarInt() + 2
                guard skip <= storage[i - 1].lowerBound else {
                    throw .malformed(offset: reader.offset)
                }
                last = storage[i - 1].lowerBound - skip
            }
            let length = try reader.readVarInt()
            guard length <= last else { throw .malformed(offset: reader.offset) }
            storage[i] = last - length...last
        }
        self.count = count
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
