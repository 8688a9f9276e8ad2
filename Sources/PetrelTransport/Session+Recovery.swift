// Probes, repairs on suspicion, bundled messages and copies: what a session repeats, and when.

internal import PetrelBase
internal import PetrelWire

extension Session {
    /// Bytes of a message above which it does not ride along in packets that go out anyway.
    private static let bundledByteCountMax = 256
    /// How often a message rides along.
    private static let bundlesMax = 1
    /// How many ride along in each packet while the peer is silent: it may have the oldest already,
    /// because its acknowledgement was the first thing to be lost.
    private static let silentBundlesMax = 2
    /// Bytes that a probe of a silent link repeats.
    private static let probeByteCountMax = 1_000

    /// The probe timeout of messages, which the peer acknowledges at once.
    var urgentProbeInterval: Interval { detector.probeInterval(ackDelayMax: .zero) }

    // MARK: Probes

    /// Nothing was acknowledged for too long: what is overdue is repeated.
    mutating func probe(now: Instant) {
        let isOwn = detector.hasOwnTimeouts
        // A message that follows soon carries what a second probe would.
        let isSecond = detector.probed(now: now)
        if isSecond, !copies.expectsMessage(within: urgentProbeInterval * 3 / 4) {
            timers[.secondProbe] = now + max(.milliseconds(10), probeInterval / 8)
        }
        if detector.probeCount == 3 { congestion.collapsed() }
        if isOwn {
            suspectOverdue(now: now)
            repairSuspected(now: now)
        } else if detector.isThin, detector.rules.contains(.ownTimeouts) {
            suspectOverdue(now: now)
            #if PETREL_PLANTED
                if PlantedBug.silenceForgets.isActive {
                    for number in detector.suspectedNow { detector.noteRepaired(number) }
                }
            #endif
            probesPending += 1
            _ = queue.repeatOldest(byteCountMax: Self.probeByteCountMax)
        } else {
            repeatOldest(now: now)
        }
        lastProbe = detector.packets.next
    }

    /// Towards a silent peer overdue packets do not count as in flight: new messages still go out.
    mutating func leaveOverdueOut(now: Instant) {
        guard detector.isSilent, detector.isThin, detector.rules.contains(.ownTimeouts) else {
            return
        }
        suspectOverdue(now: now)
    }

    private mutating func suspectOverdue(now: Instant) {
        detector.suspectOverdue(
            ackDelayMax: peerAckDelayMax, isUrgent: queue.count > 0, patience: ackPolicy.inForce,
            now: now)
    }

    /// The second probe repeats the first.
    mutating func repeatProbe(now: Instant) {
        guard detector.packets.hasUnsettled else { return }
        guard let lastProbe, detector.packets.remembers(lastProbe),
            detector.packets[lastProbe].state == .inFlight
        else { return }
        if repair(detector.packets[lastProbe], lastProbe, now: now) > 0 { probesPending += 1 }
    }

    private mutating func repairSuspected(now: Instant) {
        var byteCount = 0
        for number in detector.suspectedNow {
            #if PETREL_PLANTED
                if PlantedBug.suspectsForgotten.isActive, number % 2 == 0 {
                    detector.noteRepaired(number)
                    continue
                }
            #endif
            byteCount += repair(detector.packets[number], number, now: now)
            detector.noteRepaired(number)
        }
        let packetsCount = byteCount / pathMTU.byteCount + 1
        // Whatever was overdue, the peer is asked; a newer copy under way asks already.
        if byteCount > 0 || detector.packets.inFlightCount == 0 { probesPending += packetsCount }
    }

    /// A probe carries data: what waits anyway, or else the oldest of what is under way.
    private mutating func repeatOldest(now: Instant) {
        guard detector.packets.hasUnsettled else { return }
        probesPending += 1
        guard !queue.hasSendable(now: now) else { return }
        var number = detector.packets.oldest
        while number < detector.packets.next {
            let packet = detector.packets[number]
            if packet.state == .inFlight, repair(packet, number, now: now) > 0 { return }
            number += 1
        }
    }

    // MARK: Copies

    /// Notes that a fragment was written into a packet.
    mutating func noteSent(_ frame: SentFrame, now: Instant) {
        guard case .fragment(let slot, _, _, _) = frame else { return }
        noteLastFragment(slot, now: now)
        let i = Int(slot)
        guard queue.slots[i].repairs == 0, queue.slots[i].fragmentCount == 1 else { return }
        copies.noteInterval(now: now)
        let redundancy = queue.slots[i].redundancy
        guard redundancy != .none else { return }
        copies.sent(
            frame, byteCount: queue.slots[i].byteCount, isDemanded: redundancy == .copy,
            losses: detector.losses, probeInterval: urgentProbeInterval, now: now)
    }

