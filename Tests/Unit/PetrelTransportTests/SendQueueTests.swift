// What is sent next, and what is held back: credit, windows, repairs, and slots used again.

import PetrelBase
import PetrelWire
import Testing

@testable import PetrelTransport

@Suite struct SendQueueTests {
    private func queue(messagesMax: Int = 16, credit: UInt64 = 1 << 20) -> SendQueue {
        SendQueue(messagesMax: messagesMax, byteCountMax: 1 << 21, credit: credit)
    }

    /// The numbers and fragments that go out now, in order.
    private func drain(_ queue: inout SendQueue, packet: UInt64 = 0) -> [String] {
        var sent: [String] = []
        while let (slot, index) = queue.nextFragment(room: 1_200, packet: packet) {
            sent.append("\(queue.slots[Int(slot)].number).\(index)")
        }
        return sent
    }

    @Test func numbersCountByClass() {
        var queue = queue()
        #expect(queue.append(byteCount: 1, as: .durable) == 0)
        #expect(queue.append(byteCount: 1, as: .reliable) == 0)
        #expect(queue.append(byteCount: 1, as: .durable) == 1)
        #expect(queue.append(byteCount: 1, as: .reliable) == 1)
        #expect(queue.count == 4 && queue.byteCount == 4)
    }

    @Test func fullQueuesRefuse() {
        var few = queue(messagesMax: 2)
        #expect(few.append(byteCount: 1) == 0)
        #expect(few.append(byteCount: 1) == 1)
        #expect(few.append(byteCount: 1) == nil)
        var small = SendQueue(messagesMax: 9, byteCountMax: 100, credit: 100)
        #expect(small.append(byteCount: 60) == 0)
        #expect(small.append(byteCount: 41) == nil)
        #expect(small.append(byteCount: 40) == 1)
    }

    @Test func messagesGoOutInOrderAndInPieces() {
        var queue = queue()
        _ = queue.append(byteCount: 10)
        _ = queue.append(byteCount: 2_049)
        _ = queue.append(byteCount: 0)
        #expect(drain(&queue) == ["0.0", "1.0", "1.1", "1.2", "2.0"])
        #expect(queue.hasSendable(now: .at(0)) == false)
    }

    @Test func whatDoesNotFitWaits() {
        var queue = queue()
        _ = queue.append(byteCount: 100)
        #expect(queue.nextFragment(room: 100, packet: 0) == nil)
        #expect(queue.hasSendable(now: .at(0)) == true)
        // Type, class, number in 1 byte, length in 2.
        #expect(queue.nextFragment(room: 104, packet: 0) == nil)
        #expect(queue.nextFragment(room: 105, packet: 0) != nil)
    }

    @Test func creditIsCountedWhenAMessageBegins() {
        // Of a class that need not leave credit to others.
        let first = ClassPolicy(DeliveryClass(.durable, variant: 1), name: "first", priority: 0)
        var queue = SendQueue(
            messagesMax: 512, byteCountMax: 1 << 20, credit: 3_000, classes: ClassTable([first]))
        _ = queue.append(byteCount: 2_000, as: first.deliveryClass)
        _ = queue.append(byteCount: 1_001, as: first.deliveryClass)
        _ = queue.append(byteCount: 1, as: first.deliveryClass)
        #expect(queue.shouldReportBlocked() == false)
        #expect(drain(&queue) == ["0.0", "0.1"])
        #expect(queue.shouldReportBlocked() == true)
        #expect(queue.shouldReportBlocked() == false, "told once")
        queue.raiseCredit(to: 2_999)
        #expect(queue.hasSendable(now: .at(0)) == false)
        #expect(queue.shouldReportBlocked() == false)
        queue.raiseCredit(to: 3_000)
        #expect(queue.hasSendable(now: .at(0)) == false)
        queue.raiseCredit(to: 3_001)
        #expect(drain(&queue) == ["1.0"])
        #expect(queue.shouldReportBlocked() == true)
        queue.raiseCredit(to: 3_002)
        #expect(drain(&queue) == ["2.0"])
        #expect(queue.shouldReportBlocked() == false)
    }

