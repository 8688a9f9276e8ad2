// First in, first out; refuses when full; lets go of what it gave away.

import PetrelBase
import Testing

@Suite struct RingBufferTests {
    @Test func refusesWhenFull() {
        var ring = RingBuffer<Int>(capacity: 2)
        #expect(ring.isEmpty && !ring.isFull)
        let taken = [1, 2, 3].map { ring.append($0) }
        #expect(taken == [true, true, false])
        #expect(ring.isFull)
        let first = ring.popFirst()
        let isTaken = ring.append(4)
        #expect(first == 1 && isTaken)
        let rest = (0..<3).map { _ in ring.popFirst() }
        #expect(rest == [2, 4, nil])
    }

    @Test(arguments: 0..<20 as Range<UInt64>)
    func behavesLikeAnArray(seed: UInt64) {
        var stream = RandomStream(seed: seed, label: "ring")
        let capacity = 1 + Int(stream.below(9))
        var ring = RingBuffer<Int>(capacity: capacity)
        var model: [Int] = []
        for step in 0..<500 {
            if stream.chance(0.55) {
                let isTaken = ring.append(step)
                #expect(isTaken == (model.count < capacity))
                if isTaken { model.append(step) }
            } else {
                let first = ring.popFirst()
                #expect(first == (model.isEmpty ? nil : model.removeFirst()))
            }
            #expect(ring.count == model.count)
            #expect(ring.isEmpty == model.isEmpty && ring.isFull == (model.count == capacity))
        }
    }

    @Test func keepsNothingAliveThatItGaveAway() {
        final class Guest {}
        var ring = RingBuffer<Guest>(capacity: 2)
        weak var guest: Guest?
        do {
            let arrived = Guest()
            guest = arrived
            let isTaken = ring.append(arrived)
            #expect(isTaken)
        }
        #expect(guest != nil)
        _ = ring.popFirst()
        #expect(guest == nil)
    }
}
