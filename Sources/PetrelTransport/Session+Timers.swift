// Time passes: the timers that are due run, and the others are set.

public import PetrelBase
internal import PetrelWire

extension Session {
    /// Runs the timers that are due; `transmit` must be called afterwards.
    public mutating func advance(now: Instant, into events: inout SessionEvents) {
        guard !isEnding else { return }
        queue.progress.take(into: &events)
        if timers.expired(.silence, now: now) {
            return end(.silent, now: now, into: &events)
        }
        if timers.expired(.loss, now: now) { detectLoss(now: now) }
        if timers.expired(.probe, now: now) { probe(now: now) }
        if timers.expired(.secondProbe, now: now) { repeatProbe(now: now) }
        if timers.expired(.copy, now: now) { isCopyDue = true }
        if timers.expired(.validate, now: now) {
            let action = path.validator.timedOut(
                now: now, timeout: probeInterval * 2, random: &random)
            follow(action, now: now)
        }
        if timers.expired(.keepalive, now: now) { keepAlive() }
        if timers.expired(.expire, now: now) {
            queue.observeDeadlines(now: now, halfTrip: halfTrip, into: &events)
        }
        queue.progress.take(into: &events)
        _ = timers.expired(.coalesce, now: now)
        _ = timers.expired(.pace, now: now)
        _ = timers.expired(.acknowledge, now: now)
    }

    /// A client speaks first: the server waits for a packet that shows that the keys are held.
    mutating func startAsClient(now: Instant) {
        path.validator.provenByHandshake()
        control.keepalive = true
        timers[.keepalive] = now + binding.pause
        askForAddress()
        offerOwnIDs()
    }

    /// Sets the timers that depend on what was sent and what waits; called when nothing is left to
    /// send now.
    mutating func runTimers(now: Instant) {
        guard path.allowance >= Self.datagramByteCountMin(side) else { return stopSendTimers() }
        timers[.acknowledge] = acks.deadline
        timers[.probe] = detector.probeDeadline(
            ackDelayMax: peerAckDelayMax, isUrgent: queue.count > 0, patience: ackPolicy.inForce,
            lastHeard: lastHeard)
        timers[.copy] = copies.deadline(probeInterval: urgentProbeInterval)
        let hasSendable = queue.hasSendable(now: now)
        let hasMore = hasSendable || ephemeral.hasWaiting || !parities.isEmpty
        if !hasMore, mayFillWindow {
            congestion.applicationLimited(bytesInFlight: detector.packets.bytesInFlight)
        }
        let waitsForPacer = hasMore && mayFillWindow && !pacer.mayProceed
        let waitsForCompany = mayGrowFlight && hasSendable
        timers[.coalesce] = waitsForCompany ? queue.readyAt(now: now) : .distantFuture
        // First: the queue would be copied while its argument is computed.
        let halfTrip = halfTrip
        timers[.expire] = queue.nextDeadline(halfTrip: halfTrip)
        timers[.pace] = waitsForPacer ? pacer.nextProceed(rate: pacingRate) : .distantFuture
    }

    /// What a packet takes to the peer, as far as that is known.
    private var halfTrip: Interval { detector.rtt.smoothed / 2 }

    /// Stops the timers that could only ask for sending what may not be sent.
    mutating func stopSendTimers() {
        timers[.acknowledge] = .distantFuture
        timers[.probe] = .distantFuture
        timers[.copy] = .distantFuture
        timers[.pace] = .distantFuture
        timers[.coalesce] = .distantFuture
        // First: the queue would be copied while its argument is computed.
        let halfTrip = halfTrip
        timers[.expire] = queue.nextDeadline(halfTrip: halfTrip)
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
            path.abandon()
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
            noteLost(packet, number, now: now)
            guard !packet.isSizeProbe else { continue }
            congestion.lost(
                number, byteCount: Int(packet.byteCount), mark: packet.mark, sent: packet.sent,
                now: now)
            if !packet.isRepaired { repair(packet, number, now: now) }
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
            case .skip(let slot, let number): queue.skipLost(slot: slot, number: number)
            case .chunks(let place, let count, let generation, let index):
                byteCount += queue.chunksLost(
                    Int(place), generation: generation, index..<index + UInt64(count))
            case .bulkControl(let ticket): bulkControls.lost(ticket)
            case .status(let kind, let number): reassembler.statusLost(kind, number)
            case .ephemeral(let slot, let version):
                ephemeral.lost(slot: slot, version: version, now: now)
            case .credit: control.credit = true
            case .keepalive: control.keepalive = true
            case .keepaliveAnswer: control.keepaliveAnswer = true
            case .goAway: control.goAway = departure
            case .ackPolicy(let patience): ackPolicy.lost(patience)
            case .probe: control.probe = probes.asked != nil
            case .probeAnswer: control.probeAnswer = probes.answer != nil
            case .newID(let sequence): localIDs.mark(sequence, isAnnounced: false)
            case .retireID(let sequence): remoteIDs.markRetired(sequence, again: now)
            }
        }
        return byteCount
    }
}
