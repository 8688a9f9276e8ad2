// Writing the small frames: PING, KEEPALIVE, PATH_*, CREDIT, BLOCKED, CLOSE (§5.2, §5.4, §5.6).

public import PetrelBase

/// A frame without borrowed bytes, as the sender writes it.
public enum ControlFrame: Equatable, Sendable {
    /// Asks for an acknowledgement.
    case ping
    /// The client is alive; in whole seconds, rounded up.
    case keepalive(interval: Interval)
    /// The server's answer.
    case keepaliveAnswer(hint: UInt64)
    /// Asks for a PATH_RESPONSE with the same data.
    case pathChallenge(data: UInt64)
    /// Echoes a challenge, and tells the peer its address.
    case pathResponse(data: UInt64, observed: Address)
    /// How many message bytes may be sent, counted from the start of the session.
    case credit(limit: UInt64)
    /// More message bytes wait than the limit allows.
    case blocked(limit: UInt64)
    /// How long the peer may hold an acknowledgement of a message, in whole milliseconds.
    case ackPolicy(patience: Interval)
    /// A connection ID more under which the sender can be reached.
    case newID(NewIDFrame)
    /// The sender will not write the connection ID with that sequence any more.
    case retireID(sequence: UInt64)
    /// The server is about to stop.
    case goAway(GoAwayFrame)
    /// The client wants to measure how long its NAT remembers.
    case probe(NATProbeFrame)
    /// Whether the server takes part in that.
    case probeAnswer(NATProbeAnswerFrame)
    /// The session is over; without a reason for people.
    case close(code: UInt64)

    /// Bytes of the frame.
    public var byteCount: Int {
        switch self {
        case .ping: 1
        case .keepalive(let interval): 1 + varIntByteCount(Self.seconds(interval))
        case .keepaliveAnswer(let hint): 1 + varIntByteCount(hint)
        case .close(let code): 2 + varIntByteCount(code)
        case .pathChallenge: 9
        case .pathResponse: 27
        case .credit(let limit), .blocked(let limit): 1 + varIntByteCount(limit)
        case .newID(let frame): frame.byteCount
        case .goAway(let frame): frame.byteCount
        case .probe(let frame): frame.byteCount
        case .probeAnswer: NATProbeAnswerFrame.byteCount
        case .retireID(let sequence): 1 + varIntByteCount(sequence)
        case .ackPolicy(let patience): 1 + varIntByteCount(Self.milliseconds(patience))
        }
    }

    /// Writes the frame, type included.
    ///
    /// - Throws: `NoRoom` if it does not fit; nothing is written then.
    public func write(to writer: inout ByteWriter) throws(NoRoom) {
        guard byteCount <= writer.remaining else { throw NoRoom() }
        switch self {
        case .ping: try writer.writeUInt8(FrameType.ping.rawValue)
        case .keepalive(let interval):
            try writer.writeUInt8(FrameType.keepalive.rawValue)
            try writer.writeVarInt(Self.seconds(interval))
        case .keepaliveAnswer(let hint):
            try writer.writeUInt8(FrameType.keepaliveAnswer.rawValue)
            try writer.writeVarInt(hint)
        case .ackPolicy(let patience):
            try writer.writeUInt8(FrameType.ackPolicy.rawValue)
            try writer.writeVarInt(Self.milliseconds(patience))
        case .pathChallenge(let data):
            try writer.writeUInt8(FrameType.pathChallenge.rawValue)
            try writer.writeUInt64(data)
        case .pathResponse(let data, let observed):
            try writer.writeUInt8(FrameType.pathResponse.rawValue)
            try writer.writeUInt64(data)
            try writer.writeUInt64(observed.high)
            try writer.writeUInt64(observed.low)
            try writer.writeUInt16(observed.port)
        case .credit(let limit):
            try writer.writeUInt8(FrameType.credit.rawValue)
            try writer.writeVarInt(limit)
        case .blocked(let limit):
            try writer.writeUInt8(FrameType.blocked.rawValue)
            try writer.writeVarInt(limit)
        case .goAway(let frame): try frame.write(to: &writer)
        case .probe(let frame): try frame.write(to: &writer)
        case .probeAnswer(let frame): try frame.write(to: &writer)
        case .newID(let frame): try frame.write(to: &writer)
        case .retireID(let sequence):
            try writer.writeUInt8(FrameType.retireID.rawValue)
            try writer.writeVarInt(sequence)
        case .close(let code):
            try writer.writeUInt8(FrameType.close.rawValue)
            try writer.writeVarInt(code)
            try writer.writeUInt8(0)
        }
    }

    private static func milliseconds(_ interval: Interval) -> UInt64 {
        let whole = max(interval, .zero).nanoseconds / 1_000_000
        return min(UInt64(clamping: whole), WireLimits.patienceMillisecondsMax)
    }

    private static func seconds(_ interval: Interval) -> UInt64 {
        let rounded = (max(interval, .zero) + .milliseconds(999)).nanoseconds / 1_000_000_000
        return min(UInt64(clamping: rounded), WireLimits.keepaliveSecondsMax)
    }
}
