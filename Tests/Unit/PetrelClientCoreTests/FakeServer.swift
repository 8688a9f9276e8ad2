// A server of one device: the transport's server half, and the model behind it.

import PetrelBase
import PetrelCrypto
import PetrelMessaging
import PetrelTransport
import PetrelWire

@testable import TestServer

/// Answers HELLO, keeps one session, and does with commands what the model says.
struct FakeServer: ~Copyable {
    let identity = KeyPair()
    private let mac: Mac1Key
    private var session: Session?
    private var events = SessionEvents()
    private var accept: [UInt8] = []
    private var acceptedTag: HelloTag?
    private var peer = Address.none
    private var outgoing: [(Address, [UInt8])] = []

    var model = ServerModel()
    var isEnrolled = true
    /// What it says while it is not.
    var stranger = Stranger()
    /// Whether a HELLO must show a cookie.
    var demandsCookie = false
    /// Whether HELLOs are answered at all.
    var answersHellos = true
    /// The TCP port that it announces.
    var tcpPort: UInt16?
    /// Measurements that were asked for.
    private(set) var probes: [NATProbeFrame] = []
    /// Whether it takes part in them.
    var grantsProbes = true
    /// Whether packets of sessions that it lost are answered.
    var saysReset = false
    /// RETRYs that were sent.
    private(set) var retries = 0
    private var cookies = CookieSecrets(lifetime: .seconds(120), now: Instant(nanoseconds: 0))
    private static let resetToken = [UInt8](repeating: 0x5A, count: 16)
    /// Whether questions are answered at all.
    var answersQuestions = true
    /// Every send is refused for this reason, with this time to wait.
    var refusal: (error: MessagingError, retryAfter: Interval)?
    /// The counters of the HELLOs that were answered.
    private(set) var counters: [UInt64] = []
    /// All commands, oldest first.
    private(set) var commands: [Command.Kind] = []
    private var verdicts: [ClientMessageID: Verdict] = [:]
    /// What was committed for the client, in order.
    private(set) var committed: [[UInt8]] = []

    init() { mac = Mac1Key(serverKey: identity.publicKey) }

    /// Loses all that is not durable, as a process that is killed does.
    mutating func restart() {
        session = nil
        acceptedTag = nil
    }

    mutating func receive(_ datagram: [UInt8], from address: Address, now: Instant) {
        var datagram = datagram
        switch PacketForm(datagram.span.bytes, receivedBy: .server) {
        case .hello: greet(datagram, from: address, now: now)
        case .data where session == nil: reset(datagram, address)
        case .data:
            var span = datagram.mutableSpan
            var bytes = span.mutableBytes
            _ = session?.receive(&bytes, from: address, now: now, into: &events)
            obey(now: now)
        case .accept, .retry, .probe, nil: return
        }
    }

    /// Where the session's packets go.
    var sessionAddress: Address? {
        switch session {
        case .some(let session): session.address
        case .none: nil
        }
    }

    mutating func advance(now: Instant) {
        session?.advance(now: now, into: &events)
        obey(now: now)
    }

    var deadline: Instant {
        switch session {
        case .some(let session): session.deadline
        case .none: .distantFuture
        }
    }

    /// Datagrams that are to be sent, oldest first.
    mutating func take(now: Instant) -> [(Address, [UInt8])] {
        var room = [UInt8](repeating: 0, count: 1_500)
        for _ in 0..<1_000 {
            var span = room.mutableSpan
            var bytes = span.mutableBytes
            guard let sent = session?.transmit(into: &bytes, now: now) else { break }
            outgoing.append((sent.destination, Array(room[..<sent.byteCount])))
        }
        defer { outgoing.removeAll() }
        return outgoing
    }

    /// Tells the client something that it did not ask for.
    mutating func push(_ kind: Notice.Kind, now: Instant) { answer(0, kind, now: now) }

