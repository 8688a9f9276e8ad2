// The connection IDs of a session: those that we gave out, and those that we were given.

internal import PetrelBase
internal import PetrelWire

/// The IDs under which the peer may write to us, until it retires them.
struct LocalIDs: Sendable {
    /// The most that are in use at a time (Protocol/transport.md §5.10).
    static let activeMax = 4

    private struct Entry: Sendable {
        var sequence: UInt64 = 0
        var value: UInt64 = 0
        var resetToken: ResetToken?
        var isAnnounced = false
    }

    private var entries = InlineArray<4, Entry>(repeating: Entry())
    private(set) var count = 1
    private var nextSequence: UInt64 = 1
    private var retired = InlineArray<4, UInt64>(repeating: 0)
    private var retiredCount = 0

    init(first: UInt64) { entries[0] = Entry(sequence: 0, value: first, isAnnounced: true) }

    /// Accesses one of them.
    subscript(index: Int) -> UInt64 { entries[index].value }

    /// Whether the peer may use `value`.
    func contains(_ value: UInt64) -> Bool {
        for i in 0..<count where entries[i].value == value { return true }
        return false
    }

    /// Whether another one can be given out now, up to that many.
    func hasRoom(upTo most: Int) -> Bool {
        count < min(most, Self.activeMax) && retiredCount == 0
    }

    /// Adds one, which is to be announced.
    mutating func add(_ value: UInt64, resetToken: ResetToken? = nil) {
        precondition(count < Self.activeMax)
        entries[count] = Entry(sequence: nextSequence, value: value, resetToken: resetToken)
        count += 1
        nextSequence += 1
    }

    /// The next one that the peer was not told of.
    var nextToAnnounce: (sequence: UInt64, value: UInt64, resetToken: ResetToken?)? {
        for i in 0..<count where !entries[i].isAnnounced {
            return (entries[i].sequence, entries[i].value, entries[i].resetToken)
        }
        return nil
    }

    /// Notes that a NEW_CID was written, or that it was lost.
    mutating func mark(_ sequence: UInt64, isAnnounced: Bool) {
        for i in 0..<count where entries[i].sequence == sequence {
            entries[i].isAnnounced = isAnnounced
        }
    }

    /// Takes a RETIRE_CID in; returns `false` if there never was such an ID.
    mutating func retire(_ sequence: UInt64) -> Bool {
        guard sequence < nextSequence else { return false }
        for i in 0..<count where entries[i].sequence == sequence {
            retired[retiredCount] = entries[i].value
            retiredCount += 1
            count -= 1
            entries[i] = entries[count]
            return true
        }
        return true
    }

    /// Returns each retired value once, so that the owner can forget it.
    mutating func takeRetired() -> UInt64? {
        guard retiredCount > 0 else { return nil }
        retiredCount -= 1
        return retired[retiredCount]
    }
}

/// The IDs that we may write to the peer, one of them in use.
///
///     spare ── rotate ──▶ in use ── rotate ──▶ retiring: RETIRE_CID when late packets have arrived
struct RemoteIDs: Sendable {
    /// The most spare ones, besides the one in use.
    static let sparesMax = 3
    /// The most that are retired and not known to be forgotten by the peer.
    static let retiringMax = 4

    private struct Retiring: Sendable {
        var sequence: UInt64 = 0
        var value: UInt64 = 0
        /// When the peer is told; `.distantFuture` while a RETIRE_CID is under way.
        var due = Instant.distantFuture
    }

    private struct Spare: Sendable {
        var sequence: UInt64 = 0
        var value: UInt64 = 0
        var resetToken: ResetToken?
    }

    /// What our packets carry.
    private(set) var current: ConnectionID
    /// What ends a RESET for them.
    ///
    /// The tokens of other IDs end nothing: a late packet with an ID that the peer was told to
    /// forget is answered with the token of that one, while the session goes on.
    private(set) var resetToken: ResetToken?
    private var sequence: UInt64 = 0
    private var spares = InlineArray<3, Spare>(repeating: Spare())
    private var sparesCount = 0
    private var retiring = InlineArray<4, Retiring>(repeating: Retiring())
    private var retiringCount = 0
    /// The highest sequence heard of, and which of the 64 up to it were.
    private var highest: UInt64 = 0
    private var heard: UInt64 = 1

    init(first: ConnectionID, resetToken: ResetToken?) {
        current = first
        self.resetToken = resetToken
    }

    /// Whether `rotate` would do something.
    var canRotate: Bool { sparesCount > 0 && retiringCount < Self.retiringMax }

    /// Takes a NEW_CID in; returns `false` if the peer gives more than it may.
    mutating func add(_ new: UInt64, value: UInt64, resetToken: ResetToken? = nil) -> Bool {
        guard isFirst(new) else { return true }
        guard sparesCount < Self.sparesMax else { return false }
        spares[sparesCount] = Spare(sequence: new, value: value, resetToken: resetToken)
        sparesCount += 1
        return true
    }

