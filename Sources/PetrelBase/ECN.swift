// The congestion marks of IP datagrams (RFC 3168).

/// The two bits of an IP header by which the network says that a queue grows.
public enum ECN: UInt8, Sendable, CaseIterable {
    /// Nobody reads marks here.
    case notECT = 0
    /// Marks are read; kept for other experiments (RFC 8311), and never sent.
    case ect1 = 1
    /// Marks are read.
    case ect0 = 2
    /// There is congestion on the way.
    case ce = 3
}
