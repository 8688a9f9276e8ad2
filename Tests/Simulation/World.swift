// A server, some clients and the networks between them, in one thread and in virtual time.

import PetrelBase
import PetrelClientCore
import PetrelCrypto
import PetrelMessaging
import PetrelServerCore
import PetrelServices
import PetrelTransport

/// A store that outlives the core that uses it, as a disk outlives a process.
final class Disk: Store {
    var memory = MemoryStore()

    var incarnation: UInt64 { memory.incarnation }
    func submit(_ operation: StoreOperation, ticket: UInt64) throws(StoreFailure) {
        try memory.submit(operation, ticket: ticket)
    }
    func takeCompletions(into completions: inout [StoreCompletion]) {
        memory.takeCompletions(into: &completions)
    }
    func account(handle: String) throws(StoreFailure) -> AccountRecord? {
        try memory.account(handle: handle)
    }
    func account(_ id: AccountID) throws(StoreFailure) -> AccountRecord? {
        try memory.account(id)
    }
    func device(key: DeviceKey) throws(StoreFailure) -> DeviceRecord? {
        try memory.device(key: key)
    }
    func newestFeed(_ account: AccountID) throws(StoreFailure) -> FeedSequence {
        try memory.newestFeed(account)
    }
    func feed(
        _ account: AccountID, after cursor: FeedSequence, limit: Int
    ) throws(StoreFailure) -> FeedSlice {
        try memory.feed(account, after: cursor, limit: limit)
    }
    func conversation(_ id: ConversationID) throws(StoreFailure) -> ConversationRecord? {
        try memory.conversation(id)
    }
    func messages(_ request: MessageRequest) throws(StoreFailure) -> MessageSlice {
        try memory.messages(request)
    }
}

/// A client's store that outlives the client.
final class ClientDisk: ClientStore {
    var memory = MemoryClientStore()

    func apply(_ changes: [ClientChange]) throws(ClientStoreError) { try memory.apply(changes) }
    func identity() throws(ClientStoreError) -> ClientIdentity? { try memory.identity() }
    func helloCounter() throws(ClientStoreError) -> UInt64 { try memory.helloCounter() }
    func cursor() throws(ClientStoreError) -> (incarnation: UInt64, feed: FeedSequence) {
        try memory.cursor()
    }
    func outbox(after index: UInt64, limit: Int) throws(ClientStoreError) -> [OutboxEntry] {
        try memory.outbox(after: index, limit: limit)
    }
    func lastOutboxIndex() throws(ClientStoreError) -> UInt64 { try memory.lastOutboxIndex() }
    func failed() throws(ClientStoreError) -> [FailedEntry] { try memory.failed() }
    func conversations() throws(ClientStoreError) -> [LocalConversation] {
        try memory.conversations()
    }
    func conversation(_ id: ConversationID) throws(ClientStoreError) -> LocalConversation? {
        try memory.conversation(id)
    }
    func messages(
        _ conversation: ConversationID, from sequence: ConversationSequence, limit: Int
    ) throws(ClientStoreError) -> [MessageRecord] {
        try memory.messages(conversation, from: sequence, limit: limit)
    }
}

/// One device: its key and disk stay, its process comes and goes, its address changes.
final class SimulatedClient {
    let name: String
    let key: SecretKey
    let disk = ClientDisk()
    var address: Address
    var core: ClientCore?
    /// Messages that the owner was told of, in all lives of the process.
    var told: [MessageRecord] = []
    var delivered: Set<UInt64> = []
    var isEnrolled = false

    init(name: String, key: borrowing SecretKey, address: Address) {
        self.name = name
        self.key = key.duplicate()
        self.address = address
    }
}

/// What the network does, drawn from the seed.
struct WorldFaults {
    var delay = Interval.milliseconds(20)
    var jitter = Interval.zero
    var loss = 0.0
    var duplication = 0.0
    var corruption = 0.0
    var isDark = false
}

/// Everything together; `run` jumps from deadline to deadline.
final class World {
    let serverAddress = Address(v4: 0x0A00_0001, port: 7_700)
    let serverKey = SecretKey(copying: [UInt8](repeating: 3, count: 32).span.bytes)
    let pepper = SecretKey(copying: [UInt8](repeating: 5, count: 32).span.bytes)
    let disk = Disk()
    var clients: [SimulatedClient] = []
    var server: ServerCore?
    var faults = WorldFaults()
    var now = Instant(nanoseconds: 1_000_000_000)
    var random: RandomStream
    var commitDelay = Interval.milliseconds(5)
    private let seed: UInt64
    private var flights: [Flight] = []
    private var order = 0
    private var commitAt = Instant.distantFuture
    private var room = [UInt8](repeating: 0, count: 2_048)
    private var hashJobs: [HashJobTicketed] = []

    private struct Flight {
        var due: Instant
        var order: Int
        var bytes: [UInt8]
        var source: Address
        var destination: Address
    }

    init(seed: UInt64) {
        self.seed = seed
        random = RandomStream(seed: seed, label: "network")
        disk.memory.holdsCompletions = true
        startServer()
    }

    var wall: WallTime { WallTime(milliseconds: 1_700_000_000_000 + now.nanoseconds / 1_000_000) }

