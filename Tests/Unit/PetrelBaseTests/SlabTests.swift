// Handles name their element and no later one; noncopyable elements are freed once.

import PetrelBase
import Testing

/// Counts how often what it lends to tokens is given back.
private final class Ledger {
    var freed: [Int: Int] = [:]
}

/// An element with one owner, which tells the ledger of its end.
private struct Token: ~Copyable {
    let name: Int
    let ledger: Ledger
    deinit { ledger.freed[name, default: 0] += 1 }
}

@Suite struct SlabTests {
    @Test func staleHandlesAreRecognised() throws {
        var slab = Slab<Int>(capacity: 1)
        let inserted = slab.insert(1)
        let first = try #require(inserted)
        let wasThere = slab.contains(first)
        let removed = slab.remove(first)
        let isThere = slab.contains(first)
        let removedAgain = slab.remove(first)
        #expect(wasThere && !isThere && removed == 1 && removedAgain == nil)

        let insertedNext = slab.insert(2)
        let second = try #require(insertedNext)
        #expect(first != second && first.slot == second.slot)
        let staleIsThere = slab.contains(first)
        let removedStale = slab.remove(first)
        let element = slab[second]
        let count = slab.count
        #expect(!staleIsThere && removedStale == nil && element == 2 && count == 1)
    }

    @Test func refusesWhenFull() throws {
        var slab = Slab<Int>(capacity: 3)
        var handles: [Handle] = []
        for i in 0..<3 {
            let isFull = slab.isFull
            #expect(!isFull)
            let handle = slab.insert(i)
            handles.append(try #require(handle))
        }
        #expect(Set(handles.map(\.slot)) == [0, 1, 2])
        let isFull = slab.isFull
        let refused = slab.insert(9)
        #expect(isFull && refused == nil)
        let removed = slab.remove(handles[1])
        let next = slab.insert(4)
        #expect(removed == 1 && next?.slot == handles[1].slot)
    }

    @Test func elementsChangeInPlace() throws {
        var slab = Slab<[Int]>(capacity: 2)
        let inserted = slab.insert([1])
        let handle = try #require(inserted)
        slab[handle].append(2)
        let element = slab[handle]
        #expect(element == [1, 2])
    }

    @Test func handlesOfLargerSlabsAreOutOfRange() throws {
        var large = Slab<Int>(capacity: 8)
        var last: Handle?
        for i in 0..<8 { last = large.insert(i) }
        let handle = try #require(last)
        #expect(handle.slot == 7)
        var small = Slab<Int>(capacity: 2)
        let isThere = small.contains(handle)
        let removed = small.remove(handle)
        #expect(!isThere && removed == nil)
        for slot in [-1, 0, 2, Int.max] {
            let found = small.handle(slot: slot)
            #expect(found == nil)
        }
    }

    @Test func noncopyableElementsAreFreedOnce() throws {
        let ledger = Ledger()
        do {
            var slab = Slab<Token>(capacity: 2)
            let inserted = slab.insert(Token(name: 1, ledger: ledger))
            let first = try #require(inserted)
            _ = slab.insert(Token(name: 2, ledger: ledger))
            #expect(ledger.freed == [:])
            let isRefused = slab.insert(Token(name: 3, ledger: ledger)) == nil
            #expect(isRefused && ledger.freed == [3: 1])
            do {
                let removed = slab.remove(first)
                #expect(ledger.freed == [3: 1])
                _ = consume removed
            }
            #expect(ledger.freed == [1: 1, 3: 1])
        }
        #expect(ledger.freed == [1: 1, 2: 1, 3: 1])
    }

    /// Against a dictionary of what must be there.
    @Test(arguments: 0..<20 as Range<UInt64>)
    func behavesLikeADictionary(seed: UInt64) {
        var stream = RandomStream(seed: seed, label: "slab")
        let capacity = 1 + Int(stream.below(12))
        var slab = Slab<UInt64>(capacity: capacity)
        var model: [Handle: UInt64] = [:]
        var past: [Handle] = []
        for step in 0..<400 as Range<UInt64> {
            if stream.chance(0.5) {
                let handle = slab.insert(step)
                #expect((handle == nil) == (model.count == capacity))
                if let handle {
                    #expect(!past.contains(handle))
                    model[handle] = step
                    past.append(handle)
                }
            } else if !past.isEmpty {
                let handle = past[Int(stream.below(UInt64(past.count)))]
                let removed = slab.remove(handle)
                #expect(removed == model.removeValue(forKey: handle))
            }
            let count = slab.count
            #expect(count == model.count)
        }
        var found: [Handle: UInt64] = [:]
        for slot in 0..<capacity {
            if let handle = slab.handle(slot: slot) { found[handle] = slab[handle] }
        }
        #expect(found == model)
    }
}
