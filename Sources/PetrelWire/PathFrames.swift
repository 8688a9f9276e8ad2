// NEW_CID and GOAWAY: under which ID, and where, a peer is to be reached (§5.10, §5.11).

public import PetrelBase

/// A connection ID that its sender gives out, and its number in the order of giving.
///
///     NEW_CID  sequence varint | length u8 | ID, 8 bytes from the server, 4 from the client
///              | reset token, 16 bytes, from the server only
public struct NewIDFrame: Equatable, Sendable {
    /// Counts from 1; the ID of the handshake has 0.
    public var sequence: UInt64
    /// What packets to its sender may carry from now on.
    public var id: ConnectionID
    /// What ends a RESET for packets with that ID; a client's IDs have none.
    public var resetToken: ResetToken?

    /// Creates the frame.
    ///
    /// - Precondition: there is a token if the ID is a server's, and only then.
    public init(sequence: UInt64, id: ConnectionID, resetToken: ResetToken?) {
        precondition((resetToken != nil) == (id.side == .server))
        self.sequence = sequence
        self.id = id
        self.resetToken = resetToken
    }

    /// Bytes of the frame, type included.
    public var byteCount: Int {
        2 + varIntByteCount(sequence) + id.byteCount
            + (resetToken == nil ? 0 : ResetToken.byteCount)
    }

    /// Decodes the body of the frame; who may send which length is for the session to judge.
    init(_ reader: inout ByteReader) throws(DecodeError) {
        sequence = try reader.readVarInt()
        switch Int(try reader.readUInt8()) {
        case WireLimits.clientConnectionIDByteCount:
            id = try ConnectionID(&reader, from: .client)
        case WireLimits.serverConnectionIDByteCount:
            id = try ConnectionID(&reader, from: .server)
            resetToken = try ResetToken(&reader)
        default: throw .malformed(offset: reader.offset)
        }
    }

    func write(to writer: inout ByteWriter) throws(NoRoom) {
        try writer.writeUInt8(FrameType.newID.rawValue)
        try writer.writeVarInt(sequence)
        try writer.writeUInt8(UInt8(id.byteCount))
        try id.write(to: &writer)
        try resetToken?.write(to: &writer)
    }
}

/// The server is about to stop: its clients say HELLO again, each at a moment of its own.
///
///     GOAWAY  window varint, ms | address, 16 bytes | port u16
public struct GoAwayFrame: Equatable, Sendable {
    /// The longest window, in milliseconds.
    public static let windowMax: UInt64 = 3_600_000

    /// Within which the clients come, evenly.
    public var window: Interval
    /// Where to; `nil`: to where they were.
    public var address: Address?

    /// Creates the frame; a window of more than an hour counts as an hour.
    public init(window: Interval, address: Address?) {
        let milliseconds = max(window, .zero).nanoseconds / 1_000_000
        self.window = .milliseconds(min(milliseconds, Int64(Self.windowMax)))
        self.address = address
    }

    private var milliseconds: UInt64 { UInt64(window.nanoseconds / 1_000_000) }

    /// Bytes of the frame, type included.
    public var byteCount: Int { 19 + varIntByteCount(milliseconds) }

    /// Decodes the body of the frame.
    init(_ reader: inout ByteReader) throws(DecodeError) {
        let milliseconds = try reader.readVarInt()
        let high = try reader.readUInt64()
        let low = try reader.readUInt64()
        let port = try reader.readUInt16()
        let there = Address(high: high, low: low, port: port)
        self.init(
            window: .milliseconds(Int64(min(milliseconds, Self.windowMax))),
            address: there == .none ? nil : there)
    }

    func write(to writer: inout ByteWriter) throws(NoRoom) {
        let there = address ?? .none
        try writer.writeUInt8(FrameType.goAway.rawValue)
        try writer.writeVarInt(milliseconds)
        try writer.writeUInt64(there.high)
        try writer.writeUInt64(there.low)
        try writer.writeUInt16(there.port)
    }
}
