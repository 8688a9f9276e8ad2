// A client of the town: a key, a session, and the notices that it heard.

import PetrelBase
import PetrelCrypto
import PetrelMessaging
import PetrelTransport
import PetrelWire

/// One device with a real session, which says whatever bytes it is given.
final class Citizen {
    let address: Address
    private let identity: KeyPair
    private var counter: UInt64 = 0
    private var handshake: ClientHandshake?
    private var session: Session?
    private var events = SessionEvents()
    private var heard: [[UInt8]] = []
    /// Whether the server welcomed it.
    private(set) var isWelcome = false
    /// The conversation of the newest verdict.
    private(set) var newestConversation: ConversationID?
    /// Why its session ended.
    private(set) var closed: CloseReason?

    init(number: UInt8) {
        address = Address(v4: 0x0A00_0000 | UInt32(number), port: 5_000)
        identity = FuzzKeys.pair(0x20 + number)
    }

    func connect(to server: PublicKey, now: Instant) throws {
        counter += 1
        session = nil
        closed = nil
        handshake = try ClientHandshake(
            identity: identity, server: server, counter: counter,
            connectionID: UInt32(counter) << 8 | 1, configuration: SessionConfiguration(),
            lifetime: .seconds(20), now: now)
    }

    func say(_ bytes: [UInt8], now: Instant) {
        _ = try? session?.send(bytes.span.bytes, as: .durable, now: now)
    }

    /// Takes all that the server told since the last call.
    func takeHeard() -> [[UInt8]] {
        defer { heard = [] }
        return heard
    }

    var deadline: Instant {
        min(session?.deadline ?? .distantFuture, handshake?.deadline ?? .distantFuture)
    }

    func transmit(into room: inout MutableRawSpan, now: Instant) -> Int? {
        if let count = session?.transmit(into: &room, now: now)?.byteCount { return count }
        return handshake?.transmit(into: &room, now: now)
    }

    func receive(_ bytes: [UInt8], from address: Address, now: Instant) throws {
        var bytes = bytes
        var span = bytes.mutableSpan
        var view = span.mutableBytes
        if session == nil, let granted = handshake?.receive(&view, from: address, now: now) {
            session = consume granted
            handshake = nil
            return
        }
        _ = session?.receive(&view, from: address, now: now, into: &events)
        try collect()
    }

    func advance(now: Instant) {
        session?.advance(now: now, into: &events)
        for case .closed(let reason) in events.list { closed = reason }
        events.removeAll()
    }

    private func collect() throws {
        defer { events.removeAll() }
        for event in events.list {
            switch event {
            case .message(_, _, let range):
                let bytes = copy(events.bytes(range))
                heard.append(bytes)
                try hear(try Notice(decoding: bytes.span.bytes))
            case .closed(let reason): closed = reason
            case .confirmed, .ordered, .acknowledged, .outcome, .bulk, .addressMoved,
                .keepaliveAnswered, .goingAway, .bindingDied, .probeAsked, .probeAnswered:
                break
            }
        }
    }

    private func hear(_ notice: Notice) throws {
        switch notice.kind {
        case .welcome: isWelcome = true
        case .verdict(let verdict): newestConversation = verdict.conversation
        default: break
        }
    }
}
