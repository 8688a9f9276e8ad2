// The TCP connections of a server: taken, watched, bounded, and closed when they are of no use.

internal import PetrelBase
internal import PetrelEvent
internal import PetrelWire

/// A datagram that another worker has for a connection.
struct StreamedDatagram: Sendable {
    /// The connection.
    var address: Address
    /// The datagram.
    var bytes: [UInt8]
}

/// What became of connections and of what they carried.
public struct StreamMetrics: Equatable, Sendable {
    /// Connections taken.
    public var accepted: UInt64 = 0
    /// Connections closed at once, because there were too many, or too many of that host.
    public var refused: UInt64 = 0
    /// Connections closed because they announced a datagram that cannot be.
    public var malformed: UInt64 = 0
    /// Connections closed because nothing came of them in time, or they gave way.
    public var expired: UInt64 = 0
    /// Datagrams dropped: the peer does not read, or the connection is gone.
    public var dropped: UInt64 = 0
}

/// A connection and what has happened on it.
struct StreamConnection: ~Copyable {
    var stream: DatagramStream
    let address: Address
    let taken: Instant
    var lastHeard: Instant
    /// Since when a datagram is not whole.
    var insideSince: Instant?
    /// Whether a session lives on it.
    var isProven = false

    /// When it is closed, if nothing comes.
    func deadline(_ limits: StreamLimits) -> Instant {
        var deadline =
            isProven ? lastHeard + limits.idleTimeout : taken + limits.unprovenLifetime
        if let insideSince { deadline = min(deadline, insideSince + limits.datagramTime) }
        return deadline
    }
}

/// All connections; they belong to worker 0, whatever worker their sessions belong to.
///
/// Nobody has proved anything by opening a connection. Until the server has sent a data packet over
/// one, which only sessions cause, it lasts for 10 s and gives way to newer ones; a datagram that
/// has begun must be whole within 10 s. So who opens many, or sends slowly, keeps others out only
/// as long as he goes on, and costs a bounded number of descriptors and bytes.
struct StreamConnections: ~Copyable {
    private let limits: StreamLimits
    private var listener: StreamListener
    private var connections: Slab<StreamConnection>
    private var byDescriptor: [Int32: Handle] = [:]
    private var byAddress: [Address: Handle] = [:]
    private var hostCounts: [Address: Int] = [:]
    private var deadlines: DeadlineQueue
    /// Until when no connection is taken, because the process has no descriptors left.
    private var pausedUntil: Instant?
    private(set) var metrics = StreamMetrics()

    init(listener: consuming StreamListener, limits: StreamLimits) {
        self.listener = listener
        self.limits = limits
        connections = Slab(capacity: limits.connectionsMax)
        deadlines = DeadlineQueue(capacity: limits.connectionsMax)
    }

    /// When `advance` has something to do.
    var deadline: Instant {
        min(deadlines.first?.deadline ?? .distantFuture, pausedUntil ?? .distantFuture)
    }

    /// Connections there are.
    var count: Int { connections.count }

    /// Has `handler` told of new connections.
    func watch(_ loop: EventLoop, _ handler: any EventHandler) throws(SystemError) {
        try loop.watch(listener.descriptor, with: handler)
    }

    /// Whether connections wait at `descriptor`.
    func isListener(_ descriptor: Int32) -> Bool { descriptor == listener.descriptor }

    /// Takes the connections that wait, but no more than one wakeup may.
    mutating func take(loop: EventLoop, handler: any EventHandler, now: Instant) {
        for _ in 0..<Self.takenPerWakeupMax {
            do throws(SystemError) {
                guard let (descriptor, peer) = try listener.accept() else { return }
                let stream = DatagramStream(
                    adopting: descriptor, byteCountMax: WireLimits.receivedDatagramByteCountMax)
                keep(stream, peer, loop: loop, handler: handler, now: now)
            } catch {
                // The listener stays readable: without a pause this would be all that happens.
                loop.forget(listener.descriptor)
                pausedUntil = now + Self.pause
                return
            }
        }
    }

