// One peer of a test: a client's handshake or a server's, then a session and its traffic.

import Glibc
import PetrelBase
import PetrelCrypto
import PetrelEvent
import PetrelTransport
import PetrelWire

/// A server with at most one session, or a client with one, on an event loop.
final class Peer: EventHandler {
    /// The name of the transfer of the bulk test.
    private static let transfer: UInt64 = 1

    private let loop: EventLoop
    private let options: Options
    private let identity: KeyPair
    private let mac: Mac1Key
    private let end: Instant
    private var socket: UDPSocket
    private var incoming = DatagramBatch()
    private var outgoing = DatagramBatch()
    private var handshake: ClientHandshake?
    private var session: Session?
    private var accepted: (tag: HelloTag, bytes: [UInt8])?
    private var events = SessionEvents()
    private var traffic: Traffic
    private var beside: Beside
    private var failure: (any Error)?

    init(_ options: Options) throws {
        let now = EventLoop.now
        self.options = options
        loop = try EventLoop()
        let serverIdentity = Self.identity("server")
        mac = Mac1Key(serverKey: serverIdentity.publicKey)
        traffic = Traffic(options, now: now)
        beside = Beside(byteCount: options.isServer || options.isBulk ? 0 : options.besideByteCount)
        end = now + options.lifetime
        if options.isServer {
            socket = try UDPSocket(boundTo: options.address)
            identity = serverIdentity
        } else {
            socket = try UDPSocket(boundTo: Address(v4: 0, port: 0))
            identity = Self.identity("client \(options.seed)")
            handshake = try ClientHandshake(
                identity: identity, server: serverIdentity.publicKey, counter: 1, connectionID: 1,
                configuration: options.configuration, lifetime: options.lifetime, now: now)
        }
    }

    /// Runs until the process is told to end, or its lifetime is over.
    func run() throws {
        try loop.watch(socket.descriptor, with: self)
        try loop.watchSignal(SIGTERM, with: self)
        try loop.watchSignal(SIGINT, with: self)
        if options.isServer { say("LISTEN") }
        due(now: EventLoop.now)
        try loop.run()
        loop.forgetAll()
        try traffic.finish()
        if let statistics = session?.statistics { say("STATISTICS \(statistics)") }
        if let failure { throw failure }
    }

    func readable(_ descriptor: Int32, now: Instant) {
        do {
            let count = try socket.receive(into: &incoming)
            for i in 0..<count {
                let address = incoming.address(of: i)
                var datagram = incoming.bytes(of: i)
                try take(&datagram, from: address, now: now)
            }
        } catch {
            failure = error
            return loop.stop()
        }
        flush(now: now)
    }

    func due(now: Instant) {
        guard now < end else { return loop.stop() }
        session?.advance(now: now, into: &events)
        hear(now: now)
        flush(now: now)
    }

    func signalled(_ number: Int32, now: Instant) { loop.stop() }

    /// The keys of a role are always the same: a test needs no secret.
    private static func identity(_ role: String) -> KeyPair {
        let seed = Array("petrel-peer \(role)".utf8)
        return KeyPair(secret: SecretKey(copying: Digest.sha256(seed.span.bytes).bytes))
    }

    private func take(
        _ datagram: inout MutableRawSpan, from address: Address, now: Instant
    ) throws {
        if options.isServer, PacketForm(datagram.bytes, receivedBy: .server) == .hello {
            return try answer(datagram.bytes, from: address, now: now)
        }
        if session != nil {
            _ = session?.receive(&datagram, from: address, now: now, into: &events)
        } else if let made = handshake?.receive(&datagram, from: address, now: now) {
            session = consume made
            handshake = nil
            traffic.connect(now: now)
            beside.connect(now: now)
        }
        hear(now: now)
    }

    private func answer(_ hello: RawSpan, from address: Address, now: Instant) throws {
        guard let tag = Hello.tag(of: hello, mac: mac) else { return }
        if accepted == nil {
            let opened = try Hello(opening: hello, identity: identity)
            var room = [UInt8](repeating: 0, count: 2_048)
            var span = room.mutableSpan
            var bytes = span.mutableBytes
            guard
                let answer = opened.accept(
                    connectionID: 1, from: address, configuration: options.configuration, now: now,
                    into: &bytes)
            else { throw PeerFailure("the HELLO could not be answered") }
            let byteCount = answer.byteCount
            session = answer.takeSession()
            accepted = (tag, Array(room.prefix(byteCount)))
        }
        guard let accepted, accepted.tag == tag else { return }
        if outgoing.isFull { _ = socket.send(&outgoing) }
        _ = outgoing.append(copying: accepted.bytes.span.bytes, to: address)
    }

    /// Acts on what the session has told.
    private func hear(now: Instant) {
        for event in events.list {
            switch event {
            case .confirmed: traffic.connect(now: now)
            case .message(_, _, let range): traffic.receive(events.bytes(range))
            case .bulk(.range(_, let offset, let range)) where options.isBulk:
                traffic.receiveBulk(at: offset, events.bytes(range))
            case .bulk(let event): hear(event)
            case .closed(let reason):
                say("CLOSED \(reason)")
                loop.stop()
            default: break
            }
        }
        events.removeAll()
    }

    private func hear(_ event: BulkEvent) {
        switch event {
        case .offered(_, let transfer, _):
            _ = try? session?.acceptTransfer(transfer, from: 0)
        case .wanted, .room: supply()
        case .range, .received, .sent: break
        case .stopped: loop.stop()
        }
    }

    /// Supplies as much of the transfer as the session takes.
    private func supply() {
        guard options.isBulk else {
            return beside.hand { session?.supplyTransfer(Self.transfer, $0) ?? 0 }
        }
        while let chunk = traffic.nextBulk() {
            let span = chunk.span
            let bytes = span.bytes
            let count = session?.supplyTransfer(Self.transfer, bytes) ?? 0
            traffic.supplied(count)
            if count < chunk.count { return }
        }
    }

    /// Sends what is due, and sets the next alarm.
    private func flush(now: Instant) {
        if session != nil, options.isBulk {
            if let byteCount = traffic.beginBulk(now: now) {
                try? session?.offerTransfer(Self.transfer, byteCount: UInt64(byteCount))
            }
        } else if session != nil {
            if let byteCount = beside.begin(now: now) {
                try? session?.offerTransfer(Self.transfer, byteCount: UInt64(byteCount))
            }
            traffic.sendDue(now: now) { message in
                (try? session?.send(message, as: .durable, now: now)) != nil
            }
        }
        while true {
            if outgoing.isFull { _ = socket.send(&outgoing) }
            let isAdded = outgoing.append { room in transmit(into: &room, now: now) }
            if !isAdded { break }
        }
        _ = socket.send(&outgoing)
        var next = min(end, session?.deadline ?? handshake?.deadline ?? .distantFuture)
        next = min(next, traffic.nextDue, beside.due)
        loop.wake(self, at: next)
    }

    private func transmit(
        into room: inout MutableRawSpan, now: Instant
    ) -> (byteCount: Int, to: Address)? {
        if let byteCount = handshake?.transmit(into: &room, now: now) {
            return (byteCount, options.address)
        }
        return session?.transmit(into: &room, now: now).map { ($0.byteCount, $0.destination) }
    }
}
