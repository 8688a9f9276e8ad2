// Moves datagrams, commits and hashes between the world and the core.

internal import PetrelBase
internal import PetrelEvent
internal import PetrelServerCore
internal import PetrelServices
internal import PetrelTransport

/// What an event loop calls: two sockets, one core, and the mailboxes of other threads.
///
/// The only class on the packet path, because a C callback needs an address. All state is one
/// noncopyable value, entered once per wakeup.
final class Worker: EventHandler {
    /// What other threads tell.
    struct Mailboxes: Sendable {
        /// The store has completions; one such value says it all.
        let commits: Mailbox<Void>
        /// Hashes that are done; only worker 0 asks for any.
        let hashes: Mailbox<HashDone>
        /// What other workers write.
        let letters: Mailbox<WorkerLetter.Content>
        /// What other workers have for TCP connections; only worker 0 has any.
        let streamed: Mailbox<StreamedDatagram>
        /// The worker is to stop.
        let stops: Mailbox<Stop>

        init(hashesMax: Int) throws(SystemError) {
            commits = try Mailbox(capacity: 1)
            hashes = try Mailbox(capacity: hashesMax)
            letters = try Mailbox(capacity: Worker.lettersMax)
            streamed = try Mailbox(capacity: Worker.lettersMax)
            stops = try Mailbox(capacity: Worker.stopsMax)
        }
    }

    /// How a worker is to stop.
    enum Stop: Sendable {
        /// Clients are told first.
        case gracefully
        /// Another worker cannot go on, and the server with it.
        case atOnce
    }

    struct HashDone: Sendable {
        var ticket: UInt64
        var result: HashResult
    }

    struct State: ~Copyable {
        var core: ServerCore
        var doors: Doors
        /// TCP connections; of worker 0 only.
        var streams: StreamConnections?
        /// What the core has for TCP connections.
        var streamed: [StreamedDatagram] = []
        var incoming = DatagramBatch(takesBursts: true)
        var greetings = DatagramBatch(capacity: Worker.greetingsMax)
        var outgoing = DatagramBatch()
        /// Whether the kernel had no room for what is in `outgoing`.
        var isBlocked = false
        var hashed: [HashDone] = []
        var jobs: [HashJobTicketed] = []
        var signs: [Void] = []
        var read: [WorkerLetter.Content] = []
        /// Letters that the reader's mailbox had no room for, and those written after them.
        var written: [WorkerLetter] = []
        let keyLog: KeyLogFile?
        let logs: LogDirectory?
        let qlog: QlogEncoder
        var traces: [SessionTrace] = []

        init(
            core: consuming ServerCore, doors: consuming Doors,
            streams: consuming StreamConnections?, keyLog: consuming KeyLogFile?,
            logs: LogDirectory?
        ) {
            self.core = core
            self.doors = doors
            self.streams = streams
            self.keyLog = keyLog
            self.logs = logs
            qlog = QlogEncoder(.server, now: EventLoop.now, wall: WallTime.now)
        }

        mutating func logKeys() {
            guard keyLog != nil else { return }
            let lines = core.takeKeyLog()
            keyLog?.append(lines)
        }

        mutating func logTraces() {
            guard let logs else { return }
            core.takeTraces(into: &traces)
            for trace in traces {
                let id = trace.serverConnectionID
                logs.append(
                    qlog.events(trace.events), to: qlog.fileName(serverConnectionID: id),
                    head: qlog.head(serverConnectionID: id))
            }
            traces.removeAll(keepingCapacity: true)
        }
    }

    var state: State
    let loop: EventLoop
    private let pool: HashPool
    let mailboxes: Mailboxes
    /// The mailboxes of all workers, this one included.
    let all: [Mailboxes]
    private let stopTimeout: Interval
    /// When a stop ends, whatever is left to do.
    private var stopDeadline = Instant.distantFuture
    /// When the loop was asked to wake up at the latest.
    private var wakesAt = Instant.distantFuture
    /// Until when strangers wait, if they had their part of the time.
    private var greetsAt: Instant?
    /// What broke the socket, after which there is no server.
    private(set) var failure: SystemError?

    init(
        core: consuming ServerCore, doors: consuming Doors,
        streams: consuming StreamConnections?, loop: EventLoop, pool: HashPool,
        mailboxes all: [Mailboxes], stopTimeout: Interval, keyLog: consuming KeyLogFile?,
        logs: LogDirectory?
    ) throws(SystemError) {
        self.all = all
        mailboxes = all[core.worker]
        state = State(
            core: core, doors: doors, streams: streams, keyLog: keyLog, logs: logs)
        self.loop = loop
        self.pool = pool
        self.stopTimeout = stopTimeout
        try loop.watch(state.doors.packets.descriptor, with: self)
        try loop.watch(state.doors.hellos.descriptor, with: self)
        try loop.watch(mailboxes.commits.descriptor, with: self)
        try loop.watch(mailboxes.hashes.descriptor, with: self)
        try loop.watch(mailboxes.letters.descriptor, with: self)
        try loop.watch(mailboxes.stops.descriptor, with: self)
        try watchStreams()
        loop.wake(self, at: state.core.deadline)
    }

