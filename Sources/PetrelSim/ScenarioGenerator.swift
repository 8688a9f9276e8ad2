// A seed becomes a scenario: which faults there are, how strong, and what happens when.

internal import PetrelBase

/// Draws scenarios; each kind of fault from its own stream, so that leaving one out moves no other.
public struct ScenarioGenerator {
    let seed: UInt64
    let options: ScenarioOptions
    private(set) var deeds: [Deed] = []
    private(set) var accountsCount = 0
    private(set) var clientsCount = 0

    /// Returns the scenario of `seed`.
    public static func scenario(
        seed: UInt64, options: ScenarioOptions = ScenarioOptions()
    ) -> Scenario {
        var generator = ScenarioGenerator(seed: seed, options: options)
        return generator.draw()
    }

    private init(seed: UInt64, options: ScenarioOptions) {
        self.seed = seed
        self.options = options
    }

    private mutating func draw() -> Scenario {
        var work = stream("work", seed: seed)
        clientsCount = 2 + Int(work.below(UInt64(max(1, options.clientsMax - 1))))
        accountsCount = max(2, clientsCount - Int(work.below(3)))
        accountsCount = min(accountsCount, clientsCount)
        let clients = (0..<clientsCount).map { client($0) }
        let endsWithRush = work.chance(0.2)
        drawWork(&work)
        drawNetworkDeeds()
        drawStreamDeeds()
        drawAttacks()
        drawThefts()
        drawDiskDeeds()
        drawProcessDeeds()
        drawHaste()
        drawActs()
        let ordered = deeds.enumerated().sorted { a, b in
            (a.element.at, a.offset) < (b.element.at, b.offset)
        }
        return Scenario(
            seed: seed, faultsEnd: options.faultsEnd, clients: clients, disk: disk(),
            serverClock: clock(-1), workers: workers(), tcp: tcp(), limits: limits(),
            endsWithRush: endsWithRush, deeds: ordered.map(\.element))
    }

    /// The stream of a kind, or `nil` if the kind does not occur here.
    func chance(_ kind: FaultKind, _ share: Double, instance: Int = 0) -> RandomStream? {
        var random = kind.stream(seed: seed, instance: 0)
        guard options.faults.contains(kind), random.chance(share) else { return nil }
        return kind.stream(seed: seed, instance: instance + 1)
    }

    func moment(_ random: inout RandomStream) -> Int {
        Int(random.below(UInt64(options.faultsEnd)))
    }

    mutating func add(_ at: Int, _ what: Deed.What) { deeds.append(Deed(at: at, what)) }

    // MARK: Work

    private mutating func drawWork(_ random: inout RandomStream) {
        let count = 20 + Int(random.below(100))
        let loud = Int(random.below(UInt64(clientsCount)))
        for _ in 0..<count {
            let client = random.chance(0.3) ? loud : Int(random.below(UInt64(clientsCount)))
            let account = Int(random.below(UInt64(accountsCount)))
            add(
                moment(&random),
                .send(client: client, account: account, byteCount: byteCount(&random)))
        }
        // Runs of messages, one right after the other.
        for _ in 0..<random.below(4) {
            let client = Int(random.below(UInt64(clientsCount)))
            let account = Int(random.below(UInt64(accountsCount)))
            let at = moment(&random)
            for i in 0..<Int(5 + random.below(60)) {
                let count = byteCount(&random)
                add(
                    at + i / 8,
                    .send(client: client, account: account, byteCount: min(count, 4_000)))
            }
        }
    }

    private func byteCount(_ random: inout RandomStream) -> Int {
        switch random.below(40) {
        case 0: Int(random.below(60_000))
        case 1, 2: 900 + Int(random.below(400))
        case 3...6: Int(random.below(4_000))
        case 7: 0
        default: Int(random.below(200))
        }
    }

    // MARK: Parties

    private func client(_ index: Int) -> ClientPlan {
        var work = stream("start", seed: seed, instance: index)
        var expiry = 0
        if var random = chance(.natExpiry, 0.4, instance: index) {
            expiry = 5_000 + Int(random.below(115_000))
        }
        return ClientPlan(
            account: index % accountsCount, start: Int(work.below(3_000)),
            up: link(2 * index), down: link(2 * index + 1), natExpiry: expiry,
            clock: clock(index))
    }

    private func clock(_ index: Int) -> ClockPlan {
        var plan = ClockPlan()
        if var random = chance(.clockDrift, 0.5, instance: index + 1) {
            plan.driftPPM = Int(random.below(20_000)) - 10_000
            plan.wallOffset = Int(random.below(7_200)) - 3_600
        }
        return plan
    }

    private func workers() -> WorkersPlan? {
        guard var random = chance(.workers, 0.4) else { return nil }
        var plan = WorkersPlan()
        plan.count = 2 + Int(random.below(3))
        // Usually the kernel steers all of them well; now and then it does not steer at all.
        if random.chance(0.5) { plan.stray = random.chance(0.3) ? 1 : 0.2 }
        plan.mailDelay = random.chance(0.5) ? 100 : 5_000
        return plan
    }

