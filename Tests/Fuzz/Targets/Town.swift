// A live server core with two accounts: anna, who has secrets, and carol, who does as she likes.

import PetrelBase
import PetrelCrypto
import PetrelMessaging
import PetrelServerCore
import PetrelServices
import PetrelTransport

/// The core, its store and two clients with real sessions, on virtual time.
final class Town {
    private static let server = Address(v4: 0x0A00_00FF, port: 7_700)
    private static let password = Array("correct horse".utf8)
    /// A password that is nobody's.
    static let wrongPassword = Array("battery staple".utf8)
    /// What is in all messages that are not for carol, and in none of hers.
    private static let secret = Array("for nobody but anna".utf8)

    private var core: ServerCore
    private var now = Instant(nanoseconds: 1_000_000_000)
    private let anna = Citizen(number: 1)
    private let carol = Citizen(number: 2)
    private var room = [UInt8](repeating: 0, count: 1_500)
    private var written: UInt64 = 0
    /// Where anna writes to herself.
    private(set) var secretConversation = ConversationID(0)
    /// Where anna and carol write to each other.
    private(set) var sharedConversation = ConversationID(0)

    init() throws {
        var configuration = ServerCoreConfiguration(seed: 7)
        configuration.sessionsMax = 16
        configuration.halfOpenMax = 8
        configuration.countersMax = 64
        core = ServerCore(
            configuration: configuration, identity: FuzzKeys.server(), store: MemoryStore(),
            now: now)
        try enrol(anna, "anna")
        try enrol(carol, "carol")
        secretConversation = try annaAsks(to: "anna")
        sharedConversation = try annaAsks(to: "carol")
    }

    private var wall: WallTime {
        WallTime(milliseconds: 1_800_000_000_000 + now.nanoseconds / 1_000_000)
    }

    /// The first half of a message ID of now.
    var stamp: UInt64 { UInt64(clamping: wall.milliseconds) << 16 | 0x7000 }

    // MARK: Operations

    func carolSays(_ bytes: [UInt8]) throws {
        carol.say(bytes, now: now)
        try exchange()
    }

    func annaWrites(toCarol: Bool) throws {
        written += 1
        let message = message(to: .handle(toCarol ? "carol" : "anna"), isSecret: !toCarol)
        anna.say(Command(request: written, kind: .send(message)).encoded(), now: now)
        try exchange()
    }

    func carolComesBack() throws {
        try carol.connect(to: core.publicKey, now: now)
        try exchange()
    }

    func wait(_ interval: Interval) throws {
        let end = now + interval
        for _ in 0..<10_000 {
            let next = min(core.deadline, anna.deadline, carol.deadline)
            guard next <= end else { break }
            now = max(next, now + .microseconds(1))
            try advance()
        }
        now = max(now, end)
        try advance()
    }

    /// What must hold at the end.
    func check() throws {
        try wait(.milliseconds(200))
        try hold(
            core.metrics.datagramsReceived
                == core.metrics.datagramsAccepted + core.metrics.datagramsDropped,
            "datagrams that were neither accepted nor dropped")
        try hold(!core.hasFailed, "the core has failed")
        try hold(anna.closed == nil, "anna's session ended: \(String(describing: anna.closed))")
    }

    // MARK: The beginning

    private func enrol(_ citizen: Citizen, _ handle: String) throws {
        try citizen.connect(to: core.publicKey, now: now)
        try exchange()
        let form = Registration(handle: handle, password: Self.password, deviceName: "phone")
        citizen.say(Command(request: 1, kind: .register(form)).encoded(), now: now)
        try wait(.milliseconds(2))
        try hold(citizen.isWelcome, "\(handle) is not welcome")
    }

    private func annaAsks(to handle: String) throws -> ConversationID {
        written += 1
        let message = message(to: .handle(handle), isSecret: handle == "anna")
        anna.say(Command(request: written, kind: .send(message)).encoded(), now: now)
        try wait(.milliseconds(2))
        guard let conversation = anna.newestConversation else {
            throw Finding(description: "anna's message has no place")
        }
        return conversation
    }

    private func message(to target: OutgoingMessage.Target, isSecret: Bool) -> OutgoingMessage {
        OutgoingMessage(
            clientMessageID: ClientMessageID(high: stamp, low: written), target: target,
            event: .message(
                Content(
                    contentType: "", body: isSecret ? Self.secret : Array("good morning".utf8))))
    }

    // MARK: The link

    private func advance() throws {
        core.advance(now: now, wall: wall)
        anna.advance(now: now)
        carol.advance(now: now)
        try exchange()
    }

    private func exchange() throws {
        for round in 0... {
            try hold(round < 1_000, "datagrams without end")
            var isQuiet = true
            for citizen in [anna, carol] {
                while var bytes = datagram(of: citizen) {
                    isQuiet = false
                    var span = bytes.mutableSpan
                    var view = span.mutableBytes
                    core.receive(&view, from: citizen.address, now: now, wall: wall)
                }
            }
            hashAll()
            core.collectCommits(now: now, wall: wall)
            while let (bytes, address) = takeDatagram() {
                isQuiet = false
                let citizen = address == anna.address ? anna : carol
                try hold(citizen.address == address, "a datagram to nobody")
                try citizen.receive(bytes, from: Self.server, now: now)
            }
            if isQuiet { break }
        }
        for bytes in carol.takeHeard() {
            try hold(!contains(bytes, Self.secret), "carol hears what is for anna alone")
        }
        _ = anna.takeHeard()
    }

    private func contains(_ bytes: [UInt8], _ part: [UInt8]) -> Bool {
        guard bytes.count >= part.count else { return false }
        return (0...bytes.count - part.count).contains { bytes[$0...].starts(with: part) }
    }

    private func datagram(of citizen: Citizen) -> [UInt8]? {
        var span = room.mutableSpan
        var view = span.mutableBytes
        guard let count = citizen.transmit(into: &view, now: now) else { return nil }
        return Array(room.prefix(count))
    }

    private func takeDatagram() -> (bytes: [UInt8], to: Address)? {
        var span = room.mutableSpan
        var view = span.mutableBytes
        guard let sent = core.transmit(into: &view, now: now) else { return nil }
        return (Array(room.prefix(sent.byteCount)), sent.destination)
    }

    /// Hashes as a shell does, at no cost.
    private func hashAll() {
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
}
