// Sessions that were granted but not confirmed: what is said again, and when they are given up.

import PetrelBase
import PetrelTransport

/// An ACCEPT that was sent and not answered yet.
struct HalfOpen {
    /// Equal for copies of the same HELLO.
    var tag: HelloTag
    /// The datagram, to be sent again for each copy.
    var accept: [UInt8]
    /// The session's handle.
    var handle: Handle
}

/// The half-open sessions by slot, by HELLO, and by the time at which they are given up.
struct HalfOpenTable {
    private var entries: [HalfOpen?]
    private var handles: [HelloTag: Handle] = [:]
    private var deadlines: DeadlineQueue

    /// Creates an empty table for sessions in a slab of that capacity.
    init(slots: Int) {
        entries = Array(repeating: nil, count: slots)
        deadlines = DeadlineQueue(capacity: slots)
    }

    /// Half-open sessions.
    var count: Int { handles.count }

    /// The session whose time is up next, with that time.
    var first: (handle: Handle, deadline: Instant)? {
        guard let (slot, deadline) = deadlines.first, let entry = entries[slot] else { return nil }
        return (entry.handle, deadline)
    }

    /// The session that a copy of its HELLO asks for.
    func handle(of tag: HelloTag) -> Handle? { handles[tag] }

    /// The ACCEPT of a session that is still half open.
    func accept(of handle: Handle) -> [UInt8]? {
        guard let entry = entries[handle.slot], entry.handle == handle else { return nil }
        return entry.accept
    }

    /// Adds a session, to be given up at `deadline`.
    mutating func insert(_ entry: HalfOpen, until deadline: Instant) {
        handles[entry.tag] = entry.handle
        deadlines.set(entry.handle.slot, to: deadline)
        entries[entry.handle.slot] = entry
    }

    /// Gives a session more time.
    mutating func extend(_ handle: Handle, until deadline: Instant) {
        guard accept(of: handle) != nil else { return }
        deadlines.set(handle.slot, to: deadline)
    }

    /// Removes a session, because it is confirmed or given up; returns whether it was there.
    @discardableResult
    mutating func remove(_ handle: Handle) -> Bool {
        guard let entry = entries[handle.slot], entry.handle == handle else { return false }
        handles[entry.tag] = nil
        deadlines.remove(handle.slot)
        entries[handle.slot] = nil
        return true
    }
}
