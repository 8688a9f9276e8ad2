// Whether the client reaches its server, and if not, what it waits for.

public import PetrelBase

/// Why the next attempt to connect is not made yet.
public enum WaitReason: Equatable, Sendable {
    /// No answer came from any address.
    case unreachable
    /// The server fell silent during a session.
    case silent
    /// The server ended the session, saying why by a number of the protocol.
    case closedByServer(code: UInt64)
    /// The session broke the protocol and was given up.
    case violation
}

/// Whether the client reaches its server.
///
///     idle ── connect ──▶ connecting ──▶ connected ── session ends ──▶ connecting | waiting
///                           ▲   └── no answer ──▶ waiting ──┐
///                           └──────── time, or network ─────┘
///     any ── close ──▶ closed   any ── store fails ──▶ storeFailed ── room again ──▶ connecting
public enum ConnectionState: Equatable, Sendable {
    /// Nobody asked for a connection yet.
    case idle
    /// Attempt number `attempt` since the last success is under way.
    case connecting(attempt: Int)
    /// A session exists; `roundTrip` is known after the first measurement.
    case connected(roundTrip: Interval?)
    /// The last attempt failed; the next one is made at `until` without being asked.
    case waiting(until: Instant, reason: WaitReason)
    /// The client's own store fails: nothing can be taken in, so nothing is asked for.
    case storeFailed(ClientStoreError)
    /// The owner ended it, for good.
    case closed
}
