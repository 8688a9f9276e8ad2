// Time passes: sessions whose deadline has come, half-open ones that are given up, housekeeping.

public import PetrelBase
internal import PetrelMessaging
internal import PetrelServices
internal import PetrelTransport

extension ServerCore {
    /// Runs what is due.
    public mutating func advance(now: Instant, wall: WallTime) {
        while halfOpen.removeFirst(until: now) { metrics.halfOpenExpired += 1 }
        expireDormant(now: now)
        // Ends, because settling takes the deadline out until the session was asked by `transmit`.
        while let (slot, deadline) = deadlines.first, deadline <= now {
            deadlines.remove(slot)
            guard let handle = sessions.handle(slot: slot), !fallAsleep(handle, now: now) else {
                continue
            }
            sessions[handle].session.advance(now: now, into: &events)
            settle(handle, now: now, wall: wall)
        }
        closeAllIfDue(now: now)
        probes.advance(now: now)
        tellBursts(now: now)
        tellPresence(now: now, wall: wall)
        closeRevoked(now: now)
        if nextPurge <= now {
            nextPurge = now + configuration.purgeInterval
            purge(wall: wall)
        }
        keepHouse(now: now, wall: wall)
    }

    /// Erases what is over, and lets deleted accounts leave their groups.
    private mutating func keepHouse(now: Instant, wall: WallTime) {
        if nextExpiry <= now {
            nextExpiry = now + configuration.expiryInterval
            submitHousekeeping(.expire(at: wall, limit: configuration.expiredEventsMax))
        }
        if nextDeletions <= now {
            nextDeletions = .distantFuture
            submitHousekeeping(
                .continueDeletions(at: wall, limit: configuration.deletionsMax), .deletions)
        }
    }

    /// Forgets deduplication rows that no acceptable identifier can ask for.
    ///
    /// An identifier may lie in the future, so its row may be older than the identifier.
    private mutating func purge(wall: WallTime) {
        let age = MessagingLimits.deduplication + MessagingLimits.futureTolerance
        let before = WallTime(milliseconds: wall.milliseconds - age.nanoseconds / 1_000_000)
        submitHousekeeping(
            .purgeDeduplication(before: before, limit: configuration.purgeRowsMax))
    }
}
