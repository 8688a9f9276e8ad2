// A client's brain and a fake server on a simulated wire, in virtual time.

import PetrelBase
import PetrelClientData
import PetrelCrypto
import PetrelMessaging
import PetrelTransport
import PetrelWire
import Testing

@testable import PetrelClientCore
@testable import TestServer

/// Both ends, what is under way between them, and what the client told.
final class Wire {
    private struct Flight {
        var arrives: Instant
        var order: Int
        var toServer: Bool
        var datagram: [UInt8]
        /// Where it seems to come from.
        var source: Address
        /// The connection that it goes over, if any.
        var connection: Int?
    }

    /// The client's TCP connection.
    private struct Connection {
        var number: Int
        var wanted: Address
        var opensAt: Instant
        var isOpen = false
    }

    static let clientAddress = Address(v4: 0x0A00_0001, port: 1_000)
    static let serverAddress = Address(v4: 0x0A00_0002, port: 7_700)
    static let start = Instant(nanoseconds: 1_000_000_000)

    var server = FakeServer()
    var client: ClientCore
    var now = Wire.start
    var events: [ClientEvent] = []
    /// The settings of the next client.
    var configuration = ClientConfiguration()
    /// Bytes of the HELLOs that the client sent.
    var helloSizes: [Int] = []
    /// The probability that a datagram is lost, in each direction.
    var lossToServer = 0.0
    var lossToClient = 0.0
    /// Whether the client has another socket to measure with.
    var hasSideSocket = false
    /// What it sent there.
    private(set) var probes: [ProbeDatagram] = []
    /// Whether the server's process is there at all.
    var serverIsUp = true
    /// The port at which the server takes TCP connections, whatever it announces.
    var tcpPort: UInt16?
    /// Whether UDP gets nowhere.
    var udpIsBlocked = false
    /// Connections that were begun, each to where.
    var connections: [Address] = []
    private var connection: Connection?
    private let identity: KeyPair
    private var random: RandomStream
    private var flights: [Flight] = []
    private var sent = 0

    init(seed: UInt64 = 1, store: MemoryClientStore = MemoryClientStore()) throws {
        identity = KeyPair()
        random = RandomStream(seed: seed, label: "wire")
        client = try ClientCore(
            configuration: ClientConfiguration(), identity: identity.duplicate(),
            server: server.identity.publicKey, addresses: [Wire.serverAddress], store: store,
            random: random)
    }

    var wall: WallTime { WallTime(milliseconds: 1_700_000_000_000 + now.nanoseconds / 1_000_000) }

    var isCaughtUp: Bool { client.isCaughtUp }
    var state: ConnectionState { client.state }
    var clientDeadline: Instant { client.deadline }

    /// The client's store, to look at or to break.
    var store: MemoryClientStore {
        get { client.store as? MemoryClientStore ?? MemoryClientStore() }
        set { client.store = newValue }
    }

    /// Kills the client's process and starts another one over what it had stored.
    func crash() throws {
        let left = store
        client = try ClientCore(
            configuration: configuration, identity: identity.duplicate(),
            server: server.identity.publicKey, addresses: [Wire.serverAddress], store: left,
            random: random)
        _ = random.next()
        client.connect(now: now)
    }

    /// Starts the client's process anew, set up otherwise.
    func restart(_ change: (inout ClientConfiguration) -> Void) throws {
        var configuration = ClientConfiguration()
        change(&configuration)
        client = try ClientCore(
            configuration: configuration, identity: identity.duplicate(),
            server: server.identity.publicKey, addresses: [Wire.serverAddress], store: store,
            random: random)
        client.connect(now: now)
    }

    func send(_ text: String) throws {
        _ = try client.send(to: .handle("peer"), body: Array(text.utf8), wall: wall)
        client.finishBatch(now: now, wall: wall)
    }

    /// The peer says something; the server pushes it.
    func peerSays(_ text: String) {
        let push = server.model.commit(ConversationID(10), text)
        server.push(.message(push), now: now)
    }

    /// Lets time pass.
    func run(_ interval: Interval) {
        let end = now + interval
        for _ in 0..<200_000 {
            exchange()
            let arrival = flights.map(\.arrives).min() ?? .distantFuture
            let serverDeadline = serverIsUp ? server.deadline : .distantFuture
            let opening = connection.map { $0.isOpen ? .distantFuture : $0.opensAt }
            let next = min(
                arrival, client.deadline, serverDeadline, opening ?? .distantFuture)
            guard next <= end else {
                now = end
                return
            }
            now = max(now, next)
            deliver()
        }
        Issue.record("too many steps: a deadline is not served")
    }

    /// Lets time pass while the client's process is suspended and nothing is under way.
    func sleep(_ interval: Interval) { now = now + interval }

    private func deliver() {
        // The server's clock is an hour ahead of the device's.
        server.model.time = WallTime(milliseconds: wall.milliseconds + 3_600_000)
        let due = flights.filter { $0.arrives <= now }.sorted { $0.order < $1.order }
        flights.removeAll { $0.arrives <= now }
        openConnection()
        for flight in due {
            if flight.toServer {
                guard serverIsUp else { continue }
                server.receive(flight.datagram, from: flight.source, now: now)
            } else if flight.connection == nil || flight.connection == connection?.number {
                var datagram = flight.datagram
                var span = datagram.mutableSpan
                var bytes = span.mutableBytes
                client.receive(&bytes, from: flight.source, now: now, wall: wall)
            }
        }
        if client.deadline <= now { client.advance(now: now, wall: wall) }
        client.finishBatch(now: now, wall: wall)
        if serverIsUp { server.advance(now: now) }
    }

