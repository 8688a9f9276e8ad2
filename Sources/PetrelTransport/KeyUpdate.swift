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

    /// What is remembered of the use of keys while nothing is sent or opened with them.
    struct Dormant: Sendable {
        var firstNumber: UInt32
        var openedCount: UInt32
        var failedOpensBefore: UInt32
        /// Seconds, rounded down; the least number if the key was not used yet.
        var since: Int32
    }

    init() {}

    init(_ dormant: Dormant) {
        firstNumber = UInt64(dormant.firstNumber)
        since =
            dormant.since == .min
            ? nil : Instant(nanoseconds: 0) + .seconds(Int64(dormant.since))
        openedCount = UInt64(dormant.openedCount)
        failedOpensBefore = UInt64(dormant.failedOpensBefore)
    }

    /// What must be remembered; the key before the last update must not be awaited any more.
    var dormant: Dormant {
        let seconds = since.map { Int32(clamping: $0.nanoseconds / 1_000_000_000) }
        return Dormant(
            firstNumber: UInt32(clamping: firstNumber), openedCount: UInt32(clamping: openedCount),
            failedOpensBefore: UInt32(clamping: failedOpensBefore), since: seconds ?? .min)
    }

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
