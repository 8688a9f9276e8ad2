// Messages towards the peer: waiting, under way, and in need of repair.

internal import PetrelBase
internal import PetrelWire

/// A message until the peer has all of it; bit `i` of a mask stands for fragment `i`.
struct OutgoingMessage: Sendable {
    var deliveryClass = DeliveryClass.reliable
    var number: UInt64 = 0
    var bytes: [UInt8] = []
    var isUsed = false
    /// Whether its bytes were charged against the credit: it has begun.
    var hasBegun = false
    /// Whether it stands in one of the two lines.
    var isInLine = false
    var pending: UInt64 = 0
    var acknowledged: UInt64 = 0
    /// The packet that carried its newest copy; for messages of one fragment.
    var latestPacket: UInt64 = 0
    /// The packet that carried its first fragment first.
    var firstPacket: UInt64 = 0
    /// Its place in the order of sending, across classes.
    var order: UInt64 = 0
    /// How often it was put back in line.
    var repairs: UInt8 = 0
    /// How often it travelled in addition.
    var copies: UInt8 = 0
    /// How often it rode along since it was put back in line.
    var bundles: UInt8 = 0

    var fragmentCount: Int { MessageFragment.count(total: bytes.count) }
    var allFragments: UInt64 { UInt64.max >> UInt64(64 - fragmentCount) }

    mutating func fill(_ message: RawSpan, as deliveryClass: DeliveryClass, number: UInt64) {
        self.deliveryClass = deliveryClass
        self.number = number
        bytes.removeAll(keepingCapacity: true)
        unsafe message.withUnsafeBytes { unsafe bytes.append(contentsOf: $0) }
        isUsed = true
        hasBegun = false
        isInLine = true
        pending = allFragments
        acknowledged = 0
        repairs = 0
        copies = 0
        bundles = 0
    }
}

/// The queue: slots that are reused, and two lines of slots that have something to send.
///
/// Repairs go first, then messages in the order of sending. No allocation per message once the
/// slots have grown to what the session needs.
struct SendQueue: Sendable {
    /// The slots; a slot's number and class tell a stale reference from a live one.
    var slots: [OutgoingMessage] = []
    private var free: [UInt16] = []
    private var repairs: RingBuffer<UInt16>
    private var fresh: RingBuffer<UInt16>
    private let messagesMax: Int
    private let byteCountMax: Int
    private var nextOrder: UInt64 = 0
    private var nextNumber = InlineArray<3, UInt64>(repeating: 0)
    private var done = InlineArray<3, NumberWindow>(repeating: NumberWindow())
    /// Messages that wait or are under way.
    private(set) var count = 0
    /// Their bytes.
    private(set) var byteCount = 0
    private var severalFragmentsUnderWay = 0
    /// Message bytes that the peer lets us send, from the start of the session.
    private(set) var credit: UInt64
    private var creditUsed: UInt64 = 0
    /// The limit at which a BLOCKED was last sent.
    private var blockedAt = UInt64.max

    init(messagesMax: Int, byteCountMax: Int, credit: UInt64) {
        self.messagesMax = messagesMax
        self.byteCountMax = byteCountMax
        self.credit = credit
        repairs = RingBuffer(capacity: messagesMax)
        fresh = RingBuffer(capacity: messagesMax)
    }

    /// Takes a message in; `nil` if there is no room for it.
    mutating func append(_ message: RawSpan, as deliveryClass: DeliveryClass) -> UInt64? {
        guard count < messagesMax, byteCount + message.byteCount <= byteCountMax else { return nil }
        discardIdle()  // a finished message at the front would take the place of this one
        if free.isEmpty {
            free.append(UInt16(slots.count))
            slots.append(OutgoingMessage())
        }
        let slot = free.removeLast()
        let number = nextNumber[Int(deliveryClass.rawValue)]
        nextNumber[Int(deliveryClass.rawValue)] += 1
        slots[Int(slot)].fill(message, as: deliveryClass, number: number)
        slots[Int(slot)].order = nextOrder
        nextOrder += 1
        count += 1
        byteCount += message.byteCount
        _ = fresh.append(slot)
        return number
    }

    /// Raises the credit; lower limits are old news.
    mutating func raiseCredit(to limit: UInt64) { credit = max(credit, limit) }

    /// Whether a message waits for credit, and the peer was not told so at this limit.
    mutating func shouldReportBlocked() -> Bool {
        guard let slot = fresh.first, !slots[Int(slot)].hasBegun, !isAffordable(slot),
            blockedAt != credit
        else { return false }
        blockedAt = credit
        return true
    }

    /// Whether `next` would find something, given room enough.
    mutating func hasSendable() -> Bool {
        discardIdle()
        if repairs.first != nil { return true }
        guard let slot = fresh.first else { return false }
        return slots[Int(slot)].hasBegun || mayBegin(slot)
    }

    /// Whether what goes next is a message of one packet: somebody waits for it.
    var nextIsSmall: Bool {
        guard let slot = repairs.first ?? fresh.first else { return false }
        return slots[Int(slot)].fragmentCount == 1
    }

