// PARITY: what makes up for one lost fragment of a group (§5.12).

public import PetrelBase

/// The exclusive or of some fragments of one message, each filled up with zeros to 1024 bytes.
///
///     PARITY  name | total varint | first u8 | count u8 | bytes, 1024
///
/// With it and all fragments of the group but one, the receiver has that one, too.
public struct ParityFrame: ~Escapable {
    /// Which message it is of.
    public var name: MessageName
    /// Bytes of the whole message.
    public var total: Int
    /// The fragments of the group.
    public var group: Range<Int>
    /// Their exclusive or.
    public var bytes: RawSpan

    /// How many groups the fragments of a message of that many bytes make.
    public static func groupCount(total: Int) -> Int {
        let count = MessageFragment.count(total: total)
        return (count + WireLimits.parityGroupMax - 1) / WireLimits.parityGroupMax
    }

    /// The fragments of group `index`; groups are as equal as can be.
    public static func group(_ index: Int, total: Int) -> Range<Int> {
        let (fragments, groups) = (MessageFragment.count(total: total), groupCount(total: total))
        return fragments * index / groups..<fragments * (index + 1) / groups
    }

    /// Bytes of the frame.
    public static func frameByteCount(_ name: MessageName, total: Int) -> Int {
        3 + name.byteCount + varIntByteCount(UInt64(total)) + WireLimits.fragmentByteCount
    }

    /// Writes the frame, type included, for some fragments of `message`.
    public static func write(
        _ message: RawSpan, group: Range<Int>, of name: MessageName, to writer: inout ByteWriter
    ) throws(NoRoom) {
        let total = message.byteCount
        guard frameByteCount(name, total: total) <= writer.remaining else { throw NoRoom() }
        try writer.writeUInt8(FrameType.parity.rawValue)
        try name.write(to: &writer)
        try writer.writeVarInt(UInt64(total))
        try writer.writeUInt8(UInt8(group.lowerBound))
        try writer.writeUInt8(UInt8(group.count))
        var sum = [UInt8](repeating: 0, count: WireLimits.fragmentByteCount)
        for index in group {
            add(message.extracting(MessageFragment.range(index, total: total)), to: &sum)
        }
        try unsafe writer.writeBytes(sum.span.bytes)
    }

    /// Adds bytes to a sum of 1024 without carrying: twice is nothing.
    public static func add(_ bytes: RawSpan, to sum: inout [UInt8]) {
        let count = min(bytes.byteCount, sum.count)
        for i in 0..<count {
            sum[i] ^= unsafe bytes.unsafeLoad(fromByteOffset: i, as: UInt8.self)
        }
    }

    /// Decodes the body of a PARITY frame.
    @_lifetime(copy reader)
    init(_ reader: inout ByteReader) throws(DecodeError) {
        let name = try MessageName(&reader)
        let total = try MessageFragment.totalOfSeveral(&reader)
        let first = Int(try reader.readUInt8())
        let count = Int(try reader.readUInt8())
        guard 2...WireLimits.parityGroupMax ~= count,
            first + count <= MessageFragment.count(total: total)
        else { throw .malformed(offset: reader.offset) }
        self.name = name
        self.total = total
        group = first..<first + count
        bytes = try reader.readBytes(WireLimits.fragmentByteCount)
    }
}
