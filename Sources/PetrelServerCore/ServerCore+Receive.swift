// A datagram comes in: it belongs to a session, asks for one, or is dropped with a count.

public import PetrelBase
internal import PetrelTransport
internal import PetrelWire

extension ServerCore {
    /// Takes a datagram in, which is decrypted in place; `ecn` is what its IP header said.
    public mutating func receive(
        _ datagram: inout MutableRawSpan, from address: Address, ecn: ECN = .notECT, now: Instant,
        wall: WallTime
    ) {
        metrics.datagramsReceived += 1
        metrics.bytesReceived += UInt64(datagram.byteCount)
        switch PacketForm(datagram.bytes, receivedBy: .server) {
        case .data(let id):
            guard let handle = table.handle(of: id.value) else {
                if let waiting = halfOpen.handle(of: id.value) {
                    return receiveFirst(
                        &datagram, of: waiting, from: address, ecn: ecn, now: now, wall: wall)
                }
                if let asleep = dormant.handle(of: id.value) {
                    return receiveAsleep(
                        &datagram, of: asleep, from: address, ecn: ecn, now: now, wall: wall)
                }
                let owner = Steering.worker(of: id.value)
                if owner != worker, owner < configuration.workers {
                    return forward(datagram.bytes, from: address, ecn: ecn, to: owner)
                }
                return receiveUnknown(
                    id.value, byteCount: datagram.byteCount, from: address, now: now)
            }
            let drop = sessions[handle].session.receive(
                &datagram, from: address, ecn: ecn, now: now, into: &events)
            guard drop == nil else {
                metrics.droppedBySession += 1
                collectTrace(handle)
                return
            }
            metrics.datagramsAccepted += 1
            settle(handle, now: now, wall: wall)
        case .hello:
            let owner = Steering.worker(ofHello: datagram.bytes, among: configuration.workers)
            if let owner, owner != worker {
                return forwardHello(datagram.bytes, from: address, to: owner)
            }
            receiveHello(datagram.bytes, from: address, now: now)
        case .probe(let probe):
            receiveProbe(probe, datagram.bytes, from: address, now: now)
        case .accept, .retry, nil:
            metrics.droppedUnrecognised += 1
        }
    }

    /// Passes a HELLO to the worker that knows its copies, unless its maker does not know our key.
    private mutating func forwardHello(
        _ datagram: RawSpan, from address: Address, to owner: Int
    ) {
        guard Hello.tag(of: datagram, mac: helloKey) != nil else {
            metrics.droppedHelloUnproved += 1
            return
        }
        forward(datagram, from: address, ecn: .notECT, to: owner)
    }

    /// A packet of no session: if its ID was given by this server, its sender is told.
    ///
    /// The datagram counts as dropped all the same.
    private mutating func receiveUnknown(
        _ id: UInt64, byteCount: Int, from address: Address, now: Instant
    ) {
        metrics.droppedUnknownSession += 1
        guard !isStopping, !hasFailed,
            admission.mayReset(id, trigger: byteCount, now: now)
        else { return }
        admission.answer(.reset(id: id, trigger: byteCount), to: address)
        metrics.resetsSent += 1
    }
}
