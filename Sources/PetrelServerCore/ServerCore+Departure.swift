// The end of a server in good order: its clients hear of it first, and come back spread out.

public import PetrelBase
internal import PetrelTransport
internal import PetrelWire

extension ServerCore {
    /// Takes no more sessions, tells all clients to come back, and closes theirs a little later.
    ///
    /// Until then, and for operations under way also after that, everything goes on.
    public mutating func stop(now: Instant) {
        guard !isStopping else { return }
        isStopping = true
        closesAt = now + configuration.departureGrace
        metrics.droppedHelloRefused += UInt64(admission.clear())
        while halfOpen.removeFirst(until: .distantFuture) {}
        for slot in 0..<sessions.capacity {
            guard let handle = sessions.handle(slot: slot) else { continue }
            sessions[handle].session.announceDeparture(
                within: configuration.departureWindow, to: configuration.departureAddress)
            touch(handle)
        }
    }

    /// Closes all sessions, if it is time.
    mutating func closeAllIfDue(now: Instant) {
        guard closesAt <= now else { return }
        closesAt = .distantFuture
        for slot in 0..<sessions.capacity {
            guard let handle = sessions.handle(slot: slot) else { continue }
            close(handle, .serverStopping, now: now)
        }
    }
}
