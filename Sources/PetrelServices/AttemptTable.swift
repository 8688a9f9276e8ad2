// Failed attempts by name, and how long that name must wait; bounded, the oldest names go first.

import PetrelBase

/// Counts failures by key, and makes whoever failed often wait.
///
/// After five failures each further attempt must wait, 1 s at first, doubling up to 60 s. A quarter
/// of an hour without an attempt forgets them.
struct AttemptTable<Key: Hashable & Sendable>: Sendable {
    private struct Entry {
        var failures = 0
        var latest: Instant
        var blockedUntil: Instant
    }

    private static var freeFailures: Int { 5 }
    private static var memory: Interval { .seconds(15 * 60) }

    /// Has exactly the keys that `order` has.
    private var entries: [Key: Entry] = [:]
    private var order: RingBuffer<Key>

    init(capacity: Int) {
        order = RingBuffer(capacity: capacity)
        entries.reserveCapacity(capacity)
    }

    /// Names in the table.
    var count: Int { entries.count }

    /// Begins an attempt: returns how long it must wait instead, if it must.
    ///
    /// Once a key has failed too often, an attempt that may begin blocks all others until its wait
    /// is over, so that attempts side by side gain nothing.
    mutating func begin(_ key: Key, now: Instant) -> Interval? {
        guard var entry = entries[key] else { return nil }
        if now - entry.latest > Self.memory { entry.failures = 0 }
        guard entry.blockedUntil <= now else { return entry.blockedUntil - now }
        entry.latest = now
        if entry.failures >= Self.freeFailures {
            entry.blockedUntil = now + Self.wait(after: entry.failures)
        }
        entries[key] = entry
        return nil
    }

    /// Counts a failure.
    mutating func fail(_ key: Key, now: Instant) {
        if entries[key] == nil {
            if order.isFull, let oldest = order.popFirst() { entries[oldest] = nil }
            _ = order.append(key)
        }
        var entry = entries[key] ?? Entry(latest: now, blockedUntil: now)
        entry.failures += 1
        entry.latest = now
        if entry.failures >= Self.freeFailures {
            entry.blockedUntil = now + Self.wait(after: entry.failures)
        }
        entries[key] = entry
    }

    /// Takes one failure back: the attempt was not judged.
    mutating func withdraw(_ key: Key, now: Instant) {
        guard var entry = entries[key], entry.failures > 0 else { return }
        entry.failures -= 1
        if entry.failures < Self.freeFailures { entry.blockedUntil = now }
        entries[key] = entry
    }

    /// Forgets the failures of a key that has shown who it is.
    mutating func forgive(_ key: Key, now: Instant) {
        guard var entry = entries[key] else { return }
        entry.failures = 0
        entry.blockedUntil = now
        entries[key] = entry
    }

    private static func wait(after failures: Int) -> Interval {
        .seconds(min(60, 1 << Int64(min(6, failures - freeFailures))))
    }
}
