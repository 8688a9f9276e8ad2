// PARITY frames of long messages: when they are sent, and what arrives by them (§7.9).

internal import PetrelBase
internal import PetrelWire

/// A group of fragments whose PARITY frame waits for a packet.
struct WaitingParity: Sendable {
    var slot: UInt16
    var deliveryClass: DeliveryClass
    var number: UInt64
    var group: Range<Int>
    /// The packet with the last fragment: the frame travels in another one.
    var after: UInt64
    var since: Instant
}

extension Session {
    /// The share of packets lost from which on parity is worth its bytes, in thousandths.
    private static let parityFromPerMille = 20
    /// The fewest fragments of a message that gets parity.
    private static let parityFragmentsMin = 3

    /// All of a long message was sent for the first time: its groups get their parity.
    mutating func noteLastFragment(_ slot: UInt16, now: Instant) {
        let message = queue.slots[Int(slot)]
        guard message.fragmentCount >= Self.parityFragmentsMin, message.repairs == 0,
            message.pending == 0, message.redundancy == .auto, isParityWorthwhile(now: now)
        else { return }
        for index in 0..<ParityFrame.groupCount(total: message.byteCount)
        where parities.count < WireLimits.paritiesMax {
            parities.append(
                WaitingParity(
                    slot: slot, deliveryClass: message.deliveryClass, number: message.number,
                    group: ParityFrame.group(index, total: message.byteCount),
                    after: message.latestPacket, since: now))
        }
    }

    private func isParityWorthwhile(now: Instant) -> Bool {
        configuration.redundancy == .auto && detector.rules.contains(.parity)
            && !isCongested(now: now)
            && detector.losses.isAtLeast(perMille: Self.parityFromPerMille)
            && detector.losses.isRandom(probeInterval: urgentProbeInterval)
    }

    /// Whether a PARITY frame waits that still makes sense; others are forgotten.
    mutating func hasParity(now: Instant) -> Bool {
        while let first = parities.first {
            let isUnderWay = queue.isUnderWay(
                slot: first.slot, deliveryClass: first.deliveryClass, number: first.number,
                outside: .max)
            // Repairs go out when that time has passed.
            let isEarly = first.since + urgentProbeInterval > now
            if isUnderWay, isEarly, !isCongested(now: now), copies.hasBudget(now: now) {
                return true
            }
            parities.removeFirst()
        }
        return false
    }

    /// Writes the PARITY frame that waits, if this is another packet than that of its fragments.
    mutating func writeParity(
        to writer: inout ByteWriter, packet: inout SentPacket, number: UInt64, now: Instant
    ) {
        guard hasParity(now: now), let first = parities.first, first.after != number else {
            return
        }
        let message = queue.slots[Int(first.slot)]
        let bytes = message.bytes
        let start = writer.offset
        let written: Void? = unsafe try? ParityFrame.write(
            bytes.span.bytes, group: first.group, of: message.name, to: &writer)
        guard written != nil else {
            // Nothing else is in the packet, so the next one would have no more room.
            if packet.state != .inFlight { parities.removeFirst() }
            return
        }
        parities.removeFirst()
        packet.state = .inFlight
        copies.copied(byteCount: writer.offset - start)
        statistics.paritiesSent += 1
    }

    mutating func receive(
        _ parity: borrowing ParityFrame, now: Instant, into events: inout SessionEvents
    ) {
        switch reassembler.receive(parity) {
        case .none, .held, .whole: return
        case .violation(let code): return violate(code, now: now, into: &events)
        case .assembled:
            let message = reassembler.assembled
            unsafe deliver(message.span.bytes, parity.name, now: now, into: &events)
        }
        deliverHeld(now: now, into: &events)
    }
}
