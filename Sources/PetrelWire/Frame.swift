// The frames of a data packet, as one enum, and the walk over a payload (Protocol/transport.md §5).

public import PetrelBase

/// The number that a frame begins with.
public enum FrameType: UInt8, Sendable, CaseIterable {
    /// PADDING.
    case padding = 0x00
    /// PING.
    case ping = 0x01
    /// ACK.
    case ack = 0x02
    /// CLOSE.
    case close = 0x03
    /// KEEPALIVE.
    case keepalive = 0x04
    /// KEEPALIVE_ANSWER.
    case keepaliveAnswer = 0x05
    /// PATH_CHALLENGE.
    case pathChallenge = 0x06
    /// PATH_RESPONSE.
    case pathResponse = 0x07
    /// CREDIT.
    case credit = 0x08
    /// BLOCKED.
    case blocked = 0x09
    /// NEW_CID.
    case newID = 0x0A
    /// RETIRE_CID.
    case retireID = 0x0B
    /// GOAWAY.
    case goAway = 0x0C
    /// NAT_PROBE.
    case probe = 0x0D
    /// NAT_PROBE_ANSWER.
    case probeAnswer = 0x0E
    /// ACK_ECN: ACK with counts of marks.
    case ackECN = 0x0F
    /// MSG: a message in one piece.
    case message = 0x10
    /// MSG_FRAG: a fragment of a message.
    case fragment = 0x11
    /// EPHEMERAL.
    case ephemeral = 0x12
    /// MSG_SKIP.
    case skip = 0x13
    /// MSG_STATUS.
    case status = 0x14
    /// BULK: a chunk of a transfer.
    case bulk = 0x15
    /// BULK_OFFER.
    case bulkOffer = 0x16
    /// BULK_WANT.
    case bulkWant = 0x17
    /// BULK_STOP.
    case bulkStop = 0x18
    /// PARITY: what makes up for one lost fragment.
    case parity = 0x19
    /// ACK_POLICY.
    case ackPolicy = 0x1A
}

/// One frame of a payload; borrowed bytes stay in the datagram.
public enum Frame: ~Escapable {
    /// Nothing; fills a packet up.
    case padding
    /// Asks for an acknowledgement.
    case ping
    /// Packets that arrived.
    case ack(AckFrame)
    /// The session is over.
    case close(CloseFrame)
    /// The client is alive, and will say so again within that interval.
    case keepalive(interval: Interval)
    /// The server's answer, with a number whose meaning is its owner's.
    case keepaliveAnswer(hint: UInt64)
    /// Asks for a PATH_RESPONSE with the same data.
    case pathChallenge(data: UInt64)
    /// The data of a PATH_CHALLENGE, and the address that it came from.
    case pathResponse(data: UInt64, observed: Address)
    /// How many message bytes may be sent, counted from the start of the session.
    case credit(limit: UInt64)
    /// More message bytes wait than the limit allows.
    case blocked(limit: UInt64)
    /// A connection ID more that packets may carry.
    case newID(NewIDFrame)
    /// Packets will not carry the connection ID with that sequence any more.
    case retireID(sequence: UInt64)
    /// The server is about to stop.
    case goAway(GoAwayFrame)
    /// How long the peer may hold an acknowledgement of a message.
    case ackPolicy(patience: Interval)
    /// The client wants to measure how long its NAT remembers.
    case probe(NATProbeFrame)
    /// Whether the server takes part in that.
    case probeAnswer(NATProbeAnswerFrame)
    /// A message or a fragment of one.
    case message(MessageFragment)
    /// A value that replaces older ones.
    case ephemeral(EphemeralFrame)
    /// A message that the sender gave up.
    case skip(SkipFrame)
    /// What became of a message that was given up.
    case status(StatusFrame)
    /// A chunk of a transfer.
    case bulk(BulkFrame)
    /// A transfer that begins, goes on or ends.
    case bulkControl(BulkControlFrame)
    /// What makes up for one lost fragment of a message.
    case parity(ParityFrame)
    /// A frame of a later version that may be skipped.
    case unknown

