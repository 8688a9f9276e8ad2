// The earliest deadline comes first, however the others move.

import PetrelBase
import Testing

@Suite struct DeadlineQueueTests {
    @Test func emptyHasNoDeadline() {
        var queue = DeadlineQueue(capacity: 4)
        #expect(queue.first == nil)
        queue.remove(2)
        queue.set(1, to: .distantFuture)
        #expect(queue.first == nil)
    }

    @Test func distantFutureTakesOut() {
        var queue = DeadlineQueue(capacity: 2)
        queue.set(0, to: Instant(nanoseconds: 5))
        queue.set(1, to: Instant(nanoseconds: 6))
        queue.set(0, to: .distantFuture)
        #expect(queue.first?.slot == 1)
        #expect(queue.first?.deadline == Instant(nanoseconds: 6))
    }

    /// Against a table that is searched from end to end.
    @Test(arguments: 0..<40 as Range<UInt64>)
    func behavesLikeASortedTable(seed: UInt64) {
        var stream = RandomStream(seed: seed, label: "deadlines")
        let capacity = 1 + stream.below(40)
        var queue = DeadlineQueue(capacity: Int(capacity))
        var model: [Int: Instant] = [:]
        for _ in 0..<600 {
            let slot = Int(stream.below(capacity))
            if stream.chance(0.3) {
                queue.remove(slot)
                model[slot] = nil
            } else {
                let deadline = Instant(nanoseconds: Int64(stream.below(50)) - 25)
                queue.set(slot, to: deadline)
                model[slot] = deadline
            }
            let first = queue.first
            #expect(first?.deadline == model.values.min())
            if let first { #expect(model[first.slot] == first.deadline) }
        }
        var drained: [Instant] = []
        while let first = queue.first {
            drained.append(first.deadline)
            queue.remove(first.slot)
        }
        #expect(drained == model.values.sorted())
    }
}