    /// Fills spare room with messages that are under way and worth another try.
    mutating func writeCopies(
        to writer: inout ByteWriter, packet: inout SentPacket, number: UInt64, now: Instant
    ) {
        // A packet with an acknowledgement alone would ask for one in turn.
        let mayRide = isCopyDue || packet.state == .inFlight
        isCopyDue = false
        guard mayRide, detector.isThin else { return }
        if isCongested(now: now) { copies.removeAll() }
        while let entry = copies.takeDue(now: now) {
            guard isWanted(entry, outside: number) else { continue }
            let start = writer.offset
            guard
                writeCopy(
                    of: entry.slot, to: &writer, packet: &packet, number: number, isBundled: false)
            else { break }
            copies.copied(byteCount: writer.offset - start)
            statistics.copies += 1
        }
        bundle(to: &writer, packet: &packet, number: number)
    }

    /// Whether a copy has waited for long enough for a packet that goes out anyway.
    mutating func mustCopy(now: Instant) -> Bool {
        guard isCopyDue else { return false }
        if !detector.isThin || isCongested(now: now) { copies.removeAll() }
        while let entry = copies.first(now: now) {
            if isWanted(entry, outside: .max) { return true }
            copies.dropFirst()
        }
        isCopyDue = false
        return false
    }

    private func isWanted(_ entry: CopyLine.Entry, outside packet: UInt64) -> Bool {
        queue.isUnderWay(
            slot: entry.slot, deliveryClass: entry.deliveryClass, number: entry.number,
            outside: packet)
    }

    private mutating func bundle(
        to writer: inout ByteWriter, packet: inout SentPacket, number: UInt64
    ) {
        guard detector.rules.contains(.bundling), packet.state == .inFlight else { return }
        let isSilent = detector.isSilent
        guard isSilent || isBundlingWorthwhile else { return }
        var count = 0
        while count < (isSilent ? Self.silentBundlesMax : SentPacket.framesMax),
            let slot = queue.oldestToBundle(
                byteCountMax: Self.bundledByteCountMax,
                bundlesMax: isSilent ? 100 : Self.bundlesMax, repairsMin: isSilent ? 0 : 1,
                packet: number),
            writeCopy(of: slot, to: &writer, packet: &packet, number: number, isBundled: true)
        {
            statistics.bundles += 1
            count += 1
        }
    }

    private var isBundlingWorthwhile: Bool {
        let losses = detector.losses
        let isFrequent = losses.isAtLeast(perMille: 70)
        // Where much is lost, acknowledgements are too: most of what would ride along is needless.
        let isExcessive = losses.isAtLeast(perMille: 200) && configuration.redundancy == .none
        return isFrequent && !isExcessive
            && losses.isRandom(probeInterval: urgentProbeInterval)
    }

    private mutating func writeCopy(
        of slot: UInt16, to writer: inout ByteWriter, packet: inout SentPacket, number: UInt64,
        isBundled: Bool
    ) -> Bool {
        guard Int(packet.frameCount) < SentPacket.framesMax,
            let frame = queue.write(.fragment(slot: slot, index: 0), to: &writer)
        else { return false }
        packet.append(frame)
        packet.state = .inFlight
        queue.noteCopy(slot: slot, packet: number, isBundled: isBundled)
        return true
    }

    /// A queue in the path grows: copies would only make it longer.
    func isCongested(now: Instant) -> Bool {
        if isMarkedLately(now: now) { return true }
        guard detector.rtt.hasSample else { return false }
        let least = detector.rtt.min
        return detector.rtt.smoothed - least > max(.milliseconds(50), least / 2)
    }

    /// Counts what a copy saved, before the message that it was of is forgotten.
    mutating func noteUse(_ frame: SentFrame, in packet: UInt64) {
        guard case .fragment(let slot, _, let kind, let number) = frame,
            let (first, wasRepaired) = queue.firstPacket(
                slot: slot, deliveryClass: kind, number: number),
            first != packet
        else { return }
        let packets = detector.packets
        if packets.remembers(first), packets[first].state == .acknowledged { return }
        if wasRepaired { statistics.bundlesUseful += 1 } else { statistics.copiesUseful += 1 }
    }
}
