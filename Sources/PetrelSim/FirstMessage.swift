// How long a client's first message takes, with and without a HELLO that carries it.

internal import PetrelBase
internal import PetrelClientCore
internal import PetrelClientData
internal import PetrelClientNetwork
internal import PetrelCrypto
internal import PetrelMessaging
internal import PetrelServerCore
internal import PetrelServices
internal import PetrelTransport
internal import PetrelWire

/// A server and a client that was known to it before, over a link of its own; virtual time.
///
/// The client starts with messages in its outbox. The disk takes no time, so that what is measured
/// are trips.
struct FirstMessage: ~Copyable {
    /// What is asked.
    struct Plan {
        /// From one end to the other.
        var delay = Interval.milliseconds(50)
        /// Bytes of the messages in the outbox.
        var messages = [20]
        /// Whether the HELLO may carry them.
        var sendsEarly = true
        /// Which of the client's data packets are lost, counted from 0.
        var lost: Set<Int> = []
    }

    /// What came of it, in milliseconds since the client started.
    struct Times: Equatable {
        /// When all messages were on the server's disk.
        var committed = 0
        /// When the first of them was.
        var firstCommitted = 0
        /// When the client knew of all.
        var known = 0
        /// Bytes that the client sent until then.
        var byteCount = 0
    }

    private struct Datagram {
        var due: Instant
        var bytes: [UInt8]
        var isToServer: Bool
    }

    private static let clientAddress = Address(v4: 0x0A00_0002, port: 4_000)
    private static let serverAddress = Address(v4: 0x0A00_0001, port: 7_700)
    private static let start = Instant(nanoseconds: 1_000_000_000)

    private let plan: Plan
    private var server: ServerCore
    private var client: ClientCore
    private var now = start
    private var air: [Datagram] = []
    private var dataPackets = 0
    private var times = Times()

    /// Plays the plan; `nil` if the messages do not arrive within a minute.
    static func times(_ plan: Plan) -> Times? {
        SeededChance.with(seed: 1) {
            do {
                var bench = try bench(plan)
                return bench.run()
            } catch { return nil }
        }
    }

    private init(_ plan: Plan, _ server: consuming ServerCore, _ client: consuming ClientCore) {
        self.plan = plan
        self.server = server
        self.client = client
    }

    private static func bench(_ plan: Plan) throws -> FirstMessage {
        let serverKeys = KeyPair()
        let deviceKeys = KeyPair()
        var disk = MemoryStore()
        let account = CreateAccount(
            account: AccountID(7), handle: "anna", password: [],
            key: DeviceKey(deviceKeys.publicKey), deviceName: "phone", helloCounter: 1,
            time: wall(start))
        try disk.submit(.createAccount(account), ticket: 0, by: 0)
        var told: [StoreCompletion] = []
        disk.takeCompletions(of: 0, into: &told)
        var store = MemoryClientStore()
        let identity = ClientIdentity(account: AccountID(7), device: DeviceID(1), handle: "anna")
        try store.apply([.identity(identity)])
        var configuration = ClientConfiguration()
        configuration.sendsEarly = plan.sendsEarly
        let client = try ClientCore(
            configuration: configuration, identity: deviceKeys, server: serverKeys.publicKey,
            addresses: [serverAddress], store: store,
            random: RandomStream(seed: 1, label: "first message"))
        let server = ServerCore(
            configuration: ServerCoreConfiguration(seed: 1), identity: serverKeys, store: disk,
            now: start)
        return FirstMessage(plan, server, client)
    }

    private static func wall(_ now: Instant) -> WallTime {
        WallTime(milliseconds: 1_800_000_000_000 + now.nanoseconds / 1_000_000)
    }

    private mutating func run() -> Times? {
        for byteCount in plan.messages {
            let body = [UInt8](repeating: 7, count: byteCount)
            _ = try? client.send(to: .handle("anna"), body: body, wall: Self.wall(now))
        }
        client.connect(now: now)
        client.finishBatch(now: now, wall: Self.wall(now))
        while now < Self.start + .seconds(60) {
            exchange()
            guard times.known == 0 else { return times }
            let arrival = air.map(\.due).min() ?? .distantFuture
            let next = min(arrival, client.deadline, server.deadline)
            now = max(next, now + .microseconds(1))
            arrive()
            server.advance(now: now, wall: Self.wall(now))
            client.advance(now: now, wall: Self.wall(now))
        }
        return nil
    }

    private var elapsed: Int { Int((now - Self.start).nanoseconds / 1_000_000) }

    private mutating func arrive() {
        let due = air.filter { $0.due <= now }
        air.removeAll { $0.due <= now }
        for datagram in due {
            var bytes = datagram.bytes
            var span = bytes.mutableSpan
            var mutable = span.mutableBytes
            if datagram.isToServer {
                server.receive(
                    &mutable, from: Self.clientAddress, now: now, wall: Self.wall(now))
            } else {
                client.receive(
                    &mutable, from: Self.serverAddress, now: now, wall: Self.wall(now))
            }
        }
        client.finishBatch(now: now, wall: Self.wall(now))
    }

    /// Everything that both ends have to send goes into the air, and what happened is noted.
    private mutating func exchange() {
        server.collectCommits(now: now, wall: Self.wall(now))
        let committed = Int(server.metrics.messagesCommitted)
        if committed > 0, times.firstCommitted == 0 { times.firstCommitted = elapsed }
        if committed == plan.messages.count, times.committed == 0 {
            times.committed = elapsed
        }
        while let bytes = datagramOfClient() {
            if times.known == 0 { times.byteCount += bytes.count }
            if bytes[0] != PacketForm.helloByte {
                dataPackets += 1
                guard !plan.lost.contains(dataPackets - 1) else { continue }
            }
            air.append(Datagram(due: now + plan.delay, bytes: bytes, isToServer: true))
        }
        while let bytes = datagramOfServer() {
            air.append(Datagram(due: now + plan.delay, bytes: bytes, isToServer: false))
        }
        var events: [ClientEvent] = []
        client.takeEvents(into: &events)
        for event in events {
            guard case .deliveryChanged(let index, _, .committed) = event,
                index == UInt64(plan.messages.count)
            else { continue }
            times.known = elapsed
        }
    }

    private mutating func datagramOfClient() -> [UInt8]? {
        var room = [UInt8](repeating: 0, count: 1_500)
        var span = room.mutableSpan
        var view = span.mutableBytes
        guard let sent = client.transmit(into: &view, now: now) else { return nil }
        return Array(room.prefix(sent.byteCount))
    }

    private mutating func datagramOfServer() -> [UInt8]? {
        var room = [UInt8](repeating: 0, count: 1_500)
        var span = room.mutableSpan
        var view = span.mutableBytes
        guard let sent = server.transmit(into: &view, now: now) else { return nil }
        return Array(room.prefix(sent.byteCount))
    }
}
