// BULK and the frames that begin, continue and end a transfer of any length (§5.8).

public import PetrelBase

/// Some chunks of a transfer in a row, 128 bytes each, fewer only at its end.
///
///     BULK  transfer varint | total varint | index varint | count u8 | bytes
///
/// Chunk `index` holds the bytes from `128 * index` on; how many there are follows from `total`.
/// The sender puts as many chunks into a frame as the packet has room for, whatever the path
/// carries.
public struct BulkFrame: ~Escapable {
    /// The transfer, as its offer named it.
    public var transfer: UInt64
    /// Bytes of the whole transfer.
    public var total: UInt64
    /// The first chunk.
    public var index: UInt64
    /// How many there are, at least one.
    public var count: UInt64
    /// Their bytes.
    public var bytes: RawSpan

    /// How many chunks a transfer of that many bytes has.
    public static func count(total: UInt64) -> UInt64 {
        let size = UInt64(WireLimits.chunkByteCount)
        return total / size + (total % size == 0 ? 0 : 1)
    }

    /// Bytes of `count` chunks from `index` on, of a transfer of `total` bytes that has them.
    public static func byteCount(_ index: UInt64, _ count: UInt64 = 1, total: UInt64) -> Int {
        let size = UInt64(WireLimits.chunkByteCount)
        return Int(min(count * size, total - index * size))
    }

    /// Bytes of the frame before those of the chunks.
    public static func headByteCount(transfer: UInt64, total: UInt64, index: UInt64) -> Int {
        2 + varIntByteCount(transfer) + varIntByteCount(total) + varIntByteCount(index)
    }

    /// Writes the frame, type included; `bytes` are those of `count` chunks, 255 at most.
    public static func write(
        _ bytes: RawSpan, transfer: UInt64, total: UInt64, index: UInt64, count: UInt64,
        to writer: inout ByteWriter
    ) throws(NoRoom) {
        let head = headByteCount(transfer: transfer, total: total, index: index)
        guard head + bytes.byteCount <= writer.remaining, let count8 = UInt8(exactly: count),
            bytes.byteCount == byteCount(index, count, total: total)
        else { throw NoRoom() }
        try writer.writeUInt8(FrameType.bulk.rawValue)
        try writer.writeVarInt(transfer)
        try writer.writeVarInt(total)
        try writer.writeVarInt(index)
        try writer.writeUInt8(count8)
        try writer.writeBytes(bytes)
    }

    /// Decodes the body of a BULK frame.
    @_lifetime(copy reader)
    init(_ reader: inout ByteReader) throws(DecodeError) {
        transfer = try reader.readVarInt()
        total = try reader.readVarInt()
        index = try reader.readVarInt()
        count = UInt64(try reader.readUInt8())
        guard 1...WireLimits.transferByteCountMax ~= total, index < Self.count(total: total),
            count > 0, count <= Self.count(total: total) - index
        else { throw .malformed(offset: reader.offset) }
        bytes = try reader.readBytes(Self.byteCount(index, count, total: total))
    }
}

/// A transfer is offered, wanted from a chunk on, or stopped.
///
///     BULK_OFFER  class u8 | transfer varint | total varint
///     BULK_WANT   transfer varint | index varint
///     BULK_STOP   role u8 | transfer varint | code varint
public enum BulkControlFrame: Equatable, Sendable {
    /// The sender has a transfer for the receiver.
    case offer(DeliveryClass, transfer: UInt64, total: UInt64)
    /// The receiver has all chunks below `index` and wants the others.
    case want(transfer: UInt64, index: UInt64)
    /// Either side gives the transfer up; `bySender` says which one.
    case stop(transfer: UInt64, bySender: Bool, code: UInt64)

    /// Bytes of the frame.
    public var byteCount: Int {
        switch self {
        case .offer(_, let transfer, let total):
            2 + varIntByteCount(transfer) + varIntByteCount(total)
        case .want(let transfer, let index): 1 + varIntByteCount(transfer) + varIntByteCount(index)
        case .stop(let transfer, _, let code):
            2 + varIntByteCount(transfer) + varIntByteCount(code)
        }
    }

    /// Writes the frame, type included.
    public func write(to writer: inout ByteWriter) throws(NoRoom) {
        guard byteCount <= writer.remaining else { throw NoRoom() }
        switch self {
        case .offer(let deliveryClass, let transfer, let total):
            try writer.writeUInt8(FrameType.bulkOffer.rawValue)
            try writer.writeUInt8(deliveryClass.rawValue)
            try writer.writeVarInt(transfer)
            try writer.writeVarInt(total)
        case .want(let transfer, let index):
            try writer.writeUInt8(FrameType.bulkWant.rawValue)
            try writer.writeVarInt(transfer)
            try writer.writeVarInt(index)
        case .stop(let transfer, let bySender, let code):
            try writer.writeUInt8(FrameType.bulkStop.rawValue)
            try writer.writeUInt8(bySender ? 0 : 1)
            try writer.writeVarInt(transfer)
            try writer.writeVarInt(code)
        }
    }

    init(_ type: FrameType, _ reader: inout ByteReader) throws(DecodeError) {
        switch type {
        case .bulkOffer:
            let raw = try reader.readUInt8()
            let transfer = try reader.readVarInt()
            let total = try reader.readVarInt()
            guard let deliveryClass = DeliveryClass(rawValue: raw), deliveryClass.kind == .bulk,
                1...WireLimits.transferByteCountMax ~= total
            else { throw .malformed(offset: reader.offset) }
            self = .offer(deliveryClass, transfer: transfer, total: total)
        case .bulkWant:
            let transfer = try reader.readVarInt()
            self = .want(transfer: transfer, index: try reader.readVarInt())
        default:
            let role = try reader.readUInt8()
            guard role <= 1 else { throw .malformed(offset: reader.offset) }
            let transfer = try reader.readVarInt()
            let code = try reader.readVarInt()
            self = .stop(transfer: transfer, bySender: role == 0, code: code)
        }
    }
}
