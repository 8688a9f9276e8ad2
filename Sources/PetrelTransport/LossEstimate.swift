// How much the path loses, and whether it loses now and then or for a while.

internal import PetrelBase

/// Shares and lengths of losses, from the fate of packets; all in integers.
///
/// A packet counts once its fate is known. Random loss asks for copies soon, bursts for copies
/// later, and bursts longer than a probe takes for none.
struct LossEstimate: Sendable {
    /// Packets that the slow share remembers.
    private static let memory = 256
    /// Packets that the quick share remembers.
    private static let quickMemory = 32
    private static let one = 1 << 20

    private var slow = 0
    private var quick = 0
    private var packetsCount = 0
    private var burst = Interval.zero
    private var runStart = Instant(nanoseconds: .min)
    private var runEnd = Instant(nanoseconds: .min)

    /// The share of packets lost over some hundred packets, in millionths or so (1/2^20).
    var share: Int { slow }
    /// The share of packets lost over the last few tens.
    var recentShare: Int { quick }
    /// How long the link stays bad once it is: a mean of the time from the first loss in a row to
    /// the last.
    var meanBurst: Interval { burst }

    /// Whether the fate of at least that many packets is known; of 256 at most.
    func isKnown(packetsMin: Int) -> Bool { packetsCount >= packetsMin }

    /// Whether at least that many of a thousand packets are lost.
    func isAtLeast(perMille: Int) -> Bool { slow >= perMille * Self.one / 1_000 }

    /// Whether losses come one by one: a copy that follows soon finds the link in order.
    func isRandom(probeInterval: Interval) -> Bool { burst * 3 / 2 <= probeInterval / 2 }

    /// The same over the last few tens of packets.
    func isRecentlyAtLeast(perMille: Int) -> Bool { quick >= perMille * Self.one / 1_000 }

    /// Notes that a packet arrived.
    mutating func arrived() {
        packetsCount = min(packetsCount + 1, Self.memory)
        slow -= slow / packetsCount
        quick -= quick / min(packetsCount + 1, Self.quickMemory)
    }

    /// Notes that a packet was lost; `isNext` says that none arrived since the one lost before it.
    mutating func lost(sent: Instant, isNext: Bool) {
        packetsCount = min(packetsCount + 1, Self.memory)
        slow += (Self.one - slow) / max(packetsCount, 16)
        quick += (Self.one - quick) / Self.quickMemory
        if !isNext { runStart = sent }
        runEnd = sent
        burst = (burst * 7 + (runEnd - runStart) * 2) / 8
    }

    /// Notes that a loss was none.
    mutating func tookBack() {
        slow = max(0, slow - (Self.one - slow) / max(packetsCount, 16))
        quick = max(0, quick - (Self.one - quick) / Self.quickMemory)
    }
}
