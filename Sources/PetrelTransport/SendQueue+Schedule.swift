// What is sent next: skips, then bands, then repairs, deadlines and flows in turn (§7.7).

internal import PetrelBase
internal import PetrelWire

/// What goes into a packet next.
enum Pick: Equatable, Sendable {
    /// A fragment of the message in that slot.
    case fragment(slot: UInt16, index: Int)
    /// A MSG_SKIP for the message in that slot.
    case skip(slot: UInt16)
    /// Chunks of the transfer in that place.
    case chunks(place: Int, Range<UInt64>)
}

extension SendQueue {
    /// Lower bands get one byte for as many of the higher ones.
    private static let share = 9
    /// Bytes that make a packet worth sending at once.
    private static let worthwhileByteCount = 1_000

    /// Whether `next` would find something, given room enough and no haste; in the bands up to
    /// `last` only.
    func hasSendable(now: Instant, last: Int = Band.count - 1) -> Bool {
        var reserved = false
        if skipCandidate != nil { return true }
        for band in 0...last where hasCandidate(band, now: now, &reserved) { return true }
        return false
    }

    /// Whether what `next` would find should not wait for company any more.
    func isReady(now: Instant) -> Bool { readyAt(now: now) <= now }

    /// When what waits should be sent, though it makes but a small packet.
    func readyAt(now: Instant) -> Instant {
        if skipCandidate != nil || bulk.hasChunks { return now }
        var earliest = Instant.distantFuture
        var reserved = false
        for band in 0..<Band.count where hasCandidate(band, now: now, &reserved) {
            guard repairs[band].isEmpty, unbegun[band] > 0,
                unbegun[band] < Self.worthwhileByteCount
            else { return now }
            earliest = min(earliest, lastSent[band] + company[band])
        }
        return earliest
    }

    /// Takes what is sent next, if it fits into `room` bytes; it counts as sent in `packet`.
    ///
    /// Of the bands up to `last` only.
    mutating func next(
        room: Int, packet: UInt64, now: Instant, last: Int = Band.count - 1
    ) -> Pick? {
        if let slot = skipCandidate {
            if !slots[Int(slot)].hasBegun { fixPlace(slot) }
            let charged = slots[Int(slot)].hasBegun ? slots[Int(slot)].byteCount : 0
            let frame = SkipFrame(slots[Int(slot)].name, charged: charged)
            guard frame.byteCount <= room else { return nil }
            leaveLine(slot)
            return .skip(slot: slot)
        }
        roomForChunks = room
        guard let pick = candidate(now: now, last: last) else { return nil }
        let needed = frameByteCount(pick)
        guard needed <= room else { return nil }
        switch pick {
        case .skip: break
        case .fragment(let slot, let index): take(slot, index: index, needed, packet: packet)
        case .chunks(let place, let chunks): bulk.take(place, chunks)
        }
        account(pick, needed, now: now)
        return pick
    }

    /// Bytes of the frame that carries a fragment or chunks.
    private mutating func frameByteCount(_ pick: Pick) -> Int {
        switch pick {
        case .skip: return 0
        case .fragment(let slot, let index):
            if !slots[Int(slot)].hasBegun { fixPlace(slot) }
            return MessageFragment.frameByteCount(
                slots[Int(slot)].name, total: slots[Int(slot)].byteCount, index: index)
        case .chunks(let place, _):
            return bulk.nextRun(place, room: roomForChunks)?.frameByteCount ?? 0
        }
    }

    /// Notes bytes of the lowest band that were sent past the queue.
    mutating func sentBackground(_ byteCount: Int) {
        owed[2] = max(0, owed[2] - Self.share * byteCount)
    }

    /// Whether the lowest band has waited for its share.
    var owesBackground: Bool { owed[2] >= Self.share * FlowRings.quantum }

    /// Whether a message waits for nothing but credit.
    var waitsForCredit: Bool {
        var reserved = false
        for band in 0..<Band.count {
            _ = hasCandidate(band, now: Instant(nanoseconds: .min), &reserved, visitsAll: true)
        }
        return reserved
    }

    // MARK: Choice

    /// A number beyond the window waits, also if nothing is left to say but that it stays empty.
    private var skipCandidate: UInt16? {
        var place = skips.first
        while let slot = place.orNil {
            if done[slots[Int(slot)].lane].reaches(slots[Int(slot)].number) { return slot }
            place = slots[Int(slot)].next
        }
        return nil
    }

    private mutating func candidate(now: Instant, last: Int) -> Pick? {
        var reserved = false
        #if PETREL_PLANTED
            let last = PlantedBug.bulkStarvesChat.isActive ? Band.count - 1 : last
        #endif
        for band in stride(from: last, to: 0, by: -1)
        where owed[band] >= Self.share * FlowRings.quantum {
            if let pick = candidate(band, now: now, &reserved) { return pick }
        }
        reserved = false
        for band in 0...last {
            #if PETREL_PLANTED
                let band = PlantedBug.bulkStarvesChat.isActive ? last - band : band
            #endif
            if let pick = candidate(band, now: now, &reserved) { return pick }
        }
        return nil
    }

    /// Repairs first, then what has a deadline, then the flows in turn.
    ///
    /// `reserved`: a message that was met before waits for credit; none may begin before it.
    private mutating func candidate(
        _ band: Int, now: Instant, _ reserved: inout Bool
    ) -> Pick? {
        if let slot = repairs[band].first.orNil { return fragment(slot) }
        if let slot = timedCandidate(band, now: now, &reserved) { return fragment(slot) }
        var visits = 2 * rings.flows.count + 2
        while let flow = rings.first(band), visits > 0 {
            visits -= 1
            switch head(flow, &reserved) {
            case .empty: rings.drop(band)
            case .blocked: rings.pass(band)
            case .ready(let pick):
                rings.beginTurn(flow)
                if rings[flow].deficit >= frameByteCount(pick) { return pick }
                rings.pass(band)
            }
        }
        return nil
    }

