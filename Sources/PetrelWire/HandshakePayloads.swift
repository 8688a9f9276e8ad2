// What HELLO and ACCEPT carry inside their Noise messages (Protocol/transport.md §4.2, §4.3).

public import PetrelBase

/// The encrypted payload of a HELLO.
///
///     counter u64 | connection ID 4 | transport parameters | early messages | zeros to the end
public struct HelloPayload: Equatable, Sendable {
    /// Bytes of the shortest payload: what fills a HELLO up to its least size.
    public static let byteCount = WireLimits.helloByteCount - overhead
    /// Bytes of the longest payload.
    public static let byteCountMax = WireLimits.helloByteCountMax - overhead
    /// Bytes of a HELLO besides its payload: header, Noise message, MAC2 and MAC1.
    public static let overhead =
        WireLimits.helloHeaderByteCount + 2 * WireLimits.macByteCount + 32 + 48 + 16

    /// Higher than in any HELLO that the device sent before.
    public var counter: UInt64
    /// What packets towards the client are to carry.
    public var connectionID: ConnectionID
    /// The client's limits.
    public var parameters: TransportParameters
    /// Messages that count as the session's first, once it is confirmed.
    public var early: EarlyMessages

    /// Creates a payload.
    public init(
        counter: UInt64, connectionID: ConnectionID, parameters: TransportParameters,
        early: EarlyMessages = EarlyMessages()
    ) {
        self.counter = counter
        self.connectionID = connectionID
        self.parameters = parameters
        self.early = early
    }

    /// Writes the payload, zeros up to the least size included.
    public func write(to writer: inout ByteWriter) throws(NoRoom) {
        let start = writer.offset
        try writer.writeUInt64(counter)
        try connectionID.write(to: &writer)
        try parameters.write(to: &writer)
        try early.write(to: &writer)
        try writer.writeZeros(max(0, Self.byteCount - (writer.offset - start)))
    }

    /// Reads a payload.
    ///
    /// - Throws: as its parts do; `.malformed` if something other than zeros follows.
    public init(_ reader: inout ByteReader) throws(DecodeError) {
        counter = try reader.readUInt64()
        connectionID = try ConnectionID(&reader, from: .client)
        parameters = try TransportParameters(&reader)
        early = try EarlyMessages(&reader)
        while reader.remaining > 0 {
            let offset = reader.offset
            guard try reader.readUInt8() == 0 else { throw .malformed(offset: offset) }
        }
    }
}

/// The encrypted payload of an ACCEPT.
///
///     connection ID 8 | transport parameters
public struct AcceptPayload: Equatable, Sendable {
    /// What packets towards the server are to carry.
    public var connectionID: ConnectionID
    /// The server's limits.
    public var parameters: TransportParameters

    /// Creates a payload.
    public init(connectionID: ConnectionID, parameters: TransportParameters) {
        self.connectionID = connectionID
        self.parameters = parameters
    }

    /// Writes the payload.
    public func write(to writer: inout ByteWriter) throws(NoRoom) {
        try connectionID.write(to: &writer)
        try parameters.write(to: &writer)
    }

    /// Reads a payload.
    ///
    /// - Throws: as its parts do; `.malformed` if something follows.
    public init(_ reader: inout ByteReader) throws(DecodeError) {
        connectionID = try ConnectionID(&reader, from: .server)
        parameters = try TransportParameters(&reader)
        guard reader.remaining == 0 else { throw .malformed(offset: reader.offset) }
    }
}
