// How far the device has come with what it missed, and how well it hears its server.

internal import PetrelClientData

/// How far this device has come with all that is to be fetched.
public struct SyncProgress: Equatable, Sendable {
    /// Conversations that something is missing in.
    public var conversationsRemaining: UInt64
    /// Events that are here, of those that are to be.
    public var eventsHeld: UInt64
    /// Events that are to be fetched.
    public var eventsMissing: UInt64
    /// Bytes of bodies that were received.
    public var bytes: UInt64

    /// The part that is here, from 0 to 1.
    public var fraction: Double {
        let total = Double(eventsHeld) + Double(eventsMissing)
        return total > 0 ? Double(eventsHeld) / total : 1
    }

    init(_ progress: PetrelClientData.SyncProgress) {
        conversationsRemaining = progress.conversationsRemaining
        eventsHeld = progress.eventsHeld
        eventsMissing = progress.eventsMissing
        bytes = progress.bytes
    }
}

/// What a status line shows of the connection.
public struct LinkStatus: Equatable, Sendable {
    /// The round trip to the server; `nil` before it was measured in this session.
    public var roundTrip: Duration?
    /// How long ago the server was heard last; `nil` if never since the client was opened.
    public var sinceLastContact: Duration?
    /// What carries the packets; `nil` while the server is not reached.
    public var carrier: Carrier?
}
