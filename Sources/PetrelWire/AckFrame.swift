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
/// is counted in units of 8 microseconds. ACK_ECN is followed by three more numbers, `ECNCounts`.
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
    /// What the receiver counted, in ACK_ECN.
    public let ecn: ECNCounts?
    /// The lengths and gaps of all ranges.
    private let body: RawSpan

    /// Decodes the body of an ACK frame, or of an ACK_ECN frame.
    ///
    /// - Throws: `.truncated` if the body ends early; `.malformed` if it names a number below zero,
    ///   no range at all, or more than `WireLimits.ackRangesMax`.
    @_lifetime(copy reader)
    public init(_ reader: inout ByteReader, hasCounts: Bool = false) throws(DecodeError) {
        let largest = try reader.readVarInt()
        let units = Int64(min(try reader.readVarInt(), Self.delayUnitsMax))
        let count = Int(try reader.readUInt8())
        guard 1...WireLimits.ackRangesMax ~= count else { throw .malformed(offset: reader.offset) }
        var ahead = reader
        var ranges = AckRanges(count: count, largest: largest)
        for _ in 0..<count { _ = try ranges.next(&ahead) }
        body = try reader.readBytes(ahead.offset - reader.offset)
        ecn = hasCounts ? try ECNCounts(&reader) : nil
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

    /// Writes a frame, type included, with as many of the newest `ranges` as fit; with counts it is
    /// an ACK_ECN.
    ///
    /// - Precondition: `ranges` is not empty.
    /// - Throws: `NoRoom` if not even one range fits; nothing is written then.
    public static func write(
        _ ranges: borrowing RangeSet, delay: Interval, ecn: ECNCounts? = nil,
        to writer: inout ByteWriter
    ) throws(NoRoom) {
        let newest = ranges[0]
        let units = UInt64(
            max(0, delay.nanoseconds / (WireLimits.ackDelayUnitMicroseconds * 1_000)))
        let delayUnits = min(units, Self.delayUnitsMax)
        let firstLength = newest.upperBound - newest.lowerBound
        let fixed =
            2 + varIntByteCount(newest.upperBound) + varIntByteCount(delayUnits)
            + varIntByteCount(firstLength) + (ecn?.byteCount ?? 0)
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
        try writer.writeUInt8((ecn == nil ? FrameType.ack : .ackECN).rawValue)
        try writer.writeVarInt(newest.upperBound)
        try writer.writeVarInt(delayUnits)
        try writer.writeUInt8(UInt8(count))
        try writer.writeVarInt(firstLength)
        for i in 1..<max(count, 1) {
            try writer.writeVarInt(ranges[i - 1].lowerBound - ranges[i].upperBound - 2)
            try writer.writeVarInt(ranges[i].upperBound - ranges[i].lowerBound)
        }
        try ecn?.write(to: &writer)
    }
}

/// How many packets came with each of the marks, since the session began (RFC 9000 §19.3.2).
///
///     ect0 varint | ect1 varint | ce varint
public struct ECNCounts: Equatable, Sendable {
    /// Packets marked ECT(0).
    public var ect0: UInt64
    /// Packets marked ECT(1).
    public var ect1: UInt64
    /// Packets marked CE.
    public var ce: UInt64

    /// Creates counts.
    public init(ect0: UInt64 = 0, ect1: UInt64 = 0, ce: UInt64 = 0) {
        self.ect0 = ect0
        self.ect1 = ect1
        self.ce = ce
    }

    init(_ reader: inout ByteReader) throws(DecodeError) {
        ect0 = try reader.readVarInt()
        ect1 = try reader.readVarInt()
        ce = try reader.readVarInt()
    }

    /// Whether no packet was marked.
    public var isZero: Bool { ect0 == 0 && ect1 == 0 && ce == 0 }

    /// Counts a packet that came with a mark.
    public mutating func count(_ mark: ECN) {
        switch mark {
        case .notECT: break
        case .ect0: ect0 += 1
        case .ect1: ect1 += 1
        case .ce: ce += 1
        }
    }

    var byteCount: Int { varIntByteCount(ect0) + varIntByteCount(ect1) + varIntByteCount(ce) }

    func write(to writer: inout ByteWriter) throws(NoRoom) {
        try writer.writeVarInt(ect0)
        try writer.writeVarInt(ect1)
        try writer.writeVarInt(ce)
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
