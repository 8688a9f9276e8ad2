// The client's TCP connection: there while the brain wants it, and told about when it is not.

internal import PetrelBase
internal import PetrelEvent
internal import PetrelWire

/// A connection to the server, being opened or open; none most of the time.
struct ClientStream: ~Copyable {
    /// What happened to the connection.
    enum News {
        case opened
        case closed
    }

    private var stream: DatagramStream?
    /// Where it leads.
    private(set) var address = Address.none
    private var isOpen = false

    /// Whether `descriptor` is that of the connection.
    func has(_ descriptor: Int32) -> Bool {
        switch stream {
        case .some(let stream): stream.descriptor == descriptor
        case .none: false
        }
    }

    /// Opens and closes so that there is the connection that is `wanted`, if any.
    ///
    /// Returns `.closed` if it cannot be opened.
    mutating func want(
        _ wanted: Address?, loop: EventLoop, handler: any EventHandler
    ) -> News? {
        guard wanted != (stream == nil ? nil : address) else { return nil }
        close(loop: loop)
        guard let wanted else { return nil }
        do throws(SystemError) {
            let opening = try DatagramStream(
                connectingTo: wanted, byteCountMax: WireLimits.receivedDatagramByteCountMax)
            let descriptor = opening.descriptor
            stream = consume opening
            address = wanted
            try loop.watch(descriptor, with: handler)
            try loop.awaitRoom(descriptor)
            return nil
        } catch {
            close(loop: loop)
            return .closed
        }
    }

    /// The connection is ready for reading or writing: opens it, or sends what waits.
    mutating func proceed(loop: EventLoop) -> News? {
        guard stream != nil else { return nil }
        guard isOpen else {
            guard stream?.isConnected == true else { return end(loop: loop) }
            isOpen = true
            return .opened
        }
        return flush(loop: loop)
    }

    /// Replaces what is in `batch` by what has come; `hasMore`: ask again.
    mutating func receive(
        into batch: inout DatagramBatch, loop: EventLoop
    ) -> (hasMore: Bool, news: News?) {
        batch.removeAll()
        guard isOpen, let arrival = stream?.receive(into: &batch, from: address) else {
            return (false, nil)
        }
        switch arrival {
        case .some: return (true, nil)
        case .none: return (false, nil)
        case .ended, .malformed: return (false, end(loop: loop))
        }
    }

    /// Sends a datagram, if the connection is the one to `destination` and open.
    mutating func send(_ datagram: RawSpan, to destination: Address, loop: EventLoop) -> News? {
        guard isOpen, destination == address, stream?.append(datagram) == true else { return nil }
        return flush(loop: loop)
    }

    private mutating func flush(loop: EventLoop) -> News? {
        switch stream?.flush() {
        case .sent, nil: return nil
        case .blocked:
            guard case .some(let descriptor) = descriptor,
                (try? loop.awaitRoom(descriptor)) != nil
            else { return end(loop: loop) }
            return nil
        case .broken: return end(loop: loop)
        }
    }

    private var descriptor: Int32? {
        switch stream {
        case .some(let stream): stream.descriptor
        case .none: nil
        }
    }

    private mutating func end(loop: EventLoop) -> News? {
        close(loop: loop)
        return .closed
    }

    private mutating func close(loop: EventLoop) {
        if let descriptor { loop.forget(descriptor) }
        stream = nil
        address = .none
        isOpen = false
    }
}
