// Streams, deadlines and transfers between two sessions: what the messenger does not use yet.

internal import PetrelBase
internal import PetrelCrypto
internal import PetrelTransport
internal import PetrelWire

/// A client's and a server's session over two bad links, which heal after a while.
///
/// The client sends ordered messages in some streams, expiring ones, chat and a transfer; the
/// ledger checks what arrives and what the client is told.
final class Traffic {
    enum Event {
        case arrival([UInt8], toServer: Bool, ecn: ECN)
        case wake
        case deed
        case dark
        case narrow
    }

    /// Both ends of the relation.
    private struct Ends: ~Copyable {
        var client: Session
        var server: Session
    }

    static let faultsFor = Interval.seconds(12)
    static let settledWithin = Interval.seconds(30)
    static let serverAddress = Address(v4: 0x0A00_0001, port: 7_700)
    static let clientAddress = Address(v4: 0x0A00_0002, port: 4_000)
    /// An operator's class, which the client learns of in the handshake.
    static let call = ClassPolicy(
        DeliveryClass(.expiring, variant: 1), name: "call", priority: 0,
        deadline: .milliseconds(600))

    var random: RandomStream
    var up: Link
    var down: Link
    var queue = EventQueue<Event>()
    var now = Simulation.start
    var client: Session
    var server: Session
    var ledger: TrafficLedger
    var digest = Digest()
    var told = SessionEvents()
    var watch = PathWatch()
    private var room = [UInt8](repeating: 0, count: 1_500)
    private var events = 0
    private let end: Instant
    private var wakeAt = Instant.distantFuture

    private init?(seed: UInt64) {
        random = stream("traffic", seed: seed)
        let upPlan = Self.plan(&random)
        let downPlan = Self.plan(&random)
        up = Link(plan: upPlan, random: stream("traffic up", seed: seed))
        down = Link(plan: downPlan, random: stream("traffic down", seed: seed))
        // From a stream of its own, so that all else of a seed is what it was.
        var wishes = stream("traffic redundancy", seed: seed)
        let redundancy: Redundancy = wishes.chance(0.5) ? .auto : .none
        guard let ends = Self.sessions(redundancy, now: now) else { return nil }
        client = ends.client
        server = ends.server
        ledger = TrafficLedger(longest: Self.longest(upPlan))
        end = now + Self.faultsFor
    }

    /// Plays the traffic of a seed.
    ///
    /// - Returns: the breach, if there is one, and a fold of all that happened.
    static func run(seed: UInt64) -> (breach: (Invariant, String)?, digest: UInt64) {
        guard let traffic = Traffic(seed: seed) else {
            return ((.liveness, "two sessions cannot be made"), 0)
        }
        traffic.play()
        return (traffic.ledger.breach, traffic.digest.value)
    }

    private func play() {
        queue.insert(.deed, at: now + .milliseconds(200))
        if random.chance(0.7) {
            queue.insert(.dark, at: now + random.interval(below: Self.faultsFor))
        }
        if random.chance(0.6) {
            queue.insert(.narrow, at: now + random.interval(below: Self.faultsFor / 2))
        }
        settle()
        guard run(to: end) else { return }
        up.heal(now: now)
        down.heal(now: now)
        guard run(to: end + Self.settledWithin) else { return }
        ledger.checkEnd(waiting: client.queuedMessages)
    }

    private func run(to limit: Instant) -> Bool {
        while let next = queue.nextTime, next < limit, let (time, event) = queue.popFirst() {
            now = max(now, time)
            events += 1
            play(event)
            settle()
            if events > 400_000 { ledger.fail(.noLeak, "traffic that does not come to rest") }
            if events % 16 == 0, let finding = client.audit() ?? server.audit() {
                ledger.fail(.bounded, "\(finding)")
            }
            guard ledger.breach == nil else { return false }
        }
        now = max(now, limit)
        return true
    }

    private func play(_ event: Event) {
        switch event {
        case .arrival(let bytes, let toServer, let ecn):
            arrive(bytes, toServer: toServer, ecn: ecn)
        case .wake:
            wakeAt = .distantFuture
            if client.deadline <= now {
                client.advance(now: now, into: &told)
                collect(atServer: false)
            }
            if server.deadline <= now {
                server.advance(now: now, into: &told)
                collect(atServer: true)
            }
        case .deed:
            guard now < end else { return }
            act()
            queue.insert(.deed, at: now + random.interval(below: .milliseconds(60)))
        case .dark:
            let until = now + .milliseconds(500) + random.interval(below: .seconds(3))
            up.darkUntil = until
            if random.chance(0.5) { down.darkUntil = until }
            watch.isDark(until: until)
        case .narrow:
            up.byteCountMax = 1_200 + Int(random.below(250))
            up.holeUntil = .distantFuture
            watch.narrows(at: now)
        }
    }

