// Each packet number is let through once: a story, and a comparison with the obvious set.

import PetrelBase
import PetrelTransport
import Testing

@Suite struct ReplayWindowTests {
    static let w = ReplayWindow.width

    static let story: [(number: UInt64, isAccepted: Bool, because: String)] = [
        (0, true, "the first of a session"),
        (0, false, "the first, repeated"),
        (3, true, "two are missing"),
        (2, true, "one of them is late"),
        (2, false, "and not twice"),
        (w + 3, true, "a long gap"),
        (3, false, "at the edge, seen"),
        (4, true, "inside, unseen"),
        (2, false, "beyond the edge, seen"),
        (1, false, "beyond the edge, though unseen"),
        (w * 9, true, "a gap of many windows"),
        (w + 3, false, "long gone"),
        (w * 8, true, "the edge itself"),
        (w * 8 - 1, false, "one past the edge"),
        (w * 9 + 63, true, "within a block"),
        (w * 9 + 64, true, "the next block is clean"),
        (.max, true, "the last number"),
        (.max, false, "the last number, repeated"),
        (.max - w, true, "the edge below it"),
        (0, false, "the first, much later"),
    ]

    @Test func storyOfASession() {
        var window = ReplayWindow()
        for row in Self.story {
            #expect(window.mayAccept(row.number) == row.isAccepted, "\(row.because)")
            #expect(window.accept(row.number) == row.isAccepted, "\(row.because)")
        }
    }

    @Test func askingChangesNothing() {
        var window = ReplayWindow()
        #expect(window.accept(5) == true)
        for number in [UInt64.max, 6, 1_000_000, 5, 0] { _ = window.mayAccept(number) }
        #expect(window.accept(4) == true)
        #expect(window.accept(5) == false)
    }

    /// Random numbers around a front that moves, now and then by leaps.
    @Test(arguments: UInt64(1)...12)
    func agreesWithASet(seed: UInt64) {
        var random = RandomStream(seed: seed, label: "window")
        var window = ReplayWindow()
        var seen: Set<UInt64> = []
        var newest: UInt64 = 0
        for _ in 0..<20_000 {
            let leap = random.chance(0.001) ? random.below(5_000) : random.below(30)
            let number = newest + leap - min(newest, random.below(1_100))
            let isInside = number > newest || newest - number <= Self.w
            let expected = isInside && !seen.contains(number)
            #expect(window.accept(number) == expected, "seed \(seed), \(number) at \(newest)")
            guard expected else { continue }
            seen.insert(number)
            newest = max(newest, number)
        }
    }
}
