// Messages towards the peer: taken in, under way, in need of repair, and settled.

internal import PetrelBase
internal import PetrelWire

/// The queue: slots that are reused, and lines of slots that have something to send.
///
/// What goes next is decided in `SendQueue+Schedule`, what is given up in `SendQueue+Outcomes`. No
/// allocation per message once the slots have grown to what the session needs.
struct SendQueue: Sendable {
    /// The slots; a slot's number and class tell a stale reference from a live one.
    var slots: [OutgoingMessage] = []
    var free: [UInt16] = []
    private let messagesMax: Int
    private let byteCountMax: Int
    let classes: ClassTable
    private var nextOrder: UInt64 = 0
    var nextNumber = InlineArray<4, UInt64>(repeating: 0)
    var done = InlineArray<4, NumberWindow>(repeating: NumberWindow())
    /// The last message of each stream of ordered ones, as long as it is under way.
    private var streams: [(stream: UInt64, last: UInt64)] = []

    var skips = SlotList()
    var repairs = InlineArray<3, SlotList>(repeating: SlotList())
    var timed = InlineArray<3, SlotList>(repeating: SlotList())
    var rings = FlowRings()
    var bulk = BulkSender()
    /// Bytes left in the packet that is being filled: so many chunks go together.
    var roomForChunks = 0
    /// Bytes sent by higher bands while this one waited.
    var owed = InlineArray<3, Int>(repeating: 0)
    /// Bytes of messages of each band of which nothing was sent.
    var unbegun = InlineArray<3, Int>(repeating: 0)
    /// How long small messages of each band wait for company, if any wait.
    var company = Band.coalescing
    /// When something of each band was sent last.
    var lastSent = InlineArray<3, Instant>(repeating: Instant(nanoseconds: .min))
    /// Whether ephemeral values wait, which count as the lowest band.
    var backgroundWaits = false

    /// Messages that wait or are under way.
    private(set) var count = 0
    /// Their bytes.
    private(set) var byteCount = 0
    var severalFragmentsUnderWay = 0
    /// Message bytes that the peer lets us send, from the start of the session.
    private(set) var credit: UInt64
    /// Message bytes that may be under way at a time: the first credit, or what there was when the
    /// session woke up.
    private(set) var creditWindow: UInt64
    var creditUsed: UInt64 = 0
    /// The limit at which a BLOCKED was last sent.
    private var blockedAt = UInt64.max
    /// States to tell the owner, if it wants to know them.
    var progress: ProgressLog

    init(
        messagesMax: Int, byteCountMax: Int, credit: UInt64, classes: ClassTable = ClassTable(),
        reportsProgress: Bool = false
    ) {
        self.messagesMax = messagesMax
        self.byteCountMax = byteCountMax
        self.credit = credit
        creditWindow = credit
        self.classes = classes
        progress = ProgressLog(isOn: reportsProgress)
    }

    /// What is remembered while nothing waits or is under way.
    struct Dormant: Sendable {
        /// The numbers that the next messages get, by kind.
        var numbers: InlineArray<4, UInt32>
        var credit: UInt64
        var creditUsed: UInt64
    }

    /// Whether nothing waits or is under way.
    var isAtRest: Bool {
        guard count == 0 else { return false }
        for i in 0..<4 where nextNumber[i] > UInt64(UInt32.max) { return false }
        for i in bulk.transfers.indices where bulk.transfers[i].isUsed { return false }
        return true
    }

    /// What must be remembered, once `isAtRest`.
    var dormant: Dormant {
        Dormant(
            numbers: InlineArray { UInt32(truncatingIfNeeded: nextNumber[$0]) },
            credit: credit, creditUsed: creditUsed)
    }

    /// Goes on where another queue was at rest.
    mutating func resume(_ dormant: Dormant) {
        for i in 0..<4 {
            nextNumber[i] = UInt64(dormant.numbers[i])
            done[i] = NumberWindow(base: nextNumber[i])
        }
        credit = dormant.credit
        creditUsed = dormant.creditUsed
        creditWindow = credit - min(credit, creditUsed)
    }