    // MARK: Deeds

    private func act() {
        switch random.below(8) {
        case 0, 1, 2: send(.ordered, key: random.below(4), byteCount: size())
        case 3: send(.expiring, deadline: .milliseconds(Int64(50 + random.below(1_500))))
        case 4: send(Self.call.deliveryClass, deadline: .milliseconds(600))
        case 5, 6: send(.durable, byteCount: 1 + Int(random.below(300)))
        default:
            if ledger.transferByteCount == 0 {
                let byteCount = 20_000 + random.below(600_000)
                guard (try? client.offerTransfer(7, byteCount: byteCount)) != nil else { return }
                ledger.transferByteCount = byteCount
            } else if let (kind, number) = ledger.anyUnderWay(&random), random.chance(0.3) {
                _ = client.cancel(kind, number: number, into: &told)
                collect(atServer: false)
            }
        }
    }

    private func size() -> Int {
        random.chance(0.1) ? Int(random.below(6_000)) : 1 + Int(random.below(400))
    }

    private func send(
        _ kind: DeliveryClass, key: UInt64 = 0, byteCount: Int = 40, deadline: Interval? = nil
    ) {
        let bytes = ledger.draft(byteCount)
        let number = try? client.send(
            bytes.span.bytes, as: kind, key: key, deadline: deadline, now: now)
        guard let number else { return }
        ledger.sent(
            kind, number, stream: key, bytes, until: deadline.map { now + $0 },
            packets: client.statistics.packetsSent, queuedByteCount: client.queuedByteCount)
    }

    // MARK: Links

    private func arrive(_ bytes: [UInt8], toServer: Bool, ecn: ECN) {
        var bytes = bytes
        var span = bytes.mutableSpan
        var datagram = span.mutableBytes
        if toServer {
            _ = server.receive(
                &datagram, from: Self.clientAddress, ecn: ecn, now: now, into: &told)
        } else {
            _ = client.receive(
                &datagram, from: Self.serverAddress, ecn: ecn, now: now, into: &told)
        }
        collect(atServer: toServer)
    }

    /// Sends what is to be sent, and plans the next timer.
    private func settle() {
        while let sent = transmit(fromClient: true) { post(sent, toServer: true) }
        while let sent = transmit(fromClient: false) { post(sent, toServer: false) }
        ledger.checkHeld(server.messagesHeld)
        let next = min(client.deadline, server.deadline)
        guard next < wakeAt else { return }
        wakeAt = max(next, now)
        queue.insert(.wake, at: wakeAt)
    }

    private func transmit(fromClient: Bool) -> Transmission? {
        var span = room.mutableSpan
        var view = span.mutableBytes
        return fromClient
            ? client.transmit(into: &view, now: now) : server.transmit(into: &view, now: now)
    }

    private func post(_ sent: Transmission, toServer: Bool) {
        let byteCount = sent.byteCount
        digest.add(UInt64(now.nanoseconds) ^ UInt64(byteCount) ^ UInt64(sent.ecn.rawValue) << 60)
        if toServer, let sentence = watch.sent(byteCount, ecn: sent.ecn, over: up, now: now) {
            ledger.fail(.liveness, sentence)
        }
        let copies =
            toServer
            ? up.copies(byteCount: byteCount, ecn: sent.ecn, now: now)
            : down.copies(byteCount: byteCount, ecn: sent.ecn, now: now)
        for copy in copies {
            queue.insert(
                .arrival(Array(room[..<byteCount]), toServer: toServer, ecn: copy.ecn),
                at: copy.due)
        }
    }

