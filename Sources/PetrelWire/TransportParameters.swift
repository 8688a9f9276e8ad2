// What two sides must agree on, exchanged inside HELLO and ACCEPT (Protocol/transport.md §4.4).

public import PetrelBase

/// A side's own limits, which the other side must keep to.
///
///     count u8 | ( identifier varint | length varint | value ) * count
///
/// Values are varints, but for the reset token, of 16 bytes, and the operator's classes. A
/// parameter that is absent has its default, one that is unknown is skipped, one that stands twice
/// is malformed.
public struct TransportParameters: Equatable, Sendable {
    /// The longest that this side holds an acknowledgement back; identifier 1, in milliseconds.
    public var ackDelayMax = Interval.milliseconds(25)
    /// Message bytes that the peer may send before the first CREDIT; identifier 2.
    public var initialCredit: UInt64 = 192 * 1_024
    /// Silence after which this side forgets the session; identifier 3, in milliseconds.
    public var idleTimeout = Interval.seconds(180)
    /// What ends a RESET of this session; identifier 8, by the server alone.
    public var resetToken: ResetToken?
    /// How many messages of the HELLO the session has taken in; identifier 9, by the server alone.
    public var earlyMessages: Int?
    /// The TCP port at which the server takes connections (§3.2); identifier 11, by the server alone;
    /// `nil`: none.
    public var tcpPort: UInt16?
    /// The operator's classes, in the order of their identifiers, 16 to 23; only a server has any.
    public var classes: [ClassPolicy] = []

    /// Creates the defaults.
    public init() {}

    private enum Identifier: UInt64, CaseIterable {
        case ackDelayMax = 1
        case initialCredit = 2
        case idleTimeout = 3
    }

    /// The most parameters in a list; more are malformed.
    private static let countMax = 32
    /// The identifier of `resetToken`.
    private static let resetTokenIdentifier: UInt64 = 8
    /// The identifier of `earlyMessages`.
    private static let earlyMessagesIdentifier: UInt64 = 9
    /// The identifier of `tcpPort`.
    private static let tcpPortIdentifier: UInt64 = 11
    /// The identifiers of the operator's classes.
    private static let classIdentifiers = 16..<UInt64(16 + WireLimits.classesMax)

    /// Writes the list.
    public func write(to writer: inout ByteWriter) throws(NoRoom) {
        let optional =
            (resetToken == nil ? 0 : 1) + (earlyMessages == nil ? 0 : 1) + (tcpPort == nil ? 0 : 1)
        let count = Identifier.allCases.count + classes.count + optional
        try writer.writeUInt8(UInt8(count))
        for identifier in Identifier.allCases {
            try Self.write(value(of: identifier), of: identifier.rawValue, to: &writer)
        }
        if let resetToken {
            try writer.writeVarInt(Self.resetTokenIdentifier)
            try writer.writeVarInt(UInt64(ResetToken.byteCount))
            try resetToken.write(to: &writer)
        }
        if let earlyMessages {
            try Self.write(UInt64(earlyMessages), of: Self.earlyMessagesIdentifier, to: &writer)
        }
        if let tcpPort {
            try Self.write(UInt64(tcpPort), of: Self.tcpPortIdentifier, to: &writer)
        }
        for i in classes.indices {
            try writer.writeVarInt(Self.classIdentifiers.lowerBound + UInt64(i))
            try writer.writeVarInt(UInt64(classes[i].byteCount))
            try classes[i].write(to: &writer)
        }
    }

    private static func write(
        _ value: UInt64, of identifier: UInt64, to writer: inout ByteWriter
    ) throws(NoRoom) {
        try writer.writeVarInt(identifier)
        try writer.writeVarInt(UInt64(varIntByteCount(value)))
        try writer.writeVarInt(value)
    }

    /// Reads a list.
    ///
    /// - Throws: `.truncated` if it ends early; `.malformed` if a known parameter is out of bounds,
    ///   stands twice, or there are more than 32.
    public init(_ reader: inout ByteReader) throws(DecodeError) {
        let count = Int(try reader.readUInt8())
        guard count <= Self.countMax else { throw .malformed(offset: reader.offset) }
        var seen: UInt64 = 0
        for _ in 0..<count {
            let number = try reader.readVarInt()
            let length = try reader.readVarInt()
            guard length <= UInt64(reader.remaining) else {
                throw .truncated(offset: reader.offset)
            }
            let bytes = try reader.readBytes(Int(length))
            if number == Self.resetTokenIdentifier {
                guard resetToken == nil, let token = ResetToken(exactly: bytes) else {
                    throw .malformed(offset: reader.offset)
                }
                resetToken = token
                continue
            }
            if number == Self.earlyMessagesIdentifier {
                try setEarlyMessages(bytes, endingAt: reader.offset)
                continue
            }
            if number == Self.tcpPortIdentifier {
                guard tcpPort == nil, let port = Self.port(bytes) else {
                    throw .malformed(offset: reader.offset)
                }
                tcpPort = port
                continue
            }
            let isClass = Self.classIdentifiers.contains(number)
            guard isClass || Identifier(rawValue: number) != nil else { continue }
            guard seen & (1 << number) == 0 else { throw .malformed(offset: reader.offset) }
            seen |= 1 << number
            var field = ByteReader(bytes)
            if isClass {
                try addClass(&field, endingAt: reader.offset)
                continue
            }
            guard let identifier = Identifier(rawValue: number) else { continue }
            let value = try field.readVarInt()
            guard field.remaining == 0, set(identifier, to: value) else {
                throw .malformed(offset: reader.offset)
            }
        }
    }

    private mutating func setEarlyMessages(
        _ bytes: RawSpan, endingAt end: Int
    ) throws(DecodeError) {
        var field = ByteReader(bytes)
        let value = try field.readVarInt()
        guard earlyMessages == nil, field.remaining == 0,
            value <= UInt64(WireLimits.earlyMessagesMax)
        else { throw .malformed(offset: end) }
        earlyMessages = Int(value)
    }

    /// The port that is all of `bytes`; `nil` if they are none.
    private static func port(_ bytes: RawSpan) -> UInt16? {
        var field = ByteReader(bytes)
        guard let value = try? field.readVarInt(), field.remaining == 0,
            1...UInt64(UInt16.max) ~= value
        else { return nil }
        return UInt16(value)
    }

    /// Each class is described once, and so that it can be told from the others.
    private mutating func addClass(
        _ reader: inout ByteReader, endingAt end: Int
    ) throws(DecodeError) {
        let policy: ClassPolicy
        do { policy = try ClassPolicy(&reader) } catch { throw .malformed(offset: end) }
        for other in classes
        where other.deliveryClass == policy.deliveryClass || other.name == policy.name {
            throw .malformed(offset: end)
        }
        classes.append(policy)
    }

    private func value(of identifier: Identifier) -> UInt64 {
        switch identifier {
        case .ackDelayMax: UInt64(clamping: ackDelayMax.nanoseconds / 1_000_000)
        case .initialCredit: initialCredit
        case .idleTimeout: UInt64(clamping: idleTimeout.nanoseconds / 1_000_000)
        }
    }

    private mutating func set(_ identifier: Identifier, to value: UInt64) -> Bool {
        switch identifier {
        case .ackDelayMax:
            guard value <= 1_000 else { return false }
            ackDelayMax = .milliseconds(Int64(value))
        case .initialCredit:
            guard value <= 1 << 30 else { return false }
            initialCredit = value
        case .idleTimeout:
            guard 5_000...86_400_000 ~= value else { return false }
            idleTimeout = .milliseconds(Int64(value))
        }
        return true
    }
}