    private func tcp() -> TCPPlan? {
        guard var random = chance(.udpBlocked, 0.4) else { return nil }
        var plan = TCPPlan()
        plan.isOffered = random.chance(0.8)
        guard plan.isOffered else { return plan }
        plan.withoutUDP = (0..<clientsCount).filter { _ in random.chance(0.25) }
        return plan
    }

    private func disk() -> DiskPlan {
        var plan = DiskPlan()
        if var random = chance(.slowDisk, 0.4) { plan.spread = 1_000 * Int(2 + random.below(100)) }
        if var random = chance(.longCommits, 0.15) {
            plan.longChance = 0.002 + random.fraction() * 0.02
            plan.longest = 500 + Int(random.below(29_500))
        }
        return plan
    }

    private func link(_ instance: Int) -> LinkPlan {
        var plan = LinkPlan()
        plan.delay = 1
        if var random = chance(.delay, 0.8, instance: instance) {
            plan.delay = 1 + Int(random.below(random.chance(0.2) ? 750 : 120))
        }
        if var random = chance(.jitter, 0.5, instance: instance) {
            plan.jitter = Int(random.below(300))
        }
        if var random = chance(.loss, 0.6, instance: instance) {
            plan.loss = random.fraction() * (random.chance(0.08) ? 0.6 : 0.3)
        }
        if var random = chance(.bursts, 0.25, instance: instance) {
            plan.burstLength = 2 + random.fraction() * 18
            plan.burstChance = random.fraction() * 0.03
        }
        if var random = chance(.duplication, 0.35, instance: instance) {
            plan.duplication = random.fraction() * 0.5
        }
        if var random = chance(.lateCopies, 0.25, instance: instance) {
            plan.lateCopies = random.fraction() * 0.05
            plan.lateBy = 1_000 + Int(random.below(59_000))
        }
        if var random = chance(.reordering, 0.4, instance: instance) {
            plan.reordering = random.fraction() * 0.4
            plan.reorderedBy = 5 + Int(random.below(400))
        }
        if var random = chance(.corruption, 0.25, instance: instance) {
            plan.corruption = random.fraction() * 0.05
        }
        if var random = chance(.truncation, 0.2, instance: instance) {
            plan.truncation = random.fraction() * 0.03
        }
        if var random = chance(.rate, 0.25, instance: instance) {
            plan.rate = 64 + Int(random.below(2_000))
            plan.queue = 4 + Int(random.below(60))
        }
        if var random = chance(.pathSize, 0.4, instance: instance) {
            plan.byteCountMax = 1_200 + Int(random.below(300))
        }
        if var random = chance(.marks, 0.5, instance: instance) {
            plan.marks = MarksPlan.allCases[Int(random.below(4))]
        }
        return plan
    }
}

// MARK: Deeds

extension ScenarioGenerator {
    /// Adds what happens of one kind: up to `most` times, with times and parties of its stream.
    private mutating func scatter(
        _ kind: FaultKind, _ share: Double, most: Int,
        _ deed: (inout RandomStream, Int) -> Deed.What
    ) {
        guard var random = chance(kind, share) else { return }
        for _ in 0...Int(random.below(UInt64(most))) {
            let client = Int(random.below(UInt64(clientsCount)))
            let at = moment(&random)
            let what = deed(&random, client)
            add(at, what)
        }
    }

    private mutating func drawNetworkDeeds() {
        let count = clientsCount
        scatter(.blackout, 0.4, most: 5) { random, client in
            let (up, down) = [(true, true), (true, false), (false, true)][Int(random.below(3))]
            return .blackout(
                client: client, up: up, down: down, duration: 1_000 + Int(random.below(59_000)))
        }
        scatter(.partition, 0.15, most: 2) { random, _ in
            .partition(duration: 1_000 + Int(random.below(20_000)))
        }
        scatter(.blackHole, 0.1, most: 2) { random, client in
            .blackHole(
                client: client, byteCountMax: 300 + Int(random.below(1_100)),
                duration: 1_000 + Int(random.below(15_000)))
        }
        scatter(.rebinding, 0.4, most: 8) { _, client in .rebind(client: client) }
        scatter(.moving, 0.4, most: 6) { random, client in
            .move(client: client, isTold: random.chance(0.5))
        }
        scatter(.offline, 0.3, most: 4) { random, client in
            .offline(client: client, duration: 100 + Int(random.below(20_000)))
        }
        scatter(.addressReuse, 0.2, most: 3) { random, client in
            .reuseAddress(
                of: client, by: (client + 1 + Int(random.below(UInt64(count - 1)))) % count)
        }
    }

    private mutating func drawStreamDeeds() {
        scatter(.udpBlocked, 0.4, most: 4) { random, client in
            .blockUDP(client: client, duration: 1_000 + Int(random.below(50_000)))
        }
        scatter(.brokenStreams, 0.4, most: 8) { _, client in .breakStream(client: client) }
    }

