// The end of each batch, and what happens by the clock alone.

public import PetrelBase
internal import PetrelCrypto
internal import PetrelMessaging
internal import PetrelTransport
internal import PetrelWire

extension ClientCore {
    /// When `advance` must be called next.
    public var deadline: Instant {
        guard !isOffline else { return stalled?.retryAt ?? .distantFuture }
        var earliest = min(connector.deadline, stalled?.retryAt ?? .distantFuture, race.deadline)
        switch handshake {
        case .some(let handshake): earliest = min(earliest, handshake.deadline)
        case .none: earliest = min(earliest, suspicion)
        }
        switch session {
        case .some(let session): earliest = min(earliest, session.deadline)
        case .none: break
        }
        earliest = min(earliest, keepaliveDeadline)
        guard standing == .known, !isBlocked else { return earliest }
        return min(earliest, sync.deadline, outbox.deadline)
    }

    /// Runs what is due, then finishes the batch.
    public mutating func advance(now: Instant, wall: WallTime) {
        retryStore(now: now)
        guard !isOffline else { return finishBatch(now: now, wall: wall) }
        if handshake?.isExpired(now: now) == true {
            handshake = nil
            connector.attemptExpired(now: now, random: &random)
            renewalFailed(now: now)
        }
        session?.advance(now: now, into: &sessionEvents)
        advanceRace(now: now)
        takeSessionEvents(now: now, wall: wall)
        sync.advance(now: now)
        finishBatch(now: now, wall: wall)
    }

    /// Makes what arrived durable, then tells it, acknowledges it and asks for what is missing.
    public mutating func finishBatch(now: Instant, wall: WallTime) {
        takeSessionEvents(now: now, wall: wall)
        commit(now: now)
        advanceKeepalive(now: now, wall: wall)
        saveNetworks()
        beginAttempt(now: now, wall: wall)
        pump(now: now, wall: wall)
        tellState()
        tellCaughtUp()
    }

    /// One transaction for all that the batch brought.
    private mutating func commit(now: Instant) {
        guard stalled == nil else { return }
        let output = sync.takeOutput()
        for watermark in output.received {
            tellDelivered(watermark.conversation, upTo: watermark.sequence)
        }
        let batch = changes + output.changes
        var told: [ClientEvent] = []
        swap(&told, &pendingEvents)
        changes.removeAll(keepingCapacity: true)
        for record in output.messages where !isOwn(record) { told.append(.message(record)) }
        told.append(contentsOf: output.arrivals.map { .messagesArrived($0) })
        store(batch, thenTell: told, now: now)
    }

    private func isOwn(_ record: MessageRecord) -> Bool {
        record.sender == known?.account && record.senderDevice == known?.device
    }

    /// Stores `changes`, then tells `told`; if the store refuses, both wait, and the session ends.
    ///
    /// Returns whether it is stored. A session without a store could only throw away what it gets;
    /// without one the server keeps everything until there is room again.
    @discardableResult
    private mutating func store(
        _ changes: [ClientChange], thenTell told: [ClientEvent], now: Instant
    ) -> Bool {
        do throws(ClientStoreError) {
            if !changes.isEmpty { try store.apply(changes) }
            events.append(contentsOf: told)
            return true
        } catch {
            #if PETREL_PLANTED
                if PlantedBug.clientDiskIgnored.isActive {
                    events.append(contentsOf: told)
                    return true
                }
            #endif
            let pause = min(max(Self.stallPauseFirst, stallPause * 2), Self.stallPauseMax)
            stallPause = pause
            let retryAt = error == .full ? now + pause : .distantFuture
            stalled = Stalled(error: error, changes: changes, events: told, retryAt: retryAt)
            storeBroke(error, now: now)
            return false
        }
    }

    private mutating func storeBroke(_ error: ClientStoreError, now: Instant) {
        events.append(.storeFailed(error))
        session?.close(.done, now: now, into: &sessionEvents)
        sessionIsOver()
        handshake = nil
        race.end()
        connector.suspend()
    }

