// How much a path loses by itself, and whether what is lost now is more than that.

/// Counts what becomes of packets, apart by how much was dared when they were sent.
///
/// The share that the path loses by itself is learned from *quiet* packets alone, which were sent
/// while less was sent than the path has shown to carry: what a flow loses by its own greed would
/// otherwise look like the path's. Harm is a number of losses that chance would hardly bring: more
/// than three standard deviations above what is expected, in view of how losses come in bursts.
struct LossModel: Sendable {
    /// How much was dared.
    enum Kind: Sendable {
        /// Less than the path has shown.
        case quiet
        /// As much.
        case calm
        /// More.
        case loud
    }

    /// Packets that arrived and that were lost.
    struct Count: Sendable {
        var arrived = 0
        var lost = 0

        var total: Int { arrived + lost }
        var share: Int { total == 0 ? 0 : lost * LossModel.whole / total }

        /// Whether more were lost than the share of `own` in bursts of `burst` explains.
        func exceeds(_ own: Int, burst: Int) -> Bool {
            let expected = own * total / LossModel.whole
            let excess = lost - expected
            return excess * 64 > total && excess > 0
                && excess * excess > 9 * burst * (expected + burst)
        }
    }

    /// Shares are counted in 2^-20.
    static let whole = 1 << 20
    /// The most loss that is made up for by sending more: a tenth.
    ///
    /// More would feed itself when many flows lose by what they do together.
    static let madeUpMax = whole / 10
    /// What startup takes for the path's own, before anything is known.
    static let startupShare = whole * 3 / 8
    /// What is believed without an experiment.
    private static let believed = whole / 20
    /// The packets after which a share is as good as learned.
    private static let memory = 256

    /// The share that the path loses by itself.
    private(set) var own = 0
    private var quiet = Count()
    private var calm = Count()
    private var loud = Count()
    private var experiment = Count()
    private var trigger = 0
    private var proven = 0
    // How losses of quiet packets come: one by one, or in a row.
    private var lastLost = UInt64.max
    private var lostInRuns = 1
    private var runs = 1

    mutating func arrived(_ kind: Kind) {
        switch kind {
        case .quiet: quiet.arrived += 1
        case .calm: calm.arrived += 1
        case .loud: loud.arrived += 1
        }
    }

    mutating func lost(_ kind: Kind, number: UInt64) {
        switch kind {
        case .quiet:
            quiet.lost += 1
            noteRun(number)
        case .calm: calm.lost += 1
        case .loud: loud.lost += 1
        }
    }

    mutating func wasSpurious(_ kind: Kind) {
        switch kind {
        case .quiet: quiet.lost = max(0, quiet.lost - 1)
        case .calm: calm.lost = max(0, calm.lost - 1)
        case .loud: loud.lost = max(0, loud.lost - 1)
        }
        arrived(kind)
    }

    /// Whether more was lost of the calm packets of this round than usual.
    var isCalmHarmed: Bool { calm.exceeds(own, burst: burst) }
    /// Whether more was lost of the loud packets of this round than usual.
    var isLoudHarmed: Bool { loud.exceeds(own, burst: burst) }
    /// Whether a startup lost more than any path worth using.
    var isStartupHarmed: Bool { loud.exceeds(max(own, Self.startupShare), burst: burst) }

    /// Takes the round into account and begins to count anew.
    ///
    /// `isOpen` says that the path carried half as much again as in the round before: what a young
    /// flow loses then is the path's own.
    mutating func startRound(isOpen: Bool) {
        learn(from: quiet)
        if isOpen, loud.share < Self.whole / 8 {
            proven = max(proven, min(loud.share, Self.whole / 5))
            learn(from: loud)
        }
        experiment.arrived += quiet.arrived
        experiment.lost += quiet.lost
        quiet = Count()
        calm = Count()
        loud = Count()
    }

    /// Begins to count what is lost while less is sent.
    mutating func beginExperiment() {
        trigger = max(calm.share, own)
        experiment = Count()
    }

    /// Whether so much is lost that only half must be sent, lest many flows take the harm that they
    /// do together for the path's own.
    var isGrave: Bool { trigger > Self.whole / 12 }

    /// Whether the share believed in is so high that it must be proven again.
    var needsProof: Bool { own > Self.believed }

    /// Ends it; returns whether the loss has stayed, so that it is the path's own.
    ///
    /// It has gone if less was lost than chance would leave of what began the experiment, which was
    /// rather an unlucky round: an eighth is taken off.
    mutating func endExperiment() -> Bool {
        let expected = trigger * 7 / 8 * experiment.total / Self.whole
        let missing = expected - experiment.lost
        let hasGone =
            isGrave
            ? missing * 8 > expected
            : missing > 0 && missing * missing * 4 > 9 * burst * (expected + burst)
        let isOwn = experiment.lost > 0 && !hasGone
        let share = min(experiment.share, trigger)
        if isOwn { own = max(own, share) }
        proven = isOwn ? share + share / 4 : Self.believed
        own = min(own, max(proven, Self.believed))
        return isOwn
    }

    /// The rate at which to send, so that `value` arrives.
    func madeUp(_ value: Int) -> Int {
        value * Self.whole / (Self.whole - min(own, Self.madeUpMax))
    }

    /// By how much bursts widen what chance brings: 1 for losses one by one.
    private var burst: Int { min(max(2 * lostInRuns / runs - 1, 1), 16) }

    private mutating func noteRun(_ number: UInt64) {
        lostInRuns += 1
        if lastLost == .max || number != lastLost + 1 { runs += 1 }
        lastLost = number
        guard lostInRuns > 128 else { return }
        lostInRuns /= 2
        runs = max(runs / 2, 1)
    }

    /// Moves the own share towards that of `count`, the more the more packets it has.
    private mutating func learn(from count: Count) {
        guard count.total > 0 else { return }
        own += (count.share - own) * min(count.total, Self.memory) / Self.memory
        own = min(own, max(proven, Self.believed))
    }
}
