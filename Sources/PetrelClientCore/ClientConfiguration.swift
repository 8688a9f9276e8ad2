// The settings of a client's brain.

internal import PetrelBase
public import PetrelTransport

/// How a client behaves; a plain value with defaults.
public struct ClientConfiguration: Sendable {
    /// The settings of its sessions.
    public var session = SessionConfiguration()
    /// How it finds out how rarely its network wants to hear from it.
    public var keepalive = KeepaliveConfiguration()

    /// Creates the defaults.
    public init() { session.asksAddressAfter = .seconds(15) }
}
