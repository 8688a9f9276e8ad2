// Whether the client reaches its server, and if not, what it waits for.

public import PetrelBase
internal import PetrelTransport

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
///     any ── close ──▶ closed   any ── suspend ──▶ idle
public enum LinkState: Equatable, Sendable {
    /// Nobody asked for a connection yet, or its owner suspended it.
    case idle
    /// Attempt number `attempt` since the last success is under way.
    case connecting(attempt: Int)
    /// A session exists; `roundTrip` is known after the first measurement.
    case connected(roundTrip: Interval?)
    /// The last attempt failed; the next one is made at `until` without being asked.
    case waiting(until: Instant, reason: WaitReason)
    /// The owner ended it, for good.
    case closed
}

extension WaitReason {
    init(_ reason: CloseReason) {
        switch reason {
        case .closedByPeer(let code): self = .closedByServer(code: code)
        case .silent, .reset: self = .silent
        case .closedLocally, .violation: self = .violation
        }
    }
}
