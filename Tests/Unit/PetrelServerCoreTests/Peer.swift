// A client as far as the server can tell: a key, a handshake, a session, and what it was told.

import PetrelBase
import PetrelCrypto
import PetrelMessaging
import PetrelTransport
import PetrelWire
import Testing

final class Peer {
    var address: Address
    private let identity: KeyPair
    private let server: PublicKey
    private var counter: UInt64 = 0
    private var handshake: ClientHandshake?
    private var session: Session?
    private var events = SessionEvents()
    private var nextRequest: UInt64 = 0
    /// Whether datagrams to and from it are lost.
    var isCutOff = false
    /// Whether its system does not let it run: no timer fires, and what is sent to it is lost.
    var isSuspended = false
    /// Whether it takes the server's datagrams but keeps nothing of them.
    var isDeaf = false
    /// What the server told, oldest first.
    var notices: [Notice] = []
    /// How notices of presence came.
    var presenceClasses: Set<DeliveryClass> = []
    /// Whether the server takes part in measurements.
    private(set) var probeAnswers: [NATProbeAnswerFrame] = []
    /// Why the session ended.
    var closed: CloseReason?
    private(set) var departure: Interval?
    /// The newest hint in an answer to a keepalive.
    var hint: UInt64?

    init(server: PublicKey, number: UInt32, identity: consuming KeyPair = KeyPair()) {
        self.server = server
        self.identity = identity
        address = Address(v4: 0x0A00_0000 | number, port: 5_000)
    }

    /// The same device somewhere else, which has said as much.
    func double() -> Peer {
        let peer = Peer(server: server, number: 0xFFFF, identity: identity.duplicate())
        peer.counter = counter
        return peer
    }

    /// Takes in a datagram that is not on the bench's wire.
    func take(_ bytes: [UInt8], from address: Address, now: Instant) {
        var bytes = bytes
        var span = bytes.mutableSpan
        var datagram = span.mutableBytes
        receive(&datagram, from: address, now: now)
    }

    var isConnected: Bool { session?.isClosed == false }
    var key: PublicKey { identity.publicKey }

    /// Says HELLO; `early` holds that many requests.
    func connect(
        now: Instant, early: EarlyMessages = EarlyMessages(), requests: UInt64 = 0
    ) throws {
        counter += 1
        nextRequest = max(nextRequest, requests)
        session = nil
        closed = nil
        handshake = try ClientHandshake(
            identity: identity, server: server, counter: counter,
            connectionID: UInt32(counter) << 8 | 1, early: early,
            configuration: SessionConfiguration(),
            lifetime: .seconds(20), now: now)
    }

    /// Sends a command; returns its request number.
    @discardableResult
    func ask(_ kind: Command.Kind, now: Instant) throws -> UInt64 {
        nextRequest += 1
        let command = Command(request: nextRequest, kind: kind)
        try say(command.encoded(), now: now)
        return nextRequest
    }

    /// Sends bytes as a durable message.
    func say(_ bytes: [UInt8], now: Instant) throws {
        _ = try session?.send(bytes.span.bytes, as: .durable, now: now)
    }

    func ask(_ frame: NATProbeFrame) { session?.askProbe(frame) }

    func close(now: Instant) { session?.close(.done, now: now, into: &events) }

    /// Takes the notices so far.
    func take() -> [Notice] {
        defer { notices = [] }
        return notices
    }

    /// The only notice that answers `request`.
    func answer(_ request: UInt64) throws -> Notice.Kind {
        let answers = notices.filter { $0.request == request }
        #expect(answers.count == 1)
        return try #require(answers.first).kind
    }

    // MARK: Wire

    func transmit(into room: inout MutableRawSpan, now: Instant) -> Int? {
        if let count = session?.transmit(into: &room, now: now)?.byteCount { return count }
        return handshake?.transmit(into: &room, now: now)
    }

    func receive(_ datagram: inout MutableRawSpan, from address: Address, now: Instant) {
        if session == nil, let granted = handshake?.receive(&datagram, from: address, now: now) {
            session = consume granted
            handshake = nil
            return
        }
        guard !isDeaf else { return }
        _ = session?.receive(&datagram, from: address, now: now, into: &events)
        collect()
    }

    func advance(now: Instant) {
        session?.advance(now: now, into: &events)
        collect()
    }

    var deadline: Instant {
        min(session?.deadline ?? .distantFuture, handshake?.deadline ?? .distantFuture)
    }

    private func collect() {
        for event in events.list {
            switch event {
            case .message(let deliveryClass, _, let range):
                do {
                    let notice = try Notice(decoding: events.bytes(range))
                    notices.append(notice)
                    if case .presences = notice.kind { presenceClasses.insert(deliveryClass) }
                } catch {
                    Issue.record("the server sent no notice: \(error)")
                }
            case .closed(let reason): closed = reason
            case .keepaliveAnswered(let hint): self.hint = hint
            case .goingAway(let window, _): departure = window
            case .probeAnswered(let answer): probeAnswers.append(answer)
            case .confirmed, .ordered, .acknowledged, .outcome, .bulk, .addressMoved, .bindingDied,
                .probeAsked:
                break
            }
        }
        events.removeAll()
    }
}
