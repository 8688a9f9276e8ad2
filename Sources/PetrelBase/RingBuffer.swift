// A queue of bounded length that refuses when it is full.

/// A first-in, first-out queue that never grows beyond its capacity.
///
/// An empty one costs nothing: its memory doubles whenever it is fuller than it ever was, and is
/// kept from then on.
///
/// - Complexity: every operation but `contains` is O(1) on average.
public struct RingBuffer<Element> {
    @usableFromInline var storage: [Element?] = []
    @usableFromInline var head = 0
    @usableFromInline var length = 0
    /// The most elements.
    @usableFromInline let capacity: Int

    /// Creates an empty queue with room for `capacity` elements.
    @inlinable
    public init(capacity: Int) {
        precondition(capacity > 0)
        self.capacity = capacity
    }

    /// Elements in the queue.
    @inlinable
    public var count: Int { length }
    /// Whether there is nothing in the queue.
    @inlinable
    public var isEmpty: Bool { length == 0 }
    /// Whether nothing more fits.
    @inlinable
    public var isFull: Bool { count == capacity }

    /// The element at the front, if there is one.
    @inlinable
    public var first: Element? { count > 0 ? storage[head] : nil }

    /// Whether an element satisfies `predicate`, asked from the front on.
    @inlinable
    public func contains(where predicate: (Element) -> Bool) -> Bool {
        for i in 0..<count {
            if let element = storage[(head + i) % storage.count], predicate(element) { return true }
        }
        return false
    }

    /// Adds `element` at the end; returns `false`, changing nothing, if the queue is full.
    @inlinable
    public mutating func append(_ element: Element) -> Bool {
        guard !isFull else { return false }
        if count == storage.count { grow() }
        storage[(head + count) % storage.count] = element
        length += 1
        return true
    }

    /// Takes the element at the front, if there is one.
    @inlinable
    public mutating func popFirst() -> Element? {
        guard count > 0 else { return nil }
        let element = storage[head]
        storage[head] = nil
        head = (head + 1) % storage.count
        length -= 1
        return element
    }

    @usableFromInline
    mutating func grow() {
        let room = min(capacity, max(8, storage.count * 2))
        var larger: [Element?] = []
        larger.reserveCapacity(room)
        for i in 0..<count { larger.append(storage[(head + i) % storage.count]) }
        for _ in count..<room { larger.append(nil) }
        storage = larger
        head = 0
    }
}

extension RingBuffer: Sendable where Element: Sendable {}
