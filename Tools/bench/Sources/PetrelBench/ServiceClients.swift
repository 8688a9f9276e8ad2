// Senders and recipients of a server, all driven by one thread.

import PetrelBase
import PetrelCrypto
import PetrelEvent
import PetrelMessaging
import PetrelTransport
import PetrelWire

/// Clients with an account each; the even ones send to the odd ones behind them.
struct ServiceClients: ~Copyable {
    /// What became of messages, in microseconds from when they were due.
    struct Outcome {
        var verdicts: [Double] = []
        var deliveries: [Double] = []
        /// When each of the messages that were delivered was due.
        var dues: [Instant] = []
        var seconds = 0.0
    }

    /// Bytes of a body; it begins with the time at which it was due.
    private static let bodyByteCount = CoreBenchmark.messageByteCount

    /// What the clients have heard and not acted on.
    private struct Heard {
        var outcome = Outcome()
        var welcomes = 0
        /// Verdicts that each client waits for.
        var underWay: [Int]
        /// When the message of a request was due; by client, then by request modulo the count.
        var due: [[Instant]]
        /// What each client has received and not acknowledged.
        var received: [(feed: FeedSequence, sequence: ConversationSequence)?]
        /// When each client may acknowledge again.
        var acknowledgeAt: [Instant]
        /// Messages that the recipients have not got.
        var undelivered = 0
    }

    /// Requests of a client whose times are kept.
    private static let requestsKept: UInt64 = 4_096

    private let acknowledgePause: Interval
    private var sessions: LoadSessions
    private var incoming = DatagramBatch()
    private var heard: Heard
    private var requests: [UInt64]
    private var random = SecureRandom()

    /// Connects all clients, whose acknowledgements are at least `acknowledgePause` apart.
    init(
        to server: Address, key: PublicKey, senders: Int, acknowledgePause: Interval = .zero
    ) throws {
        let count = senders * 2
        var sessions = try LoadSessions(to: server, key: key, capacity: count)
        for account in 0..<count { try sessions.connect(StoreFixture.identity(of: account)) }
        self.sessions = sessions
        requests = Array(repeating: 0, count: count)
        self.acknowledgePause = acknowledgePause
        let never = [Instant](repeating: Instant(nanoseconds: 0), count: Int(Self.requestsKept))
        heard = Heard(
            underWay: Array(repeating: 0, count: count),
            due: Array(repeating: never, count: count),
            received: Array(repeating: nil, count: count),
            acknowledgeAt: Array(repeating: Instant(nanoseconds: 0), count: count))
    }

    /// Waits until the server has welcomed all clients.
    mutating func awaitWelcomes() throws {
        let end = EventLoop.now + .seconds(5)
        while heard.welcomes < sessions.count { try turn(until: end, failingAt: end) }
    }

    /// Keeps `window` messages of each sender without a verdict for that long.
    mutating func sendInWindows(_ window: Int, for interval: Interval) throws -> Outcome {
        heard.outcome = Outcome()
        let start = EventLoop.now
        let end = start + interval
        var now = start
        while now < end {
            for sender in stride(from: 0, to: sessions.count, by: 2) {
                while heard.underWay[sender] < window { try send(from: sender, due: now, now: now) }
            }
            try turn(until: end, failingAt: end + .seconds(5))
            now = EventLoop.now
        }
        // What comes later than the end counts for nothing.
        var outcome = heard.outcome
        outcome.seconds = (now - start).milliseconds / 1_000
        try finish()
        return outcome
    }

    /// Sends that many messages per second, from one sender after the other, for that long.
    mutating func sendAtRate(_ rate: Int, for interval: Interval) throws -> Outcome {
        heard.outcome = Outcome()
        let step = Interval.seconds(1) / Int64(rate)
        let start = EventLoop.now
        let end = start + interval
        var due = start
        var sender = 0
        while due < end {
            let now = EventLoop.now
            while due <= now, due < end {
                try send(from: sender, due: due, now: now)
                due = due + step
                sender = (sender + 2) % sessions.count
            }
            try turn(until: due, failingAt: end + .seconds(5))
        }
        try finish()
        heard.outcome.seconds = (EventLoop.now - start).milliseconds / 1_000
        return heard.outcome
    }

    /// Waits until every message has its verdict and was delivered.
    private mutating func finish() throws {
        let end = EventLoop.now + .seconds(5)
        while heard.underWay.contains(where: { $0 > 0 }) || heard.undelivered > 0 {
            try turn(until: end, failingAt: end)
        }
    }

    private mutating func send(from sender: Int, due: Instant, now: Instant) throws {
        requests[sender] += 1
        var body = [UInt8](repeating: 0x61, count: Self.bodyByteCount)
        for i in 0..<8 { body[i] = UInt8(truncatingIfNeeded: due.nanoseconds >> Int64(8 * i)) }
        let message = OutgoingMessage(
            clientMessageID: ClientMessageID(time: .now, random: &random),
            target: .conversation(StoreFixture.conversation(of: sender)),
            event: .message(Content(contentType: "", body: body)))
        let command = Command(request: requests[sender], kind: .send(message))
        try sessions.send(command.encoded(), as: .durable, over: sender, now: now)
        heard.due[sender][Int(requests[sender] % Self.requestsKept)] = due
        heard.underWay[sender] += 1
        heard.undelivered += 1
    }

    /// Sends what waits, sleeps until something happens or `end`, and takes in what has come.
    private mutating func turn(until end: Instant, failingAt limit: Instant) throws {
        sessions.flush(now: EventLoop.now)
        var next = end
        for client in heard.received.indices where heard.received[client] != nil {
            next = min(next, heard.acknowledgeAt[client])
        }
        sessions.wait(until: next)
        let now = EventLoop.now
        guard now < limit else { throw BenchFailure("the server does not answer in time") }
        try Self.take(from: &sessions, into: &incoming, &heard, now: now)
        for client in heard.received.indices {
            guard let received = heard.received[client], heard.acknowledgeAt[client] <= now
            else { continue }
            heard.received[client] = nil
            heard.acknowledgeAt[client] = now + acknowledgePause
            let mark = Watermark(
                conversation: StoreFixture.conversation(of: client), sequence: received.sequence)
            let command = Command(
                request: 0, kind: .acknowledge(feed: received.feed, delivered: [mark], read: []))
            try sessions.send(command.encoded(), as: .reliable, over: client, now: now)
        }
    }

    private static func take(
        from sessions: inout LoadSessions, into batch: inout DatagramBatch,
        _ heard: inout Heard, now: Instant
    ) throws {
        try sessions.receive(into: &batch, now: now) { client, message in
            let notice = try Notice(decoding: message)
            switch notice.kind {
            case .welcome: heard.welcomes += 1
            case .verdict:
                let due = heard.due[client][Int(notice.request % requestsKept)]
                heard.outcome.verdicts.append((now - due).milliseconds * 1_000)
                heard.underWay[client] -= 1
            case .message(let push):
                guard client % 2 == 1 else { return }
                let due = Self.due(push.record.content?.body ?? [])
                heard.outcome.deliveries.append((now - due).milliseconds * 1_000)
                heard.outcome.dues.append(due)
                heard.undelivered -= 1
                heard.received[client] = (push.feed, push.record.sequence)
            case .receipt, .change, .presences: break
            default: throw BenchFailure("\(notice.kind)")
            }
        }
    }

    static func due(_ body: [UInt8]) -> Instant {
        var nanoseconds: Int64 = 0
        for i in 0..<min(8, body.count) { nanoseconds |= Int64(body[i]) << Int64(8 * i) }
        return Instant(nanoseconds: nanoseconds)
    }
}
