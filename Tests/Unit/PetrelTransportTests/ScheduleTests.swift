// What goes first: bands with a share for the lower ones, deadlines, and streams in turn.

import PetrelBase
import PetrelWire
import Testing

@testable import PetrelTransport

@Suite struct ScheduleTests {
    static let urgent = ClassPolicy(
        DeliveryClass(.reliable, variant: 1), name: "urgent", priority: 0)
    static let background = ClassPolicy(
        DeliveryClass(.reliable, variant: 2), name: "background", priority: 6)
    static let alarm = ClassPolicy(
        DeliveryClass(.expiring, variant: 1), name: "alarm", priority: 1, deadline: .seconds(1))

    private func queue(messagesMax: Int = 512, credit: UInt64 = 1 << 30) -> SendQueue {
        SendQueue(
            messagesMax: messagesMax, byteCountMax: 1 << 26, credit: credit,
            classes: ClassTable([Self.urgent, Self.background, Self.alarm]))
    }

    /// The class that the next packet of 1,200 bytes begins with.
    private func nextClass(_ queue: inout SendQueue, now: Instant = .at(0)) -> DeliveryClass? {
        guard let (slot, _) = queue.nextFragment(packet: 0, now: now) else { return nil }
        return queue.slots[Int(slot)].deliveryClass
    }

    @Test func urgentMessagesWaitForNoOther() {
        var queue = queue()
        for _ in 0..<20 { _ = queue.append(byteCount: 40_000, as: Self.background.deliveryClass) }
        for _ in 0..<20 { _ = queue.append(byteCount: 40_000, as: .durable) }
        for _ in 0..<50 { _ = nextClass(&queue) }
        _ = queue.append(byteCount: 100, as: Self.urgent.deliveryClass)
        // At most one packet of the lower bands goes before it, when they have waited for long.
        let order = [nextClass(&queue), nextClass(&queue)]
        #expect(order.contains(Self.urgent.deliveryClass))
    }

    /// A class that is in no hurry waits for company as long as it says, one in a hurry does not.
    @Test func classesSayHowLongTheyWaitForCompany() {
        let patient = ClassPolicy(
            DeliveryClass(.durable, variant: 1), name: "patient", priority: 3,
            coalescing: .milliseconds(40))
        let hasty = ClassPolicy(
            DeliveryClass(.durable, variant: 2), name: "hasty", priority: 3, coalescing: .zero)
        var queue = SendQueue(
            messagesMax: 512, byteCountMax: 1 << 26, credit: 1 << 30,
            classes: ClassTable([patient, hasty]))
        _ = queue.append(byteCount: 100)
        _ = nextClass(&queue, now: .at(100))
        _ = queue.append(byteCount: 100, as: patient.deliveryClass)
        #expect(queue.readyAt(now: .at(100)) == .at(140))
        _ = queue.append(byteCount: 100)
        #expect(queue.readyAt(now: .at(100)) == .at(102))
        _ = queue.append(byteCount: 100, as: hasty.deliveryClass)
        #expect(queue.readyAt(now: .at(100)) == .at(100))
        for _ in 0..<3 { _ = nextClass(&queue, now: .at(100)) }
        _ = queue.append(byteCount: 100, as: patient.deliveryClass)
        #expect(queue.readyAt(now: .at(100)) == .at(140))
    }

