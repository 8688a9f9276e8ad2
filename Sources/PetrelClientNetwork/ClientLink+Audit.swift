// What simulations and tests look at after each step: traces, counts, a fold of the state.

internal import PetrelBase
public import PetrelTransport

extension ClientLink {
    /// Returns the key log lines of the session once; none unless it reveals secrets.
    public mutating func takeKeyLog() -> [String] { session?.takeKeyLog() ?? [] }

    /// Moves what the session has noted to the end of `list`; nothing unless it is tracing.
    ///
    /// - Returns: what the server calls the session; `nil` if there is none.
    public mutating func takeTrace(into list: inout [TimedTraceEvent]) -> UInt64? {
        session?.takeTrace(into: &list)
        return session?.serverConnectionID
    }

    /// Counts again what the session counts as it goes; returns the first thing that is wrong.
    public func audit() -> AuditFinding? {
        switch session {
        case .some(let session): session.audit()
        case .none: nil
        }
    }

    /// A fold of the state that garbage must not change; counters are left out.
    public var stateDigest: UInt64 {
        var digest = StateDigest()
        switch session {
        case .some(let session): digest.add(session.stateDigest)
        case .none: break
        }
        digest.add(isOpen ? 1 : 0)
        switch handshake {
        case .some(let handshake): digest.add(handshake.deadline.nanoseconds)
        case .none: break
        }
        return digest.value
    }
}