    /// Takes a message in; `nil` if there is no room for it.
    ///
    /// `key` is the stream of an ordered message; `deadline` counts for expiring ones.
    mutating func append(
        _ message: RawSpan, as policy: ClassPolicy, key: UInt64, deadline: Instant
    ) -> UInt64? {
        guard count < messagesMax, byteCount + message.byteCount <= byteCountMax else { return nil }
        if free.isEmpty {
            free.append(UInt16(slots.count))
            slots.append(OutgoingMessage())
        }
        let slot = free.removeLast()
        let lane = Int(policy.deliveryClass.kind.rawValue) - 1
        let number = nextNumber[lane]
        nextNumber[lane] += 1
        slots[Int(slot)].fill(message, as: policy.deliveryClass, number: number)
        slots[Int(slot)].band = Band.of(priority: policy.priority)
        slots[Int(slot)].redundancy = policy.redundancy
        slots[Int(slot)].order = nextOrder
        nextOrder += 1
        count += 1
        byteCount += message.byteCount
        noteCompany(policy, Int(slots[Int(slot)].band))
        unbegun[Int(slots[Int(slot)].band)] += message.byteCount
        switch policy.deliveryClass.kind {
        case .expiring:
            slots[Int(slot)].deadline = deadline
            standInTimed(slot)
        case .ordered:
            let last = followStream(key, with: number)
            // Replaced when the message begins, by what matters then.
            slots[Int(slot)].place = StreamPlace(stream: key, distance: last)
            standInFlow(slot, key: key)
        case .reliable, .durable, .ephemeral, .bulk: standInFlow(slot, key: 0)
        }
        return number
    }

    /// Raises the credit; lower limits are old news.
    mutating func raiseCredit(to limit: UInt64) { credit = max(credit, limit) }

    /// Whether a message waits for credit, and the peer was not told so at this limit.
    mutating func shouldReportBlocked() -> Bool {
        guard blockedAt != credit, waitsForCredit else { return false }
        blockedAt = credit
        return true
    }

    /// Writes what `next` named; `nil` if it does not fit after all.
    func write(_ pick: Pick, to writer: inout ByteWriter) -> SentFrame? {
        let slot: UInt16
        let written: Void?
        switch pick {
        case .chunks(let place, let chunks): return bulk.write(place, chunks, to: &writer)
        case .skip(let index):
            slot = index
            let charged = slots[Int(slot)].hasBegun ? slots[Int(slot)].byteCount : 0
            written = try? SkipFrame(slots[Int(slot)].name, charged: charged).write(to: &writer)
            let number = slots[Int(slot)].number
            return written == nil ? nil : .skip(slot: slot, number: number)
        case .fragment(let place, let index):
            slot = place
            let name = slots[Int(slot)].name
            let bytes = slots[Int(slot)].bytes
            written = unsafe try? MessageFragment.write(
                bytes.span.bytes, index: index, of: name, to: &writer)
            guard written != nil else { return nil }
            return .fragment(
                slot: slot, index: UInt8(index), deliveryClass: name.deliveryClass,
                number: name.number)
        }
    }

    /// Notes that the peer has a fragment; returns whether that completed the message.
    mutating func acknowledged(
        slot: UInt16, index: UInt8, deliveryClass: DeliveryClass, number: UInt64
    ) -> Bool {
        // Of what was given up, the peer may have heard the MSG_SKIP first: only it can tell.
        guard names(slot, deliveryClass, number), slots[Int(slot)].givenUp == nil else {
            return false
        }
        let bit = UInt64(1) << UInt64(index)
        slots[Int(slot)].acknowledged |= bit
        slots[Int(slot)].pending &= ~bit
        if slots[Int(slot)].acknowledged == slots[Int(slot)].allFragments {
            finish(slot)
            return true
        }
        if slots[Int(slot)].pending == 0 { restFromSending(slot) }
        return false
    }

    /// Notes that `packet`, which carried a fragment, was lost, or must be repeated as a probe.
    ///
    /// - Returns: whether the fragment will be sent again.
    @discardableResult
    mutating func mustRepeat(
        slot: UInt16, index: UInt8, deliveryClass: DeliveryClass, number: UInt64, packet: UInt64
    ) -> Bool {
        guard names(slot, deliveryClass, number), slots[Int(slot)].givenUp == nil else {
            return false
        }
        let bit = UInt64(1) << UInt64(index)
        guard slots[Int(slot)].acknowledged & bit == 0 else { return false }
        if slots[Int(slot)].fragmentCount == 1, slots[Int(slot)].latestPacket != packet {
            return false
        }
        putInLine(slot, bit)
        return true
    }

