// Whether the server is reached now; waiting is told apart from failed.

internal import PetrelBase
internal import PetrelClientCore
internal import PetrelClientData
internal import PetrelClientNetwork

/// Whether the client reaches its server.
public enum ConnectionState: Equatable, Sendable {
    /// Not started yet.
    case idle
    /// An attempt is under way: the first, or one after `attempt - 1` without an answer.
    case connecting(attempt: Int)
    /// The server is there; `roundTrip` is known after the first measurement.
    case connected(roundTrip: Duration?)
    /// The last attempt failed; the client tries again by itself `after` that time.
    case waiting(after: Duration, reason: String)
    /// This device's own disk fails: nothing is lost, and nothing new is taken in.
    case storeFailed(PetrelError)
    /// The account shut this device out for good: its key is of no use any more, and nothing is
    /// tried. What is on its disk can still be read; another directory can be enrolled.
    case revoked
    /// Ended by `close`.
    case closed
}

/// What carries the client's packets.
public enum Carrier: Equatable, Sendable {
    /// UDP.
    case udp
    /// TCP, because UDP was silent.
    case tcp
}

extension Carrier {
    init(_ carrier: Address.Carrier) { self = carrier == .stream ? .tcp : .udp }
}

extension TCPFallback {
    init(_ tcp: Configuration.TCP) {
        switch tcp {
        case .automatic: self = .automatic
        case .port(let port): self = .port(port)
        case .none: self = .none
        }
    }
}

extension ConnectionState {
    init(_ state: PetrelClientCore.ConnectionState, now: Instant) {
        switch state {
        case .idle: self = .idle
        case .connecting(let attempt): self = .connecting(attempt: attempt)
        case .connected(let roundTrip): self = .connected(roundTrip: roundTrip.map(Duration.init))
        case .waiting(let until, let reason):
            self = .waiting(after: Duration(max(.zero, until - now)), reason: reason.sentence)
        case .storeFailed(let error): self = .storeFailed(PetrelError(error))
        case .closed: self = .closed
        }
    }
}

extension WaitReason {
    fileprivate var sentence: String {
        switch self {
        case .unreachable: "no answer from the server"
        case .silent: "the server fell silent"
        case .closedByServer(let code): "the server ended the session (code \(code))"
        case .violation: "the session broke the protocol and was given up"
        }
    }
}

extension Duration {
    init(_ interval: Interval) { self = .nanoseconds(interval.nanoseconds) }
}

extension Interval {
    init(_ duration: Duration) {
        let (seconds, attoseconds) = duration.components
        self = Interval.seconds(seconds) + Interval(nanoseconds: attoseconds / 1_000_000_000)
    }
}

/// The connection's states: the present one first, then each newer one.
public typealias ConnectionStates = Updates<ConnectionState>

/// Why the server takes no messages for now: the present obstacle first, then each newer one.
///
/// `nil` when nothing is in the way.
public typealias Obstacles = Updates<PetrelError?>
