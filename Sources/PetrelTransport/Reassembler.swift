// Fragments become messages, messages of the durable class stand in line; all of it bounded.

internal import PetrelBase
internal import PetrelWire

/// Puts incoming messages together and lets each through once.
///
/// Memory follows what arrives, never what is announced: an unfinished message holds its received
/// fragments only. What one peer can make this hold is bounded by the credit it was given.
struct Reassembler: Sendable {
    /// What becomes of a fragment.
    enum Outcome: Equatable {
        /// Nothing yet, or nothing new.
        case none
        /// The fragment is a whole message, to be taken from the datagram.
        case whole
        /// The message that was just put in `assembled` is complete.
        case assembled
        /// Kept until the messages before it have come.
        case held
        /// The peer broke a limit.
        case violation(ErrorCode)
    }

    private struct Partial: Sendable {
        var deliveryClass: DeliveryClass
        var number: UInt64
        var total: Int
        var received: UInt64
        var fragments: [[UInt8]]
    }

    private var partials: [Partial] = []
    private var seen = InlineArray<3, NumberWindow>(repeating: NumberWindow())
    private var waiting: [[UInt8]?] = []
    private var nextDurable: UInt64 = 0
    private let credit: UInt64
    private var begun: UInt64 = 0
    private var finished: UInt64 = 0
    /// How many message bytes the peer was last told that it may send.
    private(set) var granted: UInt64
    /// The last message put together; valid until the next call.
    private(set) var assembled: [UInt8] = []

    init(credit: Int) {
        self.credit = UInt64(credit)
        granted = UInt64(credit)
    }

    /// Bytes of messages that are incomplete or wait for others.
    var heldByteCount: Int {
        let parts = partials.reduce(0) { $0 + $1.fragments.reduce(0) { $0 + $1.count } }
        return waiting.reduce(parts) { $0 + ($1?.count ?? 0) }
    }

    /// Takes a fragment in.
    mutating func receive(_ fragment: borrowing MessageFragment) -> Outcome {
        let kind = Int(fragment.deliveryClass.rawValue)
        guard seen[kind].reaches(fragment.number) else { return .violation(.limitExceeded) }
        guard !seen[kind].contains(fragment.number) else { return .none }
        if MessageFragment.count(total: fragment.total) == 1 {
            guard begin(fragment.total) else { return .violation(.limitExceeded) }
            _ = seen[kind].insert(fragment.number)
            guard fragment.deliveryClass == .durable, fragment.number != nextDurable else {
                finish(fragment.total, isDurable: fragment.deliveryClass == .durable)
                return .whole
            }
            hold(Self.copy(fragment.bytes), number: fragment.number)
            return .held
        }
        return receivePart(fragment)
    }

    /// Takes the next durable message that was held, if its turn has come, into `assembled`.
    mutating func releaseHeld() -> UInt64? {
        let slot = Int(nextDurable % WireLimits.messageWindow)
        guard slot < waiting.count, let message = waiting[slot] else { return nil }
        waiting[slot] = nil
        assembled = message
        finish(message.count, isDurable: true)
        return nextDurable - 1
    }

    /// The limit to announce, if it has risen by half of the credit since the last announcement.
    var creditToAnnounce: UInt64? {
        let limit = finished + credit
        return limit - granted >= credit / 2 ? limit : nil
    }

    /// The limit as it is now, told when the peer says that it is blocked.
    mutating func announceCredit() -> UInt64 {
        granted = max(granted, finished + credit)
        return granted
    }

    private mutating func receivePart(_ fragment: borrowing MessageFragment) -> Outcome {
        let kind = fragment.deliveryClass
        let number = fragment.number
        let found = partials.firstIndex { $0.deliveryClass == kind && $0.number == number }
        guard let place = found ?? addPartial(fragment) else { return .violation(.limitExceeded) }
        guard partials[place].total == fragment.total else { return .violation(.fragmentConflict) }
        let bit = UInt64(1) << UInt64(fragment.index)
        if partials[place].received & bit == 0 {
            partials[place].received |= bit
            partials[place].fragments[fragment.index] = Self.copy(fragment.bytes)
        } else if isConflictSeen,
            !Self.equal(partials[place].fragments[fragment.index], fragment.bytes)
        {
            return .violation(.fragmentConflict)
        }
        let count = partials[place].fragments.count
        guard partials[place].received.nonzeroBitCount == count else { return .none }
        return complete(partials.remove(at: place))
    }

    private var isConflictSeen: Bool {
        #if PETREL_PLANTED
            !PlantedBug.fragmentsConflict.isActive
        #else
            true
        #endif
    }

    private mutating func addPartial(_ fragment: borrowing MessageFragment) -> Int? {
        guard partials.count < WireLimits.partialMessagesMax, begin(fragment.total) else {
            return nil
        }
        let count = MessageFragment.count(total: fragment.total)
        partials.append(
            Partial(
                deliveryClass: fragment.deliveryClass, number: fragment.number,
                total: fragment.total, received: 0,
                fragments: Array(repeating: [], count: count)))
        return partials.count - 1
    }

    private mutating func complete(_ partial: Partial) -> Outcome {
        _ = seen[Int(partial.deliveryClass.rawValue)].insert(partial.number)
        var message: [UInt8] = []
        message.reserveCapacity(partial.total)
        for fragment in partial.fragments { message.append(contentsOf: fragment) }
        guard partial.deliveryClass == .durable, partial.number != nextDurable else {
            assembled = message
            finish(partial.total, isDurable: partial.deliveryClass == .durable)
            return .assembled
        }
        hold(message, number: partial.number)
        return .held
    }

    private mutating func hold(_ message: [UInt8], number: UInt64) {
        if waiting.isEmpty { waiting = Array(repeating: nil, count: Int(WireLimits.messageWindow)) }
        waiting[Int(number % WireLimits.messageWindow)] = message
    }

    private mutating func begin(_ byteCount: Int) -> Bool {
        guard begun + UInt64(byteCount) <= granted else { return false }
        begun += UInt64(byteCount)
        return true
    }

    private mutating func finish(_ byteCount: Int, isDurable: Bool) {
        finished += UInt64(byteCount)
        if isDurable { nextDurable += 1 }
    }

    private static func copy(_ bytes: RawSpan) -> [UInt8] {
        unsafe bytes.withUnsafeBytes { unsafe [UInt8]($0) }
    }

    private static func equal(_ held: [UInt8], _ bytes: RawSpan) -> Bool {
        guard held.count == bytes.byteCount else { return false }
        for i in held.indices {
            let byte = unsafe bytes.unsafeLoad(fromByteOffset: i, as: UInt8.self)
            guard held[i] == byte else { return false }
        }
        return true
    }
}