    /// Puts fragments of a message that is under way back in line.
    mutating func putInLine(_ slot: UInt16, _ fragments: UInt64) {
        slots[Int(slot)].pending |= fragments
        slots[Int(slot)].repairs = min(slots[Int(slot)].repairs + 1, 100)
        slots[Int(slot)].bundles = 0
        reach(.lostSuspect, slot)
        guard slots[Int(slot)].line == .none else { return }
        slots[Int(slot)].line = .repairs
        repairs[Int(slots[Int(slot)].band)].append(slot, &slots)
    }

    /// A message has come as far as that; it never goes back.
    mutating func reach(_ state: MessageState, _ slot: UInt16) {
        guard slots[Int(slot)].state < state else { return }
        slots[Int(slot)].state = state
        progress.note(slots[Int(slot)].name, state)
    }

    /// Bytes of the message in `slot`.
    func byteCount(of slot: UInt16) -> Int { slots[Int(slot)].byteCount }

    func names(_ slot: UInt16, _ deliveryClass: DeliveryClass, _ number: UInt64) -> Bool {
        guard Int(slot) < slots.count, slots[Int(slot)].isUsed else { return false }
        return slots[Int(slot)].deliveryClass == deliveryClass && slots[Int(slot)].number == number
    }

    // MARK: Parts

    /// The one that waits the least takes the others with it.
    private mutating func noteCompany(_ policy: ClassPolicy, _ band: Int) {
        let wait = policy.coalescing ?? Band.coalescing[band]
        company[band] = unbegun[band] == 0 ? wait : min(company[band], wait)
    }

    private mutating func standInTimed(_ slot: UInt16) {
        slots[Int(slot)].line = .timed
        timed[Int(slots[Int(slot)].band)].insertByDeadline(slot, &slots)
    }

    private mutating func standInFlow(_ slot: UInt16, key: UInt64) {
        let band = Int(slots[Int(slot)].band)
        let flow = rings.join(band, slots[Int(slot)].deliveryClass, key: key)
        slots[Int(slot)].line = .flow
        slots[Int(slot)].flow = flow
        rings[flow].messages.append(slot, &slots)
    }

    /// Remembers the newest message of a stream; returns how far back the one before it is.
    private mutating func followStream(_ stream: UInt64, with number: UInt64) -> UInt64 {
        let base = done[3].base
        streams.removeAll { $0.last < base }
        #if PETREL_PLANTED
            let key = PlantedBug.streamsShareOrder.isActive ? 0 : stream
        #else
            let key = stream
        #endif
        guard let index = streams.firstIndex(where: { $0.stream == key }) else {
            streams.append((key, number))
            return 0
        }
        let distance = number - streams[index].last
        streams[index].last = number
        return distance
    }

    /// Nothing of it is to be sent now.
    mutating func restFromSending(_ slot: UInt16) {
        if slots[Int(slot)].line != .timed { leaveLine(slot) }
    }

    mutating func leaveLine(_ slot: UInt16) {
        let band = Int(slots[Int(slot)].band)
        switch slots[Int(slot)].line {
        case .none: break
        case .skips: skips.remove(slot, &slots)
        case .repairs: repairs[band].remove(slot, &slots)
        case .timed: timed[band].remove(slot, &slots)
        case .flow: rings[slots[Int(slot)].flow].messages.remove(slot, &slots)
        }
        slots[Int(slot)].line = .none
    }

    /// The message is settled, one way or another: its slot is free for the next one.
    mutating func finish(_ slot: UInt16) {
        leaveLine(slot)
        let i = Int(slot)
        let messageBytes = slots[i].byteCount
        count -= 1
        byteCount -= messageBytes
        if slots[i].hasBegun, slots[i].fragmentCount > 1 { severalFragmentsUnderWay -= 1 }
        _ = done[slots[i].lane].insert(slots[i].number)
        slots[i].isUsed = false
        slots[i].pending = 0
        if messageBytes > WireLimits.fragmentByteCount {
            slots[i].bytes = []  // the rare large buffer is not kept
        }
        free.append(slot)
    }
}