    private mutating func retryStore(now: Instant) {
        guard let waiting = stalled, waiting.retryAt <= now else { return }
        stalled = nil
        guard store(waiting.changes, thenTell: waiting.events, now: now) else { return }
        stallPause = .zero
        connector.connect(now: now)
    }

    /// Says HELLO, if it is time for that; its counter is on disk before it leaves.
    private mutating func beginAttempt(now: Instant, wall: WallTime) {
        let isSuspect = suspicion <= now
        guard stalled == nil, handshake == nil, !isOffline, isSuspect || connector.deadline <= now
        else {
            return
        }
        attemptAt = .distantFuture
        do throws(ClientStoreError) {
            // Time itself as the lower bound: a device whose data came from an old backup would
            // otherwise say numbers that the server has heard, and get no answer.
            let past = try store.helloCounter()
            let time = UInt64(clamping: wall.milliseconds)
            #if PETREL_PLANTED
                let isLost = PlantedBug.counterFollowsCalendar.isActive
                let counter = isLost ? time : max(past == .max ? past : past + 1, time)
            #else
                let counter = max(past == .max ? past : past + 1, time)
            #endif
            guard store([.helloCounter(counter)], thenTell: [], now: now) else { return }
            let attempt =
                isSuspect ? connector.nextResumption() : connector.nextAttempt(now: now)
            guard let attempt else { return renewalFailed(now: now) }
            begin(attempt, counter: counter, now: now, wall: wall)
        } catch {
            stalled = Stalled(error: error, changes: [], events: [], retryAt: .distantFuture)
            storeBroke(error, now: now)
        }
    }

    private mutating func begin(
        _ attempt: Connector.Attempt, counter: UInt64, now: Instant, wall: WallTime
    ) {
        if sessionIsLive { resumption = attempt.number } else { session = nil }
        handshakeAddress = attempt.address
        handshakeStarted = now
        beginRace(now: now)
        if let held = heldCookie, held.server != attempt.address || held.until <= now {
            heldCookie = nil
        }
        do {
            handshake = try ClientHandshake(
                identity: identity, server: server, counter: counter,
                connectionID: UInt32(truncatingIfNeeded: random.next()),
                cookie: heldCookie?.cookie, early: packEarly(attempt, now: now, wall: wall),
                configuration: configuration.session, lifetime: attempt.lifetime, now: now)
        } catch {
            // The server's key is one that no key agrees with.
            connector.attemptExpired(now: now, random: &random)
            renewalFailed(now: now)
        }
    }

    /// When the session has been silent for so long that a new one is tried beside it.
    ///
    /// A server that restarted knows no session and says nothing: waiting for the idle time-out
    /// would take minutes. In a tunnel both wait, and whichever is heard first goes on.
    private var suspicion: Instant {
        guard sessionIsLive, handshake == nil else { return .distantFuture }
        switch session {
        case .some(let session):
            guard let since = session.unansweredSince else { return attemptAt }
            // Who was not there for long cannot know whether the server still is.
            let isBack = since - session.lastHeard >= Self.absenceMin
            let patience =
                isBack
                ? session.probeInterval * 3 / 2
                : max(session.probeInterval * 3, Self.silenceMin)
            return min(attemptAt, since + patience)
        case .none: return .distantFuture
        }
    }

    /// Tells the connection's state, if it is another one; a round trip is news only once.
    mutating func tellState() {
        let state = state
        if case .connected(let now) = state, case .connected(let before) = stateTold,
            (now == nil) == (before == nil)
        {
            return
        }
        guard state != stateTold else { return }
        stateTold = state
        events.append(.connectionChanged(state))
    }

    private mutating func tellCaughtUp() {
        let isCaughtUp = sync.isCaughtUp
        if isCaughtUp && !caughtUpTold { events.append(.synced) }
        caughtUpTold = isCaughtUp
    }

    private static let silenceMin = Interval.seconds(2)
    private static let absenceMin = Interval.seconds(60)
    private static let stallPauseFirst = Interval.seconds(1)
    private static let stallPauseMax = Interval.seconds(30)
}