    private enum Head {
        case empty
        case blocked
        case ready(Pick)
    }

    /// What a flow would send next.
    private func head(_ flow: UInt16, _ reserved: inout Bool) -> Head {
        if rings[flow].deliveryClass.kind == .bulk {
            let place = Int(rings[flow].key)
            guard let run = bulk.nextRun(place, room: roomForChunks) else { return .empty }
            return .ready(.chunks(place: place, run.chunks))
        }
        guard let slot = rings[flow].messages.first.orNil else { return .empty }
        return isSendable(slot, &reserved) ? .ready(fragment(slot)) : .blocked
    }

    private func fragment(_ slot: UInt16) -> Pick {
        .fragment(slot: slot, index: slots[Int(slot)].pending.trailingZeroBitCount)
    }

    private func timedCandidate(
        _ band: Int, now: Instant, _ reserved: inout Bool
    ) -> UInt16? {
        var place = timed[band].first
        while let slot = place.orNil {
            #if PETREL_PLANTED
                let isLate =
                    slots[Int(slot)].deadline <= now && !PlantedBug.expiredStillSent.isActive
            #else
                let isLate = slots[Int(slot)].deadline <= now
            #endif
            if slots[Int(slot)].pending != 0, !isLate, isSendable(slot, &reserved) { return slot }
            place = slots[Int(slot)].next
        }
        return nil
    }

    private func hasCandidate(
        _ band: Int, now: Instant, _ reserved: inout Bool, visitsAll: Bool = false
    ) -> Bool {
        if !repairs[band].isEmpty, !visitsAll { return true }
        if timedCandidate(band, now: now, &reserved) != nil, !visitsAll { return true }
        var place = rings.first(band)
        while let flow = place {
            if case .ready = head(flow, &reserved), !visitsAll { return true }
            place = rings.next(flow)
        }
        return false
    }

    private func isSendable(_ slot: UInt16, _ reserved: inout Bool) -> Bool {
        if slots[Int(slot)].hasBegun { return true }
        let isRoomForParts =
            slots[Int(slot)].byteCount <= WireLimits.fragmentByteCount
            || severalFragmentsUnderWay < WireLimits.partialMessagesMax
        guard isRoomForParts,
            done[slots[Int(slot)].lane].reaches(slots[Int(slot)].number)
        else { return false }
        let byteCount = UInt64(slots[Int(slot)].byteCount)
        let kept = creditKept(Int(slots[Int(slot)].band), byteCount)
        guard !reserved, creditUsed + byteCount + kept <= credit else {
            reserved = true
            return false
        }
        return true
    }

    /// Credit that messages of a band leave to those that go first: a quarter of the window by the
    /// lowest band, an eighth by the middle one.
    ///
    /// Large ones leave less, so that who waits has more than half of the window under way: once
    /// that was handed over, the receiver tells a new limit without being asked.
    private func creditKept(_ band: Int, _ byteCount: UInt64) -> UInt64 {
        guard band > 0, byteCount < creditWindow / 2 else { return 0 }
        return min(creditWindow / (band == 1 ? 8 : 4), creditWindow / 2 - byteCount)
    }

    // MARK: Consequences

    /// What the message before it in its stream was is told only as long as it matters.
    mutating func fixPlace(_ slot: UInt16) {
        guard let place = slots[Int(slot)].place else { return }
        let (number, base) = (slots[Int(slot)].number, done[3].base)
        if place.distance > 0, number - place.distance < base {
            slots[Int(slot)].place = StreamPlace(stream: place.stream, distance: 0)
        }
    }

    private mutating func take(_ slot: UInt16, index: Int, _ byteCount: Int, packet: UInt64) {
        if !slots[Int(slot)].hasBegun {
            begin(slot)
            slots[Int(slot)].firstPacket = packet
        }
        slots[Int(slot)].pending &= ~(1 << UInt64(index))
        slots[Int(slot)].latestPacket = packet
        if slots[Int(slot)].line == .flow {
            rings[slots[Int(slot)].flow].deficit -= byteCount
        }
        if slots[Int(slot)].pending == 0 { restFromSending(slot) }
    }

    /// Counts for whom the bytes were sent, and for whom they were not.
    private mutating func account(_ pick: Pick, _ byteCount: Int, now: Instant) {
        let band: Int
        switch pick {
        case .skip: return
        case .fragment(let slot, _): band = Int(slots[Int(slot)].band)
        case .chunks(let place, _):
            band = transferBand(place)
            if let flow = rings.first(band) { rings[flow].deficit -= byteCount }
        }
        lastSent[band] = now
        owed[band] = max(0, owed[band] - Self.share * byteCount)
        var reserved = false
        for lower in stride(from: band + 1, to: Band.count, by: 1) {
            let waits =
                hasCandidate(lower, now: now, &reserved) || (lower == 2 && backgroundWaits)
            owed[lower] = waits ? owed[lower] + byteCount : 0
        }
    }

    private mutating func begin(_ slot: UInt16) {
        slots[Int(slot)].hasBegun = true
        creditUsed += UInt64(slots[Int(slot)].byteCount)
        unbegun[Int(slots[Int(slot)].band)] -= slots[Int(slot)].byteCount
        if slots[Int(slot)].fragmentCount > 1 { severalFragmentsUnderWay += 1 }
        reach(.sent, slot)
    }
}

extension UInt16 {
    /// `nil` for the end of a list of slots.
    var orNil: UInt16? { self == SlotList.none ? nil : self }
}
