// One direction of a network: what becomes of each packet, and when it arrives.

internal import PetrelBase

/// Decides the fate of packets, one after the other, from its own stream.
struct Link {
    /// A copy of a packet that arrives.
    struct Copy {
        var due: Instant
        /// Where bits are flipped.
        var flippedBits: [Int] = []
        /// How many bytes are left, if it was cut short.
        var byteCount: Int?
        /// Its mark.
        var ecn = ECN.notECT
    }

    /// What it is like now; faults of time change it.
    var plan: LinkPlan
    /// Nothing gets through until then.
    var darkUntil = Instant(nanoseconds: 0)
    /// Datagrams that came to it, whatever became of them.
    private(set) var offered = 0
    /// Larger packets than this get lost until `holeUntil`.
    var byteCountMax = Int.max
    var holeUntil = Instant(nanoseconds: 0)
    private var random: RandomStream
    /// Draws for connections.
    var chance: RandomStream
    private var isInBurst = false
    private var lastDue = Instant(nanoseconds: 0)
    private var freeAt = Instant(nanoseconds: 0)

    init(plan: LinkPlan, random: RandomStream) {
        self.plan = plan
        self.random = random
        var copy = random
        chance = RandomStream(seed: copy.next(), label: "connections")
    }

    /// Becomes perfect, and forgets what stood in its queue.
    mutating func heal(now: Instant) {
        plan = LinkPlan()
        darkUntil = now
        holeUntil = now
        lastDue = now
        freeAt = now
        isInBurst = false
    }

    /// Returns the copies that arrive; none if the packet is lost.
    mutating func copies(byteCount: Int, ecn: ECN, now: Instant) -> [Copy] {
        offered += 1
        let isLost = isLostByChance()
        let isDoubled = random.chance(plan.duplication)
        let isLate = random.chance(plan.lateCopies)
        let mark = mark(ecn, byteCount: byteCount, now: now)
        guard darkUntil <= now, carries(byteCount, now: now), let mark,
            let sent = queued(byteCount, now: now), !isLost
        else { return [] }
        var copies = [copy(byteCount, from: sent)]
        if isDoubled { copies.append(copy(byteCount, from: sent)) }
        if isLate {
            var late = copy(byteCount, from: sent)
            late.due = late.due + random.interval(below: .milliseconds(Int64(plan.lateBy)))
            copies.append(late)
        }
        for i in copies.indices { copies[i].ecn = mark }
        return copies
    }

    /// Whether packets of that size get through.
    func carries(_ byteCount: Int, now: Instant) -> Bool {
        byteCount <= plan.byteCountMax ?? .max && (holeUntil <= now || byteCount <= byteCountMax)
    }

    /// The mark that a packet arrives with; `nil` if it gets lost for it.
    private func mark(_ ecn: ECN, byteCount: Int, now: Instant) -> ECN? {
        guard ecn != .notECT, let marks = plan.marks else { return ecn }
        switch marks {
        case .congested: return freeAt - now > .milliseconds(5) ? .ce : ecn
        case .wiped: return .notECT
        case .remarked: return .ect1
        case .dropped: return nil
        }
    }

    private mutating func isLostByChance() -> Bool {
        if plan.burstLength > 0 {
            isInBurst =
                isInBurst
                ? !random.chance(1 / plan.burstLength) : random.chance(plan.burstChance)
        }
        return random.chance(plan.loss) || (plan.burstLength > 0 && isInBurst)
    }

    /// When bytes have left a link of limited speed, behind all that was sent before.
    mutating func leaves(_ byteCount: Int, now: Instant) -> Instant {
        guard plan.rate > 0 else { return now }
        freeAt = max(freeAt, now) + .microseconds(Int64(byteCount) * 8_000 / Int64(plan.rate))
        return freeAt
    }

    /// When the packet has left a link of limited speed; `nil` if its queue is full.
    private mutating func queued(_ byteCount: Int, now: Instant) -> Instant? {
        guard plan.rate > 0 else { return now }
        // Bits over kilobits a second are milliseconds.
        let busy = Interval.microseconds(Int64(byteCount) * 8_000 / Int64(plan.rate))
        let start = max(freeAt, now)
        guard start - now <= busy * Int64(plan.queue) else { return nil }
        freeAt = start + busy
        return freeAt
    }

    private mutating func copy(_ byteCount: Int, from sent: Instant) -> Copy {
        var due = sent + .milliseconds(Int64(plan.delay))
        due = due + random.interval(below: .milliseconds(Int64(plan.jitter)))
        if random.chance(plan.reordering) {
            due = due + random.interval(below: .milliseconds(Int64(plan.reorderedBy)))
        } else {
            due = max(due, lastDue)
            lastDue = due
        }
        var copy = Copy(due: due)
        if random.chance(plan.corruption) {
            for _ in 0...random.below(3) {
                copy.flippedBits.append(Int(random.below(UInt64(byteCount * 8))))
            }
        }
        if random.chance(plan.truncation) { copy.byteCount = Int(random.below(UInt64(byteCount))) }
        return copy
    }
}
