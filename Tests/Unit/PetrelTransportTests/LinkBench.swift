// A bottleneck with a queue, and flows that share it, in virtual time: where controllers are tuned.

import PetrelBase
import PetrelWire

@testable import PetrelTransport

/// A link that every flow of a bench goes through.
struct BenchLink {
    var rate = 2_500_000.0  // bytes per second
    var rtt = Interval.milliseconds(100)
    var queuePackets = 200
    var loss = 0.0
    /// Mean length of a burst of losses in packets; 1: independent.
    var burst = 1.0
    var reverseLoss = 0.0
    var jitter = Interval.zero
    /// Packets that find so many in the queue are marked.
    var markAbove = Int.max
}

/// What a flow does.
struct BenchFlow {
    var algorithm = CongestionAlgorithm.gale
    var start = Interval.zero
    var end = Interval.infinite
    var bytes = Int.max
    /// Bytes of a packet on the wire, and of its payload.
    var packet = 1_087
    var payload = 1_024
    var ackEvery = 2
    /// Paced like the protocol, or in bursts as acknowledgements come, as kernels do for CUBIC.
    var isPaced = true
}

/// What became of a flow within the time that counts.
struct BenchResult {
    var goodput = 0.0  // bytes per second of payload
    var sent = 0
    var delivered = 0
    var finished: Interval?
}

/// Runs flows over a link.
struct LinkBench {
    private enum Event {
        case wake(flow: Int)
        case leaveQueue
        case arrive(flow: Int, number: Int)
        case ackTimer(flow: Int, serial: Int)
        case acknowledge(flow: Int, count: Int, marks: Int)
        case lossTimer(flow: Int, serial: Int)
    }

    private struct Packet {
        var sent: Instant
        var mark: DeliveryMark
        var state: UInt8 = 0  // 0 in flight, 1 acknowledged, 2 lost
    }

    private struct Sender {
        var flow: BenchFlow
        var congestion: Congestion
        var pacer = Pacer()
        var rtt = RTTEstimator()
        var packets: [Packet] = []
        var oldest = 0
        var largest = -1
        var inFlight = 0
        var processed = 0
        var marksSeen = 0
        var lossSerial = 0
        var wakeAt = Instant.distantFuture
        var probeCount = 0
        var probes = 0
        var lastSent = Instant(nanoseconds: 0)
        // Receiver.
        var arrivals: [Int] = []
        var unacknowledged = 0
        var marks = 0
        var largestArrived = -1
        var ackSerial = 0
        var deliveredInWindow = 0
        var sentInWindow = 0
        var finished: Interval?
    }

    let link: BenchLink
    private var senders: [Sender]
    private var random: RandomStream
    private var heap: [(Instant, Int, Event)] = []
    private var order = 0
    private var queue: [(flow: Int, number: Int, entered: Instant)] = []
    private var marked: Set<[Int]> = []
    private var queueHead = 0
    private var isBusy = false
    private var inBadState = false
    private(set) var now = Instant(nanoseconds: 1_000_000_000)
    private let zero = Instant(nanoseconds: 1_000_000_000)
    /// Time in the queue of each packet that left it within the time that counts.
    private(set) var delays: [Int64] = []
    private(set) var drops = 0

    init(_ link: BenchLink, _ flows: [BenchFlow], seed: UInt64 = 1) {
        self.link = link
        senders = flows.map { Sender(flow: $0, congestion: Congestion($0.algorithm)) }
        random = RandomStream(seed: seed, label: "bench")
    }

    /// Runs for `duration`; results count from `warmup` on.
    mutating func run(_ duration: Interval, warmup: Interval = .zero) -> [BenchResult] {
        for i in senders.indices { push(zero + senders[i].flow.start, .wake(flow: i)) }
        let countFrom = zero + warmup
        let end = zero + duration
        while let (at, _, event) = pop(), at <= end {
            now = at
            switch event {
            case .wake(let i):
                if senders[i].wakeAt <= now { senders[i].wakeAt = .distantFuture }
                send(i, countFrom)
            case .leaveQueue: leaveQueue(countFrom)
            case .arrive(let i, let number): arrive(i, number, countFrom)
            case .ackTimer(let i, let serial):
                if senders[i].ackSerial == serial, senders[i].unacknowledged > 0 { sendAck(i) }
            case .acknowledge(let i, let count, let marks):
                acknowledge(i, count, marks: marks)
                send(i, countFrom)
            case .lossTimer(let i, let serial):
                guard senders[i].lossSerial == serial else { break }
                lossTimer(i)
                send(i, countFrom)
            }
        }
        let seconds = (duration - warmup).milliseconds / 1_000
        return senders.map {
            BenchResult(
                goodput: Double($0.deliveredInWindow * $0.flow.payload) / seconds,
                sent: $0.sentInWindow, delivered: $0.deliveredInWindow, finished: $0.finished)
        }
    }

