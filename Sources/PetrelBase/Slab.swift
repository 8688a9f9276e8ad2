// A table whose elements stay in place and are named by handles that notice their removal.

/// Names an element of a slab.
///
/// A handle to a removed element is recognised, not obeyed.
public struct Handle: Hashable, Sendable {
    @usableFromInline var index: UInt32
    @usableFromInline var generation: UInt32

    @usableFromInline init(index: UInt32, generation: UInt32) {
        self.index = index
        self.generation = generation
    }

    /// The slot, for arrays kept beside the slab; below the slab's capacity.
    public var slot: Int { Int(index) }
}

/// A fixed number of slots that hold elements in place.
///
/// No allocation after `init`, no reference counts, no hashing: a lookup is a bounds check, a
/// generation check and an address. Elements may be noncopyable. Slots that were never needed are
/// never touched, so that the system gives them no memory.
///
/// - Complexity: `insert`, `remove` and the subscript are O(1).
@safe
public struct Slab<Element: ~Copyable>: ~Copyable {
    @usableFromInline struct Slot: ~Copyable {
        @usableFromInline var element: Element?
        @usableFromInline var generation: UInt32
        @usableFromInline var nextFree: UInt32

        @usableFromInline init(generation: UInt32, nextFree: UInt32) {
            element = nil
            self.generation = generation
            self.nextFree = nextFree
        }
    }

    @usableFromInline let slots: UnsafeMutablePointer<Slot>
    /// Slots in all.
    public let capacity: Int
    /// Slots that hold or held an element; those beyond them hold nothing, not even that.
    @usableFromInline var usedCount = 0
    private var firstFree: UInt32?
    /// Elements in the slab.
    public private(set) var count = 0

    /// Creates an empty slab with room for `capacity` elements.
    public init(capacity: Int) {
        precondition(capacity > 0 && capacity < Int(UInt32.max))
        self.capacity = capacity
        unsafe slots = .allocate(capacity: capacity)
    }

    deinit {
        unsafe slots.deinitialize(count: usedCount)
        unsafe slots.deallocate()
    }

    /// Whether no slot is free.
    public var isFull: Bool { count == capacity }

    /// Puts `element` into a free slot and names it; `nil`, dropping it, if there is none.
    public mutating func insert(_ element: consuming Element) -> Handle? {
        guard let index = takeFree() else { return nil }
        let slot = unsafe slots + Int(index)
        unsafe slot.pointee.element = consume element
        count += 1
        return Handle(index: index, generation: unsafe slot.pointee.generation)
    }

    private mutating func takeFree() -> UInt32? {
        if let index = firstFree {
            let next = unsafe slots[Int(index)].nextFree
            firstFree = next == index ? nil : next
            return index
        }
        guard usedCount < capacity else { return nil }
        unsafe (slots + usedCount).initialize(to: Slot(generation: 1, nextFree: 0))
        usedCount += 1
        return UInt32(usedCount - 1)
    }

    /// Removes and returns the element that `handle` names, if it is still there.
    public mutating func remove(_ handle: Handle) -> Element? {
        guard contains(handle) else { return nil }
        let slot = unsafe slots + handle.slot
        unsafe slot.pointee.generation &+= 1
        // The last of the free ones names itself.
        unsafe slot.pointee.nextFree = firstFree ?? handle.index
        firstFree = handle.index
        count -= 1
        return unsafe slot.pointee.element.take()
    }

    /// Whether `handle` still names an element.
    @inlinable
    public func contains(_ handle: Handle) -> Bool {
        guard handle.slot < usedCount else { return false }
        return unsafe slots[handle.slot].generation == handle.generation
            && slots[handle.slot].element != nil
    }

    /// The handle of the element in that slot, if there is one; to walk over all.
    @inlinable
    public func handle(slot: Int) -> Handle? {
        guard slot >= 0, slot < usedCount else { return nil }
        guard unsafe slots[slot].element != nil else { return nil }
        return Handle(index: UInt32(slot), generation: unsafe slots[slot].generation)
    }

    /// Accesses the element that `handle` names, in place.
    ///
    /// - Precondition: `contains(handle)`, which implies that the slot is filled.
    // swift-format-ignore: NeverForceUnwrap
    @inlinable
    public subscript(handle: Handle) -> Element {
        _read {
            precondition(contains(handle))
            yield unsafe slots[handle.slot].element!
        }
        _modify {
            precondition(contains(handle))
            yield unsafe &slots[handle.slot].element!
        }
    }
}