    /// The next fragment to send that fits into `room` bytes; it counts as sent in `packet`.
    mutating func next(room: Int, packet: UInt64) -> (slot: UInt16, index: Int)? {
        guard hasSendable(), let slot = repairs.first ?? fresh.first else { return nil }
        let message = slots[Int(slot)]
        let index = message.pending.trailingZeroBitCount
        let needed = MessageFragment.frameByteCount(
            number: message.number, total: message.bytes.count, index: index)
        guard needed <= room else { return nil }
        if !message.hasBegun {
            begin(slot)
            slots[Int(slot)].firstPacket = packet
        }
        slots[Int(slot)].pending &= ~(1 << UInt64(index))
        slots[Int(slot)].latestPacket = packet
        return (slot, index)
    }

    /// Writes a fragment that `next` named; `nil` if it does not fit after all.
    func write(slot: UInt16, index: Int, to writer: inout ByteWriter) -> SentFrame? {
        let kind = slots[Int(slot)].deliveryClass
        let number = slots[Int(slot)].number
        let bytes = slots[Int(slot)].bytes
        let written: Void? = unsafe try? MessageFragment.write(
            bytes.span.bytes, index: index, as: kind, number: number, to: &writer)
        guard written != nil else { return nil }
        return .fragment(slot: slot, index: UInt8(index), deliveryClass: kind, number: number)
    }

    /// Notes that the peer has a fragment; returns whether that completed the message.
    mutating func acknowledged(
        slot: UInt16, index: UInt8, deliveryClass: DeliveryClass, number: UInt64
    ) -> Bool {
        guard names(slot, deliveryClass, number) else { return false }
        let bit = UInt64(1) << UInt64(index)
        slots[Int(slot)].acknowledged |= bit
        slots[Int(slot)].pending &= ~bit
        guard slots[Int(slot)].acknowledged == slots[Int(slot)].allFragments else { return false }
        finish(slot)
        return true
    }

    /// Notes that `packet`, which carried a fragment, was lost, or must be repeated as a probe.
    ///
    /// - Returns: whether the fragment will be sent again.
    @discardableResult
    mutating func mustRepeat(
        slot: UInt16, index: UInt8, deliveryClass: DeliveryClass, number: UInt64, packet: UInt64
    ) -> Bool {
        guard names(slot, deliveryClass, number) else { return false }
        let message = slots[Int(slot)]
        let bit = UInt64(1) << UInt64(index)
        guard message.acknowledged & bit == 0 else { return false }
        if message.fragmentCount == 1, message.latestPacket != packet { return false }
        putInLine(slot, bit)
        return true
    }

    /// Puts fragments of a message that is under way back in line.
    mutating func putInLine(_ slot: UInt16, _ fragments: UInt64) {
        slots[Int(slot)].pending |= fragments
        slots[Int(slot)].repairs = min(slots[Int(slot)].repairs + 1, 100)
        slots[Int(slot)].bundles = 0
        guard !slots[Int(slot)].isInLine else { return }
        slots[Int(slot)].isInLine = true
        _ = repairs.append(slot)
    }

    /// Bytes of the message in `slot`.
    func byteCount(of slot: UInt16) -> Int { slots[Int(slot)].bytes.count }

    private mutating func discardIdle() {
        while let slot = repairs.first, slots[Int(slot)].pending == 0 {
            _ = repairs.popFirst()
            leaveLine(slot)
        }
        while let slot = fresh.first, slots[Int(slot)].pending == 0 {
            _ = fresh.popFirst()
            leaveLine(slot)
        }
    }

    /// A slot is free for the next message only when no line names it any more.
    private mutating func leaveLine(_ slot: UInt16) {
        slots[Int(slot)].isInLine = false
        if !slots[Int(slot)].isUsed { free.append(slot) }
    }

    private mutating func finish(_ slot: UInt16) {
        let message = slots[Int(slot)]
        count -= 1
        byteCount -= message.bytes.count
        if message.fragmentCount > 1 { severalFragmentsUnderWay -= 1 }
        _ = done[Int(message.deliveryClass.rawValue)].insert(message.number)
        slots[Int(slot)].isUsed = false
        slots[Int(slot)].pending = 0
        if slots[Int(slot)].bytes.count > WireLimits.fragmentByteCount {
            slots[Int(slot)].bytes = []  // the rare large buffer is not kept
        }
        if !message.isInLine { free.append(slot) }
    }

    private func mayBegin(_ slot: UInt16) -> Bool {
        let message = slots[Int(slot)]
        let isRoomForParts =
            message.fragmentCount == 1 || severalFragmentsUnderWay < WireLimits.partialMessagesMax
        return isRoomForParts && isAffordable(slot)
            && done[Int(message.deliveryClass.rawValue)].reaches(message.number)
    }

    private func isAffordable(_ slot: UInt16) -> Bool {
        creditUsed + UInt64(slots[Int(slot)].bytes.count) <= credit
    }

    private mutating func begin(_ slot: UInt16) {
        slots[Int(slot)].hasBegun = true
        creditUsed += UInt64(slots[Int(slot)].bytes.count)
        if slots[Int(slot)].fragmentCount > 1 { severalFragmentsUnderWay += 1 }
    }

    func names(_ slot: UInt16, _ deliveryClass: DeliveryClass, _ number: UInt64) -> Bool {
        guard Int(slot) < slots.count, slots[Int(slot)].isUsed else { return false }
        return slots[Int(slot)].deliveryClass == deliveryClass && slots[Int(slot)].number == number
    }
}
