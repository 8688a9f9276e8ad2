// Datagrams go out: what each ready session has, then answers to strangers.

public import PetrelBase
internal import PetrelMessaging
public import PetrelTransport

extension ServerCore {
    /// Puts the next datagram into `room`, if there is one; call until `nil`.
    ///
    /// - Parameters:
    ///   - room: at least 1,452 bytes.
    ///   - now: the present moment.
    /// - Returns: how many bytes were written, and where they go.
    public mutating func transmit(
        into room: inout MutableRawSpan, now: Instant
    ) -> Transmission? {
        guard
            let transmission = nextPacket(into: &room, now: now)
                ?? nextProbeAnswer(into: &room) ?? nextAnswer(into: &room, now: now)
        else { return nil }
        metrics.datagramsSent += 1
        metrics.bytesSent += UInt64(transmission.byteCount)
        return transmission
    }

    /// Opens HELLOs until one has an answer, as many as this wakeup may.
    private mutating func nextAnswer(
        into room: inout MutableRawSpan, now: Instant
    ) -> Transmission? {
        while true {
            if let answer = admission.transmit(into: &room, now: now) { return answer }
            guard openNextHello(now: now) else { return nil }
        }
    }

    private mutating func nextPacket(
        into room: inout MutableRawSpan, now: Instant
    ) -> Transmission? {
        while true {
            guard let slot = current ?? ready.popFirst() else {
                guard wakeForDeparture(now: now) else { return nil }
                continue
            }
            current = slot
            if let handle = sessions.handle(slot: slot) {
                let transmission = sessions[handle].session.transmit(into: &room, now: now)
                if let transmission { return transmission }
                if announceMissed(handle, now: now) { continue }
                rest(handle, now: now)
            }
            isReady[slot] = false
            current = nil
        }
    }

    /// Has the session told that pushes were left out, if it has taken all others; returns whether.
    ///
    /// Its next keepalive might be long in coming: a client that sends sends none.
    private mutating func announceMissed(_ handle: Handle, now: Instant) -> Bool {
        guard sessions[handle].state.isOwed, sessions[handle].session.queuedMessages == 0,
            sessions[handle].state.phase != .over
        else { return false }
        guard !makeUp(handle, now: now) else { return true }
        sessions[handle].state.hasMissed = false
        #if PETREL_PLANTED
            if PlantedBug.missedNotAnnounced.isActive { return false }
        #endif
        sessions[handle].session.announceHint()
        return true
    }

    /// The session has nothing to send now: it waits for its deadline, or goes if it is over.
    private mutating func rest(_ handle: Handle, now: Instant) {
        collectTrace(handle)
        if sessions[handle].state.phase == .over {
            remove(handle)
        } else {
            deadlines.set(
                handle.slot,
                to: min(sessions[handle].session.deadline, sleepsAt(handle, now: now)))
        }
    }

    /// Something happened to the session: `transmit` must ask it.
    mutating func touch(_ handle: Handle) {
        guard !isReady[handle.slot] else { return }
        isReady[handle.slot] = true
        deadlines.remove(handle.slot)
        _ = ready.append(handle.slot)
    }

    /// Forgets a session; nothing is sent for it any more.
    mutating func remove(_ handle: Handle) {
        guard sessions.contains(handle) else { return }
        forgetConnectionIDs(handle)
        forgetProbe(handle)
        hosts.remove(Host(sessions[handle].state.address))
        deadlines.remove(handle.slot)
        _ = sessions.remove(handle)
    }
}
