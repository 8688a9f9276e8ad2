// Which packet numbers were received: each is let through once.

#if PETREL_PLANTED
    internal import PetrelBase
#endif

/// The numbers received lately, as a sliding bitmap (RFC 6479).
///
/// `accept` must be called only after the packet has been authenticated; before that, `mayAccept`
/// answers without remembering, so that a forger cannot move the window.
public struct ReplayWindow: Sendable {
    /// How far behind the newest number a number may be, in packets.
    public static let width: UInt64 = 1_024 - 64

    private var blocks = InlineArray<16, UInt64>(repeating: 0)
    private var newest: UInt64 = 0

    /// Creates a window that has seen nothing.
    public init() {}

    /// Creates a window for which all numbers up to `newest` count as accepted.
    init(acceptedUpTo newest: UInt64) {
        self.newest = newest
        for i in 0..<16 { blocks[i] = .max }
        blocks[block(of: newest)] = .max >> (63 - newest % 64)
    }

    /// Whether `number` is neither too old nor already accepted.
    public func mayAccept(_ number: UInt64) -> Bool {
        #if PETREL_PLANTED
            if PlantedBug.windowOffByOne.isActive, number == newest { return true }
        #endif
        if number > newest { return true }
        if newest - number > Self.width { return false }
        return blocks[block(of: number)] & bit(of: number) == 0
    }

    /// Folds what is remembered, for audits.
    func add(to digest: inout StateDigest) {
        digest.add(newest)
        for i in 0..<16 { digest.add(blocks[i]) }
    }

    /// Records `number`; returns `false`, changing nothing, if it may not be accepted.
    public mutating func accept(_ number: UInt64) -> Bool {
        guard mayAccept(number) else { return false }
        if number > newest { advance(to: number) }
        blocks[block(of: number)] |= bit(of: number)
        return true
    }

    private mutating func advance(to number: UInt64) {
        let skipped = min(number / 64 - newest / 64, 16)
        for i in 0..<skipped { blocks[Int((newest / 64 + 1 + i) % 16)] = 0 }
        newest = number
    }

    private func block(of number: UInt64) -> Int { Int(number / 64 % 16) }
    private func bit(of number: UInt64) -> UInt64 { 1 << (number % 64) }
}
