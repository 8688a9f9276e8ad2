// Whether the client reaches its server and can use it, and if not, what it waits for.

public import PetrelBase
public import PetrelClientData
public import PetrelClientNetwork

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

extension ConnectionState {
    init(_ link: LinkState) {
        switch link {
        case .idle: self = .idle
        case .connecting(let attempt): self = .connecting(attempt: attempt)
        case .connected(let roundTrip): self = .connected(roundTrip: roundTrip)
        case .waiting(let until, let reason): self = .waiting(until: until, reason: reason)
        case .closed: self = .closed
        }
    }
}
