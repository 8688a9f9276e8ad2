// The end of each batch, and what happens by the clock alone.

public import PetrelBase
internal import PetrelClientData
internal import PetrelClientNetwork
internal import PetrelMessaging
internal import PetrelWire

extension ClientCore {
    /// When `advance` must be called next.
    public var deadline: Instant {
        let earliest = min(link.deadline, stalled?.retryAt ?? .distantFuture, expireAt)
        guard !link.isOffline, standing == .known, !link.isBlocked else { return earliest }
        return min(
            earliest, sync.deadline, outbox.deadline, questions.deadline, surroundings.deadline)
    }

    /// Runs what is due, then finishes the batch.
    public mutating func advance(now: Instant, wall: WallTime) {
        retryStore(now: now)
        if !link.isOffline {
            link.advance(now: now, wall: wall)
            takeLinkEvents(now: now, wall: wall)
            sync.advance(now: now)
            questions.advance(now: now)
            for notice in surroundings.advance(now: now) { events.append(.typing(notice)) }
        }
        expire(now: now, wall: wall)
        finishBatch(now: now, wall: wall)
    }

    /// Makes what arrived durable, then tells it, acknowledges it and asks for what is missing.
    public mutating func finishBatch(now: Instant, wall: WallTime) {
        commit(now: now)
        replanExpiry(now: now, wall: wall)
        link.finishBatch(now: now, wall: wall)
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
        for watermark in output.read {
            tellRead(watermark.conversation, upTo: watermark.sequence)
        }
        let batch = changes + output.changes
        noteExpiry(batch)
        var told: [ClientEvent] = []
        swap(&told, &pendingEvents)
        changes.removeAll(keepingCapacity: true)
        for record in output.messages where !isOwn(record) { told.append(.message(record)) }
        told.append(contentsOf: output.arrivals.map { .messagesArrived($0) })
        told.append(contentsOf: output.changed.map { .conversationChanged($0) })
        told.append(contentsOf: output.contacts.map { .contactChanged($0) })
        if let account = output.account { told.append(.accountChanged(account)) }
        store(batch, thenTell: told, now: now)
    }

    private mutating func replanExpiry(now: Instant, wall: WallTime) {
        if mustPlanExpiry, stalled == nil {
            mustPlanExpiry = false
            do throws(ClientStoreError) {
                try planExpiry()
            } catch {
                expiryDue = nil
                events.append(.storeFailed(error))
            }
        }
        #if PETREL_PLANTED
            if PlantedBug.erasingSpins.isActive {
                expireAt = expiryDeadline(now: now, wall: wall)
                return
            }
        #endif
        // What the store does not take now is erased when it takes something again.
        expireAt = stalled == nil ? expiryDeadline(now: now, wall: wall) : .distantFuture
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
        link.suspend(now: now)
        sessionIsOver()
    }

    private mutating func retryStore(now: Instant) {
        guard let waiting = stalled, waiting.retryAt <= now else { return }
        stalled = nil
        guard store(waiting.changes, thenTell: waiting.events, now: now) else { return }
        stallPause = .zero
        link.connect(now: now)
    }

    /// Stores what was learnt; if the disk does not take it, it is learnt anew after a restart.
    private mutating func saveNetworks() {
        guard stalled == nil, let networks = link.takeUnsavedNetworks() else { return }
        try? store.apply([.networks(networks)])
    }

    /// Says HELLO, if it is time for that; its counter is on disk before it leaves.
    private mutating func beginAttempt(now: Instant, wall: WallTime) {
        guard stalled == nil, link.isHelloDue(now: now) else { return }
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
            link.beginAttempt(
                counter: counter, early: packEarly(now: now, wall: wall), now: now)
        } catch {
            stalled = Stalled(error: error, changes: [], events: [], retryAt: .distantFuture)
            storeBroke(error, now: now)
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

    private static let stallPauseFirst = Interval.seconds(1)
    private static let stallPauseMax = Interval.seconds(30)
}
