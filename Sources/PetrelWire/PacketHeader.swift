// The first bytes of a datagram: which packet it is and for whom, read before any key is touched.

public import PetrelBase

/// What a datagram is, by its first bytes (Protocol/transport.md §3).
public enum PacketForm: Equatable, Sendable {
    /// A client asks for a session.
    case hello
    /// The server grants it to the client that chose this ID.
    case accept(ConnectionID)
    /// The server asks for the HELLO again, with the cookie inside.
    case retry
    /// A data packet of an existing session; perhaps a RESET, which looks like one.
    case data(ConnectionID)
    /// A client measures how long its NAT remembers.
    case probe(ProbeDatagram)

    /// The first byte of a HELLO.
    public static let helloByte: UInt8 = 0xC4
    /// The first byte of an ACCEPT.
    public static let acceptByte: UInt8 = 0xC8
    /// The first byte of a RETRY.
    public static let retryByte: UInt8 = 0xCC
    /// The first byte of a PROBE.
    public static let probeByte: UInt8 = 0xD0
    /// The first byte of a PROBE_ANSWER, which comes to a flow of its own.
    public static let probeAnswerByte: UInt8 = 0xD4

    /// Reads the form of a datagram that `side` received; `nil` if it is none of this version.
    public init?(_ datagram: RawSpan, receivedBy side: ConnectionID.Side) {
        var reader = ByteReader(datagram)
        guard let first = try? reader.readUInt8() else { return nil }
        switch (first, side) {
        case (Self.helloByte, .server):
            guard
                WireLimits.helloByteCount...WireLimits.helloByteCountMax ~= datagram.byteCount,
                (try? reader.readUInt32()) == WireLimits.version
            else { return nil }
            self = .hello
        case (Self.acceptByte, .client):
            guard (try? reader.readUInt32()) == WireLimits.version,
                let id = try? ConnectionID(&reader, from: .client)
            else { return nil }
            self = .accept(id)
        case (Self.retryByte, .client):
            guard datagram.byteCount == WireLimits.retryByteCount,
                (try? reader.readUInt32()) == WireLimits.version
            else { return nil }
            self = .retry
        case (Self.probeByte, .server):
            guard let probe = ProbeDatagram(datagram) else { return nil }
            self = .probe(probe)
        default:
            guard first & 0xC0 == DataHeader.fixedBits,
                let id = try? ConnectionID(&reader, from: side),
                reader.remaining >= DataHeader.byteCountMinAfterID
            else { return nil }
            self = .data(id)
        }
    }
}

/// The header of a data packet.
///
///     0 1 K K P P R R | connection ID, 8 or 4 bytes | packet number, P + 1 bytes
///
/// `K` is the key phase, `R` is zero; all bits after the first two, and the packet number, are
/// masked by header protection on the wire.
public struct DataHeader: Equatable, Sendable {
    /// The two high bits of the first byte: short form, fixed bit.
    public static let fixedBits: UInt8 = 0x40
    /// The bits of the first byte that header protection masks.
    public static let protectedBits: UInt8 = 0x3F
    /// The fewest bytes after the connection ID: what is sampled, starting 4 bytes further on.
    public static let byteCountMinAfterID =
        WireLimits.packetNumberByteCountMax + WireLimits.sampleByteCount

    /// The key generation, modulo 4.
    public var keyPhase: UInt8
    /// For whom the packet is.
    public var connectionID: ConnectionID
    /// The packet number as far as it is sent.
    public var packetNumber: TruncatedPacketNumber

    /// Creates a header.
    public init(
        keyPhase: UInt8, connectionID: ConnectionID, packetNumber: TruncatedPacketNumber
    ) {
        self.keyPhase = keyPhase
        self.connectionID = connectionID
        self.packetNumber = packetNumber
    }

    /// Bytes of the whole header.
    public var byteCount: Int { 1 + connectionID.byteCount + packetNumber.byteCount }

    /// Writes the header, not yet masked.
    public func write(to writer: inout ByteWriter) throws(NoRoom) {
        let length = UInt8(packetNumber.byteCount - 1)
        try writer.writeUInt8(Self.fixedBits | keyPhase << 4 | length << 2)
        try connectionID.write(to: &writer)
        for i in (0..<packetNumber.byteCount).reversed() {
            try writer.writeUInt8(UInt8(truncatingIfNeeded: packetNumber.value >> UInt32(i * 8)))
        }
    }

    /// Reads an unmasked header.
    ///
    /// - Throws: `.truncated` if it ends early; `.malformed` if reserved or fixed bits are wrong.
    public init(_ reader: inout ByteReader, receivedBy side: ConnectionID.Side)
        throws(DecodeError)
    {
        let first = try reader.readUInt8()
        guard first & 0xC0 == Self.fixedBits, first & 0x03 == 0 else {
            throw .malformed(offset: 0)
        }
        connectionID = try ConnectionID(&reader, from: side)
        let count = Int(first >> 2 & 3) + 1
        var value: UInt32 = 0
        for _ in 0..<count { value = value << 8 | UInt32(try reader.readUInt8()) }
        keyPhase = first >> 4 & 3
        packetNumber = TruncatedPacketNumber(value: value, byteCount: count)
    }
}
