// When keys are renewed, and how long those before are kept (Protocol/transport.md §6.5).

internal import PetrelBase

/// Counts the use of the session's keys; knows no keys itself.
///
/// One update at a time: the next one waits until the peer has acknowledged a packet under the
/// present keys, and until nothing from before the last update is awaited any more.
struct KeyUpdate: Sendable {
    /// The first number sealed with the present key.
    private var firstNumber: UInt64 = 0
    /// When that was sent; `nil` if none was.
    private var since: Instant?
    /// Packets opened with the present key.
    private var openedCount: UInt64 = 0
    /// The lowest number opened with the present key: what is older was sealed before.
    private(set) var lowestRead: UInt64?
    /// Until when the key before is kept.
    private(set) var previousUntil = Instant.distantFuture
    /// What could not be opened, when the present key came into use.
    private var failedOpensBefore: UInt64 = 0

    /// Notes a packet that goes out.
    mutating func sent(now: Instant) {
        if since == nil { since = now }
    }

    /// Notes a packet opened with the present key.
    mutating func opened(_ number: UInt64) {
        openedCount += 1
        lowestRead = min(lowestRead ?? number, number)
    }

    /// Whether our packets are to get a new key, of which the next number would be the first.
    func isDue(
        next: UInt64, largestAcknowledged: UInt64?, failedOpens: UInt64,
        configuration: SessionConfiguration, now: Instant
    ) -> Bool {
        #if PETREL_PLANTED
            let isAcknowledged =
                PlantedBug.keyUpdatedTwice.isActive
                || (largestAcknowledged.map { $0 >= firstNumber } ?? false)
        #else
            let isAcknowledged = largestAcknowledged.map { $0 >= firstNumber } ?? false
        #endif
        guard isAcknowledged, previousUntil == .distantFuture, let since else { return false }
        let packets = max(next - firstNumber, openedCount)
        return packets >= configuration.keyUpdatePackets
            || now - since >= configuration.keyUpdateInterval
            || failedOpens - failedOpensBefore >= configuration.keyUpdateFailedOpens
    }

    /// Our packets from `next` on have a new key.
    mutating func renewedWriting(next: UInt64, failedOpens: UInt64) {
        firstNumber = next
        since = nil
        failedOpensBefore = failedOpens
    }

    /// The peer's packet `number` was the first one with a new key.
    mutating func renewedReading(
        at number: UInt64, keepingPrevious interval: Interval, now: Instant
    ) {
        openedCount = 0
        lowestRead = number
        previousUntil = now + interval
    }

    /// Whether an acknowledgement of `number` may come in a packet of an earlier generation: not if
    /// the peer must have had the new key to open what it acknowledges.
    func mayBeAcknowledgedByEarlier(_ number: UInt64) -> Bool { number < firstNumber }

    /// The key before is gone.
    mutating func forgotPrevious() { previousUntil = .distantFuture }
}