    // MARK: Sender

    private mutating func send(_ i: Int, _ countFrom: Instant) {
        guard now >= zero + senders[i].flow.start, now < zero + senders[i].flow.end,
            senders[i].finished == nil
        else { return }
        while true {
            let flow = senders[i].flow
            let isProbe = senders[i].probes > 0
            let rate = senders[i].congestion.pacingRate(smoothedRTT: senders[i].rtt.smoothed)
            senders[i].pacer.refill(rate: rate, now: now)
            if !isProbe {
                guard senders[i].inFlight + flow.packet <= senders[i].congestion.window else {
                    return
                }
                guard !flow.isPaced || senders[i].pacer.mayProceed else {
                    let next = senders[i].pacer.nextProceed(rate: rate)
                    if next < senders[i].wakeAt {
                        senders[i].wakeAt = next
                        push(max(next, now + Interval(nanoseconds: 1)), .wake(flow: i))
                    }
                    return
                }
            } else {
                senders[i].probes -= 1
            }
            let mark = senders[i].congestion.sent(bytesInFlight: senders[i].inFlight, now: now)
            let number = senders[i].packets.count
            senders[i].packets.append(Packet(sent: now, mark: mark))
            senders[i].inFlight += flow.packet
            senders[i].pacer.sent(byteCount: flow.packet)
            senders[i].lastSent = now
            if now >= countFrom { senders[i].sentInWindow += 1 }
            setLossTimer(i)
            enqueue(i, number)
        }
    }

    private mutating func acknowledge(_ i: Int, _ count: Int, marks: Int) {
        guard count > senders[i].processed else { return }
        var latest: Interval?
        var largestNow = -1
        for k in senders[i].processed..<count {
            let number = senders[i].arrivals[k]
            let packet = senders[i].packets[number]
            if packet.state == 0 {
                senders[i].packets[number].state = 1
                senders[i].inFlight -= senders[i].flow.packet
                senders[i].congestion.acknowledged(
                    byteCount: senders[i].flow.packet, mark: packet.mark, sent: packet.sent,
                    now: now)
                largestNow = max(largestNow, number)
            } else if packet.state == 2 {
                senders[i].packets[number].state = 1
                senders[i].congestion.lossWasSpurious(
                    byteCount: senders[i].flow.packet, mark: packet.mark, sent: packet.sent,
                    now: now)
            }
        }
        senders[i].processed = count
        if largestNow > senders[i].largest {
            senders[i].largest = largestNow
            latest = now - senders[i].packets[largestNow].sent
            if let latest { senders[i].rtt.update(sample: latest, ackDelay: .zero) }
        }
        senders[i].probeCount = 0
        if marks > senders[i].marksSeen, largestNow >= 0 {
            senders[i].marksSeen = marks
            let newest = senders[i].packets[largestNow]
            senders[i].congestion.marked(mark: newest.mark, sent: newest.sent, now: now)
        }
        detectLoss(i)
        senders[i].congestion.update(
            rtt: senders[i].rtt, latest: latest, bytesInFlight: senders[i].inFlight, now: now)
        setLossTimer(i)
    }

    private mutating func detectLoss(_ i: Int) {
        let rtt = senders[i].rtt
        let wait = max(rtt.latest, rtt.smoothed) * 9 / 8
        while senders[i].oldest <= senders[i].largest,
            senders[i].packets[senders[i].oldest].state != 0
        { senders[i].oldest += 1 }
        guard senders[i].oldest <= senders[i].largest else { return }
        for number in senders[i].oldest...senders[i].largest {
            let packet = senders[i].packets[number]
            guard packet.state == 0 else { continue }
            guard senders[i].largest - number >= 3 || packet.sent + wait <= now else { continue }
            senders[i].packets[number].state = 2
            senders[i].inFlight -= senders[i].flow.packet
            senders[i].congestion.lost(
                UInt64(number),
                byteCount: senders[i].flow.packet, mark: packet.mark, sent: packet.sent, now: now)
        }
    }

