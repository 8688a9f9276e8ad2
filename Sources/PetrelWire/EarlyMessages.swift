// The durable messages that a HELLO may carry (Protocol/transport.md §4.8).

internal import PetrelBase

/// Messages inside a HELLO: MSG frames of the durable class, numbered from 0 without gaps.
///
/// They are kept as they travel: who holds a half-open session holds these bytes and no more.
public struct EarlyMessages: Equatable, Sendable {
    /// The frames, one after the other.
    public private(set) var frames: [UInt8] = []
    /// How many messages they are.
    public private(set) var count = 0
    /// Bytes of the messages alone, which count against the credit.
    public private(set) var messageByteCount = 0

    /// Creates none.
    public init() {}

    /// Whether there is no message.
    public var isEmpty: Bool { count == 0 }

    /// Adds a message behind the others; returns `false`, and adds nothing, if there is no room.
    public mutating func append(_ message: RawSpan) -> Bool {
        guard message.byteCount <= WireLimits.fragmentByteCount else { return false }
        let name = MessageName(.durable, UInt64(count))
        let size = MessageFragment.frameByteCount(name, total: message.byteCount, index: 0)
        guard frames.count + size <= WireLimits.earlyByteCountMax else { return false }
        var frame = [UInt8](repeating: 0, count: size)
        var span = frame.mutableSpan
        var room = unsafe span.mutableBytes
        var writer = ByteWriter(&room)
        do throws(NoRoom) {
            try MessageFragment.write(message, index: 0, of: name, to: &writer)
        } catch { return false }
        frames.append(contentsOf: frame)
        count += 1
        messageByteCount += message.byteCount
        return true
    }

    func write(to writer: inout ByteWriter) throws(NoRoom) {
        unsafe try writer.writeBytes(frames.span.bytes)
    }

    /// Reads frames up to the first zero, which is left.
    init(_ reader: inout ByteReader) throws(DecodeError) {
        let start = reader.offset
        var ahead = reader
        var end = start
        while ahead.remaining > 0 {
            let type = try ahead.readVarInt()
            guard type != UInt64(FrameType.padding.rawValue) else { break }
            guard type == UInt64(FrameType.message.rawValue) else { throw .malformed(offset: end) }
            let message = try MessageFragment(message: &ahead)
            guard message.deliveryClass == .durable, message.number == UInt64(count),
                ahead.offset - start <= WireLimits.earlyByteCountMax
            else { throw .malformed(offset: end) }
            count += 1
            messageByteCount += message.total
            end = ahead.offset
        }
        let bytes = try reader.readBytes(end - start)
        frames = unsafe bytes.withUnsafeBytes { unsafe Array($0) }
    }
}
