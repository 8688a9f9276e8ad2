// The settings of a client's link.

public import PetrelBase
public import PetrelTransport

/// How a client reaches its server; a plain value with defaults.
public struct LinkConfiguration: Sendable {
    /// The settings of its sessions.
    public var session = SessionConfiguration()
    /// Age of a session at which what is to be said in it makes the client ask for a new one.
    public var sessionRenewal = Interval.seconds(3_600)
    /// What it does where UDP does not get through.
    public var tcp = TCPFallback.automatic
    /// How it finds out how rarely its network wants to hear from it.
    public var keepalive = KeepaliveConfiguration()

    /// Creates the defaults.
    public init() { session.asksAddressAfter = .seconds(15) }
}
