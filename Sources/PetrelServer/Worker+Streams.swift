// Datagrams over TCP: worker 0 has the connections, and the others write to it.

internal import PetrelBase
internal import PetrelEvent
internal import PetrelServerCore
internal import PetrelTransport

extension Worker {
    /// Connections that were taken, and what became of them; nothing of other workers than 0.
    var streamMetrics: StreamMetrics {
        switch state.streams {
        case .some(let streams): streams.metrics
        case .none: StreamMetrics()
        }
    }

    func watchStreams() throws(SystemError) {
        guard state.streams != nil else { return }
        try state.streams?.watch(loop, self)
        try loop.watch(mailboxes.streamed.descriptor, with: self)
    }

    /// Something came for connections, or over one.
    func receiveStreamed(_ descriptor: Int32, now: Instant, wall: WallTime) {
        if descriptor == mailboxes.streamed.descriptor {
            mailboxes.streamed.drain(into: &state.streamed)
            return sendStreamed()
        }
        if state.streams?.isListener(descriptor) == true {
            state.streams?.take(loop: loop, handler: self, now: now)
            return
        }
        // One read at a time, so that who sends much waits for all others in between.
        guard state.receive(descriptor, loop: loop, now: now, wall: wall) else { return }
        flush(now: now)
    }

    /// Sends what the core, or another worker, has for connections.
    func sendStreamed() {
        guard !state.streamed.isEmpty else { return }
        if state.core.worker == 0 {
            state.sendStreamed(loop: loop)
        } else {
            // What the mailbox has no room for is lost, as on any network.
            for datagram in state.streamed { _ = all[0].streamed.post(datagram) }
            state.streamed.removeAll(keepingCapacity: true)
        }
    }
}

extension Worker.State {
    /// When something is due with the connections.
    var streamsDeadline: Instant {
        switch streams {
        case .some(let streams): streams.deadline
        case .none: .distantFuture
        }
    }

    /// Takes in what came over a connection; returns whether it was anything.
    mutating func receive(
        _ descriptor: Int32, loop: EventLoop, now: Instant, wall: WallTime
    ) -> Bool {
        guard streams?.receive(descriptor, into: &incoming, loop: loop, now: now) == true else {
            return false
        }
        Self.hand(&incoming, to: &core, over: .stream, now: now, wall: wall)
        return true
    }

    mutating func sendStreamed(loop: EventLoop) {
        for i in streamed.indices {
            let bytes = streamed[i].bytes
            streams?.send(bytes.span.bytes, to: streamed[i].address, loop: loop)
        }
        streamed.removeAll(keepingCapacity: true)
    }
}

extension StreamedDatagram {
    /// A copy of what a core has written into `room`.
    init(_ room: borrowing MutableRawSpan, _ sent: Transmission) {
        address = sent.destination
        bytes = room.bytes.extracting(first: sent.byteCount).withUnsafeBytes { Array($0) }
    }
}
