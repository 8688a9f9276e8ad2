// From a failing scenario to a small one that still fails in the same way.

internal import PetrelBase

/// Leaves out of a scenario whatever is not needed for its failure.
///
/// Each step runs a smaller scenario, and keeps it if the same promise is broken. Steps are tried
/// in the order of what they save: time, deeds in halves and quarters, faults of links and clocks,
/// devices, sizes.
public struct Shrinker {
    private var scenario: Scenario
    private var breach: Breach
    private var runsLeft = 600
    private let tell: (String) -> Void
    private let play: (Scenario) -> Breach?

    /// Returns the smallest failing scenario found, and how it fails.
    ///
    /// `tell` is told of the progress; `play` says how a scenario fails.
    public static func shrink(
        _ scenario: Scenario, _ breach: Breach, tell: @escaping (String) -> Void,
        play: @escaping (Scenario) -> Breach? = { Simulation.run($0).breach }
    ) -> (scenario: Scenario, breach: Breach) {
        var shrinker = Shrinker(scenario: scenario, breach: breach, tell: tell, play: play)
        shrinker.shrink()
        return (shrinker.scenario, shrinker.breach)
    }

    private init(
        scenario: Scenario, breach: Breach, tell: @escaping (String) -> Void,
        play: @escaping (Scenario) -> Breach?
    ) {
        self.play = play
        self.scenario = scenario
        self.breach = breach
        self.tell = tell
    }

    private mutating func shrink() {
        var before = -1
        var round = 0
        while size != before, runsLeft > 0, round < 4 {
            before = size
            round += 1
            cutTime()
            dropDeeds()
            simplifyWorld()
            dropClients()
            simplifyDeeds()
            tell(
                "round \(round): \(scenario.deeds.count) deeds, \(scenario.clients.count) devices, "
                    + "\(scenario.faultsEnd) ms of faults, \(runsLeft) runs left")
        }
    }

    private var size: Int {
        scenario.deeds.count * 16 + scenario.clients.count * 64 + scenario.faultsEnd / 1_000
    }

    /// Keeps `candidate` if it breaks the same promise.
    private mutating func keep(_ candidate: Scenario) -> Bool {
        guard runsLeft > 0, candidate != scenario else { return false }
        runsLeft -= 1
        guard let found = play(candidate), found.invariant == breach.invariant
        else { return false }
        scenario = candidate
        breach = found
        return true
    }

    /// What happens after the failure is not needed; and maybe less before.
    private mutating func cutTime() {
        var candidate = scenario
        let failed = Int(breach.nanoseconds / 1_000_000) + 1
        if failed < candidate.faultsEnd {
            candidate.faultsEnd = failed
        }
        candidate.deeds.removeAll { $0.at >= candidate.faultsEnd }
        _ = keep(candidate)
        while scenario.faultsEnd > 1_000 {
            candidate = scenario
            candidate.faultsEnd /= 2
            candidate.deeds.removeAll { $0.at >= candidate.faultsEnd }
            guard keep(candidate) else { break }
        }
        candidate = scenario
        candidate.endsWithRush = false
        _ = keep(candidate)
    }

    /// Halves, quarters, .., single deeds (Zeller and Hildebrandt's delta debugging).
    private mutating func dropDeeds() {
        var length = (scenario.deeds.count + 1) / 2
        while length > 0, runsLeft > 0 {
            var start = 0
            while start < scenario.deeds.count {
                var candidate = scenario
                let end = min(start + length, candidate.deeds.count)
                candidate.deeds.removeSubrange(start..<end)
                if !keep(candidate) { start += length }
            }
            length = length == 1 ? 0 : (length + 1) / 2
        }
    }

    private mutating func simplifyWorld() {
        let steps: [(inout Scenario) -> Void] = [
            { $0.disk = DiskPlan() },
            { $0.serverClock = ClockPlan() },
            { $0.workers = nil },
            { $0.workers?.stray = 0 },
            { $0.workers?.count = 2 },
            { scenario in for i in scenario.clients.indices { scenario.clients[i].clock = .init() }
            },
            { scenario in for i in scenario.clients.indices { scenario.clients[i].natExpiry = 0 } },
            { scenario in for i in scenario.clients.indices { scenario.clients[i].start = 0 } },
        ]
        for step in steps {
            var candidate = scenario
            step(&candidate)
            _ = keep(candidate)
        }
        simplifyLinks { $0 = LinkPlan() }
        simplifyLinks { $0.jitter = 0 }
        simplifyLinks { $0.loss = 0 }
        simplifyLinks { $0.burstLength = 0 }
        simplifyLinks { $0.duplication = 0 }
        simplifyLinks { $0.lateCopies = 0 }
        simplifyLinks { $0.reordering = 0 }
        simplifyLinks { $0.corruption = 0 }
        simplifyLinks { $0.truncation = 0 }
        simplifyLinks { $0.rate = 0 }
        simplifyLinks { $0.delay = 10 }
    }

    private mutating func simplifyLinks(_ change: (inout LinkPlan) -> Void) {
        var candidate = scenario
        for i in candidate.clients.indices {
            change(&candidate.clients[i].up)
            change(&candidate.clients[i].down)
        }
        _ = keep(candidate)
    }

    /// Drops devices from the end, so that the others keep their numbers.
    private mutating func dropClients() {
        while scenario.clients.count > 1 {
            var candidate = scenario
            candidate.clients.removeLast()
            guard keep(candidate) else { return }
        }
    }

    private mutating func simplifyDeeds() {
        for i in scenario.deeds.indices {
            guard case .send(let client, let account, let count) = scenario.deeds[i].what,
                count > 100
            else { continue }
            var candidate = scenario
            candidate.deeds[i].what = .send(client: client, account: account, byteCount: 20)
            _ = keep(candidate)
        }
    }
}
