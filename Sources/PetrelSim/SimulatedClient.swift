// One device: its key and disk stay until it is installed anew, its process comes and goes.

internal import PetrelBase
internal import PetrelClientCore
internal import PetrelClientNetwork
internal import PetrelCrypto
internal import PetrelMessaging
internal import PetrelTransport

/// A device of an account, with its place in the network.
final class SimulatedClient {
    let index: Int
    private(set) var account: Int
    var handle: String { "user\(account)" }
    var core: ClientCore?
    private(set) var disk = SimulatedClientDisk()
    /// Which installation this is: each has a key and a disk of its own.
    private(set) var install = 0
    var clock: SimulatedClock
    var up: Link
    var down: Link
    var nat: SimulatedNAT
    /// Until when its UDP gets nowhere.
    var udpDarkUntil = Instant(nanoseconds: 0)
    /// Its TCP connection, if it has one.
    var connection: SimulatedStream?
    var streamsCount = 0
    /// The binding of the flow on which it measures, while there is one.
    var side: SimulatedNAT?
    /// Such flows so far.
    var sidesCount = 0
    /// When the last of them ended.
    var measuredAt = Simulation.start
    /// Packets that it sent and got, and those that its NAT dropped.
    var counts = PacketCounts()
    /// How it looks for the longest pause that its NAT bears.
    var keepalive = SimulatedClient.shortKeepalive
    /// The longest that its owner would let it be silent.
    var keepaliveInterval = Interval.seconds(20)
    var isPaused = false
    /// Whether its system says that there is no network.
    var isOffline = false
    var backlog: [Flight] = []
    var wakeAt = Instant.distantFuture
    /// Whether it dies right behind its next write, before it can say anything.
    var diesAfterWrite: Interval?
    var writesSeen = 0
    /// Whether the account or the device still has to be made, as far as the device knows.
    var isEnrolled = false
    /// When it may ask again after a refusal; `nil` while it waits for an answer.
    var enrolAt: Instant? = Simulation.start
    /// What its owner asked and has no answer to, in this life of the process.
    var questions: [Ticket: Command.Kind] = [:]
    /// What its owner draws recovery codes from.
    var paper: RandomStream
    /// Whether its owner has lost the password, and has the code.
    var recovers = false
    private var identity: SecretKey
    private var chance: RandomStream
    private let server: PublicKey
    /// Age at which its sessions are renewed; if always within a run, none would ever grow old.
    var sessionRenewal: Interval

    init(index: Int, scenario: Scenario, server: PublicKey) {
        let plan = scenario.clients[index]
        self.index = index
        self.server = server
        account = plan.account
        let renewsOften = (scenario.seed &+ UInt64(index)) % 4 == 1
        sessionRenewal = renewsOften ? .seconds(10) : ClientConfiguration().sessionRenewal
        paper = stream("paper", seed: scenario.seed, instance: index)
        chance = stream("client", seed: scenario.seed, instance: index)
        identity = SecretKey()
        clock = SimulatedClock(plan: plan.clock, origin: 0, now: Simulation.start)
        up = Link(plan: plan.up, random: stream("up", seed: scenario.seed, instance: index))
        down = Link(plan: plan.down, random: stream("down", seed: scenario.seed, instance: index))
        nat = SimulatedNAT(
            external: Address(v4: 0xC000_0200 + UInt32(index), port: 40_000),
            expiry: .milliseconds(Int64(plan.natExpiry)))
        if scenario.tcp?.withoutUDP.contains(index) == true { udpDarkUntil = .distantFuture }
    }

    /// Whether a process runs.
    var isUp: Bool { core != nil }
    /// The key of this installation.
    var publicKey: PublicKey { KeyPair(secret: identity.duplicate()).publicKey }
    /// Both halves of it, for attackers that are as strong as if they had it.
    var keyPair: KeyPair { KeyPair(secret: identity.duplicate()) }
    /// Draws from the device's own stream.
    func draw(below bound: UInt64) -> UInt64 { chance.below(bound) }

    /// Starts a process over what is on the disk; returns whether that could be read.
    func start(now: Instant) {
        clock.reboot(origin: Int64(chance.below(1 << 44)), now: now)
        var configuration = ClientConfiguration()
        configuration.session.isTracing = true
        configuration.session.redundancy = .auto
        configuration.session.rotatesIDAfter = .seconds(2)
        configuration.session.keyUpdatePackets = 32
        configuration.session.keyUpdateInterval = .seconds(25)
        configuration.sessionRenewal = sessionRenewal
        configuration.session.keepaliveInterval = keepaliveInterval
        configuration.keepalive = keepalive
        core = try? ClientCore(
            configuration: configuration, identity: KeyPair(secret: identity.duplicate()),
            server: server, addresses: [Simulation.serverAddress], store: disk,
            random: RandomStream(seed: chance.next(), label: "client"))
        core?.setForeground(index % 3 != 2)
        core?.connect(now: clock.local(now))
        wakeAt = .distantFuture
        isPaused = false
        writesSeen = disk.writes
        isEnrolled = ((try? disk.identity()) ?? nil) != nil
        enrolAt = isEnrolled ? nil : now
    }

    /// The process is gone.
    func end() {
        core = nil
        questions = [:]
        connection = nil
        backlog.removeAll()
        diesAfterWrite = nil
        isPaused = false
    }

    /// The account that its owner has now.
    func belongs(to account: Int) { self.account = account }

    /// Another key, an empty disk, and the account that its owner has now.
    func reinstall(for account: Int) {
        end()
        self.account = account
        recovers = false
        install += 1
        identity = SecretKey()
        disk = SimulatedClientDisk()
        isEnrolled = false
    }
}

extension SimulatedClient {
    /// A tenth of what the product tries, so that a run of a minute has several measurements.
    static var shortKeepalive: KeepaliveConfiguration {
        var keepalive = KeepaliveConfiguration()
        keepalive.steps = [4, 6, 9, 12, 18, 30, 60].map { .seconds($0) }
        keepalive.settlesFor = .seconds(2)
        return keepalive
    }

    /// What it calls the network that it is in: some applications know no names.
    var networkLabel: UInt64 { index % 2 == 0 ? 0 : 1 }
}

/// Packets of a device, those of its measurements apart.
struct PacketCounts {
    var sent = 0
    var received = 0
    var measuring = 0
    /// What came for a binding that was forgotten, but for measurements.
    var dropped = 0
}

/// The NAT in front of a device: one external address, which it forgets in silence.
struct SimulatedNAT {
    /// Where packets of the device seem to come from.
    var external: Address
    /// Silence of the device after which the port is another one; zero: never.
    var expiry: Interval
    var lastUsed = Simulation.start

    /// Whether the port is forgotten.
    func isExpired(now: Instant) -> Bool { expiry > .zero && now - lastUsed > expiry }
}