    private mutating func greet(_ datagram: [UInt8], from address: Address, now: Instant) {
        guard answersHellos, let tag = Hello.tag(of: datagram.span.bytes, mac: mac) else {
            return
        }
        if tag == acceptedTag { return outgoing.append((address, accept)) }
        if demandsCookie,
            !Hello.showsCookie(
                datagram.span.bytes, from: address, secrets: &cookies, now: now)
        {
            return demandCookie(datagram, from: address, now: now)
        }
        guard let hello = try? Hello(opening: datagram.span.bytes, identity: identity),
            hello.counter > counters.last ?? 0
        else { return }
        let counter = hello.counter
        var configuration = SessionConfiguration()
        configuration.tcpPort = tcpPort
        var room = [UInt8](repeating: 0, count: 1_500)
        var span = room.mutableSpan
        var bytes = span.mutableBytes
        guard
            let accepted = hello.accept(
                connectionID: counter,
                resetToken: ResetToken(exactly: Self.resetToken.span.bytes), from: address,
                configuration: configuration, now: now, into: &bytes)
        else { return }
        let byteCount = accepted.byteCount
        session = accepted.takeSession()
        accept = Array(room[..<byteCount])
        acceptedTag = tag
        counters.append(counter)
        outgoing.append((address, accept))
    }

    private mutating func demandCookie(_ hello: [UInt8], from address: Address, now: Instant) {
        var room = [UInt8](repeating: 0, count: 1_500)
        var span = room.mutableSpan
        var bytes = span.mutableBytes
        let count = Retry.write(
            answering: Hello.mac1(of: hello.span.bytes),
            cookie: cookies.cookie(for: address, now: now),
            key: RetryKey(serverKey: identity.publicKey), into: &bytes)
        guard let count else { return }
        retries += 1
        outgoing.append((address, Array(room[..<count])))
    }

    private mutating func reset(_ packet: [UInt8], _ address: Address) {
        var random = SecureRandom()
        var room = [UInt8](repeating: 0, count: 1_500)
        var span = room.mutableSpan
        var bytes = span.mutableBytes
        let count = Reset.write(
            token: Self.resetToken.span.bytes, trigger: packet.count, random: &random,
            into: &bytes)
        if saysReset, let count { outgoing.append((address, Array(room[..<count]))) }
    }

    private mutating func obey(now: Instant) {
        for i in 0..<events.list.count {
            switch events.list[i] {
            case .confirmed:
                answer(0, isEnrolled ? .welcome(model.welcome) : .stranger(stranger), now: now)
            case .message(_, _, let range):
                guard let command = try? Command(decoding: events.bytes(range)) else { continue }
                commands.append(command.kind)
                obey(command, now: now)
            case .closed: session = nil
            case .probeAsked(let frame):
                probes.append(frame)
                session?.answerProbe(
                    NATProbeAnswerFrame(token: frame.token, isGranted: grantsProbes))
            case .ordered, .acknowledged, .outcome, .bulk, .addressMoved, .keepaliveAnswered,
                .goingAway, .bindingDied, .probeAnswered:
                continue
            }
        }
        events.removeAll()
        session?.keepaliveHint = model.feed
    }

    private mutating func obey(_ command: Command, now: Instant) {
        switch command.kind {
        case .register, .logIn, .recover:
            guard !isEnrolled else { return }
            isEnrolled = true
            answer(command.request, .welcome(model.welcome), now: now)
        case .send(let message):
            if let (error, retryAfter) = refusal {
                let refusal = Refusal(
                    code: error.rawValue, reason: "not now", retryAfter: retryAfter,
                    clientMessageID: message.clientMessageID)
                return answer(command.request, .refusal(refusal), now: now)
            }
            answer(command.request, .verdict(commit(message)), now: now)
        default:
            guard answersQuestions || !command.kind.isQuestion else { return }
            if let notice = model.answer(command.kind) { answer(command.request, notice, now: now) }
        }
    }

    private mutating func commit(_ message: OutgoingMessage) -> Verdict {
        if var known = verdicts[message.clientMessageID] {
            known.feed = FeedSequence(0)
            known.previousFeed = FeedSequence(0)
            return known
        }
        let verdict = model.commit(own: message)
        verdicts[message.clientMessageID] = verdict
        if case .message(let content) = message.event { committed.append(content.body) }
        return verdict
    }

    private mutating func answer(_ request: UInt64, _ kind: Notice.Kind, now: Instant) {
        let bytes = Notice(request: request, kind: kind).encoded()
        _ = try? session?.send(bytes.span.bytes, as: .durable, key: 0, now: now)
    }
}

extension Command.Kind {
    /// Whether the owner asked for it.
    fileprivate var isQuestion: Bool {
        switch self {
        case .changeAccount, .changeContact, .changeConversation, .invite, .lookUp, .listMembers:
            true
        default: false
        }
    }
}
