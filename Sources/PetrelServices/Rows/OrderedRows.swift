// The rows of one table in memory, in the order of their keys.

/// A sorted table in runs, so that a change in the middle shifts few rows.
///
/// A value: a copy shares all runs, and a change copies the one run that it concerns.
struct OrderedRows: Sendable {
    /// Rows of a run; a full one is cut in two.
    private static let runCountMax = 64

    private struct Entry: Sendable {
        var key: Key
        var row: any Record
    }

    /// A place: the first entry that is not below some key, or the end.
    private struct Place {
        var run: Int
        var entry: Int
    }

    /// Never empty themselves.
    private var runs: [[Entry]] = []

    /// Returns the row under `key`.
    subscript(key: Key) -> (any Record)? {
        let place = seek(key)
        return isThere(key, place) ? runs[place.run][place.entry].row : nil
    }

    /// Whether there is a row under `key`.
    func contains(_ key: Key) -> Bool { isThere(key, seek(key)) }

    /// Puts a row under `key`, in the place of what was there.
    mutating func set(_ row: any Record, at key: Key) {
        let place = seek(key)
        let entry = Entry(key: key, row: row)
        if isThere(key, place) {
            runs[place.run][place.entry] = entry
        } else if place.run < runs.count {
            insert(entry, at: place)
        } else {
            append(entry)
        }
    }

    /// Removes the row under `key`, if there is one.
    mutating func remove(_ key: Key) {
        let place = seek(key)
        guard isThere(key, place) else { return }
        if runs[place.run].count == 1 {
            runs.remove(at: place.run)
        } else {
            runs[place.run].remove(at: place.entry)
        }
    }

    /// Calls `body` with keys from `start` on that share its first `prefix` bytes, in order, as
    /// long as it returns `true`.
    func walk(from start: Key, prefix: Int, _ body: (Key) -> Bool) {
        var place = seek(start)
        while place.run < runs.count {
            let key = runs[place.run][place.entry].key
            guard key.sharesPrefix(of: start, prefix), body(key) else { return }
            place.entry += 1
            if place.entry == runs[place.run].count { place = Place(run: place.run + 1, entry: 0) }
        }
    }

    private func isThere(_ key: Key, _ place: Place) -> Bool {
        place.run < runs.count && runs[place.run][place.entry].key == key
    }

    private func seek(_ key: Key) -> Place {
        // Most of what is looked for at all is at the end or new.
        guard let last = runs.last?.last, !(last.key < key) else {
            return Place(run: runs.count, entry: 0)
        }
        // The first run whose last key is not below; there is one.
        let run = Self.firstIndex(below: runs.count) { i in
            !(runs[i][runs[i].count - 1].key < key)
        }
        let entry = Self.firstIndex(below: runs[run].count) { i in !(runs[run][i].key < key) }
        return Place(run: run, entry: entry)
    }

    /// Returns the first index below `end` for which `isBeyond`, which is false before it and true
    /// from it on; `end` if there is none.
    private static func firstIndex(below end: Int, _ isBeyond: (Int) -> Bool) -> Int {
        var (low, high) = (0, end)
        while low < high {
            let middle = (low + high) / 2
            if isBeyond(middle) { high = middle } else { low = middle + 1 }
        }
        return low
    }

    private mutating func append(_ entry: Entry) {
        if let last = runs.last, last.count < Self.runCountMax {
            runs[runs.count - 1].append(entry)
        } else {
            runs.append([entry])
        }
    }

    private mutating func insert(_ entry: Entry, at place: Place) {
        runs[place.run].insert(entry, at: place.entry)
        let count = runs[place.run].count
        guard count > Self.runCountMax else { return }
        let upper = Array(runs[place.run][(count / 2)...])
        runs[place.run].removeLast(count - count / 2)
        runs.insert(upper, at: place.run + 1)
    }
}