    /// Goes on to the oldest spare ID; the old one is retired after `keptFor`.
    mutating func rotate(keptFor: Interval, now: Instant) {
        guard canRotate else { return }
        var oldest = 0
        for i in 0..<sparesCount where spares[i].sequence < spares[oldest].sequence { oldest = i }
        let chosen = spares[oldest]
        sparesCount -= 1
        spares[oldest] = spares[sparesCount]
        retiring[retiringCount] = Retiring(
            sequence: sequence, value: current.value, due: now + keptFor)
        retiringCount += 1
        sequence = chosen.sequence
        #if PETREL_PLANTED
            if PlantedBug.retiredIDStillUsed.isActive { return }
        #endif
        current.value = chosen.value
        resetToken = chosen.resetToken
    }

    /// The next ID that the peer is to be told to forget.
    func nextToRetire(now: Instant) -> (sequence: UInt64, value: UInt64)? {
        for i in 0..<retiringCount where retiring[i].due <= now {
            return (retiring[i].sequence, retiring[i].value)
        }
        return nil
    }

    /// Notes that a RETIRE_CID was written, or that it was lost at `again`.
    mutating func markRetired(_ sequence: UInt64, again: Instant = .distantFuture) {
        for i in 0..<retiringCount where retiring[i].sequence == sequence {
            retiring[i].due = again
        }
    }

    /// Notes that the peer has a RETIRE_CID.
    mutating func retirementArrived(_ sequence: UInt64) {
        for i in 0..<retiringCount where retiring[i].sequence == sequence {
            retiringCount -= 1
            retiring[i] = retiring[retiringCount]
            return
        }
    }

    private mutating func isFirst(_ sequence: UInt64) -> Bool {
        if sequence > highest {
            let shift = sequence - highest
            heard = shift < 64 ? heard << shift | 1 : 1
            highest = sequence
            return true
        }
        let age = highest - sequence
        guard age < 64, heard & 1 << age == 0 else { return false }
        heard |= 1 << age
        return true
    }
}

// MARK: Asleep

extension LocalIDs {
    /// The IDs in few bytes.
    struct Dormant: Sendable {
        var values: InlineArray<4, UInt64>
        var sequences: InlineArray<4, UInt32>
        var nextSequence: UInt32
        var count: UInt8
    }

    /// Whether the peer knows all of them, and the owner which were retired.
    var isAtRest: Bool {
        nextToAnnounce == nil && retiredCount == 0 && nextSequence <= UInt64(UInt32.max)
    }

    /// What must be remembered, once `isAtRest`.
    var dormant: Dormant {
        Dormant(
            values: InlineArray { entries[$0].value },
            sequences: InlineArray { UInt32(truncatingIfNeeded: entries[$0].sequence) },
            nextSequence: UInt32(truncatingIfNeeded: nextSequence), count: UInt8(count))
    }

    init(_ dormant: borrowing Dormant) {
        count = Int(dormant.count)
        nextSequence = UInt64(dormant.nextSequence)
        for i in 0..<count {
            entries[i] = Entry(
                sequence: UInt64(dormant.sequences[i]), value: dormant.values[i],
                isAnnounced: true)
        }
    }
}

extension RemoteIDs {
    /// The IDs of a client, which have 4 bytes, in few bytes.
    struct Dormant: Sendable {
        var current: UInt32
        var sequence: UInt32
        var highest: UInt32
        var sparesCount: UInt8
        var retiringCount: UInt8
        var heard: UInt64
        var spares: InlineArray<3, (value: UInt32, sequence: UInt32)>
        var retiring: InlineArray<4, UInt32>
    }

    /// Whether the numbers fit.
    var isAtRest: Bool { highest <= UInt64(UInt32.max) }

    /// What must be remembered of a client's IDs, once `isAtRest`.
    var dormant: Dormant {
        Dormant(
            current: UInt32(truncatingIfNeeded: current.value),
            sequence: UInt32(truncatingIfNeeded: sequence),
            highest: UInt32(truncatingIfNeeded: highest),
            sparesCount: UInt8(sparesCount), retiringCount: UInt8(retiringCount), heard: heard,
            spares: InlineArray {
                (
                    UInt32(truncatingIfNeeded: spares[$0].value),
                    UInt32(truncatingIfNeeded: spares[$0].sequence)
                )
            },
            retiring: InlineArray { UInt32(truncatingIfNeeded: retiring[$0].sequence) })
    }

    /// The IDs again; those that were to be retired are due by `now`.
    init(_ dormant: borrowing Dormant, now: Instant) {
        self.init(first: .client(dormant.current), resetToken: nil)
        sequence = UInt64(dormant.sequence)
        highest = UInt64(dormant.highest)
        heard = dormant.heard
        sparesCount = Int(dormant.sparesCount)
        for i in 0..<sparesCount {
            spares[i] = Spare(
                sequence: UInt64(dormant.spares[i].sequence),
                value: UInt64(dormant.spares[i].value))
        }
        retiringCount = Int(dormant.retiringCount)
        for i in 0..<retiringCount {
            retiring[i] = Retiring(sequence: UInt64(dormant.retiring[i]), value: 0, due: now)
        }
    }
}
