// The phases of a run: faults, healing, liveness, rush, rest, shutdown and recount.

internal import PetrelBase
internal import PetrelClientCore
internal import PetrelServerCore
internal import PetrelServices

extension Simulation {
    /// Plays the whole run; what is wrong is in the oracle.
    func play() {
        setUp()
        guard run(to: Self.start + .milliseconds(Int64(scenario.faultsEnd))) else { return }
        heal()
        guard awaitConnections(), awaitDelivery(), checkIntruders() else { return }
        oracle.verify(server.disk, wall: server.clock.wall(now))
        guard oracle.breach == nil else { return }
        if scenario.endsWithRush {
            guard warmUp(), awaitDelivery(), rush(), awaitDelivery(within: Self.afterRushWithin)
            else { return }
        }
        guard rest() else { return }
        oracle.checkDevices(server)
        oracle.recount(server, clients, wall: server.clock.wall(now))
        guard oracle.breach == nil else { return }
        shutDown()
        guard oracle.breach == nil, stopAt == nil, scenario.seed % 4 == 0 else { return }
        playTraffic()
    }

    /// The kinds of messages that the messenger does not use, between two sessions of their own.
    private func playTraffic() {
        note("two sessions begin their traffic")
        let (breach, digest) = Traffic.run(seed: scenario.seed)
        self.digest.add(digest)
        if let (invariant, sentence) = breach { oracle.fail(invariant, sentence) }
    }

    func setUp() {
        for index in scenario.clients.indices {
            let client = SimulatedClient(
                index: index, scenario: scenario, server: server.publicKey)
            clients.append(client)
            holders[client.nat.external] = index
            oracle.installed(client)
            let start = Interval.milliseconds(Int64(scenario.clients[index].start))
            queue.insert(.clientStarts(index), at: Self.start + start)
        }
        wakes = Array(repeating: 0, count: clients.count)
        queue.insert(.serverStarts, at: Self.start)
        for (index, deed) in scenario.deeds.enumerated() where deed.at < scenario.faultsEnd {
            queue.insert(.deed(index), at: Self.start + .milliseconds(Int64(deed.at)))
        }
    }

    /// All faults end: networks and disks are good, every process runs.
    private func heal() {
        note("all heals")
        isHealed = true
        server.disk.isFull = false
        server.armedCrash = nil
        server.armedFailure = nil
        attacker.spoofsLeft = 0
        startServer()
        resumeServer()
        queue.insert(.commitEnds(life: server.life), at: now + .milliseconds(1))
        for (index, client) in clients.enumerated() {
            client.up.heal(now: now)
            client.down.heal(now: now)
            client.nat.expiry = .zero
            if client.udpDarkUntil != .distantFuture { client.udpDarkUntil = now }
            client.disk.failure = nil
            client.diesAfterWrite = nil
            // What is under way in a connection would arrive as late as the link was bad.
            breakStream(index)
            startClient(index)
            resumeClient(index)
            // There is room again, and the owner looks at the screen.
            client.core?.setForeground(true)
            client.core?.connect(now: client.clock.local(now))
            returnNetwork(index)
            settleClient(index)
        }
        healedAt = now
    }

    /// I13, first half: who knows that it is not connected is so again within 10 s.
    private func awaitConnections() -> Bool {
        let limit = healedAt + Self.connectedWithin
        guard wait(until: limit, { $0.clients.allSatisfy(\.isConnected) }) else { return false }
        guard let late = clients.first(where: { !$0.isConnected }) else { return true }
        return fail(
            "client \(late.index) is \(late.state) \(Self.connectedWithin.milliseconds / 1_000) s "
                + "after all was healed")
    }

    /// I13, second half: everything has arrived everywhere.
    private func awaitDelivery(within: Interval = deliveredWithin) -> Bool {
        let within = within + (diskWasFull ? Self.fullRetry : .zero)
        let limit = max(healedAt + within, now + .seconds(1))
        var missing: String?
        guard
            wait(
                until: limit,
                { simulation in
                    missing = simulation.oracle.missing(simulation.server, simulation.clients)
                    return missing == nil
                })
        else { return false }
        guard let missing else { return true }
        return fail(
            "\(within.milliseconds / 1_000) s after all was healed, \(missing)")
    }

    private var diskWasFull: Bool {
        scenario.deeds.contains { if case .diskFull = $0.what { true } else { false } }
    }

    private func fail(_ sentence: String) -> Bool {
        oracle.fail(.liveness, sentence)
        return false
    }

    /// Runs until `isDone`, asked four times a second; returns whether the run may go on.
    private func wait(until limit: Instant, _ isDone: (Simulation) -> Bool) -> Bool {
        while now < limit, !isDone(self) {
            guard run(to: min(limit, now + .milliseconds(250))) else { return false }
        }
        return true
    }

