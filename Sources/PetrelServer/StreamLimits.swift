// What TCP connections may cost a server: every cap, its unit and its reason.

public import PetrelBase

/// The caps of a server's TCP connections.
public struct StreamLimits: Equatable, Sendable {
    /// Connections, each a descriptor and at most 64 KiB that wait for a peer that does not read.
    public var connectionsMax = 512
    /// Connections of one IP address, behind which may be an office where UDP is blocked.
    public var connectionsPerHostMax = 128
    /// How long a connection may last on which no session lives.
    public var unprovenLifetime = Interval.seconds(10)
    /// How long a datagram may take from its first byte to its last.
    public var datagramTime = Interval.seconds(10)
    /// Silence after which a connection is closed on which a session lives.
    public var idleTimeout = Interval.seconds(180)

    /// Creates the defaults.
    public init() {}
}
