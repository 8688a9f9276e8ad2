// What simulations and tests look at after each step: traces, counts, a fold of the state.

internal import PetrelBase
internal import PetrelClientData
internal import PetrelClientNetwork
internal import PetrelMessaging
public import PetrelTransport

extension ClientCore {
    /// Returns the key log lines of the session once; none unless it reveals secrets.
    public mutating func takeKeyLog() -> [String] { link.takeKeyLog() }

    /// Moves what the session has noted to the end of `list`; nothing unless it is tracing.
    ///
    /// - Returns: what the server calls the session; `nil` if there is none.
    public mutating func takeTrace(into list: inout [TimedTraceEvent]) -> UInt64? {
        link.takeTrace(into: &list)
    }

    /// Counts again what the session counts as it goes; returns the first thing that is wrong.
    public func audit() -> AuditFinding? { link.audit() }

    /// A fold of the state that garbage must not change; counters are left out.
    public var stateDigest: UInt64 {
        var digest = StateDigest()
        digest.add(link.stateDigest)
        digest.add(requests)
        digest.add(acknowledgements.count)
        digest.add(sync.cursor.number)
        digest.add(sync.newest.number)
        return digest.value
    }
}
