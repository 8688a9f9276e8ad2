// Messages that are given up: expired, cancelled, and what the peer says became of them (§7.8).

internal import PetrelBase
internal import PetrelWire

extension SendQueue {
    /// Gives up what is late, and repeats what has a last chance to be in time.
    ///
    /// `halfTrip` is what a packet takes to the peer.
    mutating func observeDeadlines(
        now: Instant, halfTrip: Interval, into events: inout SessionEvents
    ) {
        for band in 0..<Band.count {
            var place = timed[band].first
            while let slot = place.orNil {
                place = slots[Int(slot)].next
                let deadline = slots[Int(slot)].deadline
                if deadline <= now {
                    #if PETREL_PLANTED
                        if PlantedBug.expiredStillSent.isActive { continue }
                    #endif
                    giveUp(slot, as: .expired, into: &events)
                } else if deadline - Self.lastChance(halfTrip) <= now, mayRepeat(slot) {
                    slots[Int(slot)].hadLastChance = true
                    slots[Int(slot)].pending =
                        slots[Int(slot)].allFragments & ~slots[Int(slot)].acknowledged
                }
            }
        }
    }

    /// When `observeDeadlines` has something to do.
    func nextDeadline(halfTrip: Interval) -> Instant {
        var earliest = Instant.distantFuture
        for band in 0..<Band.count {
            if let slot = timed[band].first.orNil {
                earliest = min(earliest, slots[Int(slot)].deadline)
            }
            var place = timed[band].first
            while let slot = place.orNil {
                if mayRepeat(slot) {
                    let due = slots[Int(slot)].deadline - Self.lastChance(halfTrip)
                    earliest = min(earliest, due)
                    break
                }
                place = slots[Int(slot)].next
            }
        }
        return earliest
    }

    /// Gives a message up on the owner's behalf.
    ///
    /// - Returns: whether it was under way still.
    mutating func cancel(
        _ kind: DeliveryClass.Kind, number: UInt64, into events: inout SessionEvents
    ) -> Bool {
        guard let slot = slot(of: kind, number), slots[Int(slot)].givenUp == nil else {
            return false
        }
        giveUp(slot, as: .cancelled, into: &events)
        return true
    }

    /// What the peer says became of a message that was given up.
    mutating func received(_ status: StatusFrame, into events: inout SessionEvents) {
        guard let slot = slot(of: status.kind, status.number),
            let state = slots[Int(slot)].givenUp
        else { return }
        let (deliveryClass, number) = (slots[Int(slot)].deliveryClass, slots[Int(slot)].number)
        if !slots[Int(slot)].isReported {
            if status.wasWhole {
                events.append(.acknowledged(deliveryClass, number: number))
            } else {
                events.append(.outcome(deliveryClass, number: number, state))
            }
        }
        finish(slot)
    }

    /// Notes that the packet with a MSG_SKIP was lost.
    mutating func skipLost(slot: UInt16, number: UInt64) {
        guard Int(slot) < slots.count, slots[Int(slot)].isUsed, slots[Int(slot)].number == number,
            slots[Int(slot)].givenUp != nil, slots[Int(slot)].line == .none
        else { return }
        standInSkips(slot)
    }

    /// The session is over: what becomes of the rest nobody can say.
    mutating func failAll(into events: inout SessionEvents) {
        progress.take(into: &events)
        for slot in slots.indices where slots[slot].isUsed && !slots[slot].isReported {
            slots[slot].isReported = true
            events.append(
                .outcome(
                    slots[slot].deliveryClass, number: slots[slot].number,
                    slots[slot].hasBegun ? .unknown : .failed))
        }
    }

    // MARK: Parts

    private mutating func giveUp(
        _ slot: UInt16, as state: MessageState, into events: inout SessionEvents
    ) {
        leaveLine(slot)
        fixPlace(slot)
        let message = slots[Int(slot)]
        slots[Int(slot)].givenUp = state
        slots[Int(slot)].pending = 0
        slots[Int(slot)].bytes.removeAll(
            keepingCapacity: message.byteCount <= WireLimits.fragmentByteCount)
        if !message.hasBegun {
            // The peer never saw it; it must know only that the number stays empty.
            unbegun[Int(message.band)] -= message.byteCount
            slots[Int(slot)].isReported = true
            events.append(.outcome(message.deliveryClass, number: message.number, state))
        }
        standInSkips(slot)
    }

    private mutating func standInSkips(_ slot: UInt16) {
        #if PETREL_PLANTED
            if PlantedBug.skipIgnored.isActive { return }
        #endif
        slots[Int(slot)].line = .skips
        skips.append(slot, &slots)
    }

    /// Whether a last copy makes sense: all was sent, and not all of it is acknowledged.
    private func mayRepeat(_ slot: UInt16) -> Bool {
        slots[Int(slot)].hasBegun && slots[Int(slot)].pending == 0
            && !slots[Int(slot)].hadLastChance
    }

    /// How long before its deadline a message is repeated, so that the copy is in time.
    private static func lastChance(_ halfTrip: Interval) -> Interval {
        halfTrip * 5 / 4 + .milliseconds(2)
    }

    private func slot(of kind: DeliveryClass.Kind, _ number: UInt64) -> UInt16? {
        for slot in slots.indices
        where slots[slot].isUsed && slots[slot].number == number
            && slots[slot].deliveryClass.kind == kind
        {
            return UInt16(slot)
        }
        return nil
    }
}

/// What is known of a message that was given to a session; states only move forward.
public enum MessageState: UInt8, Comparable, Sendable {
    /// It waits.
    case queued
    /// Something of it was sent.
    case sent
    /// A packet with something of it counts as lost; it is repeated.
    case lostSuspect
    /// The peer's transport has all of it.
    case acknowledged
    /// Its deadline passed, and the peer does not have it.
    case expired
    /// Its owner took it back, and the peer does not have it.
    case cancelled
    /// The session ended before anything of it was sent.
    case failed
    /// The session ended while it was under way: the peer may have it or not.
    case unknown

    public static func < (a: MessageState, b: MessageState) -> Bool { a.rawValue < b.rawValue }
}

/// States that were reached where no events can be told; bounded, and free when off.
struct ProgressLog: Sendable {
    private static let entriesMax = 4_096

    let isOn: Bool
    private var entries: [(deliveryClass: DeliveryClass, number: UInt64, state: MessageState)] = []

    init(isOn: Bool) { self.isOn = isOn }

    mutating func note(_ name: @autoclosure () -> MessageName, _ state: MessageState) {
        guard isOn, entries.count < Self.entriesMax else { return }
        let name = name()
        entries.append((name.deliveryClass, name.number, state))
    }

    mutating func take(into events: inout SessionEvents) {
        guard !entries.isEmpty else { return }
        for entry in entries {
            events.append(.outcome(entry.deliveryClass, number: entry.number, entry.state))
        }
        entries.removeAll(keepingCapacity: true)
    }
}
