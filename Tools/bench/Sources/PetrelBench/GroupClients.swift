// The members of a group, all connected, driven by one thread: one speaks, all others listen.

import PetrelBase
import PetrelCrypto
import PetrelEvent
import PetrelMessaging
import PetrelTransport
import PetrelWire

/// Members with an account each, of which the first one speaks.
struct GroupClients: ~Copyable {
    /// What became of messages.
    struct Outcome {
        /// From when a message was due to its arrival at a member, in microseconds.
        var deliveries: [Double] = []
        /// From when a message was due to its arrival at the last member, in microseconds.
        var spreads: [Double] = []
        /// Messages that were sent.
        var sent = 0
        /// Digests that came in the place of messages.
        var digests = 0
        /// Receipts of others that came.
        var receipts = 0
        var seconds = 0.0
    }

    /// Acknowledgements of a client are at least so far apart, as those of real ones.
    private static let acknowledgePause = Interval.milliseconds(100)
    private static let bodyByteCount = CoreBenchmark.messageByteCount

    private struct Heard {
        var outcome = Outcome()
        var welcomes = 0
        /// Members that each message has not reached, by when it was due.
        var missing: [Int64: Int] = [:]
        var received: [(feed: FeedSequence, sequence: ConversationSequence)?]
        var acknowledgeAt: [Instant]
    }

    private let group: ConversationID
    private var sessions: LoadSessions
    private var incoming = DatagramBatch()
    private var heard: Heard
    private var request: UInt64 = 0
    private var random = SecureRandom()

    /// Connects all members.
    init(to server: Address, key: PublicKey, members: Int, of group: ConversationID) throws {
        var sessions = try LoadSessions(to: server, key: key, capacity: members)
        for account in 0..<members { try sessions.connect(StoreFixture.identity(of: account)) }
        self.sessions = sessions
        self.group = group
        heard = Heard(
            received: Array(repeating: nil, count: members),
            acknowledgeAt: Array(repeating: Instant(nanoseconds: 0), count: members))
    }

    /// Waits until the server has welcomed all members.
    mutating func awaitWelcomes() throws {
        let end = EventLoop.now + .seconds(10)
        while heard.welcomes < sessions.count {
            let now = try turn(until: end)
            guard now < end else {
                throw BenchFailure("\(heard.welcomes) of \(sessions.count) members are welcome")
            }
        }
    }

    /// Has the first member say something after each `pause`, for that long, and waits until it
    /// has reached all others, or for 3 s.
    mutating func speak(every pause: Interval, for interval: Interval) throws -> Outcome {
        heard.outcome = Outcome()
        heard.missing.removeAll()
        let start = EventLoop.now
        let end = start + interval
        var due = start
        while due < end {
            var now = EventLoop.now
            if due <= now {
                try say(due: due, now: now)
                due = due + pause
            }
            now = try turn(until: due)
        }
        let limit = end + .seconds(3)
        while !heard.missing.isEmpty, try turn(until: limit) < limit {}
        heard.outcome.seconds = (EventLoop.now - start).milliseconds / 1_000
        return heard.outcome
    }

    private mutating func say(due: Instant, now: Instant) throws {
        request += 1
        var body = [UInt8](repeating: 0x61, count: Self.bodyByteCount)
        for i in 0..<8 { body[i] = UInt8(truncatingIfNeeded: due.nanoseconds >> Int64(8 * i)) }
        let message = OutgoingMessage(
            clientMessageID: ClientMessageID(time: .now, random: &random),
            target: .conversation(group),
            event: .message(Content(contentType: "", body: body)))
        let command = Command(request: request, kind: .send(message))
        try sessions.send(command.encoded(), as: .durable, over: 0, now: now)
        heard.outcome.sent += 1
        heard.missing[due.nanoseconds] = sessions.count - 1
    }

    /// Sends what waits, sleeps until something happens or `end`, and takes in what has come.
    private mutating func turn(until end: Instant) throws -> Instant {
        sessions.flush(now: EventLoop.now)
        var next = end
        for client in heard.received.indices where heard.received[client] != nil {
            next = min(next, heard.acknowledgeAt[client])
        }
        sessions.wait(until: next)
        let now = EventLoop.now
        try Self.take(from: &sessions, into: &incoming, &heard, now: now)
        for client in heard.received.indices {
            guard let received = heard.received[client], heard.acknowledgeAt[client] <= now
            else { continue }
            heard.received[client] = nil
            heard.acknowledgeAt[client] = now + Self.acknowledgePause
            let mark = Watermark(conversation: group, sequence: received.sequence)
            let command = Command(
                request: 0, kind: .acknowledge(feed: received.feed, delivered: [mark], read: []))
            try sessions.send(command.encoded(), as: .reliable, over: client, now: now)
        }
        return now
    }

    private static func take(
        from sessions: inout LoadSessions, into batch: inout DatagramBatch,
        _ heard: inout Heard, now: Instant
    ) throws {
        try sessions.receive(into: &batch, now: now) { client, message in
            let notice = try Notice(decoding: message)
            switch notice.kind {
            case .welcome: heard.welcomes += 1
            case .verdict: break
            case .message(let push):
                let due = ServiceClients.due(push.record.content?.body ?? [])
                let latency = (now - due).milliseconds * 1_000
                heard.outcome.deliveries.append(latency)
                heard.received[client] = (push.feed, push.record.sequence)
                guard let missing = heard.missing[due.nanoseconds] else {
                    throw BenchFailure("a message that nobody sent, or one twice")
                }
                heard.missing[due.nanoseconds] = missing > 1 ? missing - 1 : nil
                if missing == 1 { heard.outcome.spreads.append(latency) }
            case .digest: heard.outcome.digests += 1
            case .receipt: heard.outcome.receipts += 1
            case .change, .presences: break
            default: throw BenchFailure("\(notice.kind)")
            }
        }
    }
}