    @Test func repetitionsCostNoCredit() {
        var queue = queue(credit: 5_000)
        _ = queue.append(byteCount: 5_000)
        #expect(drain(&queue).count == 5)
        #expect(
            queue.mustRepeat(slot: 0, index: 3, deliveryClass: .durable, number: 0, packet: 0)
                == true)
        #expect(drain(&queue) == ["0.3"])
    }

    @Test func windowReaches512Messages() {
        var queue = queue(messagesMax: 600)
        for _ in 0..<600 { _ = queue.append(byteCount: 1) }
        #expect(drain(&queue).count == 512)
        // One that is acknowledged in the middle opens nothing; the lowest does.
        #expect(queue.acknowledge(1, 0, number: 1) == true)
        #expect(queue.hasSendable(now: .at(0)) == false)
        #expect(queue.acknowledge(0, 0, number: 0) == true)
        #expect(drain(&queue) == ["512.0", "513.0"])
    }

    @Test func windowsOfClassesAreApart() {
        var queue = queue(messagesMax: 600)
        for _ in 0..<512 { _ = queue.append(byteCount: 1, as: .durable) }
        _ = queue.append(byteCount: 1, as: .reliable)
        #expect(drain(&queue).count == 513)
    }

    @Test func eightLargeMessagesAreUnderWayAtMost() {
        var queue = queue()
        for _ in 0..<9 { _ = queue.append(byteCount: 1_025) }
        _ = queue.append(byteCount: 1)
        #expect(drain(&queue).count == 16)
        #expect(queue.acknowledge(0, 0, number: 0) == false)
        #expect(queue.hasSendable(now: .at(0)) == false, "half of it is not all of it")
        #expect(queue.acknowledge(0, 1, number: 0) == true)
        #expect(drain(&queue) == ["8.0", "8.1", "9.0"])
    }

    @Test func repairsGoFirst() {
        var queue = queue()
        for _ in 0..<3 { _ = queue.append(byteCount: 1_025) }
        #expect(queue.nextFragment(room: 1_200, packet: 1)?.slot == 0)
        #expect(queue.nextFragment(room: 1_200, packet: 2)?.index == 1)
        #expect(queue.nextFragment(room: 1_200, packet: 3)?.slot == 1)
        // Slot 0 has nothing left to send and leaves its line only when the queue is asked.
        #expect(
            queue.mustRepeat(slot: 0, index: 1, deliveryClass: .durable, number: 0, packet: 2)
                == true)
        #expect(
            queue.mustRepeat(slot: 0, index: 0, deliveryClass: .durable, number: 0, packet: 1)
                == true)
        #expect(drain(&queue) == ["0.0", "0.1", "1.1", "2.0", "2.1"])
    }

    @Test func onlyTheNewestCopyOfASmallMessageIsRepaired() {
        var queue = queue()
        _ = queue.append(byteCount: 1)
        #expect(drain(&queue, packet: 4) == ["0.0"])
        #expect(
            queue.mustRepeat(slot: 0, index: 0, deliveryClass: .durable, number: 0, packet: 4)
                == true)
        #expect(drain(&queue, packet: 7) == ["0.0"])
        #expect(
            queue.mustRepeat(slot: 0, index: 0, deliveryClass: .durable, number: 0, packet: 4)
                == false)
        #expect(queue.hasSendable(now: .at(0)) == false)
    }

    @Test func staleReferencesDoNothing() {
        var queue = queue()
        _ = queue.append(byteCount: 1)
        #expect(drain(&queue) == ["0.0"])
        #expect(queue.acknowledge(0, 0, number: 0) == true)
        #expect(queue.hasSendable(now: .at(0)) == false)
        #expect(queue.append(byteCount: 1) == 1)
        #expect(queue.slots.count == 1, "the slot is used again")
        #expect(drain(&queue) == ["1.0"])
        #expect(queue.acknowledge(0, 0, number: 0) == false, "what is known of the old message")
        #expect(
            queue.mustRepeat(slot: 0, index: 0, deliveryClass: .durable, number: 0, packet: 0)
                == false)
        #expect(
            queue.mustRepeat(slot: 0, index: 0, deliveryClass: .reliable, number: 1, packet: 0)
                == false)
        #expect(
            queue.mustRepeat(slot: 9, index: 0, deliveryClass: .durable, number: 1, packet: 0)
                == false)
        #expect(queue.count == 1)
        #expect(queue.hasSendable(now: .at(0)) == false)
    }

    @Test func lateAcknowledgementEndsARepair() {
        var queue = queue()
        _ = queue.append(byteCount: 1)
        #expect(drain(&queue) == ["0.0"])
        #expect(
            queue.mustRepeat(slot: 0, index: 0, deliveryClass: .durable, number: 0, packet: 0)
                == true)
        #expect(queue.acknowledge(0, 0, number: 0) == true)
        // The line still names the slot: the next message must not be taken for the old one.
        #expect(queue.append(byteCount: 1) == 1)
        #expect(drain(&queue) == ["1.0"])
        #expect(queue.count == 1 && queue.byteCount == 1)
    }

    /// A queue that was full takes a message as soon as one is acknowledged, and sends it.
    @Test func roomThatAnAcknowledgementMadeCanBeUsedAtOnce() {
        for messagesMax in 1...3 {
            var queue = queue(messagesMax: messagesMax)
            for _ in 0..<messagesMax { _ = queue.append(byteCount: 1) }
            #expect(queue.nextFragment(room: 1_200, packet: 0) != nil)
            #expect(queue.acknowledge(0, 0, number: 0) == true)
            #expect(queue.append(byteCount: 1) == UInt64(messagesMax))
            #expect(drain(&queue) == (1...messagesMax).map { "\($0).0" })
        }
    }

    /// Whatever is lost and however late: all messages are acknowledged once, and nothing is left.
    @Test(arguments: UInt64(1)...60)
    func everyMessageIsAcknowledgedOnce(seed: UInt64) {
        var random = RandomStream(seed: seed, label: "queue")
        var queue = queue(messagesMax: 1 + Int(random.below(12)), credit: 3_000)
        var flying:
            [(packet: UInt64, slot: UInt16, index: Int, kind: DeliveryClass, number: UInt64)]
        flying = []
        var toSend = 80
        var done = 0
        var packet: UInt64 = 0
        for _ in 0..<20_000 where toSend > 0 || queue.count > 0 {
            switch random.below(4) {
            case 0:
                let byteCount = Int(random.below(random.chance(0.2) ? 3_000 : 200))
                let kind: DeliveryClass = random.chance(0.5) ? .durable : .reliable
                if toSend > 0, queue.append(byteCount: byteCount, as: kind) != nil { toSend -= 1 }
            case 1:
                packet += 1
                guard let (slot, index) = queue.nextFragment(room: 1_200, packet: packet) else {
                    continue
                }
                let message = queue.slots[Int(slot)]
                flying.append((packet, slot, index, message.deliveryClass, message.number))
            default:
                guard !flying.isEmpty else { continue }
                let copy = flying.remove(at: Int(random.below(UInt64(flying.count))))
                if random.chance(0.4) {
                    queue.mustRepeat(
                        slot: copy.slot, index: UInt8(copy.index), deliveryClass: copy.kind,
                        number: copy.number, packet: copy.packet)
                    // Some that count as lost are late only.
                    if random.chance(0.3) { flying.append(copy) }
                } else if queue.acknowledged(
                    slot: copy.slot, index: UInt8(copy.index), deliveryClass: copy.kind,
                    number: copy.number)
                {
                    done += 1
                    queue.raiseCredit(to: queue.credit + 3_000)
                }
            }
        }
        #expect(done == 80, "seed \(seed)")
        #expect(queue.count == 0 && queue.byteCount == 0, "seed \(seed)")
    }
}
