// Two sessions over a simulated link, in virtual time: the workbench of the transport's tests.

import PetrelBase
import PetrelCrypto
import PetrelTransport
import PetrelWire

/// What a link does to datagrams.
struct LinkFaults {
    var delay = Interval.milliseconds(20)
    var jitter = Interval.zero
    var loss = 0.0
    var duplication = 0.0
    var corruption = 0.0
    var blackout: Range<Int64>?  // milliseconds
    /// Larger datagrams get lost.
    var byteCountMax = Int.max
    var marks = Marks.kept

    /// What becomes of the marks of datagrams.
    enum Marks {
        case kept
        /// They arrive without.
        case wiped
        /// ECT(0) becomes ECT(1).
        case remarked
        /// Marked datagrams get lost.
        case dropped
        /// Of the marked ones, every so many comes with CE.
        case congested(every: Int)
    }

    /// The mark that a datagram arrives with; `nil` if it does not.
    func mark(_ ecn: ECN, number: Int) -> ECN? {
        guard ecn != .notECT else { return ecn }
        switch marks {
        case .kept: return ecn
        case .wiped: return .notECT
        case .remarked: return .ect1
        case .dropped: return nil
        case .congested(let every): return number % every == 0 ? .ce : ecn
        }
    }
}

/// A datagram on its way.
struct Flight {
    var due: Instant
    var order: Int
    var bytes: [UInt8]
    var toServer: Bool
    var from: Address
    var ecn = ECN.notECT
}

/// A message of a stream.
struct Streamed: Equatable {
    var stream: UInt64
    var bytes: [UInt8]
}

/// What one side was told, with message bytes copied out.
struct Heard: Equatable {
    var messages: [[UInt8]] = []
    /// Messages of streams, in the order of their arrival.
    var ordered: [Streamed] = []
    var outcomes: [String] = []
    /// Bytes of transfers, at their places.
    var transfers: [UInt64: [UInt8]] = [:]
    var rangeBytes = 0
    var bulk: [String] = []
    var acknowledged = 0
    var confirmed = 0
    var hints: [UInt64] = []
    var bindingDeaths: [Interval] = []
    var probesAsked: [NATProbeFrame] = []
    var probesAnswered: [NATProbeAnswerFrame] = []
    var moves = 0
    var departures: [Interval] = []
    var closed: CloseReason?
}

/// A client and a server that made a session, and the link between them.
final class Pair {
    static let serverKey = SecretKey(copying: [UInt8](repeating: 7, count: 32).span.bytes)
    static let deviceKey = SecretKey(copying: [UInt8](repeating: 9, count: 32).span.bytes)

    static let resetToken = ResetToken(exactly: Array(UInt8(1)...16).span.bytes)

    let serverAddress = Address(v4: 0x0A00_0001, port: 7_700)
    var clientAddress = Address(v4: 0x0A00_0002, port: 4_000)
    var faults: LinkFaults
    var now = Instant(nanoseconds: 1_000_000_000)
    var client: Session?
    var server: Session?
    var handshake: ClientHandshake?
    var atClient = Heard()
    var atServer = Heard()
    var captured: [(toServer: Bool, bytes: [UInt8])] = []
    /// The marks of what was captured.
    var capturedMarks: [ECN] = []
    var drops: [DropReason] = []
    /// Where datagrams of the server seem to come from, if it is not its address.
    var answersFrom: Address?
    /// Whether a datagram is lost, for tests that lose particular ones.
    var loses: ((_ toServer: Bool, _ bytes: [UInt8]) -> Bool)?
    private var random: RandomStream
    private var flights: [Flight] = []
    private var order = 0
    private var accept: (tag: HelloTag, bytes: [UInt8])?
    let configuration: SessionConfiguration
    private var events = SessionEvents()
    private var room = [UInt8](repeating: 0, count: 1_500)

    init(
        seed: UInt64 = 1, faults: LinkFaults = LinkFaults(),
        configuration: SessionConfiguration = SessionConfiguration(),
        early: EarlyMessages = EarlyMessages()
    ) throws {
        random = RandomStream(seed: seed, label: "pair")
        self.faults = faults
        self.configuration = configuration
        let identity = KeyPair(secret: Self.deviceKey.duplicate())
        let server = KeyPair(secret: Self.serverKey.duplicate())
        handshake = try ClientHandshake(
            identity: identity, server: server.publicKey, counter: 1, connectionID: 0xC11E_0001,
            early: early, configuration: configuration, lifetime: .seconds(60), now: now)
    }

