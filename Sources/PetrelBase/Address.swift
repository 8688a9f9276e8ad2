// Where a datagram comes from or goes to, as a plain value that any floor may hold.

/// An IP address, a port, and what carries datagrams there.
///
/// IPv4 is kept in its IPv6-mapped form (RFC 4291 §2.5.5.2), so that one type serves both.
public struct Address: Hashable, Sendable {
    /// What carries datagrams; the same host and port over another carrier is another address.
    public enum Carrier: UInt8, Sendable {
        /// UDP.
        case datagram
        /// A TCP connection, whose other end the address is.
        case stream
    }

    /// The first eight bytes of the IPv6 address, as a big-endian number.
    public var high: UInt64
    /// The last eight bytes of the IPv6 address, as a big-endian number.
    public var low: UInt64
    /// The port.
    public var port: UInt16
    /// What carries datagrams there.
    public var carrier = Carrier.datagram

    /// Creates an address from the two halves of an IPv6 address, to be reached over UDP.
    public init(high: UInt64, low: UInt64, port: UInt16) {
        self.high = high
        self.low = low
        self.port = port
    }

    /// Creates an IPv4 address; `v4` is a big-endian number, 127.0.0.1 being 0x7F00_0001.
    public init(v4: UInt32, port: UInt16) {
        self.init(high: 0, low: 0xFFFF_0000_0000 | UInt64(v4), port: port)
    }

    /// No address: what a session has before it heard from its peer.
    public static let none = Address(high: 0, low: 0, port: 0)

    /// The IPv4 address as a big-endian number, or `nil` if this is IPv6 proper.
    public var v4: UInt32? {
        high == 0 && low >> 32 == 0xFFFF ? UInt32(truncatingIfNeeded: low) : nil
    }

    /// The same host, reached over another carrier at that port.
    public func over(_ carrier: Carrier, port: UInt16) -> Address {
        var address = self
        address.carrier = carrier
        address.port = port
        return address
    }

    /// Whether both share the IP address, whatever the port and the carrier.
    public func hasSameHost(as other: Address) -> Bool { high == other.high && low == other.low }
}

extension Address: CustomStringConvertible {
    /// The usual text form: `192.0.2.1:7700` or `[2001:db8:0:0:0:0:0:1]:7700`, over TCP `/tcp`
    /// behind it.
    public var description: String {
        let ending = carrier == .stream ? "/tcp" : ""
        if let v4 {
            return "\(v4 >> 24).\(v4 >> 16 & 255).\(v4 >> 8 & 255).\(v4 & 255):\(port)\(ending)"
        }
        let groups = (0..<8).map { group in
            String((group < 4 ? high : low) >> UInt64((3 - group % 4) * 16) & 0xFFFF, radix: 16)
        }
        return "[\(groups.joined(separator: ":"))]:\(port)\(ending)"
    }
}
