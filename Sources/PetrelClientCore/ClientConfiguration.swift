// The settings of a client's brain.

public import PetrelClientData
public import PetrelClientNetwork

/// How a client behaves; a plain value with defaults.
///
/// The settings of its link may be named as if they were its own.
@dynamicMemberLookup
public struct ClientConfiguration: Sendable {
    /// How it reaches its server.
    public var link = LinkConfiguration()
    /// Whether a HELLO carries the first messages of the outbox.
    public var sendsEarly = true
    /// What is fetched without being asked for.
    public var syncRules = SyncRules()

    /// Creates the defaults.
    public init() {}

    /// A setting of the link.
    public subscript<Value>(
        dynamicMember setting: WritableKeyPath<LinkConfiguration, Value>
    ) -> Value {
        get { link[keyPath: setting] }
        set { link[keyPath: setting] = newValue }
    }
}
