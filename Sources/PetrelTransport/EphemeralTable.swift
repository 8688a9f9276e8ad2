// Ephemeral values: the newest of each key goes out, older ones are forgotten.

internal import PetrelBase
internal import PetrelWire

/// Values that wait to be sent or repeated once, one for each key.
struct EphemeralSender: Sendable {
    private struct Slot: Sendable {
        var key: UInt64 = 0
        var version: UInt64 = 0
        var bytes: [UInt8] = []
        var isWaiting = false
        var wasRepeated = false
        var queued = Instant(nanoseconds: 0)
    }

    private var slots: [Slot] = []
    private var nextVersion: UInt64 = 1

    /// Creates an empty table whose first value has that version.
    init(nextVersion: UInt64 = 1) { self.nextVersion = nextVersion }

    /// The version of the next value.
    var version: UInt64 { nextVersion }

    /// Puts a new value of `key` in the place of the one before.
    mutating func set(_ value: RawSpan, key: UInt64, now: Instant) -> UInt64 {
        let index = place(of: key)
        slots[index].key = key
        slots[index].version = nextVersion
        slots[index].bytes.removeAll(keepingCapacity: true)
        unsafe value.withUnsafeBytes { unsafe slots[index].bytes.append(contentsOf: $0) }
        slots[index].isWaiting = true
        slots[index].wasRepeated = false
        slots[index].queued = now
        nextVersion += 1
        return slots[index].version
    }

    /// Drops what has waited for longer than `ageMax`.
    mutating func dropStale(ageMax: Interval, now: Instant) {
        for i in slots.indices where slots[i].isWaiting && now - slots[i].queued > ageMax {
            slots[i].isWaiting = false
        }
    }

    /// Whether a value waits.
    var hasWaiting: Bool { slots.contains { $0.isWaiting } }

    /// Writes one waiting value; `nil` if none waits or fits.
    mutating func writeNext(to writer: inout ByteWriter) -> SentFrame? {
        for i in slots.indices where slots[i].isWaiting {
            let bytes = slots[i].bytes
            let written: Void? = unsafe try? EphemeralFrame.write(
                bytes.span.bytes, key: slots[i].key, version: slots[i].version, to: &writer
            )
            guard written != nil else { continue }
            slots[i].isWaiting = false
            return .ephemeral(slot: UInt16(i), version: slots[i].version)
        }
        return nil
    }

    /// Notes that a value was lost: the newest of its key is sent once more.
    mutating func lost(slot: UInt16, version: UInt64, now: Instant) {
        let index = Int(slot)
        guard slots[index].version == version, !slots[index].wasRepeated else { return }
        slots[index].isWaiting = true
        slots[index].wasRepeated = true
        slots[index].queued = now
    }

    private mutating func place(of key: UInt64) -> Int {
        if let index = slots.firstIndex(where: { $0.key == key }) { return index }
        if slots.count < WireLimits.ephemeralKeysMax {
            slots.append(Slot())
            return slots.count - 1
        }
        return slots.indices.min { slots[$0].version < slots[$1].version } ?? 0
    }
}

/// The newest version received of each key.
struct EphemeralReceiver: Sendable {
    private var newest: [(key: UInt64, version: UInt64)] = []
    /// The highest version of a key that was forgotten; older values of unknown keys are dropped.
    private var floor: UInt64 = 0

    /// Creates a table that drops all versions up to `floor`.
    init(floor: UInt64 = 0) { self.floor = floor }

    /// The highest version received of any key.
    var highest: UInt64 { newest.reduce(floor) { max($0, $1.version) } }

    /// Whether a value is newer than what was received of its key; it is remembered then.
    mutating func accept(key: UInt64, version: UInt64) -> Bool {
        if let index = newest.firstIndex(where: { $0.key == key }) {
            guard version > newest[index].version else { return false }
            newest[index].version = version
            return true
        }
        guard version > floor else { return false }
        if newest.count == WireLimits.ephemeralKeysMax,
            let oldest = newest.indices.min(by: { newest[$0].version < newest[$1].version })
        {
            floor = max(floor, newest[oldest].version)
            newest.remove(at: oldest)
        }
        newest.append((key, version))
        return true
    }
}
