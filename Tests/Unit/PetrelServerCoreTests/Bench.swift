// A core and its peers on virtual time, datagrams handed over directly.

import PetrelBase
import PetrelCrypto
import PetrelMessaging
import PetrelServerCore
import PetrelServices
import PetrelTransport
import Testing

final class Bench {
    var core: ServerCore
    let store: SharedStore
    private let identity = KeyPair()
    private let configuration: ServerCoreConfiguration
    private(set) var peers: [Peer] = []
    private(set) var now = Instant(nanoseconds: 1_000_000_000)
    /// Whether passwords are hashed as soon as it is asked for.
    var hashes = true
    /// Whether commits are collected as soon as they are there.
    var collects = true
    /// All datagrams that peers sent.
    var sent: [(bytes: [UInt8], from: Address)] = []

    static let server = Address(v4: 0x0A00_00FF, port: 7_700)
    static let password = Array("correct horse".utf8)

    init(
        store: SharedStore = SharedStore(),
        _ change: (inout ServerCoreConfiguration) -> Void = { _ in }
    ) {
        var configuration = ServerCoreConfiguration(seed: 7)
        configuration.sessionsMax = 64
        configuration.halfOpenMax = 16
        change(&configuration)
        self.store = store
        self.configuration = configuration
        core = ServerCore(
            configuration: configuration, identity: identity.duplicate(), store: store, now: now)
    }

    /// The process dies and another one begins, with the same key and what the store has.
    func restart(_ change: (inout ServerCoreConfiguration) -> Void = { _ in }) {
        store.inner.restart()
        var configuration = configuration
        change(&configuration)
        core = ServerCore(
            configuration: configuration, identity: identity.duplicate(), store: store, now: now)
    }

    var wall: WallTime {
        WallTime(milliseconds: 1_800_000_000_000 + now.nanoseconds / 1_000_000)
    }

    /// The peers whose process is not suspended.
    private var running: [Peer] { peers.filter { !$0.isSuspended } }

    var metrics: CoreMetrics { core.metrics }
    var sessionsCount: Int { core.sessionsCount }
    var halfOpenCount: Int { core.halfOpenCount }
    var hasFailed: Bool { core.hasFailed }
    var isDrained: Bool { core.isDrained }
    var stateDigest: UInt64 { core.stateDigest }
    var isUnderLoad: Bool { core.isUnderLoad(now: now) }
    var waitingCount: Int { core.waitingCount }
    var deadline: Instant { core.deadline }
    var finding: AuditFinding? { core.audit() }

    func newPeer() -> Peer {
        let peer = Peer(server: core.publicKey, number: UInt32(peers.count + 1))
        peers.append(peer)
        return peer
    }

    /// A peer that is connected, and a stranger.
    func stranger() throws -> Peer {
        let peer = newPeer()
        try peer.connect(now: now)
        run(.milliseconds(50))
        #expect(peer.take().map(\.kind) == [.stranger(Stranger())])
        return peer
    }

    /// A peer that has registered.
    func member(_ handle: String) throws -> Peer {
        let peer = try stranger()
        try peer.ask(.register(form(handle)), now: now)
        run(.milliseconds(50))
        guard case .welcome(let welcome) = peer.take().first?.kind else {
            throw Unexpected(what: "\(handle) is not welcome")
        }
        #expect(welcome.handle == handle)
        return peer
    }

    func form(_ handle: String, password: [UInt8] = password) -> Registration {
        Registration(handle: handle, password: password, deviceName: "phone")
    }

    func message(
        _ number: UInt64, _ text: String, to target: OutgoingMessage.Target
    ) -> OutgoingMessage {
        OutgoingMessage(
            clientMessageID: ClientMessageID(
                high: UInt64(clamping: wall.milliseconds) << 16 | 0x7000, low: number),
            target: target, contentType: "", body: Array(text.utf8))
    }

    /// Lets all happen that happens in that time.
    func run(_ interval: Interval) {
        let end = now + interval
        for _ in 0..<100_000 {
            exchange()
            let next = running.reduce(core.deadline) { min($0, $1.deadline) }
            guard next <= end else { break }
            // Whoever is due now was asked just before: time must go on.
            now = max(next, now + .microseconds(1))
            core.advance(now: now, wall: wall)
            for peer in running { peer.advance(now: now) }
        }
        now = max(now, end)
        core.advance(now: now, wall: wall)
        for peer in running { peer.advance(now: now) }
        exchange()
    }

    /// Lets time pass for the core alone; what it sends stays there.
    func pass(_ interval: Interval) {
        now = now + interval
        core.advance(now: now, wall: wall)
    }

    /// Hands a datagram to the core, as if it came from `address`.
    func inject(_ bytes: [UInt8], from address: Address) {
        var bytes = bytes
        var span = bytes.mutableSpan
        var datagram = span.mutableBytes
        core.receive(&datagram, from: address, now: now, wall: wall)
    }

    /// Everything that the core wants to send now, with its destination.
    func takeAll() -> [(bytes: [UInt8], to: Address)] {
        var taken: [(bytes: [UInt8], to: Address)] = []
        var room = [UInt8](repeating: 0, count: 1_500)
        while true {
            var span = room.mutableSpan
            var view = span.mutableBytes
            guard let transmission = core.transmit(into: &view, now: now) else { return taken }
            taken.append((Array(room[..<transmission.byteCount]), transmission.destination))
        }
    }

    private func exchange() {
        for _ in 0..<1_000 {
            var isQuiet = true
            for peer in running {
                while let bytes = datagram(of: peer) {
                    isQuiet = false
                    guard !peer.isCutOff else { continue }
                    sent.append((bytes, peer.address))
                    inject(bytes, from: peer.address)
                }
            }
            serve()
            for (bytes, address) in takeAll() {
                isQuiet = false
                guard let peer = running.first(where: { $0.address == address }), !peer.isCutOff
                else { continue }
                var bytes = bytes
                var span = bytes.mutableSpan
                var datagram = span.mutableBytes
                peer.receive(&datagram, from: Self.server, now: now)
            }
            if isQuiet { return }
        }
        Issue.record("datagrams without end")
    }

    func datagram(of peer: Peer) -> [UInt8]? {
        var room = [UInt8](repeating: 0, count: 1_500)
        var span = room.mutableSpan
        var view = span.mutableBytes
        guard let count = peer.transmit(into: &view, now: now) else { return nil }
        return Array(room[..<count])
    }

    /// Hashes and commits, as a shell does.
    private func serve() {
        if hashes { hashAll() }
        if collects { core.collectCommits(now: now, wall: wall) }
    }

    func hashAll() {
        var jobs: [HashJobTicketed] = []
        core.takeHashJobs(into: &jobs)
        for job in jobs {
            let result: HashResult
            switch job.job {
            case .make(let password): result = .made(record: password)
            case .verify(let password, let record):
                result = password == record ? .right(renewed: nil) : .wrong
            }
            core.hashed(job.ticket, result, now: now, wall: wall)
        }
    }

    struct Unexpected: Error {
        var what: String
    }
}