    var localAddress: Address { state.doors.packets.localAddress }
    var metrics: CoreMetrics { state.core.metrics }
    var hasFailed: Bool { state.core.hasFailed }

    func readable(_ descriptor: Int32, now: Instant) {
        let wall = WallTime.now
        state.core.noteLag(now - wakesAt, now: now)
        switch descriptor {
        case mailboxes.commits.descriptor:
            mailboxes.commits.drain(into: &state.signs)
            state.signs.removeAll(keepingCapacity: true)
            state.core.collectCommits(now: now, wall: wall)
        case mailboxes.hashes.descriptor:
            mailboxes.hashes.drain(into: &state.hashed)
            state.takeHashes(now: now, wall: wall)
        case mailboxes.letters.descriptor:
            mailboxes.letters.drain(into: &state.read)
            state.readLetters(now: now, wall: wall)
        case mailboxes.stops.descriptor:
            var stops: [Stop] = []
            mailboxes.stops.drain(into: &stops)
            if stops.contains(.atOnce) { return loop.stop() }
            beginStop(now: now)
        case state.doors.packets.descriptor: receive(now: now, wall: wall)
        case state.doors.hellos.descriptor: greet(now: now, wall: wall)
        default: receiveStreamed(descriptor, now: now, wall: wall)
        }
        finish(now: now, wall: wall)
    }

    func writable(_ descriptor: Int32, now: Instant) {
        if descriptor == state.doors.packets.descriptor {
            state.isBlocked = false
        } else {
            state.streams?.flush(descriptor, loop: loop)
        }
        finish(now: now, wall: WallTime.now)
    }

    func due(now: Instant) {
        let wall = WallTime.now
        state.core.noteLag(now - wakesAt, now: now)
        resumeGreeting(now: now)
        state.core.advance(now: now, wall: wall)
        state.streams?.advance(loop: loop, handler: self, now: now)
        finish(now: now, wall: wall)
    }

    func signalled(_ number: Int32, now: Instant) {
        beginStop(now: now)
        finish(now: now, wall: WallTime.now)
    }

    /// Tells all clients; the loop ends when they were told, or when its time is up.
    private func beginStop(now: Instant) {
        guard stopDeadline == .distantFuture else { return }
        stopDeadline = now + stopTimeout
        state.core.stop(now: now)
        tellOthers(.gracefully)
    }

    /// Has the other workers stop as well.
    private func tellOthers(_ stop: Stop) {
        // Who has too many of these already will stop.
        for (index, other) in all.enumerated() where index != state.core.worker {
            _ = other.stops.post(stop)
        }
    }

    /// Takes in what has arrived, but no more than 4 batches, so that timers get their turn.
    private func receive(now: Instant, wall: WallTime) {
        for _ in 0..<4 {
            do throws(SystemError) {
                guard try state.receiveBatch(now: now, wall: wall) else { return }
            } catch {
                failure = error
                return
            }
            flush(now: now)
        }
    }

    /// Takes HELLOs in, but no more than 64, and packets of sessions before each 16.
    ///
    /// Under a flood, strangers have 3/4 of the time at most: what sessions send waits for no more
    /// than one batch, and the flood has no part of the rest.
    private func greet(now: Instant, wall: WallTime) {
        let start = EventLoop.now
        for _ in 0..<4 {
            receive(now: now, wall: wall)
            do throws(SystemError) {
                guard try state.greetBatch(now: now, wall: wall) else { return }
            } catch {
                failure = error
                return
            }
            flush(now: now)
        }
        let end = EventLoop.now
        greetsAt = end + (end - start) / 3
        loop.pause(state.doors.hellos.descriptor)
    }

    /// Lets strangers in again, if they waited long enough.
    private func resumeGreeting(now: Instant) {
        guard let instant = greetsAt, instant <= now else { return }
        greetsAt = nil
        do throws(SystemError) { try loop.resume(state.doors.hellos.descriptor) } catch {
            failure = error
        }
    }

    /// Hands on what the core wants, and waits for what comes next.
    private func finish(now: Instant, wall: WallTime) {
        state.handOverHashes(to: pool, now: now, wall: wall)
        state.logKeys()
        let isPosted = state.postLetters(to: all)
        let hasMore = flush(now: now)
        state.logTraces()
        if state.core.hasFailed || failure != nil {
            tellOthers(.atOnce)
            return loop.stop()
        }
        if state.core.isDrained || stopDeadline <= now { return loop.stop() }
        var next = min(
            state.core.deadline, stopDeadline, state.streamsDeadline, greetsAt ?? .distantFuture)
        if !isPosted { next = min(next, now + .milliseconds(1)) }
        wakesAt = hasMore ? now : next
        loop.wake(self, at: wakesAt)
    }

