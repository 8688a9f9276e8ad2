// All that a run is made of, as a value: what a seed is turned into, shrunk, and replayed from.

/// A run: who takes part, over which networks, and what happens when.
///
/// Drawn from a seed by `ScenarioGenerator`, and complete in itself: a replay does not depend on
/// how scenarios are drawn later. Times are whole milliseconds from the start of the run.
public struct Scenario: Codable, Equatable, Sendable {
    /// The version of this format.
    public static let formatVersion = 1

    /// The version that the scenario was written in.
    public var version = Scenario.formatVersion
    /// What the fate of each packet and all keys are drawn from.
    public var seed: UInt64
    /// How long things go wrong; then all heals.
    public var faultsEnd: Int
    /// The devices.
    public var clients: [ClientPlan]
    /// The server's disk.
    public var disk: DiskPlan
    /// The server's clock.
    public var serverClock: ClockPlan
    /// The server's workers; one, if nothing is said.
    public var workers: WorkersPlan?
    /// What there is besides UDP; nothing, if nothing is said.
    public var tcp: TCPPlan?
    /// The limits of the messenger; very wide, if nothing is said.
    public var limits: LimitsPlan?
    /// Whether, after all is healed, everybody writes much at the same time.
    public var endsWithRush: Bool
    /// What happens, by time.
    public var deeds: [Deed]
}

/// A device and what lies between it and the server.
public struct ClientPlan: Codable, Equatable, Sendable {
    /// The account that it belongs to; the first device of an account registers it.
    public var account: Int
    /// When it is switched on.
    public var start: Int
    /// Towards the server.
    public var up: LinkPlan
    /// From the server.
    public var down: LinkPlan
    /// Silence after which the NAT forgets the port; 0: never.
    public var natExpiry: Int
    /// Its clock.
    public var clock: ClockPlan
}

/// One direction of a network; zero is perfect.
public struct LinkPlan: Codable, Equatable, Sendable {
    /// What each packet takes.
    public var delay = 10
    /// What a packet takes longer at most, staying in order.
    public var jitter = 0
    /// Share of packets lost, each by itself.
    public var loss = 0.0
    /// Mean length of a burst of losses, in packets; 0: none.
    public var burstLength = 0.0
    /// Chance that a burst begins, for each packet.
    public var burstChance = 0.0
    /// Share of packets that come twice.
    public var duplication = 0.0
    /// Share of packets of which a copy comes much later.
    public var lateCopies = 0.0
    /// How late such a copy is at most.
    public var lateBy = 0
    /// Share of packets that later ones overtake.
    public var reordering = 0.0
    /// By how much at most.
    public var reorderedBy = 0
    /// Share of packets with flipped bits.
    public var corruption = 0.0
    /// Share of packets cut short.
    public var truncation = 0.0
    /// Kilobits in a second; 0: no limit.
    public var rate = 0
    /// Packets that may wait for such a link.
    public var queue = 64
    /// Larger packets get lost; no limit, if nothing is said.
    public var byteCountMax: Int?
    /// What becomes of congestion marks; they arrive as they are, if nothing is said.
    public var marks: MarksPlan?

    /// Creates a perfect link of 10 ms.
    public init() {}
}

/// What a network does to the congestion marks of packets.
public enum MarksPlan: String, Codable, Equatable, Sendable, CaseIterable {
    /// Packets that wait in its queue are marked instead of being dropped soon.
    case congested
    /// They come without.
    case wiped
    /// ECT(0) becomes ECT(1).
    case remarked
    /// Packets that are marked get lost.
    case dropped
}

/// How long the server's disk takes for a transaction.
public struct DiskPlan: Codable, Equatable, Sendable {
    /// At least, in microseconds.
    public var least = 100
    /// Usually up to this much more, in microseconds.
    public var spread = 2_000
    /// Share of transactions that take very long.
    public var longChance = 0.0
    /// How long those take at most, in milliseconds.
    public var longest = 0

    /// Creates a fast disk.
    public init() {}
}

/// How the server's process divides its work.
public struct WorkersPlan: Codable, Equatable, Sendable {
    /// Workers.
    public var count = 1
    /// Share of datagrams that reach another worker than the one that they belong to.
    public var stray = 0.0
    /// How long a letter lies in a worker's mailbox at most, in microseconds.
    public var mailDelay = 0

    /// Creates a single worker.
    public init() {}
}

/// What there is besides UDP.
public struct TCPPlan: Codable, Equatable, Sendable {
    /// Whether the server takes TCP connections.
    public var isOffered = true
    /// The devices whose UDP never gets through, not even when all is healed.
    public var withoutUDP: [Int] = []

    /// Creates a server that takes connections, and devices that need none.
    public init() {}
}

