// One run: the real cores over simulated networks, disks and clocks, in one thread.

internal import PetrelBase
internal import PetrelCrypto
internal import PetrelServices
internal import PetrelTransport

/// What a run came to.
public struct SimulationResult: Codable, Equatable, Sendable {
    /// The seed.
    public var seed: UInt64
    /// Folded over every datagram and everything that anybody was told, with its time.
    public var digest: UInt64
    /// Events of the run: arrivals, timers, commits, deeds.
    public var events: Int
    /// Nanoseconds of virtual time.
    public var nanoseconds: Int64
    /// Messages that were written.
    public var messages: Int
    /// The promise that was broken, if one was.
    public var breach: Breach?

    /// Creates a result.
    public init(
        seed: UInt64, digest: UInt64, events: Int, nanoseconds: Int64, messages: Int,
        breach: Breach?
    ) {
        self.seed = seed
        self.digest = digest
        self.events = events
        self.nanoseconds = nanoseconds
        self.messages = messages
        self.breach = breach
    }
}

/// A run of a scenario.
///
/// The loop jumps from event to event; between two events nothing happens. All chance comes from
/// the scenario's seed, in streams of their own for each link, process and purpose.
public final class Simulation {
    /// What is going to happen.
    enum Event {
        case arrival(Flight)
        case serverWakes(worker: Int, life: Int)
        case mailArrives(worker: Int, life: Int)
        case commitsTold(worker: Int, life: Int)
        case clientWakes(Int)
        case deed(Int)
        case commitEnds(life: Int)
        case passwordHashed(ticket: UInt64, HashResult, worker: Int, life: Int)
        case serverCrashes(life: Int, keepsLast: Bool, downFor: Interval)
        case serverStarts
        case clientStarts(Int)
        case clientReinstalls(Int, install: Int)
        case serverResumes
        case clientResumes(Int)
        case diskHasRoom
        case clientDiskHasRoom(Int)
        case intruderWakes(Int)
        case networkReturns(Int)
        case streamOpens(client: Int, number: Int)
        case streamEnds(client: Int, number: Int)
    }

    let scenario: Scenario
    let oracle: Oracle
    let server: SimulatedServer
    var clients: [SimulatedClient] = []
    var attacker: Attacker
    var queue = EventQueue<Event>()
    var now = Simulation.start
    var digest = Digest()
    var events = 0
    /// Who is behind an external address now.
    var holders: [Address: Int] = [:]
    /// Whose connection has that other end.
    var streams: [Address: Int] = [:]
    var ledger = AddressLedger()
    /// Whether all is healed: nothing may go wrong any more.
    var isHealed = false
    /// When that was.
    var healedAt = Simulation.start
    var stopAt: Instant?
    /// Where the story of the run goes, if anybody listens.
    var tell: ((String) -> Void)?
    var room = [UInt8](repeating: 0, count: 2_048)
    var transmissions: [Transmission] = []
    /// Timers fired since the last count, by client.
    var wakes: [Int] = []

    /// Where virtual time starts: not at zero, which some code might take for "never".
    static let start = Instant(nanoseconds: 1_000_000_000)
    static let serverAddress = Address(v4: 0x0A00_0001, port: 7_700)

    init(_ scenario: Scenario) {
        self.scenario = scenario
        oracle = Oracle(scenario)
        server = SimulatedServer(scenario)
        attacker = Attacker(random: stream("attacker", seed: scenario.seed))
        attacker.usesStreams = scenario.tcp?.isOffered == true
        server.disk.watcher = oracle
    }

    /// Plays `scenario` to its end, or until a promise is broken.
    ///
    /// - Parameters:
    ///   - scenario: what to play.
    ///   - until: where to stop early, in nanoseconds of virtual time; nothing is checked there.
    ///   - trace: is handed the story of the run, line by line.
    /// - Returns: what came of it.
    public static func run(
        _ scenario: Scenario, until: Int64? = nil, trace: ((String) -> Void)? = nil
    ) -> SimulationResult {
        SeededChance.with(seed: mixed(scenario.seed, "sodium", 0)) {
            let simulation = Simulation(scenario)
            simulation.tell = trace
            simulation.stopAt = until.map { start + Interval(nanoseconds: $0) }
            simulation.play()
            return simulation.result
        }
    }

