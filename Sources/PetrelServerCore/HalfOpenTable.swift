// Sessions that were granted but not confirmed: a table of their own, small and short-lived.

import PetrelBase
import PetrelTransport

/// An ACCEPT that was sent and not answered yet.
struct HalfOpen: ~Copyable {
    /// Equal for copies of the same HELLO.
    let tag: HelloTag
    /// The datagram, to be sent again for each copy.
    let accept: [UInt8]
    /// The counter of the HELLO.
    let helloCounter: UInt64
    /// The keys, until the client's first packet makes them a session.
    let session: UnconfirmedSession
}

/// The half-open sessions by connection ID, by HELLO, and by the time at which they are given up.
struct HalfOpenTable: ~Copyable {
    private var entries: Slab<HalfOpen>
    private var tags: [HelloTag: Handle] = [:]
    private var ids: SessionTable
    private var deadlines: DeadlineQueue

    /// Creates an empty table of that capacity.
    init(capacity: Int) {
        entries = Slab(capacity: capacity)
        ids = SessionTable(capacity: capacity)
        deadlines = DeadlineQueue(capacity: capacity)
    }

    /// Half-open sessions.
    var count: Int { entries.count }
    /// Whether one more would not fit.
    var isFull: Bool { entries.isFull }
    /// When the next one is given up.
    var deadline: Instant { deadlines.first?.deadline ?? .distantFuture }

    /// The session that a copy of its HELLO asks for.
    func handle(of tag: HelloTag) -> Handle? { tags[tag] }

    /// The session that a packet belongs to.
    func handle(of id: UInt64) -> Handle? { ids.handle(of: id) }

    /// Accesses a session.
    ///
    /// - Precondition: `handle` is one that was found, and nothing was removed since.
    subscript(handle: Handle) -> HalfOpen {
        _read { yield entries[handle] }
    }

    /// Adds a session, to be given up at `deadline`; `false` if there is no room.
    mutating func insert(_ entry: consuming HalfOpen, until deadline: Instant) -> Bool {
        let tag = entry.tag
        let id = entry.session.connectionID
        guard let handle = entries.insert(entry) else { return false }
        tags[tag] = handle
        ids.insert(id, handle)
        deadlines.set(handle.slot, to: deadline)
        return true
    }

    /// Gives a session more time.
    mutating func extend(_ handle: Handle, until deadline: Instant) {
        guard entries.contains(handle) else { return }
        deadlines.set(handle.slot, to: deadline)
    }

    /// Removes the session whose time is up first, if that is at `limit` or before.
    mutating func removeFirst(until limit: Instant) -> Bool {
        guard let (slot, deadline) = deadlines.first, deadline <= limit,
            let handle = entries.handle(slot: slot)
        else { return false }
        remove(handle)
        return true
    }

    /// Removes a session, because it is confirmed or given up.
    mutating func remove(_ handle: Handle) {
        guard entries.contains(handle) else { return }
        tags[entries[handle].tag] = nil
        ids.remove(entries[handle].session.connectionID)
        deadlines.remove(handle.slot)
        _ = entries.remove(handle)
    }
}
