// Connection IDs: what a datagram says of the session that it belongs to.

public import PetrelBase

/// Names a session on the side that receives the packet.
///
/// Towards the server 8 bytes, `[worker][configuration][6 random]`; towards the client 4 random.
public struct ConnectionID: Hashable, Sendable {
    /// Which side chose it, and with that how long it is.
    public enum Side: UInt8, Sendable {
        /// Chosen by the client: 4 bytes.
        case client
        /// Chosen by the server: 8 bytes.
        case server
    }

    /// The bytes as a big-endian number.
    public var value: UInt64
    /// Which side chose it.
    public var side: Side

    /// Creates the ID that a client chose.
    public static func client(_ value: UInt32) -> ConnectionID {
        ConnectionID(value: UInt64(value), side: .client)
    }

    /// Creates the ID that a server chose.
    public static func server(_ value: UInt64) -> ConnectionID {
        ConnectionID(value: value, side: .server)
    }

    /// How many bytes it takes in a packet.
    public var byteCount: Int {
        switch side {
        case .client: WireLimits.clientConnectionIDByteCount
        case .server: WireLimits.serverConnectionIDByteCount
        }
    }

    /// Writes the bytes.
    public func write(to writer: inout ByteWriter) throws(NoRoom) {
        switch side {
        case .client: try writer.writeUInt32(UInt32(truncatingIfNeeded: value))
        case .server: try writer.writeUInt64(value)
        }
    }

    /// Reads an ID that `side` chose.
    public init(_ reader: inout ByteReader, from side: Side) throws(DecodeError) {
        switch side {
        case .client: value = UInt64(try reader.readUInt32())
        case .server: value = try reader.readUInt64()
        }
        self.side = side
    }

    private init(value: UInt64, side: Side) {
        self.value = value
        self.side = side
    }
}
