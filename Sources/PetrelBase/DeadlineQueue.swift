// The next deadline of many: a binary heap that can move the deadline of one slot.

/// One deadline for each of a fixed number of slots, and the earliest of them at hand.
///
/// An indexed binary heap; no allocation after `init`. Slots are those of a `Slab`.
///
/// - Complexity: `set` and `remove` are O(log n), `first` is O(1).
public struct DeadlineQueue: Sendable {
    private var heap: [Int32] = []
    private var position: [Int32]
    private var deadline: [Instant]

    /// Creates a queue for that many slots, none of which has a deadline.
    public init(capacity: Int) {
        heap.reserveCapacity(capacity)
        position = Array(repeating: -1, count: capacity)
        deadline = Array(repeating: .distantFuture, count: capacity)
    }

    /// Slots that there is room for.
    public var capacity: Int { position.count }

    /// Makes room for `slot`, and for as many again as there are, if there is none.
    public mutating func makeRoom(for slot: Int) {
        let missing = max(slot + 1 - capacity, 0)
        guard missing > 0 else { return }
        let more = max(missing, capacity)
        position.append(contentsOf: repeatElement(-1, count: more))
        deadline.append(contentsOf: repeatElement(.distantFuture, count: more))
    }

    /// The slot whose deadline is earliest, with that deadline.
    public var first: (slot: Int, deadline: Instant)? {
        guard let slot = heap.first else { return nil }
        return (Int(slot), deadline[Int(slot)])
    }

    /// Sets the deadline of `slot`; `.distantFuture` takes it out.
    public mutating func set(_ slot: Int, to instant: Instant) {
        guard instant != .distantFuture else { return remove(slot) }
        deadline[slot] = instant
        if position[slot] < 0 {
            position[slot] = Int32(heap.count)
            heap.append(Int32(slot))
        }
        siftUp(Int(position[slot]))
        siftDown(Int(position[slot]))
    }

    /// Takes the deadline of `slot` out.
    public mutating func remove(_ slot: Int) {
        let hole = Int(position[slot])
        guard hole >= 0 else { return }
        position[slot] = -1
        deadline[slot] = .distantFuture
        let last = heap.removeLast()
        guard hole < heap.count else { return }
        heap[hole] = last
        position[Int(last)] = Int32(hole)
        siftUp(hole)
        siftDown(Int(position[Int(last)]))
    }

    private mutating func siftUp(_ start: Int) {
        var child = start
        while child > 0, isEarlier(child, than: (child - 1) / 2) {
            exchange(child, (child - 1) / 2)
            child = (child - 1) / 2
        }
    }

    private mutating func siftDown(_ start: Int) {
        var parent = start
        while true {
            var earliest = parent
            for child in parent * 2 + 1...parent * 2 + 2 where child < heap.count {
                if isEarlier(child, than: earliest) { earliest = child }
            }
            guard earliest != parent else { return }
            exchange(parent, earliest)
            parent = earliest
        }
    }

    private func isEarlier(_ a: Int, than b: Int) -> Bool {
        deadline[Int(heap[a])] < deadline[Int(heap[b])]
    }

    private mutating func exchange(_ a: Int, _ b: Int) {
        heap.swapAt(a, b)
        position[Int(heap[a])] = Int32(a)
        position[Int(heap[b])] = Int32(b)
    }
}
