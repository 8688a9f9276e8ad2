// The server's process in the run: what reaches it, what it sends, how it dies.

internal import PetrelBase
internal import PetrelServerCore
internal import PetrelServices
internal import PetrelTransport

extension Simulation {
    private var serverTime: Instant { server.clock.local(now) }

    func startServer() {
        guard !server.isUp else { return }
        note("server: starts, life \(server.life + 1)")
        server.start(now: now)
        oracle.serverStarted()
        settleServer()
    }

    /// The process is gone from one moment to the next; what it was writing is on the disk or not.
    func crashServer(keepsLast: Bool, downFor: Interval) {
        guard server.isUp else { return }
        let kept = keepsLast ? server.committing : 0
        note("server: dies; \(kept) of \(server.disk.pendingCount) operations are on the disk")
        server.disk.crash(keeping: kept)
        server.end()
        breakAllStreams()
        // A death that was under way when all healed does not last.
        let downFor = isHealed ? min(downFor, .milliseconds(100)) : downFor
        queue.insert(.serverStarts, at: now + downFor)
    }

    func resumeServer() {
        guard server.isPaused else { return }
        note("server: goes on")
        server.isPaused = false
        server.runningSince = now
        let backlog = server.backlog
        server.backlog.removeAll()
        for flight in backlog { arriveAtServer(flight) }
        for worker in server.workers {
            read(worker)
            if server.plan.count > 1 { collectCommits(worker) }
            run(worker)
        }
        settleServer()
    }

    func arriveAtServer(_ flight: Flight) {
        guard server.isUp else { return note("server: is down, nothing hears \(flight.source)") }
        guard !server.isPaused else {
            if server.backlog.count < Self.socketBuffer { server.backlog.append(flight) }
            return
        }
        if case .attack(.stolenCookie) = flight.maker {
            guard !isHealed else { return }
            makeServerLag()
        }
        let before = probe(for: flight)
        if case .client(let index) = flight.maker,
            clients[index].up.offered - flight.place < Self.overtakingMax
        {
            oracle.arriving = (flight, serverTime)
        }
        feed(server.reached(by: flight), flight)
        if let before { judge(flight, before) }
        attacker.overhear(flight)
        settleServer()
        oracle.arriving = nil
    }

    private func feed(_ worker: SimulatedWorker, _ flight: Flight) {
        var bytes = flight.bytes
        var span = bytes.mutableSpan
        var datagram = span.mutableBytes
        worker.core.receive(
            &datagram, from: flight.source, ecn: flight.ecn, now: serverTime,
            wall: server.clock.wall(now))
    }

    func wakeServer(_ index: Int, life: Int) {
        guard life == server.life else { return }
        let worker = server.workers[index]
        // Else it was planned earlier, for another time.
        guard worker.wakeAt == now, !server.isPaused else { return }
        run(worker)
        settleServer()
    }

    private func run(_ worker: SimulatedWorker) {
        worker.wakeAt = .distantFuture
        guard worker.core.deadline <= serverTime else { return }
        worker.core.advance(now: serverTime, wall: server.clock.wall(now))
    }

    func readMail(_ index: Int, life: Int) {
        guard life == server.life, !server.isPaused else { return }
        read(server.workers[index])
        settleServer()
    }

    private func read(_ worker: SimulatedWorker) {
        let mail = worker.mail
        worker.mail.removeAll()
        for letter in mail {
            worker.core.read(letter.content, now: serverTime, wall: server.clock.wall(now))
        }
    }

    func tellCommits(_ index: Int, life: Int) {
        guard life == server.life, !server.isPaused else { return }
        collectCommits(server.workers[index])
        settleServer()
    }

    private func collectCommits(_ worker: SimulatedWorker) {
        worker.core.collectCommits(now: serverTime, wall: server.clock.wall(now))
    }

    func endCommit(life: Int) {
        guard life == server.life else { return }
        guard !server.isPaused else {
            // The disk goes on, but nobody looks.
            return queue.insert(.commitEnds(life: life), at: now + .milliseconds(10))
        }
        let count = server.committing
        server.committing = 0
        if let failure = server.armedFailure, count > 0 {
            note("server: its disk fails")
            server.armedFailure = nil
            server.failureDownFor = failure.downFor
            server.disk.fail(keeping: failure.keepsLast ? count : 0)
        } else {
            server.disk.commit(count)
        }
        // A single worker hears at once; of several, each when its thread gets to it.
        if server.plan.count > 1 {
            for worker in server.workers {
                queue.insert(
                    .commitsTold(worker: worker.index, life: life), at: now + server.mailDelay())
            }
        } else {
            for worker in server.workers { collectCommits(worker) }
        }
        settleServer()
    }

