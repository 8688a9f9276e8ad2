// A client's link and the transport's server half on a simulated wire, in virtual time.

import PetrelBase
import PetrelClientNetwork
import PetrelCrypto
import PetrelTransport
import PetrelWire
import Testing

/// Both ends, and what is under way between them; nobody knows what the bytes mean.
final class LinkWire {
    private struct Flight {
        var arrives: Instant
        var toServer: Bool
        var datagram: [UInt8]
        var source: Address
    }

    static let serverAddress = Address(v4: 0x0A00_0002, port: 7_700)

    var link: ClientLink
    var now = Instant(nanoseconds: 1_000_000_000)
    /// Where the client sends from; what arrives elsewhere is lost.
    var clientAddress = Address(v4: 0x0A00_0001, port: 1_000)
    /// Whether nothing arrives at all.
    var isDead = false
    /// Messages for the next HELLO.
    var early: [String] = []
    /// The counter of the last HELLO, as a device would keep it on its disk.
    private(set) var counter: UInt64 = 0
    /// What happened on the link, oldest first, but for messages and keepalives.
    private(set) var events: [LinkEvent] = []
    /// What each end heard, oldest first.
    private(set) var heardByClient: [String] = []
    private(set) var heardByServer: [String] = []
    /// Sessions that the server opened.
    private(set) var sessionsCount = 0

    private let identity = KeyPair()
    private let mac: Mac1Key
    private var session: Session?
    private var sessionEvents = SessionEvents()
    private var accepted: (tag: HelloTag, accept: [UInt8])?
    private var flights: [Flight] = []

    init(_ configure: (inout LinkConfiguration) -> Void = { _ in }) {
        var configuration = LinkConfiguration()
        configuration.tcp = .none
        configure(&configuration)
        mac = Mac1Key(serverKey: identity.publicKey)
        link = ClientLink(
            configuration: configuration, identity: KeyPair(), server: identity.publicKey,
            addresses: [Self.serverAddress],
            random: RandomStream(seed: 1, label: "link"))
    }

    var wall: WallTime { WallTime(milliseconds: 1_700_000_000_000 + now.nanoseconds / 1_000_000) }
    var isOpen: Bool { link.isOpen }
    var state: LinkState { link.state }
    var deadline: Instant { link.deadline }
    var probesCount: Int { link.probesCount }
    var helloTakesEarly: Bool { link.helloTakesEarly }
    /// Where the server sends what it says.
    var serverSendsTo: Address? {
        switch session {
        case .some(let session): session.address
        case .none: nil
        }
    }

    /// The client says something.
    func say(_ text: String) throws -> UInt64 {
        try link.send(Array(text.utf8).span.bytes, as: .durable, now: now)
    }

    /// The server says something.
    func serverSays(_ text: String) throws {
        _ = try session?.send(Array(text.utf8).span.bytes, as: .durable, now: now)
    }

    /// The server loses all that it knew.
    func restartServer() {
        session = nil
        accepted = nil
    }

    /// Lets time pass.
    func run(_ interval: Interval) {
        let end = now + interval
        for _ in 0..<100_000 {
            exchange()
            let arrival = flights.map(\.arrives).min() ?? .distantFuture
            let next = min(arrival, link.deadline, serverDeadline)
            guard next <= end else {
                now = end
                return
            }
            now = max(now, next)
            deliver()
        }
        Issue.record("too many steps: a deadline is not served")
    }

    private var serverDeadline: Instant {
        switch session {
        case .some(let session): session.deadline
        case .none: .distantFuture
        }
    }

    private func deliver() {
        let due = flights.filter { $0.arrives <= now }
        flights.removeAll { $0.arrives <= now }
        for flight in due {
            var datagram = flight.datagram
            var span = datagram.mutableSpan
            var bytes = span.mutableBytes
            if flight.toServer {
                receive(&bytes, from: flight.source)
            } else {
                link.receive(&bytes, from: flight.source, now: now, wall: wall)
                takeEvents()
            }
        }
        if link.deadline <= now { link.advance(now: now, wall: wall) }
        session?.advance(now: now, into: &sessionEvents)
        takeServerEvents()
    }

    /// What the owner of a link does after each batch.
    private func finishBatch() {
        takeEvents()
        link.finishBatch(now: now, wall: wall)
        guard link.isHelloDue(now: now) else { return }
        counter += 1
        var messages = EarlyMessages()
        if link.helloTakesEarly {
            for text in early where !messages.append(Array(text.utf8).span.bytes) { break }
        }
        link.beginAttempt(counter: counter, early: messages, now: now)
    }

    private func takeEvents() {
        for event in link.events {
            switch event {
            case .message(_, _, let range): heardByClient.append(link.bytes(range).text)
            case .keepaliveAnswered: continue
            case .opened, .acknowledged, .ended: events.append(event)
            }
        }
        link.removeEvents()
    }

    private func exchange() {
        finishBatch()
        var room = [UInt8](repeating: 0, count: 1_500)
        for _ in 0..<1_000 {
            var span = room.mutableSpan
            var bytes = span.mutableBytes
            if let sent = link.transmit(into: &bytes, now: now) {
                fly(Array(room[..<sent.byteCount]), toServer: true, from: clientAddress)
            } else if let sent = session?.transmit(into: &bytes, now: now) {
                let datagram = Array(room[..<sent.byteCount])
                guard sent.destination == clientAddress else { continue }
                fly(datagram, toServer: false, from: Self.serverAddress)
            } else {
                return
            }
        }
    }

    private func fly(_ datagram: [UInt8], toServer: Bool, from source: Address) {
        guard !isDead else { return }
        flights.append(
            Flight(
                arrives: now + .milliseconds(20), toServer: toServer, datagram: datagram,
                source: source))
    }
}

/// The server.
extension LinkWire {
    private func receive(_ datagram: inout MutableRawSpan, from address: Address) {
        switch PacketForm(datagram.bytes, receivedBy: .server) {
        case .hello: greet(datagram.bytes, from: address)
        case .data:
            _ = session?.receive(&datagram, from: address, now: now, into: &sessionEvents)
            takeServerEvents()
        case .accept, .retry, .probe, nil: return
        }
    }

    private func greet(_ datagram: RawSpan, from address: Address) {
        guard let tag = Hello.tag(of: datagram, mac: mac) else { return }
        if let accepted, accepted.tag == tag {
            return fly(accepted.accept, toServer: false, from: Self.serverAddress)
        }
        guard let hello = try? Hello(opening: datagram, identity: identity) else { return }
        let number = hello.counter
        var room = [UInt8](repeating: 0, count: 1_500)
        var span = room.mutableSpan
        var bytes = span.mutableBytes
        guard
            let opened = hello.accept(
                connectionID: number,
                resetToken: ResetToken(exactly: [UInt8](repeating: 1, count: 16).span.bytes),
                from: address, configuration: SessionConfiguration(), now: now, into: &bytes)
        else { return }
        let accept = Array(room[..<opened.byteCount])
        session = opened.takeSession()
        sessionsCount += 1
        accepted = (tag, accept)
        fly(accept, toServer: false, from: Self.serverAddress)
    }

    private func takeServerEvents() {
        for event in sessionEvents.list {
            switch event {
            case .message(_, _, let range):
                heardByServer.append(sessionEvents.bytes(range).text)
            case .closed: session = nil
            default: continue
            }
        }
        sessionEvents.removeAll()
    }
}

extension RawSpan {
    fileprivate var text: String {
        String(decoding: withUnsafeBytes { Array($0) }, as: UTF8.self)
    }
}