    /// Whether the receiver must acknowledge the packet soon.
    public var isAckEliciting: Bool {
        switch self {
        case .padding, .ack, .close: false
        default: true
        }
    }

    /// Decodes the next frame of a payload.
    ///
    /// Types at or above 0x40 with the low bit set carry their length and are skipped, so that
    /// later versions can add frames; any other unknown type is malformed.
    ///
    /// - Throws: `.truncated` if the payload ends within the frame, `.malformed` if the frame is
    ///   unknown or holds a forbidden value.
    @_lifetime(copy reader)
    public init(_ reader: inout ByteReader) throws(DecodeError) {
        let start = reader.offset
        let number = try reader.readVarInt()
        guard let type = UInt8(exactly: number).flatMap(FrameType.init) else {
            guard number >= 0x40, number & 1 == 1 else { throw .malformed(offset: start) }
            let length = try reader.readVarInt()
            guard length <= UInt64(reader.remaining) else {
                throw .truncated(offset: reader.offset)
            }
            _ = try reader.readBytes(Int(length))
            self = .unknown
            return
        }
        switch type {
        case .padding: self = .padding
        case .ping: self = .ping
        case .ack: self = .ack(try AckFrame(&reader))
        case .ackECN: self = .ack(try AckFrame(&reader, hasCounts: true))
        case .close: self = .close(try CloseFrame(&reader))
        case .keepalive:
            let seconds = min(try reader.readVarInt(), WireLimits.keepaliveSecondsMax)
            self = .keepalive(interval: .seconds(Int64(seconds)))
        case .keepaliveAnswer: self = .keepaliveAnswer(hint: try reader.readVarInt())
        case .pathChallenge: self = .pathChallenge(data: try reader.readUInt64())
        case .pathResponse:
            let data = try reader.readUInt64()
            let high = try reader.readUInt64()
            let low = try reader.readUInt64()
            let port = try reader.readUInt16()
            self = .pathResponse(data: data, observed: Address(high: high, low: low, port: port))
        case .credit: self = .credit(limit: try reader.readVarInt())
        case .blocked: self = .blocked(limit: try reader.readVarInt())
        case .newID: self = .newID(try NewIDFrame(&reader))
        case .retireID: self = .retireID(sequence: try reader.readVarInt())
        case .goAway: self = .goAway(try GoAwayFrame(&reader))
        case .ackPolicy:
            let milliseconds = min(try reader.readVarInt(), WireLimits.patienceMillisecondsMax)
            self = .ackPolicy(patience: .milliseconds(Int64(milliseconds)))
        case .probe: self = .probe(try NATProbeFrame(&reader))
        case .probeAnswer: self = .probeAnswer(try NATProbeAnswerFrame(&reader))
        case .message: self = .message(try MessageFragment(message: &reader))
        case .fragment: self = .message(try MessageFragment(fragment: &reader))
        case .ephemeral: self = .ephemeral(try EphemeralFrame(&reader))
        case .skip: self = .skip(try SkipFrame(&reader))
        case .status: self = .status(try StatusFrame(&reader))
        case .bulk: self = .bulk(try BulkFrame(&reader))
        case .bulkOffer, .bulkWant, .bulkStop:
            self = .bulkControl(try BulkControlFrame(type, &reader))
        case .parity: self = .parity(try ParityFrame(&reader))
        }
    }
}

/// The session is over, and why.
///
///     CLOSE  code varint | length u8 | reason, UTF-8
public struct CloseFrame: Equatable, Sendable {
    /// An `ErrorCode`, or a number of a later version.
    public var code: UInt64

    /// Decodes the body of a CLOSE frame; the reason is for captures and is passed over.
    init(_ reader: inout ByteReader) throws(DecodeError) {
        code = try reader.readVarInt()
        let count = Int(try reader.readUInt8())
        guard count <= WireLimits.closeReasonByteCountMax else {
            throw .malformed(offset: reader.offset)
        }
        _ = try reader.readBytes(count)
    }
}
