// Which small messages travel once more before anything is known to be lost, when, and how many.

internal import PetrelBase
internal import PetrelWire

/// Messages that wait for their copy, oldest first, and the budget of copies.
///
/// A copy prefers to ride in a packet that goes out anyway: it then costs its bytes only. If none
/// is to be expected in time, it gets a packet of its own.
struct CopyLine: Sendable {
    /// Bytes of a message above which it is not copied.
    static let messageByteCountMax = 300
    /// The least age at which a message is copied: a link that loses one packet loses the next.
    static let ageMin = Interval.milliseconds(15)
    /// Messages that wait for their copy, at most.
    private static let capacity = 8

    /// A message that waits for its copy.
    struct Entry: Sendable {
        var slot: UInt16 = 0
        var deliveryClass = DeliveryClass.reliable
        var number: UInt64 = 0
        var sent = Instant(nanoseconds: 0)
    }

    private let redundancy: Redundancy
    private let bytesPerSecondMax: Int
    private var entries = InlineArray<8, Entry>(repeating: Entry())
    private var count = 0
    /// The part of a message that was not copied yet, in 1/2^20: when little is lost, not every
    /// message is copied.
    private var share = 0
    /// Bytes that may be copied now, in millionths.
    private var tokens: Int64 = 0
    private var refilled = Instant(nanoseconds: .min)
    private var lastMessage = Instant(nanoseconds: .min)
    private var interval = Interval.infinite
    private var age = Self.ageMin

    init(_ configuration: SessionConfiguration) {
        redundancy = configuration.redundancy
        bytesPerSecondMax = configuration.copyBytesPerSecondMax
    }

    /// Whether a message waits for its copy.
    var isEmpty: Bool { count == 0 }

    /// Notes that a message was sent for the first time; it stands in line for a copy if its
    /// class demands one, or the losses ask for it.
    mutating func sent(
        _ frame: SentFrame, byteCount: Int, isDemanded: Bool, losses: LossEstimate,
        probeInterval: Interval, now: Instant
    ) {
        guard isDemanded || redundancy == .auto, byteCount <= Self.messageByteCountMax,
            case .fragment(let slot, _, let deliveryClass, let number) = frame
        else { return }
        let isWanted =
            isDemanded || wantsCopy(losses: losses, probeInterval: probeInterval)
        guard isWanted, count < Self.capacity else { return }
        age = max(Self.ageMin, losses.meanBurst * 3 / 2)
        entries[count] = Entry(
            slot: slot, deliveryClass: deliveryClass, number: number, sent: now)
        count += 1
    }

    /// When the first copy must go in a packet of its own.
    func deadline(probeInterval: Interval) -> Instant {
        guard count > 0 else { return .distantFuture }
        var wait = age
        if interval < probeInterval * 3 / 4 { wait = max(age, interval * 5 / 4) }
        return entries[0].sent + wait
    }

    /// The first message whose copy may ride in a packet that is sent now; it leaves the line.
    mutating func takeDue(now: Instant) -> Entry? {
        refill(now: now)
        guard count > 0, entries[0].sent + age <= now, tokens > 0 else { return nil }
        let entry = entries[0]
        remove()
        return entry
    }

    /// Whether anything may be copied now.
    mutating func hasBudget(now: Instant) -> Bool {
        refill(now: now)
        return tokens > 0
    }

    /// Charges a copy of so many bytes.
    mutating func copied(byteCount: Int) { tokens -= Int64(byteCount) * 1_000_000 }

    /// The message whose copy is next, if the budget lets it; otherwise all are forgotten.
    mutating func first(now: Instant) -> Entry? {
        refill(now: now)
        if tokens <= 0 { count = 0 }
        return count > 0 ? entries[0] : nil
    }

    /// Forgets the message whose copy is next.
    mutating func dropFirst() { if count > 0 { remove() } }

    /// Forgets all copies.
    mutating func removeAll() { count = 0 }

    private mutating func wantsCopy(losses: LossEstimate, probeInterval: Interval) -> Bool {
        guard losses.isAtLeast(perMille: 5), losses.isRandom(probeInterval: probeInterval) else {
            return false
        }
        // All messages from 1/30 on, in proportion below.
        share += min(losses.share * 30, 1 << 20)
        guard share >= 1 << 20 else { return false }
        share -= 1 << 20
        return true
    }

    /// Whether another message is to be expected within that time.
    func expectsMessage(within limit: Interval) -> Bool { interval < limit }

    /// Notes that a message was sent for the first time.
    mutating func noteInterval(now: Instant) {
        if lastMessage.nanoseconds != .min {
            let gap = min(now - lastMessage, .seconds(60))
            interval = interval == .infinite ? gap : (interval * 3 + gap) / 4
        }
        lastMessage = now
    }

    private mutating func refill(now: Instant) {
        let capacity = Int64(bytesPerSecondMax) * 250_000
        guard refilled.nanoseconds != .min else {
            refilled = now
            tokens = capacity
            return
        }
        let elapsed = min(max(now - refilled, .zero), .seconds(1))
        tokens = min(capacity, tokens + elapsed.nanoseconds / 1_000 * Int64(bytesPerSecondMax))
        refilled = now
    }

    private mutating func remove() {
        for i in 1..<max(count, 1) { entries[i - 1] = entries[i] }
        count -= 1
    }
}