    /// A flood of one band leaves credit to those that go first.
    @Test func floodsLeaveCreditToThoseThatGoFirst() {
        var queue = queue(credit: 80_000)
        for _ in 0..<100 { _ = queue.append(byteCount: 1_000, as: Self.background.deliveryClass) }
        while nextClass(&queue) != nil {}
        #expect(queue.creditUsed == 60_000)
        #expect(queue.waitsForCredit)
        for _ in 0..<100 { _ = queue.append(byteCount: 1_000, as: .durable) }
        while nextClass(&queue) != nil {}
        #expect(queue.creditUsed == 70_000)
        for _ in 0..<20 { _ = queue.append(byteCount: 1_000, as: Self.urgent.deliveryClass) }
        for _ in 0..<10 { #expect(nextClass(&queue) == Self.urgent.deliveryClass) }
        #expect(queue.creditUsed == 80_000)
        #expect(nextClass(&queue) == nil)
        queue.raiseCredit(to: 81_000)
        #expect(nextClass(&queue) == Self.urgent.deliveryClass)
        #expect(nextClass(&queue) == nil)
    }

    @Test func floodsLeaveCreditAfterASleep() {
        let asleep = queue(credit: 80_000).dormant
        var awake = queue(credit: 0)
        awake.resume(asleep)
        for _ in 0..<100 { _ = awake.append(byteCount: 1_000, as: Self.background.deliveryClass) }
        while nextClass(&awake) != nil {}
        #expect(awake.creditUsed == 60_000)
    }

    /// What is kept for others never keeps a message from being sent at all.
    @Test(arguments: [1_025, 40_000, 65_000, 65_536])
    func whatIsKeptLetsLargeMessagesBegin(byteCount: Int) {
        for kind in [DeliveryClass.durable, Self.background.deliveryClass] {
            var queue = queue(credit: 65_536)
            _ = queue.append(byteCount: byteCount, as: kind)
            #expect(nextClass(&queue) == kind)
            var small = self.queue(credit: UInt64(byteCount))
            _ = small.append(byteCount: byteCount, as: kind)
            #expect(nextClass(&small) == kind)
        }
    }

    /// Who waits for credit has so much under way that the receiver tells of more by itself.
    @Test(arguments: [100, 1_000, 20_000, 47_000, 60_000, 65_536])
    func whoWaitsForCreditHasHalfOfItUnderWay(byteCount: Int) {
        for kind in [DeliveryClass.durable, Self.background.deliveryClass] {
            let window = 196_608
            var queue = queue(credit: UInt64(window))
            var acknowledged = 0
            while !queue.waitsForCredit {
                _ = queue.append(byteCount: byteCount, as: kind)
                // Whole at once, so that the limit of unfinished messages is not met.
                while let (slot, index) = queue.nextFragment(packet: 0) {
                    let number = queue.slots[Int(slot)].number
                    if queue.acknowledge(slot, index, number: number) { acknowledged += 1 }
                }
                guard acknowledged < 5_000 else { break }
            }
            #expect(queue.creditUsed >= window / 2, "\(kind)")
        }
    }

    /// However much of a transfer waits, at most one chunk of it goes before a message.
    @Test(arguments: [0, 1, 7, 100, 1_000])
    func messagesWaitForAChunkAtMost(chunks: Int) {
        var queue = queue()
        let file = [UInt8](repeating: 1, count: 1 << 20)
        let place = queue.bulk.open(1, total: 1 << 20, as: .bulk)
        #expect(place == 0 && queue.bulk.want(0, from: 0) == true)
        #expect(queue.bulk.supply(0, file.span.bytes) == 1 << 20)
        queue.standInFlow(transfer: 0)
        var next: UInt64 = 0
        for _ in 0..<chunks where next < 8_192 {
            let pick = queue.next(room: 1_200, packet: 0, now: .at(0))
            #expect(pick == .chunks(place: 0, next..<min(next + 9, 8_192)))
            next += 9
        }
        for kind in [Self.urgent.deliveryClass, .durable, .ordered, .expiring] {
            for _ in 0..<20 {
                _ = queue.append(byteCount: 100, as: kind)
                let picks = (0..<2).map { _ in queue.next(room: 1_200, packet: 0, now: .at(0)) }
                let isSent = picks.contains { pick in
                    if case .fragment = pick { true } else { false }
                }
                #expect(isSent, "\(kind) after \(chunks) chunks: \(picks)")
            }
        }
    }

    /// Whatever is sent above, the bands below get a tenth of it, and not more.
    @Test(arguments: [100, 700, 1_000, 5_000])
    func lowerBandsKeepAShare(byteCount: Int) {
        var queue = queue()
        var bytes: [UInt8: Int] = [:]
        var waiting: [UInt8: Int] = [:]
        let kinds = [Self.urgent.deliveryClass, .reliable, Self.background.deliveryClass]
        for _ in 0..<20_000 {
            for band in UInt8(0)..<3 {
                while waiting[band, default: 0] < 10 {
                    _ = queue.append(byteCount: byteCount, as: kinds[Int(band)])
                    waiting[band, default: 0] += 1
                }
            }
            guard let (slot, index) = queue.nextFragment() else {
                Issue.record("nothing to send")
                return
            }
            let message = queue.slots[Int(slot)]
            let range = MessageFragment.range(index, total: byteCount)
            bytes[message.band, default: 0] += range.count
            if queue.acknowledge(slot, index, number: message.number) {
                waiting[message.band, default: 0] -= 1
            }
        }
        let all = bytes.values.reduce(0, +)
        #expect(Double(bytes[0] ?? 0) / Double(all) > 0.78, "\(bytes)")
        #expect(Double(bytes[1] ?? 0) / Double(all) > 0.06, "\(bytes)")
        #expect(Double(bytes[2] ?? 0) / Double(all) > 0.06, "\(bytes)")
    }

    @Test func earlierDeadlinesGoFirst() {
        var queue = queue()
        let deadlines = [700.0, 300, 900, 300, 100]
        for deadline in deadlines {
            _ = queue.append(byteCount: 10, as: .expiring, deadline: .at(deadline))
        }
        _ = queue.append(byteCount: 10, as: .durable)
        var numbers: [UInt64] = []
        while let (slot, _) = queue.nextFragment() {
            numbers.append(queue.slots[Int(slot)].number)
        }
        #expect(numbers == [4, 1, 3, 0, 2, 0])
    }

    @Test func whatIsLateIsNotSent() {
        var queue = queue()
        _ = queue.append(byteCount: 10, as: .expiring, deadline: .at(100))
        #expect(queue.hasSendable(now: .at(99)))
        #expect(!queue.hasSendable(now: .at(100)))
        #expect(queue.nextFragment(now: .at(100)) == nil)
    }

    /// Streams that always have something get the same number of bytes, whatever their sizes.
    @Test(arguments: UInt64(1)...40)
    func streamsTakeTurns(seed: UInt64) {
        var random = RandomStream(seed: seed, label: "fair")
        var queue = queue()
        let streams = 2 + Int(random.below(6))
        let sizes = (0..<streams).map { _ in 1 + Int(random.below(4_000)) }
        var bytes = [Int](repeating: 0, count: streams)
        var waiting = [Int](repeating: 0, count: streams)
        for _ in 0..<6_000 {
            for stream in 0..<streams where waiting[stream] < 3 {
                _ = queue.append(byteCount: sizes[stream], as: .ordered, key: UInt64(stream))
                waiting[stream] += 1
            }
            guard let (slot, index) = queue.nextFragment() else {
                Issue.record("nothing to send, seed \(seed)")
                return
            }
            let message = queue.slots[Int(slot)]
            let stream = Int(message.place?.stream ?? 0)
            bytes[stream] += MessageFragment.frameByteCount(
                message.name, total: message.byteCount, index: index)
            if queue.acknowledge(slot, index, number: message.number) { waiting[stream] -= 1 }
        }
        let (least, most) = (bytes.min() ?? 0, bytes.max() ?? 0)
        #expect(most - least <= 2 * FlowRings.quantum + 1_100, "seed \(seed): \(bytes) \(sizes)")
    }

    /// A large message that waits for credit is not passed over by small ones for ever.
    @Test func creditIsKeptForWhoWaits() {
        var queue = queue(credit: 10_000)
        _ = queue.append(byteCount: 20_000, as: .durable)
        for _ in 0..<30 { _ = queue.append(byteCount: 1_000, as: .reliable) }
        #expect(nextClass(&queue) == nil)
        #expect(queue.shouldReportBlocked() == true)
        queue.raiseCredit(to: 20_000)
        #expect(nextClass(&queue) == .durable)
    }

    /// Urgent messages go at once; others wait for company, but not the first after a pause.
    @Test func smallMessagesWaitForCompany() {
        let rows: [(DeliveryClass, Double)] = [
            (Self.urgent.deliveryClass, 0), (.durable, 2), (Self.background.deliveryClass, 10),
        ]
        for (kind, wait) in rows {
            var queue = queue()
            _ = queue.append(byteCount: 10, as: kind)
            #expect(queue.isReady(now: .at(50)), "\(kind)")
            _ = queue.nextFragment(now: .at(50))
            _ = queue.append(byteCount: 10, as: kind)
            #expect(queue.readyAt(now: .at(50)) == .at(50 + wait), "\(kind)")
            _ = queue.append(byteCount: 995, as: kind)
            #expect(queue.isReady(now: .at(50)), "\(kind): a packet is full")
        }
    }

    @Test func lastChanceIsTaken() {
        var queue = queue()
        var events = SessionEvents()
        _ = queue.append(byteCount: 10, as: .expiring, deadline: .at(300))
        #expect(queue.nextFragment(now: .at(0)) != nil)
        // Half a trip is 40 ms: the copy goes 52 ms before the deadline.
        #expect(queue.nextDeadline(halfTrip: .milliseconds(40)) == .at(248))
        queue.observeDeadlines(now: .at(247), halfTrip: .milliseconds(40), into: &events)
        #expect(!queue.hasSendable(now: .at(247)))
        queue.observeDeadlines(now: .at(248), halfTrip: .milliseconds(40), into: &events)
        #expect(queue.nextFragment(now: .at(248)) != nil)
        #expect(queue.nextDeadline(halfTrip: .milliseconds(40)) == .at(300), "once only")
        #expect(events.list.isEmpty)
    }

    /// No slot is lost and no number stays open, whatever is given up when.
    @Test(arguments: UInt64(1)...60)
    func everythingIsSettled(seed: UInt64) {
        var random = RandomStream(seed: seed, label: "settled")
        var queue = queue(messagesMax: 1 + Int(random.below(20)), credit: 1 << 20)
        var events = SessionEvents()
        var flying: [(Pick, MessageName)] = []
        var now = Instant.at(0)
        let kinds: [DeliveryClass] = [.expiring, .ordered, .durable, .reliable]
        for _ in 0..<3_000 {
            switch random.below(6) {
            case 0, 1:
                let size = Int(random.below(random.chance(0.2) ? 3_000 : 200))
                let wait = Interval.milliseconds(Int64(random.below(400)))
                _ = queue.append(
                    byteCount: size, as: kinds[Int(random.below(4))], key: random.below(3),
                    deadline: now + wait)
            case 2:
                if let pick = queue.next(room: 1_200, packet: 0, now: now) {
                    flying.append((pick, name(pick, queue)))
                }
            case 3:
                now = now + .milliseconds(Int64(random.below(30)))
                queue.observeDeadlines(now: now, halfTrip: .milliseconds(20), into: &events)
            case 4:
                if let slot = queue.slots.first(where: \.isUsed), random.chance(0.3) {
                    let kind = slot.deliveryClass.kind
                    _ = queue.cancel(kind, number: slot.number, into: &events)
                }
            default: settle(&flying, &queue, &events, &random)
            }
        }
        for slot in queue.slots where slot.isUsed {
            _ = queue.cancel(slot.deliveryClass.kind, number: slot.number, into: &events)
        }
        for _ in 0..<10_000 where queue.count > 0 {
            if let pick = queue.next(room: 1_200, packet: 0, now: now) {
                flying.append((pick, name(pick, queue)))
            }
            settle(&flying, &queue, &events, &random)
        }
        #expect(queue.count == 0 && queue.byteCount == 0, "seed \(seed)")
        #expect(queue.severalFragmentsUnderWay == 0, "seed \(seed)")
        #expect(queue.unbegun[0] + queue.unbegun[1] + queue.unbegun[2] == 0, "seed \(seed)")
        #expect(!queue.hasSendable(now: now), "seed \(seed)")
    }

    private func name(_ pick: Pick, _ queue: SendQueue) -> MessageName {
        switch pick {
        case .fragment(let slot, _), .skip(let slot): queue.slots[Int(slot)].name
        case .chunks: MessageName(.bulk, 0)
        }
    }

    /// One packet with one frame is acknowledged or lost.
    private func settle(
        _ flying: inout [(Pick, MessageName)], _ queue: inout SendQueue,
        _ events: inout SessionEvents, _ random: inout RandomStream
    ) {
        guard !flying.isEmpty else { return }
        let (pick, name) = flying.remove(at: Int(random.below(UInt64(flying.count))))
        let isLost = random.chance(0.4)
        switch pick {
        case .fragment(let slot, let index):
            if isLost {
                queue.mustRepeat(
                    slot: slot, index: UInt8(index), deliveryClass: name.deliveryClass,
                    number: name.number, packet: 0)
            } else {
                _ = queue.acknowledged(
                    slot: slot, index: UInt8(index), deliveryClass: name.deliveryClass,
                    number: name.number)
            }
        case .chunks: break
        case .skip(let slot):
            if isLost {
                queue.skipLost(slot: slot, number: name.number)
            } else {
                queue.received(
                    StatusFrame(name.deliveryClass.kind, name.number, wasWhole: false),
                    into: &events)
            }
        }
    }
}
