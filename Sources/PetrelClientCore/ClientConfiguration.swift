// The settings of a client's brain.

public import PetrelTransport

/// How a client behaves; a plain value with defaults.
public struct ClientConfiguration: Sendable {
    /// The settings of its sessions.
    public var session = SessionConfiguration()
    /// What it does where UDP does not get through.
    public var tcp = TCPFallback.automatic

    /// Creates the defaults.
    public init() {}
}
