// Time passes: the timers that are due run, and the others are set.

public import PetrelBase
internal import PetrelWire

extension Session {
    /// Runs the timers that are due; `transmit` must be called afterwards.
    public mutating func advance(now: Instant, into events: inout SessionEvents) {
        guard !isEnding else { return }
        if timers.expired(.silence, now: now) {
            return end(.silent, now: now, into: &events)
        }
        if timers.expired(.loss, now: now) { detectLoss(now: now) }
        if timers.expired(.probe, now: now) { probe(now: now) }
        if timers.expired(.secondProbe, now: now) { repeatOldest(now: now) }
        if timers.expired(.validate, now: now) {
            let action = path.validator.timedOut(
                now: now, timeout: probeInterval * 2, random: &random)
            follow(action, now: now)
        }
        if timers.expired(.keepalive, now: now) { control.keepalive = true }
        _ = timers.expired(.pace, now: now)
        _ = timers.expired(.acknowledge, now: now)
    }

    /// A client speaks first: the server waits for a packet that shows that the keys are held.
    mutating func startAsClient(now: Instant) {
        path.validator.provenByHandshake()
        control.keepalive = true
        timers[.keepalive] = now + configuration.keepaliveInterval
        offerOwnIDs()
    }

    /// Sets the timers that depend on what was sent and what waits; called when nothing is left to
    /// send now.
    mutating func runTimers(now: Instant) {
        guard path.allowance >= Self.datagramByteCountMin(side) else { return stopSendTimers() }
        timers[.acknowledge] = acks.deadline
        timers[.probe] = detector.probeDeadline(
            ackDelayMax: peerParameters.ackDelayMax, isUrgent: queue.count > 0,
            lastHeard: lastHeard)
        let waitsForPacer = !pacer.mayProceed && queue.hasSendable()
        timers[.pace] =
            waitsForPacer
            ? pacer.nextProceed(window: congestion.window, smoothedRTT: detector.rtt.smoothed)
            : .distantFuture
    }

    /// Stops the timers that could only ask for sending what may not be sent.
    mutating func stopSendTimers() {
        timers[.acknowledge] = .distantFuture
        timers[.probe] = .distantFuture
        timers[.pace] = .distantFuture
    }

    /// Does what the path validator asks for.
    mutating func follow(_ action: PathValidator.Action, now: Instant) {
        switch action {
        case .none: break
        case .challenge(let data, let until):
            control.challenge = data
            timers[.validate] = until
        case .adopt:
            timers[.validate] = .distantFuture
            path.settle()
        case .abandon:
            timers[.validate] = .distantFuture
            _ = path.goBack()
        }
    }

    // MARK: Loss

    /// Looks for lost packets and puts what was in them back in line.
    mutating func detectLoss(now: Instant) {
        timers[.loss] = detector.detectLoss(now: now)
        repairLost(now: now)
    }

    /// Repairs what the detector has just declared lost.
    mutating func repairLost(now: Instant) {
        for number in detector.lostNow {
            let packet = detector.packets[number]
            statistics.packetsLost += 1
            trace.note(.packetLost(number: number), now)
            congestion.lost(sent: packet.sent, now: now)
            repair(packet, number, now: now)
        }
        detector.clearLost()
    }

    @discardableResult
    mutating func repair(_ packet: SentPacket, _ number: UInt64, now: Instant) -> Int {
        var byteCount = 0
        for i in 0..<Int(packet.frameCount) {
            switch packet.frames[i] {
            case .none: break
            case .fragment(let slot, let index, let kind, let message):
                #if PETREL_PLANTED
                    if PlantedBug.repairLeftOut.isActive, number % 3 == 0 { break }
                #endif
                let isRepeated = queue.mustRepeat(
                    slot: slot, index: index, deliveryClass: kind, number: message, packet: number)
                if isRepeated { byteCount += WireLimits.fragmentByteCount }
            case .ephemeral(let slot, let version):
                ephemeral.lost(slot: slot, version: version, now: now)
            case .credit: control.credit = true
            case .keepalive: control.keepalive = true
            case .keepaliveAnswer: control.keepaliveAnswer = true
            case .goAway: control.goAway = departure
            case .newID(let sequence): localIDs.mark(sequence, isAnnounced: false)
            case .retireID(let sequence): remoteIDs.markRetired(sequence, again: now)
            }
        }
        return byteCount
    }

    // MARK: Probes

    private mutating func probe(now: Instant) {
        if detector.probed() {
            timers[.secondProbe] = now + max(.milliseconds(10), probeInterval / 8)
        }
        if detector.probeCount == 3 { congestion.collapsed() }
        repeatOldest(now: now)
    }

    /// A probe carries data: what waits anyway, or else the oldest of what is under way.
    private mutating func repeatOldest(now: Instant) {
        guard detector.packets.inFlightCount > 0 else { return }
        probesPending += 1
        guard !queue.hasSendable() else { return }
        var number = detector.packets.oldest
        while number < detector.packets.next {
            let packet = detector.packets[number]
            if packet.state == .inFlight, repair(packet, number, now: now) > 0 { return }
            number += 1
        }
    }
}