    private var result: SimulationResult {
        SimulationResult(
            seed: scenario.seed, digest: digest.value, events: events,
            nanoseconds: (now - Self.start).nanoseconds, messages: oracle.messagesCount,
            breach: oracle.breach)
    }

    /// Plays all events up to `end`; returns whether the run may go on.
    func run(to end: Instant) -> Bool {
        let end = min(end, stopAt ?? .distantFuture)
        while let next = queue.nextTime, next < end, let (time, event) = queue.popFirst() {
            if time > now {
                now = time
                eventsAtOnce = 0
            }
            oracle.elapsed = now - Self.start
            events += 1
            eventsAtOnce += 1
            play(event)
            if eventsAtOnce > Self.eventsAtOnceMax {
                oracle.fail(.noLeak, "\(eventsAtOnce) events at one moment, the last: \(event)")
            }
            guard oracle.breach == nil else { return false }
        }
        now = max(now, end)
        oracle.elapsed = now - Self.start
        return stopAt.map { now < $0 } ?? true
    }

    private func play(_ event: Event) {
        switch event {
        case .arrival(let flight): arrive(flight)
        case .serverWakes(let worker, let life): wakeServer(worker, life: life)
        case .mailArrives(let worker, let life): readMail(worker, life: life)
        case .commitsTold(let worker, let life): tellCommits(worker, life: life)
        case .clientWakes(let index): wakeClient(index)
        case .deed(let index): perform(scenario.deeds[index].what)
        case .commitEnds(let life): endCommit(life: life)
        case .passwordHashed(let ticket, let result, let worker, let life):
            passwordHashed(ticket, result, worker: worker, life: life)
        case .serverCrashes(let life, let keepsLast, let downFor):
            if life == server.life { crashServer(keepsLast: keepsLast, downFor: downFor) }
        case .serverStarts: startServer()
        case .clientStarts(let index): startClient(index)
        case .clientReinstalls(let index, let install):
            if clients[index].install == install { reinstall(index, after: .milliseconds(10)) }
        case .serverResumes: resumeServer()
        case .clientResumes(let index): resumeClient(index)
        case .diskHasRoom: server.disk.isFull = false
        case .clientDiskHasRoom(let index): clients[index].disk.failure = nil
        case .intruderWakes(let index): wakeIntruder(index)
        case .networkReturns(let index): returnNetwork(index)
        case .streamOpens(let client, let number): openStream(client, number: number)
        case .streamEnds(let client, let number): endStream(client, number: number)
        }
    }

    private var eventsAtOnce = 0
    private static let eventsAtOnceMax = 50_000

    /// Tells the story, if somebody listens.
    func note(_ line: @autoclosure () -> String) {
        guard let tell else { return }
        tell(Self.stamp(now - Self.start) + "  " + line())
    }

    /// A time of the run for people, in seconds.
    static func stamp(_ time: Interval) -> String {
        let micros = time.nanoseconds / 1_000
        let fraction = String(micros % 1_000_000)
        let whole = String(micros / 1_000_000)
        return String(repeating: " ", count: max(0, 4 - whole.count)) + whole + "."
            + String(repeating: "0", count: 6 - fraction.count) + fraction
    }
}

/// A fold of everything that happened (FNV-1a over words).
struct Digest {
    private(set) var value: UInt64 = 0xCBF2_9CE4_8422_2325

    mutating func add(_ number: UInt64) {
        value = (value ^ number) &* 0x0000_0100_0000_01B3
        value ^= value >> 32
    }

    mutating func add(_ bytes: ArraySlice<UInt8>) {
        var word: UInt64 = 0
        var count = 0
        for byte in bytes {
            word = word << 8 | UInt64(byte)
            count += 1
            guard count & 7 == 0 else { continue }
            add(word)
        }
        add(word ^ UInt64(count) << 56)
    }
}
