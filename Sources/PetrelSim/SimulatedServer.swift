// The server's process: comes and goes, freezes, and leaves its disk behind.

internal import PetrelBase
internal import PetrelCrypto
internal import PetrelServerCore
internal import PetrelServices
internal import PetrelTransport

/// The server's machine: the disk and the key stay, the process is one of several lives.
final class SimulatedServer {
    /// A crash that waits for a write to be under way.
    struct ArmedCrash {
        var keepsLast: Bool
        var downFor: Interval
        var expires: Instant
    }

    let disk: SimulatedDisk
    /// The workers of the process; none while there is no process.
    private(set) var workers: [SimulatedWorker] = []
    /// How many workers a process has, and what of their datagrams goes astray.
    let plan: WorkersPlan
    /// Which life of the process this is; events of an earlier one mean nothing.
    private(set) var life = 0
    /// When the latest life began.
    private(set) var startedAt = Simulation.start
    var clock: SimulatedClock
    var isPaused = false
    /// Since when the process has run without standing still.
    var runningSince = Simulation.start
    private let limits: LimitsPlan
    /// Whether it was asked to end in good order.
    var isStopping = false
    /// What arrived while it was frozen, as far as the socket's buffer holds it.
    var backlog: [Flight] = []
    /// Operations in the transaction under way; 0 if there is none.
    var committing = 0
    var armedCrash: ArmedCrash?
    /// A failure of the disk that waits for the next commit: whether that is on the disk all the
    /// same.
    var armedFailure: (keepsLast: Bool, downFor: Interval)?
    /// How long the server is down after its disk failed.
    var failureDownFor = Interval.milliseconds(200)
    var chance: RandomStream
    /// Silence after which a session is over; the product's, if there is time for it.
    let idleTimeout: Interval
    /// The port that it announces, not the one that a client guesses.
    private let tcpPort: UInt16?
    private let identity: SecretKey
    private let seed: UInt64

    init(_ scenario: Scenario) {
        seed = scenario.seed
        plan = scenario.workers ?? WorkersPlan()
        limits = scenario.limits ?? LimitsPlan()
        disk = SimulatedDisk(limits: ServiceLimits(limits))
        idleTimeout = scenario.faultsEnd < 600_000 ? .seconds(180) : .seconds(2_400)
        tcpPort = scenario.tcp?.isOffered == true ? 443 : nil
        identity = SecretKey()
        chance = stream("server", seed: seed)
        clock = SimulatedClock(plan: scenario.serverClock, origin: 0, now: Simulation.start)
    }

    /// Whether a process runs.
    var isUp: Bool { !workers.isEmpty }
    /// What clients must know.
    var publicKey: PublicKey { KeyPair(secret: identity.duplicate()).publicKey }

    /// Starts a process over what is on the disk.
    func start(now: Instant) {
        life += 1
        startedAt = now
        runningSince = now
        clock.reboot(origin: Int64(chance.below(1 << 44)), now: now)
        disk.restart(workers: plan.count)
        for index in 0..<plan.count {
            var configuration = Self.configuration(seed: chance.next())
            configuration.session.idleTimeout = idleTimeout
            configuration.worker = UInt8(index)
            configuration.workers = plan.count
            configuration.session.tcpPort = tcpPort
            configuration.sends = BucketRate(
                spacing: .seconds(1) / Int64(limits.sendsPerSecond),
                burst: Int64(limits.sendsAtOnce))
            let core = ServerCore(
                configuration: configuration, identity: KeyPair(secret: identity.duplicate()),
                store: disk, now: clock.local(now))
            workers.append(SimulatedWorker(index, core: core))
        }
        committing = 0
        isPaused = false
        isStopping = false
    }

    /// The process is gone.
    func end() {
        workers = []
        life += 1
        backlog.removeAll()
        committing = 0
        armedCrash = nil
    }

    /// Shorter than the product's, so that cookies expire within a run.
    static let cookieLifetime = Interval.seconds(5)

    /// As it ships, but small: tables are allocated for each life anew.
    private static func configuration(seed: UInt64) -> ServerCoreConfiguration {
        var configuration = ServerCoreConfiguration(seed: seed)
        configuration.sessionsMax = 48
        configuration.halfOpenMax = 16
        configuration.countersMax = 256
        configuration.hellosWaitingMax = 32
        configuration.answersMax = 64
        configuration.hostsMax = 64
        configuration.cookieLifetime = cookieLifetime
        // In some lives one phone can keep the server busy: what it refuses comes again.
        configuration.operationsMax = seed % 3 == 0 ? 8 : 24
        // Sessions fall asleep between two messages; now and then one too many.
        configuration.dormantMax = seed % 8 == 0 ? 9 : 48
        configuration.dormantAfter = .milliseconds(100 << Int64(seed / 8 % 8))
        configuration.dormantSettled = .milliseconds(50 << Int64(seed / 64 % 6))
        // A burst to a device fills this: pushes are skipped, and the device has to find out.
        configuration.pushMessagesMax = 12
        configuration.session.isTracing = true
        configuration.session.redundancy = seed % 2 == 0 ? .auto : .none
        // What has expired is erased several times in a run.
        configuration.expiryInterval = .seconds(5)
        configuration.departureWindow = .seconds(2)
        // Keys are renewed hundreds of times in a run.
        configuration.session.keyUpdatePackets = 64
        configuration.session.keyUpdateInterval = .seconds(20)
        return configuration
    }
}

extension ServiceLimits {
    fileprivate init(_ plan: LimitsPlan) {
        self.init()
        strangerMessagesMax = plan.strangers
        smallGroupMembersMax = plan.small
        pushedGroupMembersMax = plan.pushed
        membersMax = plan.members
        groupsMax = plan.groups
        contactsMax = plan.contacts
        accountBytesMax = plan.bytes
    }
}