    private mutating func keep(
        _ stream: consuming DatagramStream, _ peer: Address, loop: EventLoop,
        handler: any EventHandler, now: Instant
    ) {
        let host = peer.over(.stream, port: 0)
        guard hostCounts[host, default: 0] < limits.connectionsPerHostMax, makeRoom(loop: loop)
        else {
            metrics.refused += 1
            return
        }
        let descriptor = stream.descriptor
        let connection = StreamConnection(stream: stream, address: peer, taken: now, lastHeard: now)
        guard let handle = connections.insert(connection) else { return }
        byDescriptor[descriptor] = handle
        byAddress[peer] = handle
        hostCounts[host, default: 0] += 1
        metrics.accepted += 1
        deadlines.set(handle.slot, to: connections[handle].deadline(limits))
        if (try? loop.watch(descriptor, with: handler)) == nil { close(handle, loop: loop) }
    }

    /// Has the connection give way on which nothing has happened and whose time is up first.
    private mutating func makeRoom(loop: EventLoop) -> Bool {
        guard connections.isFull else { return true }
        guard let (slot, _) = deadlines.first, let handle = connections.handle(slot: slot),
            !connections[handle].isProven
        else { return false }
        metrics.expired += 1
        close(handle, loop: loop)
        return true
    }

    /// Replaces what is in `batch` by what has come over the connection at `descriptor`.
    ///
    /// Returns whether there may be more.
    mutating func receive(
        _ descriptor: Int32, into batch: inout DatagramBatch, loop: EventLoop, now: Instant
    ) -> Bool {
        batch.removeAll()
        guard let handle = byDescriptor[descriptor] else { return false }
        let address = connections[handle].address
        let arrival = connections[handle].stream.receive(into: &batch, from: address)
        switch arrival {
        case .some:
            connections[handle].lastHeard = now
            let isInside = connections[handle].stream.isInsideDatagram
            if !isInside {
                connections[handle].insideSince = nil
            } else if connections[handle].insideSince == nil || !batch.isEmpty {
                connections[handle].insideSince = now
            }
            deadlines.set(handle.slot, to: connections[handle].deadline(limits))
            return true
        case .none: return false
        case .ended:
            close(handle, loop: loop)
            return false
        case .malformed:
            metrics.malformed += 1
            close(handle, loop: loop)
            return false
        }
    }

    /// Sends a datagram over the connection to `address`, if it is there.
    mutating func send(_ datagram: RawSpan, to address: Address, loop: EventLoop) {
        guard let handle = byAddress[address], connections[handle].stream.append(datagram) else {
            metrics.dropped += 1
            return
        }
        if Self.isData(datagram), !connections[handle].isProven {
            connections[handle].isProven = true
            deadlines.set(handle.slot, to: connections[handle].deadline(limits))
        }
        flush(handle, loop: loop)
    }

    /// There is room for what waits at `descriptor`.
    mutating func flush(_ descriptor: Int32, loop: EventLoop) {
        if let handle = byDescriptor[descriptor] { flush(handle, loop: loop) }
    }

    private mutating func flush(_ handle: Handle, loop: EventLoop) {
        switch connections[handle].stream.flush() {
        case .sent: return
        case .blocked:
            let isAwaited: Void? = try? loop.awaitRoom(connections[handle].stream.descriptor)
            if isAwaited == nil { close(handle, loop: loop) }
        case .broken: close(handle, loop: loop)
        }
    }

    /// Closes what has had its time, and goes on to take connections.
    mutating func advance(loop: EventLoop, handler: any EventHandler, now: Instant) {
        while let (slot, deadline) = deadlines.first, deadline <= now,
            let handle = connections.handle(slot: slot)
        {
            metrics.expired += 1
            close(handle, loop: loop)
        }
        guard let until = pausedUntil, until <= now else { return }
        let isWatched: Void? = try? watch(loop, handler)
        pausedUntil = isWatched == nil ? now + Self.pause : nil
    }

    private mutating func close(_ handle: Handle, loop: EventLoop) {
        let address = connections[handle].address
        let descriptor = connections[handle].stream.descriptor
        metrics.dropped += connections[handle].stream.dropped
        loop.forget(descriptor)
        byDescriptor[descriptor] = nil
        if byAddress[address] == handle { byAddress[address] = nil }
        deadlines.remove(handle.slot)
        let host = address.over(.stream, port: 0)
        let left = hostCounts[host, default: 1] - 1
        hostCounts[host] = left > 0 ? left : nil
        _ = connections.remove(handle)
    }

    /// Whether a session has sent it: answers to strangers have other forms, or look like RESETs,
    /// which prove that somebody knew an ID.
    private static func isData(_ datagram: RawSpan) -> Bool {
        datagram.unsafeLoad(as: UInt8.self) & 0xC0 == 0x40
    }

    private static let takenPerWakeupMax = 64
    private static let pause = Interval.seconds(1)
}