    private mutating func drawAttacks() {
        scatter(.garbage, 0.3, most: 6) { random, client in
            .garbage(
                count: 1 + Int(random.below(30)), toClient: random.chance(0.3) ? client : nil)
        }
        scatter(.replay, 0.4, most: 8) { random, _ in .replay(count: 1 + Int(random.below(40))) }
        scatter(.spoofing, 0.3, most: 5) { random, client in
            .spoof(client: client, count: 1 + Int(random.below(10)))
        }
        scatter(.optimist, 0.1, most: 2) { _, _ in .optimist }
        scatter(.pathFlood, 0.15, most: 3) { random, _ in
            .pathFlood(count: 5 + Int(random.below(40)))
        }
        scatter(.mischief, 0.15, most: 3) { random, _ in .mischief(Int(random.below(6))) }
        scatter(.burglary, 0.2, most: 2) { _, _ in .burglary }
        scatter(.helloFlood, 0.15, most: 2) { random, _ in
            let isProved = random.chance(0.5)
            return .helloFlood(
                count: 10 + Int(random.below(isProved ? 30 : 200)), isProved: isProved)
        }
    }

    private mutating func drawThefts() {
        scatter(.cookieTheft, 0.25, most: 3) { random, _ in
            .cookieTheft(count: 2 + Int(random.below(8)))
        }
        scatter(.forgedReset, 0.2, most: 4) { random, client in
            .forgeReset(client: client, count: 1 + Int(random.below(10)))
        }
        scatter(.forgedEarly, 0.25, most: 4) { random, client in
            .forgeEarly(client: client, count: 1 + Int(random.below(6)))
        }
        scatter(.probeForgery, 0.3, most: 6) { random, client in
            .forgeProbes(client: client, count: 1 + Int(random.below(40)))
        }
    }

    /// More messages at once than the server takes in, and the device comes back for their verdicts
    /// while the disk still writes the first of them, or is full.
    private mutating func drawHaste() {
        guard var random = chance(.haste, 0.25) else { return }
        for _ in 0...random.below(4) {
            let client = Int(random.below(UInt64(clientsCount)))
            let account = Int(random.below(UInt64(accountsCount)))
            let at = moment(&random)
            for _ in 0..<Int(10 + random.below(50)) {
                add(
                    at + Int(random.below(60)),
                    .send(client: client, account: account, byteCount: Int(random.below(100))))
            }
            let restart = at + 20 + Int(random.below(400))
            add(
                restart,
                .crashClient(
                    client: client, whileWriting: false, duration: 5 + Int(random.below(100))))
            guard random.chance(0.5) else { continue }
            let duration = 20 + Int(random.below(400))
            add(restart + Int(random.below(400)), .diskFull(duration: duration))
        }
    }

    private mutating func drawDiskDeeds() {
        scatter(.diskFull, 0.2, most: 3) { random, _ in
            .diskFull(duration: 500 + Int(random.below(15_000)))
        }
        scatter(.diskError, 0.12, most: 2) { random, _ in
            .diskError(keepsLast: random.chance(0.5), duration: 50 + Int(random.below(2_000)))
        }
        scatter(.clientDiskFull, 0.2, most: 3) { random, client in
            .clientDiskFull(client: client, duration: 500 + Int(random.below(15_000)))
        }
    }

    private mutating func drawProcessDeeds() {
        scatter(.serverCrash, 0.5, most: 5) { random, _ in
            .crashServer(
                whileWriting: random.chance(0.9), keepsLast: random.chance(0.5),
                duration: 20 + Int(random.below(random.chance(0.2) ? 15_000 : 1_500)))
        }
        scatter(.serverPause, 0.2, most: 3) { random, _ in
            .pauseServer(duration: 20 + Int(random.below(5_000)))
        }
        scatter(.serverStop, 0.15, most: 2) { random, _ in
            .stopServer(duration: 200 + Int(random.below(3_000)))
        }
        scatter(.clientCrash, 0.5, most: 8) { random, client in
            .crashClient(
                client: client, whileWriting: random.chance(0.8),
                duration: 10 + Int(random.below(6_000)))
        }
        // In runs of hours, for up to twenty minutes.
        let longest = UInt64(max(30_000, min(options.faultsEnd / 4, 1_200_000)))
        scatter(.sleep, 0.3, most: 5) { random, client in
            .sleep(client: client, duration: 200 + Int(random.below(longest)))
        }
        scatter(.reinstall, 0.2, most: 3) { random, client in
            .reinstall(client: client, duration: 100 + Int(random.below(4_000)))
        }
        scatter(.clockJump, 0.3, most: 4) { random, client in
            .jumpClock(
                client: random.chance(0.4) ? nil : client,
                seconds: Int(random.below(14_400)) - 7_200)
        }
    }
}