    /// Takes the datagrams of measurements, if there is a socket for them, and echoes each.
    private func measure() {
        while hasSideSocket {
            var room = [UInt8](repeating: 0, count: 64)
            var span = room.mutableSpan
            var bytes = span.mutableBytes
            guard let sent = client.transmitSide(into: &bytes, now: now) else { return }
            let datagram = Array(room[..<sent.byteCount])
            guard let probe = ProbeDatagram(datagram.span.bytes) else { return }
            probes.append(probe)
            hearAside(probe.token &+ UInt64(probe.number))
        }
    }

    /// A PROBE_ANSWER comes to the client's other socket.
    func hearAside(_ value: UInt64, from address: Address = serverAddress) {
        var room = [UInt8](repeating: 0, count: ProbeAnswerDatagram.byteCount)
        var span = room.mutableSpan
        var bytes = span.mutableBytes
        _ = try? ProbeAnswerDatagram(value: value).write(into: &bytes)
        client.receiveSide(bytes.bytes, from: address, now: now, wall: wall)
        client.finishBatch(now: now, wall: wall)
    }

    private func exchange() {
        var room = [UInt8](repeating: 0, count: 1_500)
        for _ in 0..<1_000 {
            var span = room.mutableSpan
            var bytes = span.mutableBytes
            guard let sent = client.transmit(into: &bytes, now: now) else { break }
            fly(Array(room[..<sent.byteCount]), toServer: true, over: sent.destination)
        }
        tendConnection()
        measure()
        if serverIsUp {
            for (address, datagram) in server.take(now: now) {
                fly(datagram, toServer: false, over: address)
            }
        }
        client.takeEvents(into: &events)
    }

    /// Somebody between resets the connection.
    func breakConnection() {
        guard connection != nil else { return }
        connection = nil
        client.streamClosed(now: now)
        client.finishBatch(now: now, wall: wall)
    }

    private func tendConnection() {
        guard client.wantedStream != connection?.wanted else { return }
        connection = nil
        guard let wanted = client.wantedStream else { return }
        connections.append(wanted)
        connection = Connection(
            number: connections.count, wanted: wanted, opensAt: now + .milliseconds(40))
    }

    private func openConnection() {
        guard let opening = connection, !opening.isOpen, opening.opensAt <= now else { return }
        guard opening.wanted.port == tcpPort else { return breakConnection() }
        connection?.isOpen = true
        client.streamOpened(now: now)
    }

    private func source(_ toServer: Bool, _ address: Address) -> Address {
        guard address.carrier == .stream, let connection else {
            return toServer ? Wire.clientAddress : Wire.serverAddress
        }
        return toServer
            ? Wire.clientAddress.over(.stream, port: UInt16(2_000 + connection.number))
            : connection.wanted
    }

    private func fly(_ datagram: [UInt8], toServer: Bool, over address: Address) {
        sent += 1
        if toServer, datagram[0] == PacketForm.helloByte { helloSizes.append(datagram.count) }
        guard !random.chance(toServer ? lossToServer : lossToClient) else { return }
        if address.carrier == .datagram, udpIsBlocked { return }
        if address.carrier == .stream {
            guard let connection, connection.isOpen,
                toServer
                    ? address == connection.wanted
                    : address.port == UInt16(2_000 + connection.number)
            else { return }
        }
        flights.append(
            Flight(
                arrives: now + .milliseconds(20), order: sent, toServer: toServer,
                datagram: datagram, source: source(toServer, address),
                connection: address.carrier == .stream ? connection?.number : nil))
    }
}

extension Wire {
    /// The bodies of the messages that the owner was told of, in order.
    var toldBodies: [String] {
        events.compactMap {
            guard case .message(let record) = $0 else { return nil }
            return String(decoding: record.content?.body ?? [], as: UTF8.self)
        }
    }
    var committedBodies: [String] { server.committed.map { String(decoding: $0, as: UTF8.self) } }
    var retries: Int { server.retries }
    var carrier: Address.Carrier? { client.carrier }
    var wantedStream: Address? { client.wantedStream }
    var sessionAddress: Address? { server.sessionAddress }
    var counters: [UInt64] { server.counters }
    var commands: [Command.Kind] { server.commands }
    /// The steps of the outbox entry `index`.
    func steps(_ index: UInt64) -> [DeliveryState] {
        events.compactMap {
            guard case .deliveryChanged(index, _, let state) = $0 else { return nil }
            return state
        }
    }
    var storedBodies: [String] {
        get throws {
            try store.messages(ConversationID(10), from: ConversationSequence(1), limit: 10_000)
                .map { String(decoding: $0.content?.body ?? [], as: UTF8.self) }
        }
    }
    /// The highest delivered watermark that the server was told.
    var acknowledged: UInt64 {
        server.commands.reduce(0) { highest, command in
            guard case .acknowledge(_, let marks, _) = command else { return highest }
            return max(highest, marks.map(\.sequence.number).max() ?? 0)
        }
    }
}