    /// Runs until `done` holds or `limit` has passed; returns whether it holds.
    @discardableResult
    func run(for limit: Interval, until done: (Pair) -> Bool = { _ in false }) -> Bool {
        let end = now + limit
        while true {
            pump()
            if done(self) { return true }
            let next = min(deadline, end)
            guard next < end else {
                now = end
                return done(self)
            }
            now = max(next, now)
            step()
        }
    }

    private var deadline: Instant {
        var next = flights.map(\.due).min() ?? .distantFuture
        if let deadline = handshake?.deadline { next = min(next, deadline) }
        if let deadline = client?.deadline { next = min(next, deadline) }
        if let deadline = server?.deadline { next = min(next, deadline) }
        return next
    }

    private func step() {
        let due = flights.filter { $0.due <= now }.sorted {
            ($0.due, $0.order) < ($1.due, $1.order)
        }
        flights.removeAll { $0.due <= now }
        for flight in due {
            deliver(flight)
            pump()
        }
        client?.advance(now: now, into: &events)
        collect(toServer: false)
        server?.advance(now: now, into: &events)
        collect(toServer: true)
    }

    /// Hands a datagram to a side, as if it came from `from`.
    func deliver(_ bytes: [UInt8], toServer: Bool, from: Address? = nil) {
        deliver(
            Flight(
                due: now, order: 0, bytes: bytes, toServer: toServer,
                from: from ?? (toServer ? clientAddress : serverAddress)))
    }

    private func deliver(_ flight: Flight) {
        var bytes = flight.bytes
        var span = bytes.mutableSpan
        var datagram = span.mutableBytes
        if flight.toServer {
            if PacketForm(datagram.bytes, receivedBy: .server) == .hello {
                answerHello(flight)
            } else if let reason = server?.receive(
                &datagram, from: flight.from, ecn: flight.ecn, now: now, into: &events)
            {
                drops.append(reason)
            }
        } else if client != nil {
            if let reason = client?.receive(
                &datagram, from: flight.from, ecn: flight.ecn, now: now, into: &events)
            {
                drops.append(reason)
            }
        } else {
            client = handshake?.receive(&datagram, from: flight.from, now: now)
            if client != nil { handshake = nil }
        }
        collect(toServer: flight.toServer)
    }

    private func answerHello(_ flight: Flight) {
        let identity = KeyPair(secret: Self.serverKey.duplicate())
        let mac = Mac1Key(serverKey: identity.publicKey)
        guard let tag = Hello.tag(of: flight.bytes.span.bytes, mac: mac) else { return }
        if let accept, accept.tag == tag {
            return post(accept.bytes, toServer: false)
        }
        guard let hello = try? Hello(opening: flight.bytes.span.bytes, identity: identity) else {
            return
        }
        var span = room.mutableSpan
        var mutable = span.mutableBytes
        guard
            let accepted = hello.accept(
                connectionID: 0x0102_0304_0506_0708, resetToken: Self.resetToken, from: flight.from,
                configuration: configuration, now: now, into: &mutable)
        else { return }
        let byteCount = accepted.byteCount
        accept = (tag, Array(room.prefix(byteCount)))
        server = accepted.takeSession()
        server?.keepaliveHint = 77
        post(Array(room.prefix(byteCount)), toServer: false)
    }

    /// Whether no ACCEPT was opened yet.
    var hasHandshake: Bool { handshake != nil }

    /// Puts everything that wants to be sent on the link.
    func pump() {
        while let count = handshakeDatagram() { post(Array(room.prefix(count)), toServer: true) }
        while let transmission = transmitClient() {
            post(
                Array(room.prefix(transmission.byteCount)), toServer: true, ecn: transmission.ecn)
        }
        while let transmission = transmitServer() {
            post(
                Array(room.prefix(transmission.byteCount)), toServer: false,
                destination: transmission.destination, ecn: transmission.ecn)
        }
    }

    private func handshakeDatagram() -> Int? {
        var span = room.mutableSpan
        var mutable = span.mutableBytes
        return handshake?.transmit(into: &mutable, now: now)
    }