    private func collect(atServer: Bool) {
        for index in 0..<told.list.count {
            switch told.list[index] {
            case .message(let kind, let number, let range):
                ledger.arrived(kind, number, stream: nil, copy(range), now: now)
            case .ordered(let kind, let stream, let number, let range):
                ledger.arrived(kind, number, stream: stream, copy(range), now: now)
            case .acknowledged(let kind, let number): ledger.acknowledged(kind, number)
            case .outcome(let kind, let number, let state):
                ledger.reached(kind, number, state, packets: client.statistics.packetsSent)
            case .bulk(let event): heard(event)
            case .closed(let reason):
                ledger.fail(.liveness, "a session of the traffic ends: \(reason)")
            case .confirmed, .addressMoved, .keepaliveAnswered, .goingAway, .bindingDied,
                .probeAsked, .probeAnswered:
                break
            }
        }
        told.removeAll()
    }

    private func copy(_ range: Range<Int>) -> [UInt8] {
        let told = told
        return told.bytes(range).withUnsafeBytes { Array($0) }
    }

    private func heard(_ event: BulkEvent) {
        switch event {
        case .offered(_, let transfer, _): _ = try? server.acceptTransfer(transfer, from: 0)
        case .wanted(let transfer, _), .room(let transfer):
            let bytes = ledger.nextOfTransfer()
            ledger.transferSupplied += client.supplyTransfer(transfer, bytes.span.bytes)
        case .range(_, let offset, let range): ledger.arrived(offset: offset, copy(range))
        case .received: ledger.transferIsReceived = true
        case .sent: ledger.transferIsSent = true
        case .stopped: ledger.fail(.neverLost, "a transfer stops, though nobody stopped it")
        }
    }

    // MARK: The beginning

    private static func plan(_ random: inout RandomStream) -> LinkPlan {
        var plan = LinkPlan()
        plan.delay = 2 + Int(random.below(120))
        plan.jitter = Int(random.below(40))
        plan.loss = random.chance(0.7) ? random.fraction() * 0.15 : 0
        plan.duplication = random.chance(0.3) ? 0.05 : 0
        if random.chance(0.4) {
            plan.reordering = 0.1
            plan.reorderedBy = 50
        }
        if random.chance(0.5) {
            plan.rate = 600 + Int(random.below(8_000))
            plan.queue = 20 + Int(random.below(60))
        }
        if random.chance(0.5) { plan.byteCountMax = 1_200 + Int(random.below(300)) }
        if random.chance(0.7) { plan.marks = MarksPlan.allCases[Int(random.below(4))] }
        return plan
    }

    /// The longest that a packet is under way.
    private static func longest(_ plan: LinkPlan) -> Interval {
        let queue = plan.rate > 0 ? (plan.queue + 2) * 1_452 * 8 / plan.rate : 0
        return .milliseconds(
            Int64(plan.delay + plan.jitter + plan.reorderedBy + queue + 5))
    }

    private static func sessions(_ redundancy: Redundancy, now: Instant) -> Ends? {
        let server = KeyPair()
        let device = KeyPair()
        var configuration = SessionConfiguration()
        configuration.reportsProgress = true
        configuration.classes = [call]
        configuration.redundancy = redundancy
        var buffer = [UInt8](repeating: 0, count: 512)
        guard
            var handshake = try? ClientHandshake(
                identity: device, server: server.publicKey, counter: 1, connectionID: 1,
                configuration: configuration, lifetime: .seconds(5), now: now),
            let count = write(&buffer, { handshake.transmit(into: &$0, now: now) }),
            let hello = try? Hello(
                opening: buffer.span.bytes.extracting(first: count), identity: server),
            let accepted = answer(hello, configuration, now: now, &buffer)
        else { return nil }
        let byteCount = accepted.byteCount
        let session = accepted.takeSession()
        var span = buffer.mutableSpan
        var view = span.mutableBytes
        var datagram = view._mutatingExtracting(0..<byteCount)
        guard let client = handshake.receive(&datagram, from: serverAddress, now: now) else {
            return nil
        }
        return Ends(client: client, server: session)
    }

    private static func write(
        _ buffer: inout [UInt8], _ body: (inout MutableRawSpan) -> Int?
    ) -> Int? {
        var span = buffer.mutableSpan
        var view = span.mutableBytes
        return body(&view)
    }

    private static func answer(
        _ hello: consuming Hello, _ configuration: SessionConfiguration, now: Instant,
        _ buffer: inout [UInt8]
    ) -> Accepted? {
        var span = buffer.mutableSpan
        var view = span.mutableBytes
        return hello.accept(
            connectionID: 0x0102_0304_0506_0708, from: clientAddress,
            configuration: configuration, now: now, into: &view)
    }
}