    private mutating func setLossTimer(_ i: Int) {
        senders[i].lossSerial += 1
        guard senders[i].inFlight > 0 else { return }
        var interval = senders[i].rtt.probeTimeout(ackDelayMax: .milliseconds(10))
        for _ in 0..<senders[i].probeCount { interval = interval * 2 }
        push(senders[i].lastSent + interval, .lossTimer(flow: i, serial: senders[i].lossSerial))
    }

    private mutating func lossTimer(_ i: Int) {
        senders[i].probeCount += 1
        senders[i].probes += 1
        if senders[i].probeCount == 3 { senders[i].congestion.collapsed() }
    }

    // MARK: Link

    private mutating func enqueue(_ i: Int, _ number: Int) {
        guard queue.count - queueHead < link.queuePackets else { return drops += 1 }
        if queue.count - queueHead >= link.markAbove { marked.insert([i, number]) }
        queue.append((i, number, now))
        if !isBusy { startTransmission() }
    }

    private mutating func startTransmission() {
        isBusy = true
        let flow = senders[queue[queueHead].flow].flow
        let time = Double(flow.packet) / link.rate * 1e9
        push(now + Interval(nanoseconds: Int64(time)), .leaveQueue)
    }

    private mutating func leaveQueue(_ countFrom: Instant) {
        let (i, number, entered) = queue[queueHead]
        queueHead += 1
        if queueHead > 4_096 {
            queue.removeFirst(queueHead)
            queueHead = 0
        }
        isBusy = false
        if now >= countFrom { delays.append((now - entered).nanoseconds) }
        if !isLost() {
            let delay = link.rtt / 2 + random.interval(below: link.jitter)
            push(now + delay, .arrive(flow: i, number: number))
        }
        if queueHead < queue.count { startTransmission() }
    }

    private mutating func isLost() -> Bool {
        guard link.loss > 0 else { return false }
        guard link.burst > 1 else { return random.chance(link.loss) }
        let leave = 1 / link.burst
        let enter = leave * link.loss / (1 - link.loss)
        inBadState = inBadState ? !random.chance(leave) : random.chance(enter)
        return inBadState
    }

    // MARK: Receiver

    private mutating func arrive(_ i: Int, _ number: Int, _ countFrom: Instant) {
        senders[i].arrivals.append(number)
        if marked.remove([i, number]) != nil { senders[i].marks += 1 }
        if now >= countFrom { senders[i].deliveredInWindow += 1 }
        if senders[i].finished == nil,
            senders[i].arrivals.count * senders[i].flow.payload >= senders[i].flow.bytes
        {
            senders[i].finished = now - zero - senders[i].flow.start
        }
        senders[i].unacknowledged += 1
        let isInOrder = number == senders[i].largestArrived + 1
        senders[i].largestArrived = max(senders[i].largestArrived, number)
        if senders[i].unacknowledged >= senders[i].flow.ackEvery || !isInOrder { return sendAck(i) }
        if senders[i].unacknowledged == 1 {
            senders[i].ackSerial += 1
            push(now + .milliseconds(10), .ackTimer(flow: i, serial: senders[i].ackSerial))
        }
    }

    private mutating func sendAck(_ i: Int) {
        senders[i].unacknowledged = 0
        senders[i].ackSerial += 1
        guard !random.chance(link.reverseLoss) else { return }
        push(
            now + link.rtt / 2,
            .acknowledge(
                flow: i, count: senders[i].arrivals.count, marks: senders[i].marks))
    }

    // MARK: Time

    private mutating func push(_ at: Instant, _ event: Event) {
        order += 1
        heap.append((at, order, event))
        var child = heap.count - 1
        while child > 0 {
            let parent = (child - 1) / 2
            guard (heap[child].0, heap[child].1) < (heap[parent].0, heap[parent].1) else { return }
            heap.swapAt(child, parent)
            child = parent
        }
    }

    private mutating func pop() -> (Instant, Int, Event)? {
        guard !heap.isEmpty else { return nil }
        heap.swapAt(0, heap.count - 1)
        let top = heap.removeLast()
        var parent = 0
        while true {
            var least = parent
            for child in [2 * parent + 1, 2 * parent + 2] where child < heap.count {
                if (heap[child].0, heap[child].1) < (heap[least].0, heap[least].1) { least = child }
            }
            guard least != parent else { return top }
            heap.swapAt(parent, least)
            parent = least
        }
    }
}