/// The limits of the messenger: small, so that they are met.
public struct LimitsPlan: Codable, Equatable, Sendable {
    /// Messages of a stranger.
    public var strangers = 1_000_000
    /// Members of a group that is not large.
    public var small = 256
    /// Members of a group whose events are pushed.
    public var pushed = 5_000
    /// Members of a group.
    public var members = 10_000
    /// Groups of an account.
    public var groups = 500
    /// Contacts, requests and blocked accounts of an account.
    public var contacts = 5_000
    /// Bytes of bodies of an account.
    public var bytes: UInt64 = 1 << 30
    /// Sends of an account in a second.
    public var sendsPerSecond = 1_000
    /// Sends of an account at once.
    public var sendsAtOnce = 10_000

    /// Creates limits that are never met.
    public init() {}
}

/// How a clock is wrong.
public struct ClockPlan: Codable, Equatable, Sendable {
    /// Millionths that it runs too fast.
    public var driftPPM = 0
    /// Seconds that its calendar is ahead.
    public var wallOffset = 0

    /// Creates a right clock.
    public init() {}
}

/// Something that happens at a time.
public struct Deed: Codable, Equatable, Sendable {
    /// When.
    public var at: Int
    /// What.
    public var what: What

    /// Creates the deed.
    public init(at: Int, _ what: What) {
        self.at = at
        self.what = what
    }

    /// What may happen; durations are milliseconds.
    public enum What: Codable, Equatable, Sendable {
        // Work.
        /// A device writes a message to an account.
        case send(client: Int, account: Int, byteCount: Int)
        /// The owner of a device does something else with the messenger.
        case act(client: Int, Act)
        // The network.
        /// Nothing gets through between a device and the server, in one or both directions.
        case blackout(client: Int, up: Bool, down: Bool, duration: Int)
        /// Nobody reaches the server.
        case partition(duration: Int)
        /// Datagrams above a size vanish.
        case blackHole(client: Int, byteCountMax: Int, duration: Int)
        /// A device's NAT gives it another port.
        case rebind(client: Int)
        /// A device is somewhere else, and its system may say so.
        case move(client: Int, isTold: Bool)
        /// A device has no network for a while, and its system says so, and then another one.
        case offline(client: Int, duration: Int)
        /// A device gets the address that another one had.
        case reuseAddress(of: Int, by: Int)
        /// A device's UDP gets nowhere.
        case blockUDP(client: Int, duration: Int)
        /// A device's TCP connection is reset.
        case breakStream(client: Int)
        // Attackers.
        /// Random bytes come to the server, or to a device.
        case garbage(count: Int, toClient: Int?)
        /// Datagrams that were seen before come again.
        case replay(count: Int)
        /// Copies of a device's datagrams come from elsewhere.
        case spoof(client: Int, count: Int)
        /// A client acknowledges what it never got.
        case optimist
        /// A client moves with every packet.
        case pathFlood(count: Int)
        /// A client that holds keys sends what the protocol forbids.
        case mischief(Int)
        /// A client asks for what is not its own.
        case burglary
        /// HELLOs without end, with or without a valid MAC1.
        case helloFlood(count: Int, isProved: Bool)
        /// A client gets a cookie, and HELLOs show it from elsewhere, and when it is old.
        case cookieTheft(count: Int)
        /// Datagrams that look like the end of a session come to a device.
        case forgeReset(client: Int, count: Int)
        /// HELLOs with messages come in a device's name, and copies of those that were heard.
        case forgeEarly(client: Int, count: Int)
        /// Datagrams of measurements come that no device makes, or from where none is.
        case forgeProbes(client: Int, count: Int)
        // Disks.
        /// The server's disk is full.
        case diskFull(duration: Int)
        /// The server's disk fails; the last batch may be on it.
        case diskError(keepsLast: Bool, duration: Int)
        /// A device's disk is full.
        case clientDiskFull(client: Int, duration: Int)
        // Processes and clocks.
        /// The server dies, perhaps while it writes.
        case crashServer(whileWriting: Bool, keepsLast: Bool, duration: Int)
        /// The server stands still.
        case pauseServer(duration: Int)
        /// The server is stopped in good order.
        case stopServer(duration: Int)
        /// A client dies, perhaps while it writes.
        case crashClient(client: Int, whileWriting: Bool, duration: Int)
        /// A client is stopped in good order, and started later.
        case sleep(client: Int, duration: Int)
        /// A device loses its store and its key, and logs in again.
        case reinstall(client: Int, duration: Int)
        /// A wall clock jumps.
        case jumpClock(client: Int?, seconds: Int)
    }
}

/// What may be asked of a drawn scenario.
public struct ScenarioOptions: Equatable, Sendable {
    /// The kinds of faults that may occur.
    public var faults = FaultKind.allCases
    /// The most devices.
    public var clientsMax = 8
    /// How long things go wrong, in milliseconds.
    public var faultsEnd = 60_000

    /// Creates the defaults: everything goes.
    public init() {}
}
