// A client on a real socket: one handshake, one session, waiting by the kernel's poll.

import Glibc
import PetrelBase
import PetrelCrypto
import PetrelEvent
import PetrelMessaging
import PetrelTransport
import PetrelWire

final class LoopbackClient {
    private var socket: UDPSocket
    private var incoming = DatagramBatch()
    private var outgoing = DatagramBatch()
    private var handshake: ClientHandshake
    private var session: Session?
    private var events = SessionEvents()
    private var notices: [Notice] = []
    private var closed: CloseReason?
    private var request: UInt64 = 0
    private let server: Address
    /// The connection in use instead of the socket, and where it leads.
    private var stream: DatagramStream?
    private var streamAddress = Address.none

    static let form = Registration(
        handle: "anna", password: Array("correct horse".utf8), deviceName: "phone")

    struct NoAnswer: Error {}

    init(_ server: RunningServer, identity: consuming KeyPair, counter: UInt64) throws {
        self.server = server.address
        socket = try UDPSocket(boundTo: Address(v4: 0x7F00_0001, port: 0))
        handshake = try ClientHandshake(
            identity: identity, server: server.publicKey, counter: counter, connectionID: 77,
            configuration: SessionConfiguration(), lifetime: .seconds(10), now: EventLoop.now)
    }

    /// Opens a connection, over which everything goes from now on.
    func useTCP(at address: Address) throws {
        let opening = try DatagramStream(connectingTo: address, byteCountMax: 1_500)
        var opened = pollfd(fd: opening.descriptor, events: Int16(POLLOUT), revents: 0)
        guard poll(&opened, 1, 10_000) == 1, opening.isConnected else { throw NoAnswer() }
        stream = consume opening
        streamAddress = address
        session?.goOn(at: address, now: EventLoop.now)
    }

    /// Closes the connection and goes on over UDP.
    func useUDP() {
        stream = nil
        session?.goOn(at: server, now: EventLoop.now)
    }

    /// The TCP port that the server has announced.
    var announcedPort: UInt16? {
        switch session {
        case .some(let session): session.serverTCPPort
        case .none: nil
        }
    }

    private var descriptor: Int32 {
        switch stream {
        case .some(let stream): stream.descriptor
        case .none: socket.descriptor
        }
    }

    /// The class of that name, as the server described it.
    func policy(named name: String) -> ClassPolicy? { session?.classes.policy(named: name) }

    func ask(_ kind: Command.Kind, as deliveryClass: DeliveryClass = .durable) throws {
        request += 1
        let bytes = Command(request: request, kind: kind).encoded()
        _ = try session?.send(bytes.span.bytes, as: deliveryClass, now: EventLoop.now)
    }

    /// Waits for the next notice.
    func next() throws -> Notice {
        try wait { notices.isEmpty ? nil : notices.removeFirst() }
    }

    /// Waits until the server closes the session; returns its code.
    func waitForClose() throws -> UInt64? {
        let reason = try wait { closed }
        guard case .closedByPeer(let code) = reason else { return nil }
        return code
    }

    private func wait<Result>(for result: () -> Result?) throws -> Result {
        let end = EventLoop.now + .seconds(10)
        while true {
            try exchange()
            if let result = result() { return result }
            let now = EventLoop.now
            guard now < end else { throw NoAnswer() }
            let deadline = min(end, session?.deadline ?? handshake.deadline)
            let wait = max(.zero, deadline - now)
            var watched = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
            poll(&watched, 1, Int32(wait.nanoseconds / 1_000_000) + 1)
        }
    }

    private func exchange() throws {
        let now = EventLoop.now
        let from = stream == nil ? server : streamAddress
        if stream == nil {
            _ = try socket.receive(into: &incoming)
        } else {
            incoming.removeAll()
            _ = stream?.receive(into: &incoming, from: server)
        }
        for i in 0..<incoming.count {
            var datagram = incoming.bytes(of: i)
            if session == nil {
                session = handshake.receive(&datagram, from: from, now: now)
            } else {
                _ = session?.receive(&datagram, from: from, now: now, into: &events)
            }
        }
        session?.advance(now: now, into: &events)
        for event in events.list {
            switch event {
            case .message(_, _, let range):
                notices.append(try Notice(decoding: events.bytes(range)))
            case .closed(let reason): closed = reason
            default: break
            }
        }
        events.removeAll()
        while transmit(now: now) {
            guard stream != nil else {
                _ = socket.send(&outgoing)
                continue
            }
            for i in 0..<outgoing.count {
                let datagram = outgoing.bytes(of: i)
                _ = stream?.append(datagram.bytes)
            }
            outgoing.removeAll()
            _ = stream?.flush()
        }
    }

    private func transmit(now: Instant) -> Bool {
        var room = [UInt8](repeating: 0, count: 1_500)
        var span = room.mutableSpan
        var view = span.mutableBytes
        let count =
            session == nil
            ? handshake.transmit(into: &view, now: now)
            : session?.transmit(into: &view, now: now)?.byteCount
        guard let count else { return false }
        return outgoing.append(copying: room.span.bytes.extracting(first: count), to: server)
    }
}
