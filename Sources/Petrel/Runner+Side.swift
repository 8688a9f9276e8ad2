// The flow on which the client measures its NAT: a socket that is open only meanwhile.

internal import PetrelBase
internal import PetrelClientCore
internal import PetrelEvent
internal import PetrelTransport

extension Runner {
    /// Opens and closes the socket as the brain wants it, and sends what goes over it.
    func measure(now: Instant) {
        guard core.needsSideFlow else { return closeSide() }
        // Without another socket nothing is measured, and nothing else suffers.
        if side == nil { openSide() }
        var outgoing = DatagramBatch()
        while outgoing.append({ room -> (byteCount: Int, to: Address)? in
            guard let sent = core.transmitSide(into: &room, now: now) else { return nil }
            return (sent.byteCount, sent.destination)
        }) {}
        if !outgoing.isEmpty { _ = side?.send(&outgoing) }
    }

    func receiveSide(now: Instant) {
        guard let count = try? side?.receive(into: &incoming) else { return }
        let wall = WallTime.now
        for i in 0..<count {
            incoming.withDatagram(i) { bytes, address in
                core.receiveSide(bytes.bytes, from: address, now: now, wall: wall)
            }
        }
    }

    private func openSide() {
        side = try? Self.openSocket()
        if let descriptor = side?.descriptor { try? loop.watch(descriptor, with: self) }
    }

    private func closeSide() {
        guard let descriptor = side?.descriptor else { return }
        loop.forget(descriptor)
        side = nil
    }
}