    /// Who broke the protocol is no longer a peer.
    private func checkIntruders() -> Bool {
        for (index, intruder) in attacker.intruders.enumerated() {
            switch intruder.plan {
            case .optimist, .mischief: break
            case .pathFlood, .burglary, .cookieTheft: continue
            }
            guard let struck = intruder.struckAt, now - struck > .seconds(3),
                let accepted = intruder.acceptedAt, server.isUp, server.startedAt <= accepted,
                !intruder.isExpelled
            else { continue }
            oracle.fail(
                .honestLedger,
                "intruder \(index) came for \(intruder.plan) and still has its session")
        }
        return oracle.breach == nil
    }

    /// Everybody starts anew and says something for a while: equal clients have equal histories.
    private func warmUp() -> Bool {
        healedAt = now
        for client in clients {
            client.end()
            startClient(client.index)
        }
        for _ in 0..<10 {
            for client in clients {
                write(client: client.index, account: client.account, byteCount: 1)
            }
            guard run(to: now + .milliseconds(300)) else { return false }
        }
        return true
    }

    /// I19: everybody writes as much as everybody else, and nobody is left behind.
    ///
    /// In some runs the sessions share the server's time for a second. In the others all is there
    /// at once, more than the server takes, and the last client only listens, over a slow link: it
    /// is passed over by pushes, and nothing but the server tells it that there were more.
    private func rush() -> Bool {
        note("the rush begins")
        oracle.rushBegins()
        let listener = scenario.seed % 2 == 0 ? nil : clients.last
        for client in clients where listener == nil { client.up.plan.rate = Self.rushRate }
        listener?.down.plan.rate = Self.listenerRate
        defer {
            for client in clients {
                client.up.plan.rate = 0
                client.down.plan.rate = 0
            }
        }
        healedAt = now
        for round in 0..<Self.rushMessages {
            for client in clients where client !== listener {
                let own = client.account % Oracle.generation
                let account = oracle.nowadays((own + 1 + round % 2) % oracle.accountsCount)
                write(client: client.index, account: account, byteCount: Self.rushByteCount)
            }
        }
        let limit = now + .seconds(20)
        return wait(until: limit) { $0.oracle.checkFairness($0.clients) }
    }

    /// I14: who has nothing to do does nothing.
    private func rest() -> Bool {
        guard run(to: now + .seconds(5)) else { return false }
        wakes = Array(repeating: 0, count: clients.count)
        guard run(to: now + Self.restFor) else { return false }
        for (index, count) in wakes.enumerated() where count > Self.wakesMax + 2 * oracle.passing {
            oracle.fail(
                .noLeak, "the timers of idle client \(index) fired \(count) times in a minute")
        }
        return oracle.breach == nil
    }

    /// Everybody leaves; nothing may be left behind.
    private func shutDown() {
        note("everybody leaves")
        for client in clients {
            client.core?.close(now: client.clock.local(now))
            settleClient(client.index)
        }
        attacker.haveLeft = true
        guard run(to: now + server.idleTimeout + .seconds(5)) else { return }
        // Who went without a word is forgotten after the idle time-out.
        if server.sessionsCount > 0 {
            return oracle.fail(
                .noLeak,
                "\(server.sessionsCount) sessions are left, long after everybody has gone")
        }
        server.isStopping = true
        server.stop(now: server.clock.local(now))
        let life = server.life
        settleServer()
        guard run(to: now + .seconds(1)), life == server.life else { return }
        oracle.fail(
            .noLeak,
            "the server has \(server.sessionsCount) sessions and "
                + "\(server.operationsCount) operations a second after it was stopped")
    }

    static let connectedWithin = Interval.seconds(10)
    static let deliveredWithin = Interval.seconds(30)
    /// A device that was passed over must be told, before it asks with its keepalive after 20 s.
    private static let afterRushWithin = Interval.seconds(15)
    /// A full store asks its clients to wait so long.
    private static let fullRetry = Interval.seconds(31)
    private static let restFor = Interval.seconds(60)
    /// Keepalives, a measurement, and questions over UDP by who goes over TCP.
    private static let wakesMax = 30
    private static let rushMessages = 40
    private static let rushByteCount = 4_000
    /// Kilobits a second from a client meanwhile: 1.3 s for its messages.
    private static let rushRate = 1_000
    /// Kilobits a second towards the one that only listens: 320 ms for a message.
    private static let listenerRate = 100
}

extension SimulatedClient {
    /// What its owner sees.
    var state: String { core?.state.text ?? "down" }

    /// Whether it has a session, as far as it knows.
    var isConnected: Bool { if case .connected? = core?.state { true } else { false } }
}

extension ConnectionState {
    fileprivate var text: String { "\(self)" }
}
