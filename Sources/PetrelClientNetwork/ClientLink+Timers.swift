// The end of each batch, and what happens by the clock alone.

public import PetrelBase
internal import PetrelTransport

extension ClientLink {
    /// When `advance` must be called next.
    public var deadline: Instant {
        guard !isOffline else { return .distantFuture }
        var earliest = min(connector.deadline, race.deadline)
        switch handshake {
        case .some(let handshake): earliest = min(earliest, handshake.deadline)
        case .none: earliest = min(earliest, suspicion)
        }
        switch session {
        case .some(let session): earliest = min(earliest, session.deadline)
        case .none: break
        }
        return min(earliest, keepaliveDeadline)
    }

    /// Runs what is due; call `finishBatch` afterwards.
    public mutating func advance(now: Instant, wall: WallTime) {
        guard !isOffline else { return }
        if handshake?.isExpired(now: now) == true {
            handshake = nil
            connector.attemptExpired(now: now, random: &random)
            renewalFailed(now: now)
        }
        session?.advance(now: now, into: &sessionEvents)
        advanceRace(now: now)
        takeSessionEvents(now: now, wall: wall)
    }

    /// Sees to the keepalive; call it when all of a batch was taken in, then ask `isHelloDue`.
    public mutating func finishBatch(now: Instant, wall: WallTime) {
        advanceKeepalive(now: now, wall: wall)
    }
}
