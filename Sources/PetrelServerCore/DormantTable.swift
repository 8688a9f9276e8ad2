// The sessions of a worker that sleep: by place, by connection ID, and by when they are over.

import PetrelBase
import PetrelMessaging
import PetrelServices
import PetrelTransport

/// A session that sleeps, and who is behind it.
struct DormantRecord: ~Copyable {
    var session: DormantSession
    let state: DormantState
}

/// What is kept of a `SessionState`; the rest follows from the session, or is as it begins.
struct DormantState {
    /// `nil`: a stranger.
    var principal: Principal?
    /// The counter of the HELLO.
    var helloCounter: UInt64
    /// Messages that were no commands.
    var garbage: UInt8
}

/// Where a session is: in the slab of those awake, or among those that sleep.
enum SessionPlace: Hashable {
    case awake(Handle)
    case asleep(Handle)
}

/// The dormant sessions, in memory that grows with them up to a cap.
struct DormantTable: ~Copyable {
    private var entries: Slab<DormantRecord>
    private var ids = DormantIDs()
    private var deadlines = DeadlineQueue(capacity: 0)

    /// Creates an empty table of that capacity.
    init(capacity: Int) { entries = Slab(capacity: max(1, capacity)) }

    /// Dormant sessions.
    var count: Int { entries.count }
    /// Whether one more would not fit.
    var isFull: Bool { entries.isFull }
    /// Their connection IDs.
    var connectionIDsCount: Int { ids.count }
    /// When the next one is over.
    var deadline: Instant { deadlines.first?.deadline ?? .distantFuture }
    /// The one whose time is up first.
    var first: Handle? { deadlines.first.flatMap { entries.handle(slot: $0.slot) } }
    /// The slots that may hold one, for walks over all.
    var slots: Range<Int> { 0..<deadlines.capacity }

    /// The one in that slot.
    func handle(slot: Int) -> Handle? { entries.handle(slot: slot) }

    /// Whether the handle still names one.
    func contains(_ handle: Handle) -> Bool { entries.contains(handle) }

    /// The session that a packet belongs to.
    func handle(of id: UInt64) -> Handle? {
        guard entries.count > 0, let slot = ids.slot(of: id) else { return nil }
        return entries.handle(slot: slot)
    }

    /// Accesses one of them.
    ///
    /// - Precondition: `contains(handle)`.
    subscript(handle: Handle) -> DormantRecord {
        _read { yield entries[handle] }
        _modify { yield &entries[handle] }
    }

    /// Adds one; `nil` if there is no room.
    mutating func insert(_ record: consuming DormantRecord) -> Handle? {
        let deadline = record.session.deadline
        guard let handle = entries.insert(record) else { return nil }
        for i in 0..<entries[handle].session.connectionIDsCount {
            ids.insert(entries[handle].session.connectionID(at: i), slot: handle.slot)
        }
        deadlines.makeRoom(for: handle.slot)
        deadlines.set(handle.slot, to: deadline)
        return handle
    }

    /// Takes one out, because it wakes or is over.
    mutating func remove(_ handle: Handle) -> DormantRecord? {
        guard entries.contains(handle) else { return nil }
        for i in 0..<entries[handle].session.connectionIDsCount {
            ids.remove(entries[handle].session.connectionID(at: i))
        }
        deadlines.remove(handle.slot)
        return entries.remove(handle)
    }
}

/// Connection IDs and slots, in segments that grow one by one: no insertion moves more than a few
/// thousand entries.
///
/// The IDs are ours and random, as in `SessionTable`.
struct DormantIDs {
    private struct Entry {
        /// 0: empty.
        var id: UInt64 = 0
        var slot: UInt32 = 0
    }

    private var segments = [[Entry]](repeating: [], count: 64)
    private var counts = [Int](repeating: 0, count: 64)
    /// IDs in the table.
    private(set) var count = 0

    /// The slot of an ID.
    func slot(of id: UInt64) -> Int? {
        let segment = Self.segment(of: id)
        guard id != 0, !segments[segment].isEmpty else { return nil }
        var i = Self.home(of: id, segments[segment].count)
        while segments[segment][i].id != 0 {
            if segments[segment][i].id == id { return Int(segments[segment][i].slot) }
            i = (i + 1) & (segments[segment].count - 1)
        }
        return nil
    }

    /// Adds an ID, which is not 0 and not in the table.
    mutating func insert(_ id: UInt64, slot: Int) {
        let segment = Self.segment(of: id)
        if (counts[segment] + 1) * 4 > segments[segment].count * 3 { grow(segment) }
        Self.place(Entry(id: id, slot: UInt32(slot)), in: &segments[segment])
        counts[segment] += 1
        count += 1
    }

    /// Removes an ID, if it is there.
    mutating func remove(_ id: UInt64) {
        let segment = Self.segment(of: id)
        guard id != 0, !segments[segment].isEmpty else { return }
        let last = segments[segment].count - 1
        var hole = Self.home(of: id, last + 1)
        while segments[segment][hole].id != id {
            guard segments[segment][hole].id != 0 else { return }
            hole = (hole + 1) & last
        }
        counts[segment] -= 1
        count -= 1
        var i = (hole + 1) & last
        while segments[segment][i].id != 0 {
            // An entry may move into the hole if that lies between its home and its place.
            let distance = (i - Self.home(of: segments[segment][i].id, last + 1)) & last
            if distance >= (i - hole) & last {
                segments[segment][hole] = segments[segment][i]
                hole = i
            }
            i = (i + 1) & last
        }
        segments[segment][hole] = Entry()
    }

    private mutating func grow(_ segment: Int) {
        let size = max(8, segments[segment].count * 2)
        var larger = [Entry](repeating: Entry(), count: size)
        for entry in segments[segment] where entry.id != 0 { Self.place(entry, in: &larger) }
        segments[segment] = larger
    }

    private static func place(_ entry: Entry, in entries: inout [Entry]) {
        var i = home(of: entry.id, entries.count)
        while entries[i].id != 0 { i = (i + 1) & (entries.count - 1) }
        entries[i] = entry
    }

    private static func hash(_ id: UInt64) -> UInt64 { id &* 0x9E37_79B9_7F4A_7C15 }
    private static func segment(of id: UInt64) -> Int { Int(hash(id) >> 58) }
    private static func home(of id: UInt64, _ size: Int) -> Int {
        Int((hash(id) >> 26) & 0xFFFF_FFFF) & (size - 1)
    }
}
