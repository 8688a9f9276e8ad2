// Fragments become messages: each once, durable ones in order, and nothing beyond the limits.

import PetrelBase
import PetrelWire
import Testing

@testable import PetrelTransport

@Suite struct ReassemblerTests {
    private func message(_ byteCount: Int, _ salt: Int = 0) -> [UInt8] {
        (0..<byteCount).map { UInt8(truncatingIfNeeded: $0 &* 7 &+ $0 / 256 &+ salt) }
    }

    @Test func wholeMessagesComeFromTheDatagram() throws {
        var reassembler = Reassembler(credit: 10_000)
        #expect(try reassembler.take([1], as: .reliable, number: 0) == .whole)
        #expect(try reassembler.take([1], as: .reliable, number: 0) == .none, "a repetition")
        #expect(try reassembler.take([2], as: .reliable, number: 9) == .whole, "no order")
        #expect(try reassembler.take([3], as: .durable, number: 0) == .whole)
        #expect(reassembler.releaseHeld() == nil)
    }

    @Test func durableMessagesWaitForEarlierOnes() throws {
        var reassembler = Reassembler(credit: 10_000)
        #expect(try reassembler.take([2], as: .durable, number: 2) == .held)
        #expect(try reassembler.take([1], as: .durable, number: 1) == .held)
        #expect(try reassembler.take([1], as: .durable, number: 1) == .none)
        #expect(reassembler.releaseHeld() == nil)
        #expect(try reassembler.take([0], as: .durable, number: 0) == .whole)
        #expect(reassembler.releaseHeld()?.number == 1)
        #expect(reassembler.assembled == [1])
        #expect(reassembler.releaseHeld()?.number == 2)
        #expect(reassembler.assembled == [2])
        #expect(reassembler.releaseHeld() == nil)
    }

