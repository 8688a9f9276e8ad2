// The largest datagram that the path carries, found by trying (RFC 8899).

internal import PetrelBase
internal import PetrelWire

/// Looks for larger datagrams than every path carries, where they are worth it.
///
///     base ── enough to send ──▶ searching ── largest, or no step left ──▶ complete
///      ▲                          │   ▲                                      │   │
///      │                          │   └──────────── 10 min later ────────────┘   │
///      │                          ▼                                              │
///      └── some time later ◀── error ◀── only large packets vanish ──────────────┘
///
/// A probe is a packet with PING and PADDING; its acknowledgement proves its size, and three lost
/// ones count as a refusal. Nothing waits for a probe, and its loss means nothing else. There is no
/// timer: steps are taken when packets are sent anyway. Sans I/O: the session feeds the fate of
/// packets and sends the probes.
struct PathMTU: Sendable {
    /// What every path carries.
    static let base = WireLimits.datagramByteCountMax
    /// Differences that are not worth another probe.
    static let step = 32
    /// Lost probes after which a size is too large.
    static let probesMax = 3
    /// Full packets after which a flow is worth a search.
    static let worthwhilePackets = 64
    /// Bytes of transfers that are worth one from the start.
    static let worthwhileByteCount: UInt64 = 65_536
    /// After a search, the time until larger sizes are tried again.
    static let raiseAfter = Interval.seconds(600)
    /// After large packets vanished, the time until the next search, at first and at most: an
    /// outage looks the same, and leaves the path as it was.
    static let distrust = (first: Interval.seconds(1), most: Interval.seconds(4_096))
    /// What the time grows by if they vanish again.
    static let distrustFactor: Int64 = 4
    /// Bytes from which on a packet is full.
    private static let fullByteCount = 1_000

    /// Where the search stands.
    enum State: Equatable, Sendable {
        /// Nothing is known, and nothing was tried.
        case base
        /// Probes go out.
        case searching
        /// The largest size is known, as well as is worth it.
        case complete
        /// The path no longer carried what it had carried.
        case error
    }

    /// Bytes that packets may have.
    private(set) var byteCount = Self.base
    private(set) var state = State.base
    /// How often large packets vanished.
    private(set) var blackHoles = 0
    private let byteCountMax: Int
    /// The smallest size that was refused, or one more than the largest.
    private var refused: Int
    /// The packet that is a probe under way, and its size.
    private var probe: (number: UInt64, byteCount: Int)?
    private var probesLost = 0
    private var searchAt = Instant(nanoseconds: .min)
    private var distrust = Self.distrust.first
    /// When the path was trusted again after the last time.
    private var trustedFrom: Instant?
    private var fullPackets = 0
    /// What was sent before says nothing of the path as it is now.
    private var since: UInt64 = 0
    private var large = SelectiveLoss()

    init(byteCountMax: Int) {
        self.byteCountMax = byteCountMax
        refused = byteCountMax + 1
    }

    /// The path is another one, from packet number `next` on.
    mutating func restart(next: UInt64) {
        let before = blackHoles
        self = PathMTU(byteCountMax: byteCountMax)
        since = next
        blackHoles = before
    }

    // MARK: Search

    /// The size to probe now; `nil` if none.
    ///
    /// `isWorthwhile`: that much is to be sent that a search pays.
    mutating func probeByteCount(isWorthwhile: Bool, now: Instant) -> Int? {
        guard probe == nil, byteCountMax > Self.base else { return nil }
        switch state {
        case .searching: break
        case .base, .complete, .error:
            guard isWorthwhile || fullPackets >= Self.worthwhilePackets, now >= searchAt,
                byteCount < byteCountMax
            else { return nil }
            state = .searching
            refused = byteCountMax + 1
            probesLost = 0
        }
        return candidate
    }

    /// The largest first, which most paths carry; then halves of what is left.
    private var candidate: Int {
        refused > byteCountMax ? byteCountMax : (byteCount + refused) / 2
    }

    /// Notes that what was sent before packet number `oldest` is forgotten: a probe is lost then.
    mutating func forgot(before oldest: UInt64, next: UInt64, now: Instant) {
        guard let probe, probe.number < oldest else { return }
        lost(probe.number, byteCount: probe.byteCount, isProbe: true, next: next, now: now)
    }

    /// Notes that a probe went out.
    mutating func probeSent(_ number: UInt64, byteCount: Int) { probe = (number, byteCount) }

    private mutating func finishIfDone(now: Instant) {
        guard state == .searching, byteCount == byteCountMax || refused - byteCount <= Self.step
        else { return }
        state = .complete
        searchAt = now + Self.raiseAfter
        fullPackets = 0
    }

    // MARK: Packets

    /// Notes that a packet that is no probe went out.
    mutating func sent(byteCount: Int) {
        if byteCount >= Self.fullByteCount {
            fullPackets = min(fullPackets + 1, Self.worthwhilePackets)
        }
    }

    /// Notes that a packet arrived, a probe or not, late or not; `next` is the number of the next.
    mutating func arrived(
        _ number: UInt64, byteCount: Int, isProbe: Bool, next: UInt64, now: Instant
    ) {
        guard number >= since else { return }
        if byteCount > Self.base { large.arrived(number) } else { large.otherArrived(number) }
        if isProbe {
            if probe?.number == number { probe = nil }
            if byteCount > self.byteCount {
                self.byteCount = byteCount
                probesLost = 0
                if refused <= byteCount { refused = byteCountMax + 1 }
            }
            finishIfDone(now: now)
        } else {
            revertIfCertain(next: next, now: now)
        }
    }

    /// Notes that a packet was lost, a probe or not; `next` is the number of the next one.
    mutating func lost(
        _ number: UInt64, byteCount: Int, isProbe: Bool, next: UInt64, now: Instant
    ) {
        guard number >= since else { return }
        guard isProbe else {
            if byteCount > Self.base { large.lost(number) }
            return revertIfCertain(next: next, now: now)
        }
        guard let lost = probe, lost.number == number else { return }
        probe = nil
        probesLost += 1
        guard probesLost >= Self.probesMax else { return }
        refused = lost.byteCount
        probesLost = 0
        finishIfDone(now: now)
    }

    private mutating func revertIfCertain(next: UInt64, now: Instant) {
        #if PETREL_PLANTED
            if PlantedBug.blackHoleUnseen.isActive { return }
        #endif
        guard large.isCertain, byteCount > Self.base else { return }
        state = .error
        byteCount = Self.base
        blackHoles += 1
        since = next
        large = SelectiveLoss()
        probe = nil
        fullPackets = 0
        let isFirst =
            trustedFrom.map { now - $0 > Self.raiseAfter } ?? true
        distrust =
            isFirst
            ? Self.distrust.first : min(distrust * Self.distrustFactor, Self.distrust.most)
        searchAt = now + distrust
        trustedFrom = searchAt
    }
}
