// One message towards the peer, and the lists of slots that messages stand in.

internal import PetrelBase
internal import PetrelWire

/// A message until it is settled; bit `i` of a mask stands for fragment `i`.
struct OutgoingMessage: Sendable {
    /// What a message waits for.
    enum Line: UInt8, Sendable {
        /// Nothing is left to send now.
        case none
        /// A MSG_SKIP.
        case skips
        /// Being repeated.
        case repairs
        /// Its turn by deadline; a message that expires stays until it is settled.
        case timed
        /// Its turn in its flow.
        case flow
    }

    var deliveryClass = DeliveryClass.reliable
    var number: UInt64 = 0
    var place: StreamPlace?
    var bytes: [UInt8] = []
    /// Bytes of it that count as queued; stays when `bytes` go.
    var byteCount = 0
    var isUsed = false
    /// Whether its bytes were charged against the credit: something of it was sent.
    var hasBegun = false
    /// Why it was given up; `nil` while it was not.
    var givenUp: MessageState?
    /// How far it has come.
    var state = MessageState.queued
    /// Whether its owner knows its final state already.
    var isReported = false
    /// Whether it was repeated once because its deadline comes near.
    var hadLastChance = false
    var redundancy = ClassPolicy.Redundancy.auto
    var line = Line.none
    var band: UInt8 = 1
    var flow = SlotList.none
    var next = SlotList.none
    var previous = SlotList.none
    var pending: UInt64 = 0
    var acknowledged: UInt64 = 0
    /// The packet that carried its newest copy; for messages of one fragment.
    var latestPacket: UInt64 = 0
    var deadline = Instant.distantFuture

    var name: MessageName { MessageName(deliveryClass, number, place: place) }
    var fragmentCount: Int { MessageFragment.count(total: byteCount) }
    var allFragments: UInt64 { UInt64.max >> UInt64(64 - fragmentCount) }
    /// Of the kinds that have message numbers, which: reliable, durable, expiring, ordered.
    var lane: Int { Int(deliveryClass.kind.rawValue) - 1 }

    mutating func fill(_ message: RawSpan, as deliveryClass: DeliveryClass, number: UInt64) {
        self.deliveryClass = deliveryClass
        self.number = number
        place = nil
        bytes.removeAll(keepingCapacity: true)
        unsafe message.withUnsafeBytes { unsafe bytes.append(contentsOf: $0) }
        byteCount = message.byteCount
        isUsed = true
        hasBegun = false
        givenUp = nil
        state = .queued
        isReported = false
        hadLastChance = false
        pending = allFragments
        acknowledged = 0
        deadline = .distantFuture
    }
}

/// A list of slots, linked through the slots themselves: no allocation, removal from anywhere.
struct SlotList: Sendable {
    /// No slot.
    static let none = UInt16.max

    private(set) var first = none
    private(set) var last = none

    var isEmpty: Bool { first == Self.none }

    mutating func append(_ slot: UInt16, _ slots: inout [OutgoingMessage]) {
        insert(slot, after: last, &slots)
    }

    /// Keeps the list in the order of deadlines; equal ones in the order of insertion.
    ///
    /// - Complexity: O(messages with a later deadline), which is none for messages of one class.
    mutating func insertByDeadline(_ slot: UInt16, _ slots: inout [OutgoingMessage]) {
        let deadline = slots[Int(slot)].deadline
        var place = last
        while place != Self.none, slots[Int(place)].deadline > deadline {
            place = slots[Int(place)].previous
        }
        insert(slot, after: place, &slots)
    }

    mutating func remove(_ slot: UInt16, _ slots: inout [OutgoingMessage]) {
        let (previous, next) = (slots[Int(slot)].previous, slots[Int(slot)].next)
        if previous == Self.none { first = next } else { slots[Int(previous)].next = next }
        if next == Self.none { last = previous } else { slots[Int(next)].previous = previous }
        slots[Int(slot)].previous = Self.none
        slots[Int(slot)].next = Self.none
    }

    private mutating func insert(
        _ slot: UInt16, after previous: UInt16, _ slots: inout [OutgoingMessage]
    ) {
        let next = previous == Self.none ? first : slots[Int(previous)].next
        slots[Int(slot)].previous = previous
        slots[Int(slot)].next = next
        if previous == Self.none { first = slot } else { slots[Int(previous)].next = slot }
        if next == Self.none { last = slot } else { slots[Int(next)].previous = slot }
    }
}