    private func transmitClient() -> Transmission? {
        var span = room.mutableSpan
        var mutable = span.mutableBytes
        return client?.transmit(into: &mutable, now: now)
    }

    private func transmitServer() -> Transmission? {
        var span = room.mutableSpan
        var mutable = span.mutableBytes
        return server?.transmit(into: &mutable, now: now)
    }

    private func post(
        _ bytes: [UInt8], toServer: Bool, destination: Address? = nil, ecn: ECN = .notECT
    ) {
        captured.append((toServer, bytes))
        capturedMarks.append(ecn)
        let mark = faults.mark(ecn, number: captured.count)
        let milliseconds = now.nanoseconds / 1_000_000
        let isDark = faults.blackout.map { $0.contains(milliseconds) } ?? false
        let isStray = !toServer && destination != nil && destination != clientAddress
        let copies = random.chance(faults.duplication) ? 2 : 1
        for _ in 0..<copies {
            let isLost = random.chance(faults.loss) || loses?(toServer, bytes) ?? false
            let isDamaged = random.chance(faults.corruption)
            let delay = faults.delay + random.interval(below: faults.jitter)
            let bit = Int(random.below(UInt64(bytes.count * 8)))
            guard !isLost, !isDark, !isStray, let mark, bytes.count <= faults.byteCountMax else {
                continue
            }
            var sent = bytes
            if isDamaged { sent[bit / 8] ^= 1 << UInt8(bit % 8) }
            order += 1
            flights.append(
                Flight(
                    due: now + delay, order: order, bytes: sent, toServer: toServer,
                    from: toServer ? clientAddress : answersFrom ?? serverAddress, ecn: mark))
        }
    }

    private func collect(toServer: Bool) {
        for event in events.list {
            var heard = toServer ? atServer : atClient
            switch event {
            case .confirmed: heard.confirmed += 1
            case .message(_, _, let range):
                heard.messages.append(copy(range))
            case .ordered(_, let stream, _, let range):
                heard.ordered.append(Streamed(stream: stream, bytes: copy(range)))
            case .bulk(.range(let transfer, let offset, let range)):
                let bytes = copy(range)
                heard.rangeBytes += bytes.count
                let end = Int(offset) + bytes.count
                let missing = end - heard.transfers[transfer, default: []].count
                if missing > 0 {
                    heard.transfers[transfer, default: []] += [UInt8](repeating: 0, count: missing)
                }
                heard.transfers[transfer]?.replaceSubrange(Int(offset)..<end, with: bytes)
            case .bulk(let event): heard.bulk.append("\(event)")
            case .outcome(let kind, let number, let state):
                heard.outcomes.append("\(kind) \(number) \(state)")
            case .acknowledged: heard.acknowledged += 1
            case .addressMoved: heard.moves += 1
            case .goingAway(let window, _): heard.departures.append(window)
            case .keepaliveAnswered(let hint): heard.hints.append(hint)
            case .bindingDied(let pause): heard.bindingDeaths.append(pause)
            case .probeAsked(let frame): heard.probesAsked.append(frame)
            case .probeAnswered(let frame): heard.probesAnswered.append(frame)
            case .closed(let reason): heard.closed = reason
            }
            if toServer { atServer = heard } else { atClient = heard }
        }
        events.removeAll()
    }

    private func copy(_ range: Range<Int>) -> [UInt8] {
        let events = events
        return events.bytes(range).withUnsafeBytes { [UInt8]($0) }
    }

    @discardableResult
    func send(
        _ bytes: [UInt8], as kind: DeliveryClass, fromClient: Bool = true, key: UInt64 = 0,
        deadline: Interval? = nil
    ) throws -> UInt64 {
        if fromClient {
            return try client?.send(
                bytes.span.bytes, as: kind, key: key, deadline: deadline, now: now) ?? 0
        }
        return try server?.send(
            bytes.span.bytes, as: kind, key: key, deadline: deadline, now: now) ?? 0
    }

    func cancel(_ kind: DeliveryClass, number: UInt64) -> Bool {
        defer { collect(toServer: false) }
        return client?.cancel(kind, number: number, into: &events) ?? false
    }

    func close(_ code: ErrorCode, fromClient: Bool) {
        if fromClient {
            client?.close(code, now: now, into: &events)
        } else {
            server?.close(code, now: now, into: &events)
        }
        collect(toServer: !fromClient)
    }
}
