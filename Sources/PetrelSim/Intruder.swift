// An authenticated client that breaks the rules: the keys are real, what is in the packets is not.

internal import PetrelBase
internal import PetrelCrypto
internal import PetrelMessaging
internal import PetrelTransport
internal import PetrelWire

/// A peer with a session of its own, which it abuses.
final class Intruder {
    /// What it is up to.
    enum Plan: Equatable {
        /// It acknowledges what was never sent.
        case optimist
        /// It breaks the protocol in one of several ways.
        case mischief(Int)
        /// It seems to be at many addresses at once.
        case pathFlood(Int)
        /// It enrols, and asks for conversations of others.
        case burglary
        /// It gets a cookie, for others to show.
        case cookieTheft(Int)
    }

    let plan: Plan
    let address: Address
    private let handle: String
    private var handshake: ClientHandshake?
    private var session: Session?
    private var events = SessionEvents()
    private var keys: (id: UInt64, secret: [UInt8])?
    private var nextNumber: UInt64 = 1_000
    private(set) var confirmedAt: Instant?
    /// When it did what it came for.
    private(set) var struckAt: Instant?
    /// When the server sent what opened the session: a server that started later does not know it.
    private(set) var acceptedAt: Instant?
    /// Whether the server ended the session.
    private(set) var isExpelled = false
    /// When it will be woken.
    var wakeAt = Instant.distantFuture
    /// What the server told it.
    private(set) var notices: [Notice] = []
    private var hasAsked = false
    private var stolen: Cookie?

    init(_ plan: Plan, index: Int, server: PublicKey, now: Instant) {
        self.plan = plan
        address = Address(v4: 0xC633_0000 | UInt32(index), port: 666)
        handle = "intruder\(index)"
        var configuration = SessionConfiguration()
        configuration.revealsSecrets = true
        handshake = try? ClientHandshake(
            identity: KeyPair(), server: server, counter: 1, connectionID: UInt32(index + 1),
            configuration: configuration, lifetime: .seconds(10), now: now)
    }

    /// When it wants to go on.
    var deadline: Instant {
        var earliest = Instant.distantFuture
        switch handshake {
        case .some(let handshake): earliest = handshake.deadline
        case .none: break
        }
        switch session {
        case .some(let session): earliest = min(earliest, session.deadline)
        case .none: break
        }
        if let confirmedAt, struckAt == nil, plan != .burglary {
            earliest = min(earliest, confirmedAt + Self.patience)
        }
        return earliest
    }

    func receive(_ flight: Flight, now: Instant) {
        let source = flight.source
        var bytes = flight.bytes
        var span = bytes.mutableSpan
        var datagram = span.mutableBytes
        if case .cookieTheft = plan {
            _ = handshake?.receive(&datagram, from: source, now: now)
            switch handshake {
            case .some(let handshake): stolen = handshake.cookie
            case .none: break
            }
            // With a cookie, or with an answer without one: it has seen enough.
            handshake = nil
        } else if session == nil {
            session = handshake?.receive(&datagram, from: source, now: now)
            guard session != nil else { return }
            handshake = nil
            confirmedAt = now
            acceptedAt = flight.sent
            readKeys()
        } else {
            _ = session?.receive(&datagram, from: source, now: now, into: &events)
        }
        takeEvents()
    }

    func advance(now: Instant) {
        if handshake?.isExpired(now: now) == true { handshake = nil }
        session?.advance(now: now, into: &events)
        takeEvents()
    }

    /// Returns the cookie once.
    func takeStolen() -> Cookie? {
        defer { stolen = nil }
        return stolen
    }

    private func takeEvents() {
        for event in events.list {
            switch event {
            case .message(_, _, let range):
                if let notice = try? Notice(decoding: events.bytes(range)) {
                    notices.append(notice)
                }
            case .closed(.closedByPeer): isExpelled = true
            case .closed: break
            case .confirmed, .ordered, .acknowledged, .outcome, .bulk, .addressMoved,
                .keepaliveAnswered, .goingAway, .bindingDied, .probeAsked, .probeAnswered:
                break
            }
        }
        events.removeAll()
    }

    /// What its honest half sends next.
    func transmit(now: Instant) -> [UInt8]? {
        var bytes = [UInt8](repeating: 0, count: 1_452)
        var span = bytes.mutableSpan
        var mutable = span.mutableBytes
        if let byteCount = handshake?.transmit(into: &mutable, now: now) {
            return Array(bytes[..<byteCount])
        }
        guard let byteCount = session?.transmit(into: &mutable, now: now)?.byteCount else {
            return nil
        }
        return Array(bytes[..<byteCount])
    }

    /// What its other half sends, once, when the time has come: datagrams and their sources.
    func strike(now: Instant) -> [(bytes: [UInt8], source: Address)] {
        guard let confirmedAt, struckAt == nil, confirmedAt + Self.patience <= now else {
            return []
        }
        switch plan {
        case .burglary, .cookieTheft: return []
        case .optimist:
            struckAt = now
            return [(packet([0x02, 0x80, 0x01, 0, 0, 0, 1, 0]), address)]
        case .mischief(let kind):
            struckAt = now
            return [(packet(Self.mischief[kind % Self.mischief.count]), address)]
        case .pathFlood(let count):
            struckAt = now
            return (0..<count).map { i in
                var source = address
                source.port = UInt16(10_000 + i)
                return (packet([0x01]), source)
            }
        }
    }

