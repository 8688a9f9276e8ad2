// Going to sleep and waking: a session at rest keeps little, and goes on as if nothing had been.

public import PetrelBase
internal import PetrelCrypto
internal import PetrelWire

extension Session {
    /// When the session may go to sleep, if nothing happens before.
    ///
    /// - Parameters:
    ///   - quiet: how long there must have been no message; keepalives do not count.
    ///   - settled: how long nothing at all must have come or gone; three probe timeouts, if those
    ///     are longer, so that nothing late is on its way.
    /// - Returns: the moment; `.distantFuture` if it may not as it is.
    public func sleepsAt(quiet: Interval, settled: Interval) -> Instant {
        guard isAtRest else { return .distantFuture }
        let last = max(lastHeard, lastSent)
        var moment = max(lastMessage + quiet, last + max(settled, probeInterval * 3))
        if keyUpdate.previousUntil != .distantFuture {
            moment = max(moment, keyUpdate.previousUntil)
        }
        return moment
    }

    /// Whether nothing waits, is under way, or is missing.
    private var isAtRest: Bool {
        guard side == .server, phase == .active, !detector.packets.hasUnsettled, queue.isAtRest,
            acks.deadline == .distantFuture, largestReceived != nil
        else { return false }
        return control.isEmpty && control.challengeToPrevious == nil && probesPending == 0
            && !ephemeral.hasWaiting && path.isSettled && reassembler.isAtRest && bulk.isEmpty
            && bulkControls.isEmpty && localIDs.isAtRest && remoteIDs.isAtRest
            && hasSmallNumbers
    }

    /// Whether the numbers have their place in a dormant session: they count to four billion.
    private var hasSmallNumbers: Bool {
        let numbers = max(detector.packets.next, failedOpens, largestReceived ?? 0)
        let versions = max(ephemeral.version, ephemeralReceiver.highest)
        return max(numbers, versions, nextSkip) < UInt64(UInt32.max)
    }

    /// Notes in the trace that the session goes to sleep; `DormantSession` is made next.
    public mutating func lieDown(now: Instant) { trace.note(.slept, now) }

    /// Goes on as the session that fell asleep, on a path that is known but for its load.
    public init(
        waking dormant: borrowing DormantSession, configuration: SessionConfiguration, now: Instant
    ) {
        side = .server
        self.configuration = configuration
        localID = .server(dormant.connectionID)
        localIDs = LocalIDs(dormant.localIDs)
        localIDInUse = dormant.localIDInUse
        remoteIDs = RemoteIDs(dormant.remoteIDs, now: now)
        serverConnectionID = dormant.connectionID
        peerKey = dormant.peerKey
        var parameters = TransportParameters()
        parameters.ackDelayMax = .milliseconds(Int64(dormant.ackDelayMax))
        parameters.idleTimeout = .milliseconds(Int64(dormant.peerIdleTimeout))
        peerParameters = parameters
        keys = dormant.keys.wake()
        keyUpdate = KeyUpdate(dormant.keyUpdate)
        phase = .active
        path = Path(
            proven: dormant.address, moves: Int(dormant.moves), since: dormant.movesSince)
        replay = dormant.replayWindow
        largestReceived = dormant.largestReceived
        acks = AckTracker(reportedUpTo: dormant.largestReceived)
        detector = LossDetector(
            rules: configuration.recoveryRules, next: dormant.nextNumber,
            largestAcknowledged: dormant.largestAcknowledged, rtt: dormant.roundTrip)
        ackPolicy = AckPolicy(dormant.ackPolicy)
        binding = BindingWatch(configuration)
        binding.announced = dormant.announced
        copies = CopyLine(configuration)
        congestion = Congestion(configuration.congestionAlgorithm)
        pathMTU = PathMTU(byteCountMax: configuration.datagramByteCountMax)
        pathMTU.restart(next: dormant.nextNumber)
        ecn = dormant.ecn.wake(isWanted: configuration.marksPackets, next: dormant.nextNumber)
        marksReceived = dormant.marksReceived
        queue = SendQueue(
            messagesMax: configuration.queuedMessagesMax,
            byteCountMax: configuration.queuedByteCountMax, credit: 0,
            classes: ClassTable(configuration.classes),
            reportsProgress: configuration.reportsProgress)
        queue.resume(dormant.sending)
        ephemeral = EphemeralSender(nextVersion: UInt64(dormant.nextVersion))
        ephemeralReceiver = EphemeralReceiver(floor: UInt64(dormant.versionFloor))
        reassembler = Reassembler(credit: configuration.receiveCredit, dormant.receiving)
        nextSkip = UInt64(dormant.nextSkip)
        failedOpens = UInt64(dormant.failedOpens)
        trace = TraceLog(isOn: configuration.isTracing)
        keepaliveHint = dormant.keepaliveHint
        lastHeard = dormant.lastHeard
        lastSent = dormant.lastHeard
        // What it is for is over: the session slept because no message had come for long.
        lastMessage = Instant(nanoseconds: 0)
        timers[.silence] = now + silenceMax
        trace.note(.woken(after: now - dormant.lastHeard), now)
    }
}
