// Packets of one kind vanish while others get through: a black hole for large or marked ones.

/// Tells whether a path has stopped to carry packets of a kind.
///
/// Losses count while no later packet of the kind has arrived. Three of them, with another packet
/// from among or behind them that arrived, are no chance any more.
struct SelectiveLoss: Sendable {
    /// Losses in a row that are no chance.
    static let lossesMax = 3

    private var losses = 0
    /// The first lost packet in the row.
    private var first: UInt64 = 0
    private var newestArrived: UInt64?
    private var newestOther: UInt64?

    /// Whether the path carries others, and not these.
    var isCertain: Bool {
        guard losses >= Self.lossesMax, let newestOther else { return false }
        return newestOther > first
    }

    /// Notes that a packet of the kind arrived.
    mutating func arrived(_ number: UInt64) {
        newestArrived = max(newestArrived ?? 0, number)
        losses = 0
    }

    /// Notes that another packet arrived.
    mutating func otherArrived(_ number: UInt64) { newestOther = max(newestOther ?? 0, number) }

    /// Notes that a packet of the kind was lost.
    mutating func lost(_ number: UInt64) {
        guard newestArrived.map({ number > $0 }) ?? true else { return }
        first = losses == 0 ? number : min(first, number)
        losses += 1
    }
}
