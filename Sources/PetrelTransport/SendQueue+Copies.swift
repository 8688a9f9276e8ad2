// Further copies of messages that are under way: which one is due, and that it was made.

internal import PetrelBase
internal import PetrelWire

extension SendQueue {
    /// Whether all of that message is under way in other packets than that one.
    func isUnderWay(
        slot: UInt16, deliveryClass: DeliveryClass, number: UInt64, outside packet: UInt64
    ) -> Bool {
        guard names(slot, deliveryClass, number), slots[Int(slot)].latestPacket != packet else {
            return false
        }
        return isUnderWay(Int(slot))
    }

    /// The oldest message under way of at most that many bytes that was sent more than once and
    /// rode along fewer than `bundlesMax` times since, and is not in `packet` already.
    func oldestToBundle(
        byteCountMax: Int, bundlesMax: Int, repairsMin: Int, packet: UInt64
    ) -> UInt16? {
        var found: Int?
        for i in slots.indices where isUnderWay(i) {
            guard slots[i].byteCount <= byteCountMax, slots[i].fragmentCount == 1,
                slots[i].latestPacket != packet, Int(slots[i].bundles) < bundlesMax,
                Int(slots[i].repairs) >= repairsMin
            else { continue }
            if found.map({ slots[i].order < slots[$0].order }) ?? true { found = i }
        }
        return found.map { UInt16($0) }
    }

    /// Puts the oldest of what was sent and has not arrived back in line, up to about that many
    /// bytes; returns how many.
    mutating func repeatOldest(byteCountMax: Int) -> Int {
        var byteCount = 0
        var after: UInt64?
        while byteCount < byteCountMax, let slot = oldestUnacknowledged(after: after) {
            let missing = slots[slot].allFragments & ~slots[slot].acknowledged
            let index = missing.trailingZeroBitCount
            let size = MessageFragment.frameByteCount(
                slots[slot].name, total: slots[slot].byteCount, index: index)
            guard byteCount == 0 || byteCount + size <= byteCountMax else { break }
            putInLine(UInt16(slot), 1 << UInt64(index))
            byteCount += size
            after = slots[slot].order
        }
        return byteCount
    }

    /// Counts a copy of a message that is under way, made in `packet`.
    mutating func noteCopy(slot: UInt16, packet: UInt64, isBundled: Bool) {
        slots[Int(slot)].latestPacket = packet
        if isBundled { slots[Int(slot)].bundles = min(slots[Int(slot)].bundles + 1, 100) }
        slots[Int(slot)].copies = min(slots[Int(slot)].copies + 1, 100)
    }

    /// The packet that carried a message first, if it was copied and never repaired.
    func firstPacket(
        slot: UInt16, deliveryClass: DeliveryClass, number: UInt64
    ) -> (packet: UInt64, wasRepaired: Bool)? {
        guard names(slot, deliveryClass, number), slots[Int(slot)].copies > 0 else { return nil }
        return (slots[Int(slot)].firstPacket, slots[Int(slot)].repairs > 0)
    }

    private func isUnderWay(_ slot: Int) -> Bool {
        slots[slot].isUsed && slots[slot].hasBegun && slots[slot].givenUp == nil
            && slots[slot].pending == 0
            && slots[slot].acknowledged != slots[slot].allFragments
    }

    private func oldestUnacknowledged(after order: UInt64?) -> Int? {
        var found: Int?
        for i in slots.indices
        where slots[i].isUsed && slots[i].hasBegun && slots[i].givenUp == nil {
            if let order, slots[i].order <= order { continue }
            guard slots[i].acknowledged != slots[i].allFragments else { continue }
            if found.map({ slots[i].order < slots[$0].order }) ?? true { found = i }
        }
        return found
    }
}
