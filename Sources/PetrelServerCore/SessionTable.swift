// Finds the session that a packet belongs to, by the connection ID that it carries.

import PetrelBase

/// Connection IDs and the handles of their sessions, in an open-addressing table of fixed size.
///
/// The IDs are ours and random, so a multiplication spreads them well enough; an attacker cannot
/// choose them. Linear probing, with entries moved back on removal, so there are no tombstones.
///
/// - Complexity: O(1) as long as no more than half of the table is used, which `init` sees to.
struct SessionTable {
    private struct Entry {
        /// 0: empty.
        var id: UInt64 = 0
        var handle: Handle?
    }

    private var entries: [Entry]
    private let shift: UInt64
    /// Sessions in the table.
    private(set) var count = 0

    /// Creates an empty table for that many sessions.
    init(capacity: Int) {
        var bits: UInt64 = 4
        while 1 << bits < capacity * 2 { bits += 1 }
        entries = Array(repeating: Entry(), count: 1 << Int(bits))
        shift = 64 - bits
    }

    /// The session with that connection ID.
    func handle(of id: UInt64) -> Handle? {
        guard id != 0 else { return nil }
        var i = home(of: id)
        while entries[i].id != 0 {
            if entries[i].id == id { return entries[i].handle }
            i = next(i)
        }
        return nil
    }

    /// Adds a session.
    ///
    /// - Precondition: `id` is not 0 and not in the table, and there are fewer than `capacity`.
    mutating func insert(_ id: UInt64, _ handle: Handle) {
        precondition(id != 0 && count * 2 < entries.count)
        var i = home(of: id)
        while entries[i].id != 0 {
            precondition(entries[i].id != id)
            i = next(i)
        }
        entries[i] = Entry(id: id, handle: handle)
        count += 1
    }

    /// Removes a session, if it is there.
    mutating func remove(_ id: UInt64) {
        guard id != 0 else { return }
        var hole = home(of: id)
        while entries[hole].id != id {
            guard entries[hole].id != 0 else { return }
            hole = next(hole)
        }
        entries[hole] = Entry()
        count -= 1
        var i = next(hole)
        while entries[i].id != 0 {
            // An entry may move into the hole if that lies between its home and its place.
            let distance = (i - home(of: entries[i].id)) & (entries.count - 1)
            if distance >= (i - hole) & (entries.count - 1) {
                entries.swapAt(hole, i)
                hole = i
            }
            i = next(i)
        }
    }

    private func home(of id: UInt64) -> Int { Int((id &* 0x9E37_79B9_7F4A_7C15) >> shift) }
    private func next(_ i: Int) -> Int { (i + 1) & (entries.count - 1) }
}
