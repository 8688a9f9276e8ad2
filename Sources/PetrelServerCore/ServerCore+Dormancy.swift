// Sessions fall asleep when nothing waits, and wake for a genuine packet or for news.

internal import PetrelBase
internal import PetrelMessaging
internal import PetrelServices
internal import PetrelTransport
internal import PetrelWire

extension ServerCore {
    /// Sessions that sleep.
    public var dormantCount: Int { dormant.count }

    // MARK: Falling asleep

    /// When the session falls asleep, if nothing happens before; `.distantFuture`: not as it is.
    func sleepsAt(_ handle: Handle, now: Instant) -> Instant {
        let moment = sessions[handle].session.sleepsAt(
            quiet: configuration.dormantAfter, settled: configuration.dormantSettled)
        guard moment != .distantFuture, mayRest(handle) else { return .distantFuture }
        // What is under way in the store is told to a session that is awake.
        return isAwaited(handle) ? now + Self.retryInterval : moment
    }

    private func mayRest(_ handle: Handle) -> Bool {
        guard configuration.dormantMax > 0, !isStopping, !sessions[handle].state.isOwed,
            sessions[handle].state.blockedBy == nil, !isMeasuring(handle)
        else { return false }
        #if PETREL_PLANTED
            if PlantedBug.shutOutSleeps.isActive, sessions[handle].state.phase == .stranger {
                return true
            }
        #endif
        switch sessions[handle].state.phase {
        case .enrolled: return true
        case .stranger: return !departing.contains { $0.handle == handle }
        case .halfOpen, .enrolling, .over: return false
        }
    }

    /// Whether an operation of the session is not durable yet; they become so in their order.
    private func isAwaited(_ handle: Handle) -> Bool {
        guard let oldest = operations.first else { return false }
        return oldest.ticket <= sessions[handle].state.lastTicket
    }

    /// Puts the session to sleep if it is time; returns whether it was.
    mutating func fallAsleep(_ handle: Handle, now: Instant) -> Bool {
        guard sleepsAt(handle, now: now) <= now else { return false }
        return putToSleep(handle, now: now)
    }

    private mutating func putToSleep(_ handle: Handle, now: Instant) -> Bool {
        if dormant.isFull, let first = dormant.first {
            metrics.dormantEvicted += 1
            forget(first, now: now)
        }
        sessions[handle].session.lieDown(now: now)
        collectTrace(handle)
        let principal = sessions[handle].state.principal
        let state = DormantState(
            principal: principal, helloCounter: sessions[handle].state.helloCounter,
            garbage: UInt8(clamping: sessions[handle].state.garbage))
        let address = sessions[handle].session.address
        if Host(address) != Host(sessions[handle].state.address) {
            hosts.remove(Host(sessions[handle].state.address))
            hosts.insert(Host(address))
        }
        let session = DormantSession(sessions[handle].session)
        guard let asleep = dormant.insert(DormantRecord(session: session, state: state)) else {
            return false
        }
        if let principal {
            live.move(.awake(handle), to: .asleep(asleep), account: principal.account)
        }
        forgetConnectionIDs(handle)
        deadlines.remove(handle.slot)
        _ = sessions.remove(handle)
        metrics.sessionsSlept += 1
        return true
    }

    /// Whether one more session can be awake; one that has nothing to say may have to lie down.
    mutating func makeRoomAwake(now: Instant) -> Bool {
        guard sessions.isFull else { return true }
        for _ in 0..<min(Self.slotsTriedMax, sessions.capacity) {
            nextTried = (nextTried + 1) % sessions.capacity
            guard !isReady[nextTried], nextTried != current,
                let handle = sessions.handle(slot: nextTried), mayRest(handle),
                !isAwaited(handle),
                sessions[handle].session.sleepsAt(quiet: .zero, settled: .zero) <= now
            else { continue }
            return putToSleep(handle, now: now)
        }
        return false
    }

    // MARK: Waking

    /// Takes in a datagram with the ID of a dormant session: only a genuine packet wakes it.
    mutating func receiveAsleep(
        _ datagram: inout MutableRawSpan, of asleep: Handle, from address: Address, ecn: ECN,
        now: Instant, wall: WallTime
    ) {
        guard dormant[asleep].session.examine(&datagram) == nil,
            let handle = wake(asleep, now: now)
        else {
            metrics.droppedBySession += 1
            return
        }
        let drop = sessions[handle].session.receive(
            &datagram, from: address, ecn: ecn, now: now, into: &events)
        if drop == nil {
            metrics.datagramsAccepted += 1
        } else {
            metrics.droppedBySession += 1
        }
        settle(handle, now: now, wall: wall)
    }

    /// Makes a dormant session go on; `nil`, changing nothing, if no more can be awake.
    mutating func wake(_ asleep: Handle, now: Instant) -> Handle? {
        guard dormant.contains(asleep), makeRoomAwake(now: now),
            let record = dormant.remove(asleep)
        else { return nil }
        let session = Session(
            waking: record.session, configuration: configuration.session, now: now)
        var state = SessionState(
            connectionID: session.connectionID, key: DeviceKey(session.peerKey),
            helloCounter: record.state.helloCounter, address: session.address)
        state.garbage = Int(record.state.garbage)
        state.phase = record.state.principal.map { .enrolled($0) } ?? .stranger
        guard let handle = sessions.insert(SessionRecord(session: session, state: state)) else {
            return nil
        }
        for i in 0..<sessions[handle].session.connectionIDsCount {
            table.insert(sessions[handle].session.connectionID(at: i), handle)
        }
        if let principal = state.principal {
            live.move(.asleep(asleep), to: .awake(handle), account: principal.account)
        }
        metrics.sessionsWoken += 1
        if isStopping, closesAt != .distantFuture {
            sessions[handle].session.announceDeparture(
                within: configuration.departureWindow, to: configuration.departureAddress)
        }
        touch(handle)
        return handle
    }

    /// The session at a place, awake; `nil` if there is none, or if it cannot be woken.
    mutating func awake(_ place: SessionPlace, now: Instant) -> Handle? {
        switch place {
        case .awake(let handle): return sessions.contains(handle) ? handle : nil
        case .asleep(let handle): return wake(handle, now: now)
        }
    }

    // MARK: Ends

    /// Forgets the dormant sessions that were silent for too long.
    mutating func expireDormant(now: Instant) {
        while let first = dormant.first, dormant[first].session.deadline <= now {
            metrics.dormantExpired += 1
            forget(first, now: now)
        }
    }

    /// Forgets a dormant session; its client is answered with RESET from now on.
    mutating func forget(_ asleep: Handle, now: Instant) {
        guard let record = dormant.remove(asleep) else { return }
        if let principal = record.state.principal {
            leave(.asleep(asleep), principal, now: now)
        }
        hosts.remove(Host(record.session.address))
        metrics.sessionsEnded += 1
    }

    /// A server that stops wakes the next dormant session, so that its client hears of it; returns
    /// whether it did.
    ///
    /// Asked when nothing else is to be sent, so that no more are awake than there is room for.
    mutating func wakeForDeparture(now: Instant) -> Bool {
        guard isStopping, let first = dormant.first, let handle = wake(first, now: now) else {
            return false
        }
        if closesAt == .distantFuture { close(handle, .serverStopping, now: now) }
        return true
    }

    /// How long a session stays awake at least for what is under way in the store.
    private static let retryInterval = Interval.seconds(1)
    /// Slots looked at for a session that may lie down to make room.
    private static let slotsTriedMax = 64
}