    /// Sends what the core has; returns whether it may have more.
    @discardableResult
    func flush(now: Instant) -> Bool {
        guard !state.isBlocked else { return false }
        for _ in 0..<64 {
            let hasSent = state.sendBatch(now: now)
            sendStreamed()
            guard hasSent else { return false }
            guard state.outgoing.isEmpty else {
                state.isBlocked = true
                // If even waiting fails, what is in the batch is lost, as on any network.
                if (try? loop.awaitRoom(state.doors.packets.descriptor)) == nil {
                    state.outgoing.removeAll()
                    state.isBlocked = false
                }
                return false
            }
        }
        return true
    }

    /// HELLOs that are read at once: each may cost 5 us, and a session may be waiting.
    fileprivate static let greetingsMax = 16
    /// Letters that wait to be read: more only if the worker is held up.
    private static let lettersMax = 1_024
    private static let stopsMax = 64 * 2
}

extension Worker.State {
    /// Takes one batch in; returns whether there was one.
    mutating func receiveBatch(now: Instant, wall: WallTime) throws(SystemError) -> Bool {
        guard try doors.packets.receive(into: &incoming) > 0 else { return false }
        Self.hand(&incoming, to: &core, over: .datagram, now: now, wall: wall)
        return true
    }

    /// Takes one batch of HELLOs in; returns whether there was one.
    mutating func greetBatch(now: Instant, wall: WallTime) throws(SystemError) -> Bool {
        guard try doors.hellos.receive(into: &greetings) > 0 else { return false }
        Self.hand(&greetings, to: &core, over: .datagram, now: now, wall: wall)
        return true
    }

    static func hand(
        _ batch: inout DatagramBatch, to core: inout ServerCore, over carrier: Address.Carrier,
        now: Instant, wall: WallTime
    ) {
        for i in 0..<batch.count {
            let ecn = batch.ecn(of: i)
            var address = batch.address(of: i)
            address.carrier = carrier
            var datagram = batch.bytes(of: i)
            core.receive(&datagram, from: address, ecn: ecn, now: now, wall: wall)
        }
    }

    /// Passes the core's passwords to the pool; what does not fit is answered at once.
    mutating func handOverHashes(to pool: HashPool, now: Instant, wall: WallTime) {
        core.takeHashJobs(into: &jobs)
        for job in jobs where !pool.submit(job) {
            core.hashed(job.ticket, .notDone, now: now, wall: wall)
        }
        jobs.removeAll(keepingCapacity: true)
    }

    /// Passes the pool's results to the core.
    mutating func takeHashes(now: Instant, wall: WallTime) {
        for done in hashed { core.hashed(done.ticket, done.result, now: now, wall: wall) }
        hashed.removeAll(keepingCapacity: true)
    }

    /// Acts on what other workers wrote.
    mutating func readLetters(now: Instant, wall: WallTime) {
        for content in read { core.read(content, now: now, wall: wall) }
        read.removeAll(keepingCapacity: true)
    }

    /// Puts letters into their readers' mailboxes; returns whether there was room for all.
    mutating func postLetters(to all: [Worker.Mailboxes]) -> Bool {
        if written.isEmpty { core.takeLetters(into: &written) }
        guard !written.isEmpty else { return true }
        let posted = written.firstIndex { !all[$0.reader].letters.post($0.content) }
        written.removeFirst(posted ?? written.count)
        return written.isEmpty
    }

    /// Sends what waits and what the core adds to it; returns whether there was anything.
    mutating func sendBatch(now: Instant) -> Bool {
        Self.fill(&outgoing, from: &core, orElse: &streamed, now: now)
        guard !outgoing.isEmpty || !streamed.isEmpty else { return false }
        if !outgoing.isEmpty { _ = doors.packets.send(&outgoing) }
        return true
    }

    private static func fill(
        _ batch: inout DatagramBatch, from core: inout ServerCore,
        orElse streamed: inout [StreamedDatagram], now: Instant
    ) {
        var isAdded = true
        while isAdded, !batch.isFull, streamed.count < DatagramBatch.datagramsMax {
            let before = streamed.count
            var ecn = ECN.notECT
            isAdded = batch.append { room -> (byteCount: Int, to: Address)? in
                guard let sent = core.transmit(into: &room, now: now) else { return nil }
                guard sent.destination.carrier == .datagram else {
                    streamed.append(StreamedDatagram(room, sent))
                    return nil
                }
                ecn = sent.ecn
                return (sent.byteCount, to: sent.destination)
            }
            if isAdded { batch.mark(batch.count - 1, ecn) }
            isAdded = isAdded || streamed.count > before
        }
    }
}
