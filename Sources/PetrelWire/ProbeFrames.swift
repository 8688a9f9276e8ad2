// Measuring how long a NAT remembers: NAT_PROBE, NAT_PROBE_ANSWER, PROBE and PROBE_ANSWER (§5.13).

public import PetrelBase

/// A client asks, in the session, for one measurement on another flow.
///
///     NAT_PROBE  token u64 | proof u64 | delay varint, s
public struct NATProbeFrame: Equatable, Sendable {
    /// The longest delay, in seconds; a longer one is malformed.
    public static let delaySecondsMax: UInt64 = 600

    /// What the datagrams of the measurement carry.
    public var token: UInt64
    /// What only the server can send at the end: it travels sealed until then.
    public var proof: UInt64
    /// How long after the last PROBE the server sends the proof.
    public var delay: Interval

    /// Creates the frame; a delay outside 1 to 600 s becomes the nearest one inside.
    public init(token: UInt64, proof: UInt64, delay: Interval) {
        self.token = token
        self.proof = proof
        let seconds = max(1, (delay + .milliseconds(999)).nanoseconds / 1_000_000_000)
        self.delay = .seconds(min(seconds, Int64(Self.delaySecondsMax)))
    }

    private var seconds: UInt64 { UInt64(delay.nanoseconds / 1_000_000_000) }

    /// Bytes of the frame, type included.
    public var byteCount: Int { 17 + varIntByteCount(seconds) }

    /// Decodes the body of the frame.
    init(_ reader: inout ByteReader) throws(DecodeError) {
        let token = try reader.readUInt64()
        let proof = try reader.readUInt64()
        let seconds = try reader.readVarInt()
        guard 1...Self.delaySecondsMax ~= seconds else { throw .malformed(offset: reader.offset) }
        self.init(token: token, proof: proof, delay: .seconds(Int64(seconds)))
    }

    func write(to writer: inout ByteWriter) throws(NoRoom) {
        try writer.writeUInt8(FrameType.probe.rawValue)
        try writer.writeUInt64(token)
        try writer.writeUInt64(proof)
        try writer.writeVarInt(seconds)
    }
}

/// The server says whether it takes part in a measurement.
///
///     NAT_PROBE_ANSWER  token u64 | verdict u8: 0 refused, 1 granted
public struct NATProbeAnswerFrame: Equatable, Sendable {
    /// Which measurement.
    public var token: UInt64
    /// Whether PROBEs with that token are answered from now on.
    public var isGranted: Bool

    /// Bytes of the frame, type included.
    public static let byteCount = 10

    /// Creates the frame.
    public init(token: UInt64, isGranted: Bool) {
        self.token = token
        self.isGranted = isGranted
    }

    /// Decodes the body of the frame.
    init(_ reader: inout ByteReader) throws(DecodeError) {
        token = try reader.readUInt64()
        switch try reader.readUInt8() {
        case 0: isGranted = false
        case 1: isGranted = true
        default: throw .malformed(offset: reader.offset)
        }
    }

    func write(to writer: inout ByteWriter) throws(NoRoom) {
        try writer.writeUInt8(FrameType.probeAnswer.rawValue)
        try writer.writeUInt64(token)
        try writer.writeUInt8(isGranted ? 1 : 0)
    }
}

/// A datagram of a measurement, towards the server.
///
///     D0 | server's connection ID, 8 B | token u64 | number u8 | zeros, 14 B
///
/// All answers to one, three at most, have together no more bytes.
public struct ProbeDatagram: Equatable, Sendable {
    /// Bytes of the datagram.
    public static let byteCount = 32

    /// An ID that the server gave: it says which worker has the session.
    public var connectionID: UInt64
    /// That of the NAT_PROBE.
    public var token: UInt64
    /// Counts from 1 within the measurement, so that a copy is known as one.
    public var number: UInt8

    /// Creates the datagram.
    public init(connectionID: UInt64, token: UInt64, number: UInt8) {
        self.connectionID = connectionID
        self.token = token
        self.number = number
    }

    /// Reads a datagram; `nil` if it is no PROBE.
    public init?(_ datagram: RawSpan) {
        guard datagram.byteCount == Self.byteCount else { return nil }
        var reader = ByteReader(datagram)
        guard (try? reader.readUInt8()) == PacketForm.probeByte,
            let id = try? reader.readUInt64(), let token = try? reader.readUInt64(),
            let number = try? reader.readUInt8(), number > 0
        else { return nil }
        while reader.remaining > 0 {
            guard (try? reader.readUInt8()) == 0 else { return nil }
        }
        self.init(connectionID: id, token: token, number: number)
    }

    /// Writes the datagram; returns its bytes.
    public func write(into room: inout MutableRawSpan) throws(NoRoom) -> Int {
        var writer = ByteWriter(&room)
        guard writer.remaining >= Self.byteCount else { throw NoRoom() }
        try writer.writeUInt8(PacketForm.probeByte)
        try writer.writeUInt64(connectionID)
        try writer.writeUInt64(token)
        try writer.writeUInt8(number)
        try writer.writeZeros(Self.byteCount - writer.offset)
        return writer.offset
    }
}

/// A datagram of a measurement, towards the client.
///
///     D4 | value u64: at once token + number, modulo 2^64; after the delay the proof
public struct ProbeAnswerDatagram: Equatable, Sendable {
    /// Bytes of the datagram.
    public static let byteCount = 9

    /// The proof of the NAT_PROBE, or its token and the number of the PROBE added up.
    public var value: UInt64

    /// Creates the datagram.
    public init(value: UInt64) { self.value = value }

    /// Reads a datagram; `nil` if it is no PROBE_ANSWER.
    public init?(_ datagram: RawSpan) {
        guard datagram.byteCount == Self.byteCount else { return nil }
        var reader = ByteReader(datagram)
        guard (try? reader.readUInt8()) == PacketForm.probeAnswerByte,
            let value = try? reader.readUInt64()
        else { return nil }
        self.init(value: value)
    }

    /// Writes the datagram; returns its bytes.
    public func write(into room: inout MutableRawSpan) throws(NoRoom) -> Int {
        var writer = ByteWriter(&room)
        guard writer.remaining >= Self.byteCount else { throw NoRoom() }
        try writer.writeUInt8(PacketForm.probeAnswerByte)
        try writer.writeUInt64(value)
        return writer.offset
    }
}
