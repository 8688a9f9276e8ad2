// Whether the path keeps congestion marks as they are, and what they say (RFC 9000 §13.4).

internal import PetrelBase
internal import PetrelWire

/// Decides which packets are marked, from what the peer counts.
///
///     testing ── 10 packets, or 3 probe timeouts ──▶ unknown ── all of them lost ──▶ failed
///        │                                              │                              ▲
///        └──────────── counts add up ───────────────────┴──▶ capable ── they do not ───┤
///        └──────────── counts do not add up ───────────────────────────────────────────┘
///
/// A path that wipes marks out is no worse than one without; one that drops what is marked, or
/// marks for no reason, must not be asked again. Sans I/O: the session feeds the fate of packets.
struct ECNValidator: Sendable {
    /// Packets that are marked before the peer's counts are known.
    static let testPackets = 10
    /// Probe timeouts for which they are, at most.
    static let testTimeouts: Int64 = 3

    /// What is known of the path.
    enum State: Equatable, Sendable {
        /// The first packets are marked.
        case testing
        /// They went out, and their fate is not known.
        case unknown
        /// Marks arrive.
        case capable
        /// Marks do not arrive, or not as they were sent.
        case failed
    }

    private(set) var state: State
    /// When the peer last counted a CE mark.
    private(set) var congestedAt: Instant?
    /// CE marks that the peer counted.
    private(set) var marksCount: UInt64 = 0
    private let isWanted: Bool
    /// What the peer had counted at the last look.
    private var counted = ECNCounts()
    /// Packets marked since the session began.
    private var markedCount: UInt64 = 0
    private var testedCount = 0
    private var testedLost = 0
    private var testingSince: Instant?
    /// What was sent before says nothing of the path as it is now.
    private(set) var since: UInt64 = 0
    private var vanishing = SelectiveLoss()

    init(isWanted: Bool) {
        self.isWanted = isWanted
        state = isWanted ? .testing : .failed
    }

    /// What a dormant session keeps: what was counted goes on, the path is tested anew.
    struct Dormant: Sendable {
        private let counted: (ect0: UInt32, ect1: UInt32, ce: UInt32)
        private let marked: UInt32

        init(_ ecn: ECNValidator) {
            counted = Self.narrowed(ecn.counted)
            marked = UInt32(truncatingIfNeeded: ecn.markedCount)
        }

        /// Counts of packets, whose numbers have 32 bits while a session sleeps.
        static func narrowed(_ counts: ECNCounts) -> (ect0: UInt32, ect1: UInt32, ce: UInt32) {
            (
                UInt32(truncatingIfNeeded: counts.ect0), UInt32(truncatingIfNeeded: counts.ect1),
                UInt32(truncatingIfNeeded: counts.ce)
            )
        }

        static func widened(_ counts: (ect0: UInt32, ect1: UInt32, ce: UInt32)) -> ECNCounts {
            ECNCounts(
                ect0: UInt64(counts.ect0), ect1: UInt64(counts.ect1), ce: UInt64(counts.ce))
        }

        /// The validator of the session that goes on with packet number `next`.
        func wake(isWanted: Bool, next: UInt64) -> ECNValidator {
            var ecn = ECNValidator(isWanted: isWanted)
            ecn.counted = Self.widened(counted)
            ecn.markedCount = UInt64(marked)
            ecn.restart(next: next)
            return ecn
        }
    }

    /// What the next packet is marked with.
    var mark: ECN {
        switch state {
        case .testing, .capable: .ect0
        case .unknown, .failed: .notECT
        }
    }

    /// The path is another one, from packet number `next` on.
    mutating func restart(next: UInt64) {
        state = isWanted ? .testing : .failed
        testedCount = 0
        testedLost = 0
        testingSince = nil
        since = next
        vanishing = SelectiveLoss()
    }

    /// Notes that a marked packet goes out.
    mutating func sentMarked(probeTimeout: Interval, now: Instant) {
        markedCount += 1
        guard state == .testing else { return }
        testedCount += 1
        let start = testingSince ?? now
        testingSince = start
        if testedCount >= Self.testPackets || now - start > probeTimeout * Self.testTimeouts {
            state = .unknown
        }
    }

    /// Notes that a packet arrived.
    mutating func arrived(_ number: UInt64, isMarked: Bool) {
        guard number >= since else { return }
        if isMarked { vanishing.arrived(number) } else { vanishing.otherArrived(number) }
        failIfVanishing()
    }

    /// Notes that a packet was lost.
    mutating func lost(_ number: UInt64, isMarked: Bool) {
        guard isMarked, number >= since else { return }
        vanishing.lost(number)
        if state == .testing || state == .unknown {
            testedLost += 1
            if state == .unknown, testedLost >= testedCount { state = .failed }
        }
        failIfVanishing()
    }

    private mutating func failIfVanishing() {
        if vanishing.isCertain { state = .failed }
    }

    /// Looks at the counts of an acknowledgement that is the newest one.
    ///
    /// - Parameters:
    ///   - counts: `nil` if it had none.
    ///   - arrived: of the packets that it acknowledges first, how many were marked.
    ///   - now: the present moment.
    /// - Returns: how many more CE marks it counts; 0 if they cannot be believed.
    mutating func check(_ counts: ECNCounts?, arrived: Int, now: Instant) -> UInt64 {
        guard let counts else {
            if arrived > 0, state != .failed { state = .failed }
            return 0
        }
        let before = counted
        guard counts.ect0 >= before.ect0, counts.ect1 >= before.ect1, counts.ce >= before.ce
        else { return fail() }
        counted = counts
        guard state != .failed else { return 0 }
        let ect0 = counts.ect0 - before.ect0
        let ce = counts.ce - before.ce
        #if PETREL_PLANTED
            let isUnchecked = PlantedBug.marksUnchecked.isActive
        #else
            let isUnchecked = false
        #endif
        guard isUnchecked || counts.ect1 == before.ect1, isUnchecked || ect0 + ce >= arrived,
            isUnchecked || (counts.ect0 <= markedCount && counts.ce <= markedCount - counts.ect0)
        else { return fail() }
        if arrived > 0 { state = .capable }
        guard ce > 0 else { return 0 }
        congestedAt = now
        marksCount += ce
        return ce
    }

    private mutating func fail() -> UInt64 {
        state = .failed
        return 0
    }
}