    func addClient(_ name: String) -> SimulatedClient {
        let number = UInt8(clients.count + 1)
        let client = SimulatedClient(
            name: name,
            key: SecretKey(copying: [UInt8](repeating: 100 + number, count: 32).span.bytes),
            address: Address(v4: 0x0A00_0100 + UInt32(number), port: 4_000))
        clients.append(client)
        start(client)
        return client
    }

    // MARK: Lives and deaths

    func startServer() {
        server = ServerCore(
            configuration: ServerCoreConfiguration(seed: seed),
            identity: KeyPair(secret: serverKey.duplicate()), store: disk, now: now)
    }

    func crashServer() {
        server = nil
        disk.memory.crash(keeping: Int(random.below(3)))
        commitAt = .distantFuture
    }

    func start(_ client: SimulatedClient) {
        let public_ = KeyPair(secret: serverKey.duplicate()).publicKey
        client.core = try? ClientCore(
            configuration: ClientConfiguration(),
            identity: KeyPair(secret: client.key.duplicate()), server: public_,
            addresses: [serverAddress], store: client.disk,
            random: RandomStream(seed: seed ^ UInt64(clients.count), label: "client"))
        client.core?.connect(now: now)
    }

    func crash(_ client: SimulatedClient) { client.core = nil }

    // MARK: Time

    @discardableResult
    func run(for limit: Interval, until done: (World) -> Bool = { _ in false }) -> Bool {
        let end = now + limit
        while true {
            pump()
            if done(self) { return true }
            let next = min(deadline, end)
            guard next < end else {
                now = end
                return done(self)
            }
            now = max(next, now)
            step()
        }
    }

    private var deadline: Instant {
        var next = min(flights.first?.due ?? .distantFuture, commitAt)
        if let deadline = server?.deadline { next = min(next, deadline) }
        for client in clients {
            if let deadline = client.core?.deadline { next = min(next, deadline) }
        }
        return next
    }

    private func step() {
        while let flight = flights.first, flight.due <= now {
            flights.removeFirst()
            deliver(flight)
        }
        if commitAt <= now {
            commitAt = .distantFuture
            disk.memory.flush()
            server?.collectCommits(now: now, wall: wall)
        }
        server?.advance(now: now, wall: wall)
        for client in clients {
            client.core?.advance(now: now, wall: wall)
            client.core?.finishBatch(now: now, wall: wall)
        }
    }

    private func deliver(_ flight: Flight) {
        var bytes = flight.bytes
        var span = bytes.mutableSpan
        var datagram = span.mutableBytes
        if flight.destination == serverAddress {
            server?.receive(&datagram, from: flight.source, now: now, wall: wall)
        } else if let client = clients.first(where: { $0.address == flight.destination }) {
            client.core?.receive(&datagram, from: flight.source, now: now, wall: wall)
            client.core?.finishBatch(now: now, wall: wall)
        }
    }

    private func pump() {
        hashPasswords()
        while let sent = transmitServer() {
            post(sent.byteCount, from: serverAddress, to: sent.destination)
        }
        if disk.memory.pendingCount > 0, commitAt == .distantFuture { commitAt = now + commitDelay }
        for client in clients {
            while let sent = transmit(client) {
                post(sent.byteCount, from: client.address, to: sent.destination)
            }
            listen(to: client)
        }
    }

    private func hashPasswords() {
        guard server != nil else { return }
        hashJobs.removeAll()
        server?.takeHashJobs(into: &hashJobs)
        for ticketed in hashJobs {
            let result: HashResult
            switch ticketed.job {
            case .make(let password): result = .made(record: password)
            case .verify(let password, let record):
                result = password == record ? .right(renewed: nil) : .wrong
            }
            server?.hashed(ticketed.ticket, result, now: now, wall: wall)
        }
    }

    private func transmitServer() -> Transmission? {
        var span = room.mutableSpan
        var mutable = span.mutableBytes
        return server?.transmit(into: &mutable, now: now)
    }

    private func transmit(_ client: SimulatedClient) -> Transmission? {
        var bytes = room
        defer { room = bytes }
        var span = bytes.mutableSpan
        var mutable = span.mutableBytes
        return client.core?.transmit(into: &mutable, now: now)
    }

    private func listen(to client: SimulatedClient) {
        var events: [ClientEvent] = []
        client.core?.takeEvents(into: &events)
        for event in events {
            switch event {
            case .message(let record): client.told.append(record)
            case .enrolled: client.isEnrolled = true
            case .deliveryChanged(let index, _, .delivered): client.delivered.insert(index)
            default: break
            }
        }
    }

    private func post(_ byteCount: Int, from source: Address, to destination: Address) {
        let copies = random.chance(faults.duplication) ? 2 : 1
        for _ in 0..<copies {
            let isLost = random.chance(faults.loss)
            let isDamaged = random.chance(faults.corruption)
            let bit = Int(random.below(UInt64(byteCount * 8)))
            let due = now + faults.delay + random.interval(below: faults.jitter)
            guard !isLost, !faults.isDark else { continue }
            var bytes = Array(room.prefix(byteCount))
            if isDamaged { bytes[bit / 8] ^= 1 << UInt8(bit % 8) }
            order += 1
            let flight = Flight(
                due: due, order: order, bytes: bytes, source: source, destination: destination)
            let place = flights.firstIndex { $0.due > due } ?? flights.endIndex
            flights.insert(flight, at: place)
        }
    }
}