    @Test func contradictingFragmentsAreViolations() throws {
        let sample = message(2_000)
        var other = sample
        other[3] ^= 1
        let rows: [(bytes: [UInt8], outcome: Reassembler.Outcome)] = [
            (sample, .none), (other, .violation(.fragmentConflict)),
            (Array(sample.prefix(1_999)), .violation(.fragmentConflict)),
            (message(3_000), .violation(.fragmentConflict)),
        ]
        for row in rows {
            var reassembler = Reassembler(credit: 10_000)
            #expect(try reassembler.take(sample, index: 0, as: .durable, number: 0) == .none)
            #expect(
                try reassembler.take(row.bytes, index: 0, as: .durable, number: 0) == row.outcome)
        }
        // A message that is complete is not looked at again.
        var reassembler = Reassembler(credit: 10_000)
        #expect(try reassembler.take(sample, index: 1, as: .durable, number: 0) == .none)
        #expect(try reassembler.take(sample, index: 0, as: .durable, number: 0) == .assembled)
        #expect(reassembler.assembled == sample)
        #expect(try reassembler.take(other, index: 0, as: .durable, number: 0) == .none)
    }

    @Test func numbersBeyondTheWindowAreViolations() throws {
        for kind in [DeliveryClass.reliable, .durable] {
            var reassembler = Reassembler(credit: 10_000)
            let beyond = Reassembler.Outcome.violation(.limitExceeded)
            #expect(try reassembler.take([1], as: kind, number: 512) == beyond)
            #expect(try reassembler.take([1], as: kind, number: UInt64(1) << 61) == beyond)
            #expect(try reassembler.take([1], as: kind, number: 511) != beyond)
            #expect(try reassembler.take([1], as: kind, number: 0) == .whole)
            #expect(try reassembler.take([1], as: kind, number: 512) != beyond, "the window moved")
        }
    }

    @Test func ninthUnfinishedMessageIsAViolation() throws {
        var reassembler = Reassembler(credit: 1 << 20)
        let sample = message(1_025)
        for number in UInt64(0)..<8 {
            let kind: DeliveryClass = number % 2 == 0 ? .durable : .reliable
            #expect(try reassembler.take(sample, index: 0, as: kind, number: number) == .none)
        }
        var full = reassembler
        #expect(
            try full.take(sample, index: 0, as: .durable, number: 9) == .violation(.limitExceeded))
        // Small messages pass, and one that is complete makes room.
        #expect(try reassembler.take([1], as: .reliable, number: 0) == .whole)
        #expect(try reassembler.take(sample, index: 1, as: .reliable, number: 1) == .assembled)
        #expect(try reassembler.take(sample, index: 0, as: .durable, number: 9) == .none)
    }

    @Test func moreBytesThanGrantedAreAViolation() throws {
        var reassembler = Reassembler(credit: 2_000)
        #expect(try reassembler.take(message(1_500), index: 0, as: .durable, number: 1) == .none)
        // The same message is not charged twice; all of it was charged at once.
        #expect(try reassembler.take(message(1_500), index: 1, as: .durable, number: 1) == .held)
        #expect(try reassembler.take(message(500), as: .reliable, number: 0) == .whole)
        let tooMuch = Reassembler.Outcome.violation(.limitExceeded)
        var copy = reassembler
        #expect(try copy.take([1], as: .reliable, number: 1) == tooMuch)
        #expect(reassembler.creditToAnnounce == nil, "less than half is free again")
        #expect(reassembler.announceCredit() == 2_500)
        #expect(try reassembler.take(message(500), as: .reliable, number: 1) == .whole)
        copy = reassembler
        #expect(try copy.take([1], as: .reliable, number: 2) == tooMuch)
        #expect(try reassembler.take([], as: .durable, number: 0) == .whole)
        #expect(reassembler.releaseHeld()?.number == 1)
        #expect(reassembler.creditToAnnounce == 4_500)
        #expect(reassembler.announceCredit() == 4_500)
        #expect(reassembler.creditToAnnounce == nil)
    }

    /// Fragments of chance: shuffled, doubled, from both classes; within what a sender may do.
    @Test(arguments: UInt64(1)...60)
    func agreesWithWhatWasSent(seed: UInt64) throws {
        var random = RandomStream(seed: seed, label: "reassembler")
        var reassembler = Reassembler(credit: 192 * 1_024)
        var next: [DeliveryClass: UInt64] = [.durable: 0, .reliable: 0]
        var durableSent: [[UInt8]] = []
        var durableGot: [[UInt8]] = []
        for _ in 0..<12 {
            var fragments: [(message: [UInt8], index: Int, kind: DeliveryClass, number: UInt64)]
            fragments = []
            var reliableSent: [UInt64: [UInt8]] = [:]
            for i in 0..<1 + random.below(20) {
                let isLarge = i < 8 && random.chance(0.4)
                let byteCount = isLarge ? 1_025 + random.below(14_000) : random.below(1_025)
                let bytes = message(Int(byteCount), Int(random.below(256)))
                let kind: DeliveryClass = random.chance(0.5) ? .durable : .reliable
                let number = next[kind] ?? 0
                next[kind] = number + 1
                if kind == .durable {
                    durableSent.append(bytes)
                } else {
                    reliableSent[number] = bytes
                }
                for index in 0..<MessageFragment.count(total: bytes.count) {
                    fragments.append((bytes, index, kind, number))
                    if random.chance(0.3) { fragments.append((bytes, index, kind, number)) }
                }
            }
            fragments.shuffle(using: &random)
            for (bytes, index, kind, number) in fragments {
                let outcome = try reassembler.take(bytes, index: index, as: kind, number: number)
                switch outcome {
                case .none, .held: break
                case .whole, .assembled:
                    let got = outcome == .whole ? bytes : reassembler.assembled
                    if kind == .durable {
                        durableGot.append(got)
                    } else {
                        #expect(reliableSent.removeValue(forKey: number) == got, "seed \(seed)")
                    }
                case .violation(let code): Issue.record("\(code), seed \(seed)")
                }
                while kind == .durable, reassembler.releaseHeld() != nil {
                    durableGot.append(reassembler.assembled)
                }
            }
            #expect(reliableSent.isEmpty, "seed \(seed)")
            #expect(durableGot == durableSent, "seed \(seed)")
            _ = reassembler.announceCredit()
        }
    }
}
