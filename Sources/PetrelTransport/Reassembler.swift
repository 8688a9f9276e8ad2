// Fragments become messages, messages of kinds with an order stand in line; all of it bounded.

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

    /// A message of several fragments, in the order of their arrival.
    struct Partial: Sendable {
        var name: MessageName
        var total: Int
        var began: Instant
        var received: UInt64 = 0
        var bytes: [UInt8] = []
        /// Where each fragment begins in `bytes`.
        var starts = InlineArray<64, UInt16>(repeating: 0)

        var count: Int { MessageFragment.count(total: total) }
    }

    /// After which an unfinished message that may be given up is forgotten.
    static let expiringMemory = Interval.seconds(30)
    private static let keptByteCountMax = 4 * 1_024

    var partials: [Partial] = []
    /// PARITY frames that may help later, oldest first.
    var parities: [Parity] = []
    /// Fragments that were made up for.
    var rebuiltCount = 0
    var lanes: [ReceiveLane] = [
        ReceiveLane(.reliable), ReceiveLane(.durable), ReceiveLane(.expiring),
        ReceiveLane(.ordered),
    ]
    /// The message that was handed over last: another may have waited for it.
    private var passedLast: (lane: Int, number: UInt64)?
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

    /// What is remembered while nothing is unfinished.
    struct Dormant: Sendable {
        /// The numbers from which on nothing was seen, by kind.
        var bases: InlineArray<4, UInt32>
        var finished: UInt64
        var granted: UInt64
    }

    init(credit: Int, _ dormant: Dormant) {
        self.init(credit: credit)
        for i in lanes.indices {
            lanes[i] = ReceiveLane(lanes[i].kind, base: UInt64(dormant.bases[i]))
        }
        begun = dormant.finished
        finished = dormant.finished
        granted = dormant.granted
    }

    /// Whether nothing is unfinished, and nothing is missing.
    var isAtRest: Bool {
        guard partials.isEmpty, begun == finished else { return false }
        for i in lanes.indices {
            guard lanes[i].isAtRest, lanes[i].seen.base <= UInt64(UInt32.max) else { return false }
        }
        return true
    }

    /// What must be remembered, once `isAtRest`.
    var dormant: Dormant {
        Dormant(
            bases: InlineArray { UInt32(truncatingIfNeeded: lanes[$0].seen.base) },
            finished: finished, granted: granted)
    }

    /// Bytes of messages that are incomplete or wait for others.
    var heldByteCount: Int {
        let parts = partials.reduce(0) { $0 + $1.bytes.count }
        return lanes.reduce(parts) { $0 + $1.heldByteCount }
    }

    /// The ordered messages that wait for others, for audits.
    var waitingInStreams: [MessageName] { lanes[3].waiting }

    /// Takes a fragment in.
    mutating func receive(_ fragment: borrowing MessageFragment, now: Instant) -> Outcome {
        forgetLast()
        let lane = Self.lane(fragment.name)
        guard lanes[lane].seen.reaches(fragment.number) else { return .violation(.limitExceeded) }
        guard !lanes[lane].seen.contains(fragment.number) else { return .none }
        guard MessageFragment.count(total: fragment.total) == 1 else {
            return receivePart(fragment, now: now)
        }
        guard begin(fragment.total) else { return .violation(.limitExceeded) }
        lanes[lane].see(fragment.number, isSkipped: false)
        forgetParities(fragment.name)
        guard lanes[lane].mayPass(fragment.name) else {
            return hold(fragment.name, Self.copy(fragment.bytes), charged: fragment.total)
        }
        pass(lane, fragment.number, charged: fragment.total)
        return .whole
    }

    /// Does without a message that the sender gave up; what waited for it may go on.
    mutating func skip(_ frame: SkipFrame, now: Instant) -> Outcome {
        forgetLast()
        let lane = Self.lane(frame.name)
        let number = frame.name.number
        guard lanes[lane].seen.reaches(number) else { return .violation(.limitExceeded) }
        defer { lanes[lane].owe(number) }
        guard !lanes[lane].seen.contains(number) else { return .none }
        var charged = frame.charged
        if let index = partialIndex(frame.name) {
            charged = partials.remove(at: index).total
        } else if !begin(charged) {
            return .violation(.limitExceeded)
        }
        lanes[lane].see(number, isSkipped: true)
        forgetParities(frame.name)
        guard lanes[lane].mayPass(frame.name) else {
            return hold(frame.name, nil, charged: charged)
        }
        pass(lane, number, charged: charged)
        return .none
    }

    /// Takes the next message that waited for the one handed over last into `assembled`.
    mutating func releaseHeld() -> MessageName? {
        while let (lane, number) = passedLast,
            let next = lanes[lane].takeSuccessor(of: number)
        {
            pass(lane, next.name.number, charged: next.charged)
            guard let message = next.message else { continue }
            assembled = message
            return next.name
        }
        passedLast = nil
        return nil
    }

    // MARK: Credit

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

    // MARK: What became of numbers

    /// Whether MSG_STATUS frames wait to be sent.
    var owesStatus: Bool {
        for i in lanes.indices where lanes[i].owedCount > 0 { return true }
        return false
    }

    /// The next MSG_STATUS to send; it counts as sent.
    mutating func takeStatus() -> StatusFrame? {
        for i in lanes.indices where lanes[i].owedCount > 0 { return lanes[i].takeOwed() }
        return nil
    }

    /// Notes that the packet with a MSG_STATUS was lost.
    mutating func statusLost(_ kind: DeliveryClass.Kind, _ number: UInt64) {
        lanes[Int(kind.rawValue) - 1].owe(number)
    }

    // MARK: Parts

    private mutating func receivePart(
        _ fragment: borrowing MessageFragment, now: Instant
    ) -> Outcome {
        let found = partialIndex(fragment.name) ?? addPartial(fragment, now: now)
        guard let place = found else { return .violation(.limitExceeded) }
        guard partials[place].total == fragment.total, partials[place].name == fragment.name else {
            return .violation(.fragmentConflict)
        }
        let bit = UInt64(1) << UInt64(fragment.index)
        if partials[place].received & bit == 0 {
            partials[place].received |= bit
            partials[place].starts[fragment.index] = UInt16(partials[place].bytes.count)
            Self.append(fragment.bytes, to: &partials[place].bytes)
            if !parities.isEmpty { return rebuild(place) }
        } else if isConflictSeen, !isSame(partials[place], fragment) {
            return .violation(.fragmentConflict)
        }
        let count = partials[place].count
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

    func partialIndex(_ name: MessageName) -> Int? {
        for i in partials.indices
        where partials[i].name.number == name.number
            && partials[i].name.deliveryClass.kind == name.deliveryClass.kind
        {
            return i
        }
        return nil
    }

    private mutating func addPartial(
        _ fragment: borrowing MessageFragment, now: Instant
    ) -> Int? {
        if partials.count >= WireLimits.partialMessagesMax { forgetExpired(now: now) }
        guard partials.count < WireLimits.partialMessagesMax, begin(fragment.total) else {
            return nil
        }
        partials.append(Partial(name: fragment.name, total: fragment.total, began: now))
        return partials.count - 1
    }

    /// An expiring message that is unfinished for so long will never be whole.
    private mutating func forgetExpired(now: Instant) {
        for i in partials.indices.reversed()
        where partials[i].name.deliveryClass.kind == .expiring
            && now - partials[i].began >= Self.expiringMemory
        {
            let partial = partials.remove(at: i)
            lanes[2].see(partial.name.number, isSkipped: true)
            forgetParities(partial.name)
            finished += UInt64(partial.total)
        }
    }

    mutating func complete(_ partial: consuming Partial) -> Outcome {
        let lane = Self.lane(partial.name)
        lanes[lane].see(partial.name.number, isSkipped: false)
        forgetParities(partial.name)
        var message: [UInt8] = []
        message.reserveCapacity(partial.total)
        for i in 0..<partial.count {
            let byteCount = MessageFragment.range(i, total: partial.total).count
            let start = Int(partial.starts[i])
            message.append(contentsOf: partial.bytes[start..<start + byteCount])
        }
        guard lanes[lane].mayPass(partial.name) else {
            return hold(partial.name, message, charged: partial.total)
        }
        assembled = message
        pass(lane, partial.name.number, charged: partial.total)
        return .assembled
    }

    private mutating func hold(_ name: MessageName, _ message: [UInt8]?, charged: Int) -> Outcome {
        let held = ReceiveLane.Held(name: name, message: message, charged: charged)
        return lanes[Self.lane(name)].hold(held) ? .held : .violation(.fragmentConflict)
    }

    private mutating func pass(_ lane: Int, _ number: UInt64, charged: Int) {
        lanes[lane].pass(number)
        finished += UInt64(charged)
        passedLast = (lane, number)
    }

    mutating func forgetLast() {
        passedLast = nil
        if assembled.capacity > Self.keptByteCountMax { assembled = [] }
    }

    private mutating func begin(_ byteCount: Int) -> Bool {
        guard begun + UInt64(byteCount) <= granted else { return false }
        begun += UInt64(byteCount)
        return true
    }

    static func lane(_ name: MessageName) -> Int {
        Int(name.deliveryClass.kind.rawValue) - 1
    }

    static func copy(_ bytes: RawSpan) -> [UInt8] {
        unsafe bytes.withUnsafeBytes { unsafe [UInt8]($0) }
    }

    private static func append(_ bytes: RawSpan, to array: inout [UInt8]) {
        unsafe bytes.withUnsafeBytes { unsafe array.append(contentsOf: $0) }
    }

    private func isSame(_ partial: Partial, _ fragment: borrowing MessageFragment) -> Bool {
        let start = Int(partial.starts[fragment.index])
        for i in 0..<fragment.bytes.byteCount {
            let byte = unsafe fragment.bytes.unsafeLoad(fromByteOffset: i, as: UInt8.self)
            guard partial.bytes[start + i] == byte else { return false }
        }
        return true
    }
}