    /// Enrols, then asks for each of `conversations`, and writes into each.
    func burgle(_ conversations: [ConversationID], now: Instant) {
        guard plan == .burglary, session != nil, struckAt == nil else { return }
        if !hasAsked {
            hasAsked = true
            let form = Registration(
                handle: handle, password: Array("burglars only".utf8), deviceName: "jemmy")
            return say(.register(form), now: now)
        }
        let isWelcome = notices.contains { if case .welcome = $0.kind { true } else { false } }
        guard isWelcome, !conversations.isEmpty else { return }
        struckAt = now
        for (i, conversation) in conversations.enumerated() {
            say(.pull(conversation: conversation, from: 1, to: 50, newestFirst: false), now: now)
            let message = OutgoingMessage(
                clientMessageID: ClientMessageID(high: 0x018B_CFE5_6800_7000, low: UInt64(i)),
                target: .conversation(conversation),
                event: .message(Content(contentType: "", body: [1])))
            say(.send(message), now: now)
            say(
                .acknowledge(
                    feed: FeedSequence(0),
                    delivered: [
                        Watermark(conversation: conversation, sequence: ConversationSequence(1))
                    ], read: []), now: now)
            say(.listMembers(conversation, after: AccountID(0)), now: now)
            say(.changeConversation(conversation, .pinned(true)), now: now)
        }
    }

    private func say(_ kind: Command.Kind, now: Instant) {
        requests += 1
        let bytes = Command(request: requests, kind: kind).encoded()
        _ = try? session?.send(bytes.span.bytes, as: .durable, key: 0, now: now)
    }

    private var requests: UInt64 = 0
}

extension Intruder {
    private func readKeys() {
        let label = "PETREL_CLIENT_TRAFFIC_SECRET "
        guard let line = session?.takeKeyLog().first(where: { $0.hasPrefix(label) }) else { return }
        let words = line.split(separator: " ")
        guard words.count == 3, let id = UInt64(words[1], radix: 16) else { return }
        let digits = Array(words[2])
        let secret = stride(from: 0, to: digits.count - 1, by: 2).compactMap { i in
            UInt8(String(digits[i...i + 1]), radix: 16)
        }
        if secret.count == SecretKey.byteCount { keys = (id, secret) }
    }

    /// A packet with that payload, sealed as an honest client would seal it.
    private func packet(_ payload: [UInt8]) -> [UInt8] {
        guard let keys else { return [] }
        nextNumber += 1
        let header = DataHeader(
            keyPhase: 0, connectionID: .server(keys.id),
            packetNumber: TruncatedPacketNumber(
                value: UInt32(truncatingIfNeeded: nextNumber), byteCount: 4))
        var bytes = [UInt8](repeating: 0, count: header.byteCount + payload.count + 16)
        let byteCount = bytes.count
        let traffic = TrafficKeys(secret: SecretKey(copying: keys.secret.span.bytes))
        var span = bytes.mutableSpan
        var room = span.mutableBytes
        do {
            var writer = ByteWriter(&room)
            guard (try? header.write(to: &writer)) != nil,
                (try? writer.writeBytes(payload.span.bytes)) != nil
            else { return [] }
        }
        _ = traffic.cipher.seal(
            &room, headerByteCount: header.byteCount, payloadByteCount: payload.count, pathID: 0,
            packetNumber: nextNumber)
        guard byteCount >= 29 else { return bytes }
        let mask = traffic.header.mask(sample: room.bytes.extracting(13..<29))
        let start = 1 + WireLimits.serverConnectionIDByteCount
        room.mask(at: 0, with: mask[0] & DataHeader.protectedBits)
        for i in 0..<4 { room.mask(at: start + i, with: mask[1 + i]) }
        return bytes
    }

    private static let patience = Interval.milliseconds(300)
    private static let mischief: [[UInt8]] = [
        [],
        [0x3E],
        [0x01, 0x40],
        [0x05, 0x01],
        [0x10, 2, 0x42, 0x00, 1, 7],
        [0x11, 2, 40, 0x44, 0x01, 1, 7, 0x11, 2, 40, 0x44, 0x01, 1, 8],
    ]
}

extension Simulation {
    func admit(_ plan: Intruder.Plan) {
        let index = attacker.intruders.count
        attacker.intruders.append(
            Intruder(plan, index: index, server: server.publicKey, now: now))
        note("intruder \(index): comes for \(plan)")
        pumpIntruder(index)
    }

    func wakeIntruder(_ index: Int) {
        guard attacker.intruders[index].wakeAt == now else { return }
        attacker.intruders[index].wakeAt = .distantFuture
        attacker.intruders[index].advance(now: now)
        pumpIntruder(index)
    }

    /// Takes what an intruder has to send, and plans when it goes on.
    func pumpIntruder(_ index: Int) {
        guard !attacker.haveLeft else { return }
        let intruder = attacker.intruders[index]
        intruder.burgle(oracle.conversations, now: now)
        if let sentence = oracle.theft(intruder.notices) { oracle.fail(.private_, sentence) }
        let delay = Attacker.delay(index)
        if let cookie = intruder.takeStolen() { show(cookie, of: intruder) }
        while let bytes = intruder.transmit(now: now) {
            fly(bytes, from: intruder.address, index, after: delay)
        }
        for (bytes, source) in intruder.strike(now: now) {
            note("intruder \(index): strikes")
            fly(bytes, from: source, index, after: delay)
        }
        let next = max(intruder.deadline, now + .milliseconds(1))
        guard !intruder.isExpelled, next < intruder.wakeAt else { return }
        intruder.wakeAt = next
        queue.insert(.intruderWakes(index), at: next)
    }

    private func fly(_ bytes: [UInt8], from source: Address, _ index: Int, after delay: Interval) {
        digest.add(bytes[...])
        let flight = Flight(
            bytes: bytes, source: source, destination: Self.serverAddress,
            maker: .intruder(index), sent: now)
        queue.insert(.arrival(flight), at: now + delay)
    }
}
