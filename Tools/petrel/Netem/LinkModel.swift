// One direction of a bad link, as a value: bytes and a moment in, the packet's fate out.

import PetrelBase

/// Which way a packet goes.
enum Direction: Sendable {
    /// From a client to the server.
    case up
    /// From the server to a client.
    case down
}

/// Why a packet does not arrive.
enum DropReason: Sendable {
    /// Chance.
    case loss
    /// The link was dead when the packet came.
    case blackout
    /// Too many packets waited for a link with a rate.
    case queue
}

/// What becomes of one packet.
enum Fate: Equatable, Sendable {
    /// It never arrives.
    case dropped(DropReason)
    /// It arrives at `at`, damaged if `corruption` says so, and intact once more at `again`.
    case delivered(at: Instant, corruption: Corruption?, again: Instant?)
}

/// The damage to one packet: 1 to 3 flipped bits.
struct Corruption: Equatable, Sendable {
    /// Names the bits, whatever the length of the packet.
    var seed: UInt64

    /// The bits to flip in a packet of that length, all different, counted from the first byte.
    func bits(byteCount: Int) -> Set<Int> {
        var chance = RandomStream(seed: seed, label: "netem corruption")
        let wanted = 1 + chance.below(3)
        let bits = (0..<wanted).map { _ in Int(chance.below(UInt64(byteCount) * 8)) }
        return byteCount == 0 ? [] : Set(bits)
    }
}

/// Decides what happens to the packets of one direction.
///
/// Each packet takes the same draws from the direction's own random stream, whatever happens to
/// it. So whether packet number n is lost, held back, doubled or damaged depends on the seed, the
/// direction, n and the profile alone, not on its size, its time, blackouts or the other direction.
struct LinkModel: Sendable {
    /// What was decided so far.
    var counters = LinkCounters()

    private let profile: LinkProfile
    private var chance: RandomStream
    private var isInBurst = false
    private var lastDelivery = Instant(nanoseconds: .min)
    /// When the line has carried all that it accepted.
    private var lineFree = Instant(nanoseconds: .min)
    /// When the latest `queuePackets` accepted packets leave the queue, as a ring.
    private var departures: [Instant]
    private var accepted = 0

    /// Creates one direction of the link that `profile` describes.
    ///
    /// - Precondition: the profile has no contradiction.
    init(profile: LinkProfile, seed: UInt64, direction: Direction) {
        precondition(profile.contradiction == nil)
        self.profile = profile
        chance = RandomStream(seed: seed, label: direction == .up ? "netem up" : "netem down")
        departures = Array(repeating: Instant(nanoseconds: .min), count: profile.queuePackets)
    }

    /// Decides about the next packet, which came at `now` while `elapsed` of the timeline is over.
    mutating func fate(byteCount: Int, now: Instant, elapsed: Interval) -> Fate {
        let draws = Draws(from: &chance)
        counters.packets += 1
        counters.bytes += UInt64(byteCount)
        let isLost = loses(draws.loss)
        if profile.timeline.isBlackedOut(at: elapsed) {
            counters.dropped.blackout += 1
            return .dropped(.blackout)
        }
        if isLost {
            counters.dropped.loss += 1
            return .dropped(.loss)
        }
        guard let departure = depart(byteCount: byteCount, now: now) else {
            counters.dropped.queue += 1
            return .dropped(.queue)
        }
        return deliver(departure: departure, draws)
    }

    private mutating func deliver(departure: Instant, _ draws: Draws) -> Fate {
        // Strictly later than the packet before, so that no queue can exchange them.
        var at = max(
            departure + profile.delay + draws.jitter(below: profile.jitter),
            lastDelivery + Interval(nanoseconds: 1))
        if draws.reorder < profile.reorder {
            // Those behind may pass: the order is not enforced against this one.
            counters.reordered += 1
            let hold = max(profile.jitter, LinkModel.holdMin)
            at = at + hold + draws.hold(below: hold)
        } else {
            lastDelivery = at
        }
        var corruption: Corruption?
        if draws.corrupt < profile.corrupt {
            counters.corrupted += 1
            corruption = Corruption(seed: draws.corruptionSeed)
        }
        var again: Instant?
        if draws.duplicate < profile.duplicate {
            counters.duplicated += 1
            again = at + draws.lag(below: max(profile.jitter, LinkModel.holdMin))
        }
        return .delivered(at: at, corruption: corruption, again: again)
    }

    /// Whether this packet is lost; moves the Gilbert-Elliott chain by one packet.
    private mutating func loses(_ draw: Double) -> Bool {
        guard profile.lossBurst >= 1 else { return draw < profile.loss }
        // In the bad state all is lost, in the good one nothing: the mean stay in the bad state is
        // the mean burst, and its share of the time is the loss.
        let leave = 1 / profile.lossBurst
        let enter = profile.loss < 1 ? leave * profile.loss / (1 - profile.loss) : 1
        isInBurst = isInBurst ? draw >= leave : draw < enter
        return isInBurst
    }

    /// When the packet has left the queue and the line; `nil` if the queue is full.
    private mutating func depart(byteCount: Int, now: Instant) -> Instant? {
        guard let rate = profile.rate else { return now }
        // The queue is full while the packet that was accepted one queue ago still waits.
        let slot = accepted % departures.count
        guard departures[slot] <= now else { return nil }
        let departure = max(lineFree, now) + rate.time(for: byteCount + LinkModel.headerBytes)
        departures[slot] = departure
        lineFree = departure
        accepted += 1
        return departure
    }

    /// What IPv4 and UDP add to each datagram on the line.
    private static let headerBytes = 28
    /// How long a packet is held back at least, so that others can overtake it.
    private static let holdMin = Interval.milliseconds(5)
}

/// The random numbers of one packet: always the same number of them, in the same order.
private struct Draws {
    let loss: Double
    let reorder: Double
    let duplicate: Double
    let corrupt: Double
    let corruptionSeed: UInt64
    private let jitterShare: Double
    private let holdShare: Double
    private let lagShare: Double

    init(from chance: inout RandomStream) {
        loss = chance.fraction()
        jitterShare = chance.fraction()
        reorder = chance.fraction()
        holdShare = chance.fraction()
        duplicate = chance.fraction()
        lagShare = chance.fraction()
        corrupt = chance.fraction()
        corruptionSeed = chance.next()
    }

    func jitter(below bound: Interval) -> Interval { share(jitterShare, of: bound) }
    func hold(below bound: Interval) -> Interval { share(holdShare, of: bound) }
    func lag(below bound: Interval) -> Interval { share(lagShare, of: bound) }

    private func share(_ share: Double, of bound: Interval) -> Interval {
        Interval(nanoseconds: Int64(share * Double(bound.nanoseconds)))
    }
}
