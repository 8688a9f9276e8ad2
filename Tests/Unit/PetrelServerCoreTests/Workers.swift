// Several cores over one store, and peers; datagrams reach whichever worker a test wants.

import PetrelBase
import PetrelCrypto
import PetrelMessaging
import PetrelServerCore
import PetrelServices
import PetrelTransport
import PetrelWire
import Testing

final class Workers {
    final class Box {
        var core: ServerCore
        init(_ core: consuming ServerCore) { self.core = core }

        var metrics: CoreMetrics { core.metrics }
        var finding: AuditFinding? { core.audit() }
        var hasFailed: Bool { core.hasFailed }
    }

    let store: SharedStore
    let boxes: [Box]
    private(set) var peers: [Peer] = []
    private(set) var now = Instant(nanoseconds: 1_000_000_000)
    /// The worker that every datagram reaches; `nil`: the one that it belongs to.
    var stray: Int?
    /// Whether workers read what others write to them.
    var delivers = true
    private var waiting: [WorkerLetter] = []
    private let identity = KeyPair()

    init(_ count: Int, limits: ServiceLimits = .forStrangers) {
        store = SharedStore(MemoryStore(workers: count, limits: limits))
        var boxes: [Box] = []
        for index in 0..<count {
            var configuration = ServerCoreConfiguration(seed: UInt64(index + 1))
            configuration.worker = UInt8(index)
            configuration.workers = count
            configuration.sessionsMax = 64
            configuration.halfOpenMax = 16
            configuration.forwardedMax = 8
            boxes.append(
                Box(
                    ServerCore(
                        configuration: configuration, identity: identity.duplicate(),
                        store: store, now: now)))
        }
        self.boxes = boxes
    }

    /// The worker that has a device's session, if exactly one has.
    func home(of device: DeviceID, _ account: AccountID) -> Int? {
        let homes = boxes.indices.filter {
            boxes[$0].core.hasSession(of: device, account: account)
        }
        return homes.count == 1 ? homes[0] : nil
    }

    var wall: WallTime {
        WallTime(milliseconds: 1_800_000_000_000 + now.nanoseconds / 1_000_000)
    }

    var metrics: CoreMetrics { boxes.reduce(CoreMetrics()) { $0 + $1.core.metrics } }

    /// A peer whose HELLO belongs to that worker, connected and a stranger.
    func stranger(at worker: Int) throws -> Peer {
        let peer = Peer(
            server: identity.publicKey, number: UInt32(peers.count + 1))
        peers.append(peer)
        try connect(peer, at: worker)
        return peer
    }

    /// Says HELLO until one belongs to that worker, and to it alone.
    func connect(_ peer: Peer, at worker: Int) throws {
        for _ in 0..<1_000 {
            try peer.connect(now: now)
            guard let hello = datagram(of: peer) else { continue }
            guard Steering.worker(of: hello.span.bytes, among: boxes.count) == worker else {
                continue
            }
            hand(hello, from: peer.address)
            return run(.milliseconds(50))
        }
        Issue.record("no HELLO for worker \(worker)")
    }

    func member(_ handle: String, at worker: Int) throws -> Peer {
        let peer = try stranger(at: worker)
        _ = peer.take()
        try peer.ask(.register(form(handle)), now: now)
        run(.milliseconds(50))
        guard case .welcome(let welcome) = peer.take().first?.kind else {
            Issue.record("\(handle) is not welcome")
            return peer
        }
        #expect(welcome.handle == handle)
        return peer
    }

    func form(_ handle: String, password: String = "correct horse") -> Registration {
        Registration(handle: handle, password: Array(password.utf8), deviceName: "phone")
    }

    func message(_ number: UInt64, to handle: String) -> OutgoingMessage {
        OutgoingMessage(
            clientMessageID: ClientMessageID(
                high: UInt64(clamping: wall.milliseconds) << 16 | 0x7000, low: number),
            target: .handle(handle), contentType: "", body: Array("\(number)".utf8))
    }

    func hand(_ bytes: [UInt8], from address: Address) {
        let owner = Steering.worker(of: bytes.span.bytes, among: boxes.count)
        var bytes = bytes
        var span = bytes.mutableSpan
        var datagram = span.mutableBytes
        boxes[stray ?? owner ?? 0].core.receive(
            &datagram, from: address, now: now, wall: wall)
    }

    /// Lets all happen that happens in that time.
    func run(_ interval: Interval) {
        let end = now + interval
        for _ in 0..<100_000 {
            exchange()
            let next = boxes.reduce(peers.reduce(Instant.distantFuture) { min($0, $1.deadline) }) {
                min($0, $1.core.deadline)
            }
            guard next <= end else { break }
            now = max(next, now + .microseconds(1))
            advance()
        }
        now = max(now, end)
        advance()
        exchange()
    }

    private func advance() {
        for box in boxes { box.core.advance(now: now, wall: wall) }
        for peer in peers { peer.advance(now: now) }
    }

    private func exchange() {
        for _ in 0..<1_000 {
            var isQuiet = true
            for peer in peers {
                while let bytes = datagram(of: peer) {
                    isQuiet = false
                    hand(bytes, from: peer.address)
                }
            }
            for box in boxes where serve(box) { isQuiet = false }
            if isQuiet { return }
        }
        Issue.record("datagrams without end")
    }

    private func serve(_ box: Box) -> Bool {
        box.core.collectCommits(now: now, wall: wall)
        var jobs: [HashJobTicketed] = []
        box.core.takeHashJobs(into: &jobs)
        for job in jobs {
            let result: HashResult =
                switch job.job {
                case .make(let password): .made(record: password)
                case .verify(let password, let record):
                    password == record ? .right(renewed: nil) : .wrong
                }
            box.core.hashed(job.ticket, result, now: now, wall: wall)
        }
        box.core.takeLetters(into: &waiting)
        let isServed = deliver()
        return transmit(box) || isServed || !jobs.isEmpty
    }

    private func deliver() -> Bool {
        guard delivers, !waiting.isEmpty else { return false }
        let letters = waiting
        waiting.removeAll()
        for letter in letters {
            boxes[letter.reader].core.read(letter.content, now: now, wall: wall)
        }
        return true
    }

    private func transmit(_ box: Box) -> Bool {
        var hasSent = false
        var room = [UInt8](repeating: 0, count: 1_500)
        while true {
            var span = room.mutableSpan
            var view = span.mutableBytes
            guard let sent = box.core.transmit(into: &view, now: now) else { return hasSent }
            hasSent = true
            guard let peer = peers.first(where: { $0.address == sent.destination }) else {
                continue
            }
            var datagram = view._mutatingExtracting(0..<sent.byteCount)
            peer.receive(&datagram, from: Bench.server, now: now)
        }
    }

    private func datagram(of peer: Peer) -> [UInt8]? {
        var room = [UInt8](repeating: 0, count: 1_500)
        var span = room.mutableSpan
        var view = span.mutableBytes
        guard let count = peer.transmit(into: &view, now: now) else { return nil }
        return Array(room[..<count])
    }
}