    func passwordHashed(_ ticket: UInt64, _ result: HashResult, worker: Int, life: Int) {
        guard life == server.life, server.isUp else { return }
        server.workers[worker].core.hashed(
            ticket, result, now: serverTime, wall: server.clock.wall(now))
        settleServer()
    }

    /// Takes everything that the core has, after whatever was done with it.
    func settleServer() {
        guard server.isUp else { return }
        for worker in server.workers {
            startHashing(worker)
            transmit(worker)
            post(worker)
        }
        beginCommit()
        oracle.server(server, events: events)
        oracle.checkRevoked(server, now: now)
        if server.hasFailed {
            // As the real process does, which exits with 74.
            note("server: ends, because its disk failed")
            return crashServer(keepsLast: false, downFor: server.failureDownFor)
        }
        if server.disk.memory.isFailed, server.plan.count == 1 {
            oracle.fail(.neverLost, "the server goes on over a disk that has failed")
        }
        if server.isStopping, server.isDrained {
            note("server: has ended in good order")
            crashServer(keepsLast: true, downFor: .milliseconds(100))
        }
        planServer()
    }

    private func startHashing(_ worker: SimulatedWorker) {
        var jobs: [HashJobTicketed] = []
        worker.core.takeHashJobs(into: &jobs)
        for job in jobs {
            let result: HashResult =
                switch job.job {
                case .make(let password): .made(record: password)
                case .verify(let password, let record):
                    password == record ? .right(renewed: nil) : .wrong
                }
            let takes = Interval.milliseconds(5 + Int64(server.chance.below(60)))
            queue.insert(
                .passwordHashed(
                    ticket: job.ticket, result, worker: worker.index, life: server.life),
                at: now + takes)
        }
    }

    /// Puts the letters of a worker into the mailboxes of the others.
    private func post(_ worker: SimulatedWorker) {
        var letters: [WorkerLetter] = []
        worker.core.takeLetters(into: &letters)
        for letter in letters {
            server.workers[letter.reader].mail.append(letter)
            queue.insert(
                .mailArrives(worker: letter.reader, life: server.life),
                at: now + server.mailDelay())
        }
    }

    private func transmit(_ worker: SimulatedWorker) {
        var room: [UInt8] = []
        swap(&room, &self.room)
        defer { swap(&room, &self.room) }
        while let sent = next(of: worker, &room) {
            postFromServer(
                Array(room[..<sent.byteCount]), to: sent.destination, ecn: sent.ecn)
            guard oracle.breach == nil else { return }
        }
    }

    private func next(of worker: SimulatedWorker, _ room: inout [UInt8]) -> Transmission? {
        let now = serverTime
        var span = room.mutableSpan
        var mutable = span.mutableBytes
        return worker.core.transmit(into: &mutable, now: now)
    }

    private func beginCommit() {
        guard server.committing == 0, server.disk.pendingCount > 0 else { return }
        server.committing = server.disk.pendingCount
        let plan = isHealed ? DiskPlan() : scenario.disk
        var takes = Interval.microseconds(
            Int64(plan.least) + Int64(server.chance.below(UInt64(max(1, plan.spread)))))
        if server.chance.chance(plan.longChance) {
            takes = server.chance.interval(below: .milliseconds(Int64(plan.longest)))
        }
        queue.insert(.commitEnds(life: server.life), at: now + takes)
        guard let armed = server.armedCrash else { return }
        server.armedCrash = nil
        guard now < armed.expires, !isHealed else { return }
        queue.insert(
            .serverCrashes(
                life: server.life, keepsLast: armed.keepsLast, downFor: armed.downFor),
            at: now + server.chance.interval(below: takes))
    }

    private func planServer() {
        for worker in server.workers {
            let moment = max(server.clock.moment(showing: worker.core.deadline), now)
            guard moment < worker.wakeAt else { continue }
            worker.wakeAt = moment
            queue.insert(.serverWakes(worker: worker.index, life: server.life), at: moment)
        }
    }

    /// Datagrams that a socket holds for a process that does not read.
    static let socketBuffer = 256
}
