// Datagrams over TCP: the connection that the brain wants, and what goes over it.

internal import PetrelBase
internal import PetrelClientCore
internal import PetrelEvent

extension Runner {
    /// Opens and closes the connection as the brain wants it.
    func wantStream(now: Instant) {
        take(stream.want(core.wantedStream, loop: loop, handler: self), now: now)
    }

    /// Something happened at the connection.
    func proceed(now: Instant) {
        let wall = WallTime.now
        take(stream.proceed(loop: loop), now: now)
        for _ in 0..<8 {
            let from = stream.address
            let (hasMore, news) = stream.receive(into: &incoming, loop: loop)
            for i in 0..<incoming.count {
                incoming.withDatagram(i) { bytes, _ in
                    core.receive(&bytes, from: from, now: now, wall: wall)
                }
            }
            take(news, now: now)
            guard hasMore else { return }
        }
    }

    func sendStreamed(now: Instant) {
        for (bytes, destination) in streamed {
            take(stream.send(bytes.span.bytes, to: destination, loop: loop), now: now)
        }
        streamed.removeAll(keepingCapacity: true)
    }

    private func take(_ news: ClientStream.News?, now: Instant) {
        switch news {
        case .opened: core.streamOpened(now: now)
        case .closed: core.streamClosed(now: now)
        case nil: return
        }
    }
}
