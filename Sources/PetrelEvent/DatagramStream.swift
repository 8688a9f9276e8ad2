// A TCP connection that gives and takes whole datagrams and never waits.

import Glibc
public import PetrelBase

/// One end of a connection of datagrams, each behind its length; closed when it goes away.
///
/// It is a path like any other: what does not fit into its queue is lost, and counted. So a peer
/// that does not read costs no more than that queue.
public struct DatagramStream: ~Copyable, Sendable {
    /// What `receive` found.
    public enum Arrival: Equatable, Sendable {
        /// Bytes came; the batch has the datagrams that are whole, and there may be more.
        case some
        /// Nothing is waiting.
        case none
        /// The other end has closed the connection, or it is broken.
        case ended
        /// The other end announced a datagram that cannot be; the connection is of no use any more.
        case malformed
    }

    /// What became of the bytes in the queue.
    public enum Progress: Equatable, Sendable {
        /// The kernel has them all.
        case sent
        /// The kernel has no room: wait for `EventLoop.awaitRoom`, then `flush`.
        case blocked
        /// The connection is broken.
        case broken
    }

    /// Bytes that may wait here, besides those in the kernel.
    public static let queueByteCountMax = 64 * 1_024

    /// The descriptor, for an `EventLoop`.
    public let descriptor: Int32
    /// Datagrams that did not fit into the queue, or into a batch.
    public private(set) var dropped: UInt64 = 0
    private var decoder: StreamDecoder
    private var queue: [UInt8] = []
    /// Bytes of the queue that the kernel has taken.
    private var queueSent = 0

    /// Takes over the connected socket `descriptor`, whose datagrams have that length at most.
    public init(adopting descriptor: Int32, byteCountMax: Int) {
        self.descriptor = descriptor
        decoder = StreamDecoder(byteCountMax: byteCountMax)
    }

    /// Begins to open a connection; it is writable once that has succeeded or failed.
    ///
    /// - Throws: `SystemError` if it fails at once.
    public init(connectingTo address: Address, byteCountMax: Int) throws(SystemError) {
        descriptor = try DatagramStream.open(to: address)
        decoder = StreamDecoder(byteCountMax: byteCountMax)
    }

    private static func open(to address: Address) throws(SystemError) -> Int32 {
        let kind = SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue
        let descriptor = socket(address.v4 != nil ? AF_INET : AF_INET6, Int32(kind), 0)
        guard descriptor >= 0 else { throw SystemError(call: "socket") }
        tune(descriptor)
        var name = sockaddr_in6()
        let outcome = withUnsafeMutableBytes(of: &name) { bytes -> Int32 in
            guard let start = bytes.baseAddress else { return -1 }
            let size = address.write(to: start)
            return connect(descriptor, start.assumingMemoryBound(to: sockaddr.self), size)
        }
        guard outcome == 0 || errno == EINPROGRESS else {
            let error = SystemError(call: "connect")
            close(descriptor)
            throw error
        }
        return descriptor
    }

    deinit { close(descriptor) }

    /// Whether a connection that was being opened is there, once it is writable.
    public var isConnected: Bool {
        var error: Int32 = 0
        var size = socklen_t(MemoryLayout<Int32>.size)
        guard getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &error, &size) == 0, error == 0 else {
            return false
        }
        var name = sockaddr_in6()
        return withUnsafeMutableBytes(of: &name) { bytes in
            guard let start = bytes.baseAddress else { return false }
            var byteCount = socklen_t(bytes.count)
            return getpeername(
                descriptor, start.assumingMemoryBound(to: sockaddr.self), &byteCount) == 0
        }
    }

    /// Whether a datagram has begun to arrive and is not whole.
    public var isInsideDatagram: Bool { decoder.isInside }
    /// Whether bytes wait for room in the kernel.
    public var hasQueue: Bool { queueSent < queue.count }

    /// Replaces what is in `batch` by datagrams that have arrived, as if from `address`.
    ///
    /// One system call, for no more bytes than hold a batch of the shortest packets.
    public mutating func receive(
        into batch: inout DatagramBatch, from address: Address
    ) -> Arrival {
        batch.removeAll()
        return withUnsafeTemporaryAllocation(
            byteCount: DatagramStream.readByteCount, alignment: 16
        ) { room in
            let count = recv(descriptor, room.baseAddress, room.count, 0)
            guard count > 0 else {
                if count < 0, errno == EAGAIN || errno == EINTR { return .none }
                return .ended
            }
            let bytes = UnsafeRawBufferPointer(rebasing: room[..<count])
            return take(bytes.bytes, into: &batch, from: address) ? .some : .malformed
        }
    }

    private mutating func take(
        _ bytes: RawSpan, into batch: inout DatagramBatch, from address: Address
    ) -> Bool {
        var rest = bytes
        while rest.byteCount > 0 {
            do throws(StreamMalformed) {
                rest = rest.extracting(droppingFirst: try decoder.take(rest))
            } catch {
                return false
            }
            guard decoder.isWhole else { break }
            let isKept = decoder.withDatagram { datagram in
                batch.append(copying: datagram.bytes, to: address)
            }
            if !isKept { dropped &+= 1 }
            decoder.removeDatagram()
        }
        return true
    }

    /// Puts a datagram into the queue; returns `false`, dropping it, if there is no room.
    ///
    /// - Precondition: it has at least one byte and fits its length.
    public mutating func append(_ datagram: RawSpan) -> Bool {
        precondition(1...Int(UInt16.max) ~= datagram.byteCount)
        let byteCount = StreamDecoder.lengthByteCount + datagram.byteCount
        guard queue.count - queueSent + byteCount <= DatagramStream.queueByteCountMax else {
            dropped &+= 1
            return false
        }
        if queueSent > 0 {
            queue.removeFirst(queueSent)
            queueSent = 0
        }
        queue.append(UInt8(datagram.byteCount >> 8))
        queue.append(UInt8(truncatingIfNeeded: datagram.byteCount))
        datagram.withUnsafeBytes { queue.append(contentsOf: $0) }
        return true
    }

    /// Hands the queue to the kernel, as far as it has room.
    public mutating func flush() -> Progress {
        while queueSent < queue.count {
            let sent = queue.withUnsafeBytes { bytes in
                let rest = UnsafeRawBufferPointer(rebasing: bytes[queueSent...])
                return Glibc.send(
                    descriptor, rest.baseAddress, rest.count, Int32(MSG_NOSIGNAL))
            }
            guard sent > 0 else {
                if sent < 0, errno == EINTR { continue }
                return sent < 0 && errno == EAGAIN ? .blocked : .broken
            }
            queueSent += sent
        }
        queue.removeAll(keepingCapacity: queue.count <= DatagramStream.readByteCount)
        queueSent = 0
        return .sent
    }

    /// Sends small datagrams at once, keeps the kernel's queue short, gives up on a silent peer.
    static func tune(_ descriptor: Int32) {
        // A socket that refuses one of these works all the same.
        let options: [(Int32, Int32)] = [
            (TCP_NODELAY, 1), (TCP_NOTSENT_LOWAT, Int32(queueByteCountMax)),
            (TCP_USER_TIMEOUT, 10_000),
        ]
        for (option, value) in options {
            try? setSocketOption(descriptor, Int32(IPPROTO_TCP), option, to: value)
        }
    }

    /// Bytes of one read: as many as a batch of the shortest packets has, so that none is dropped.
    private static let readByteCount = 2_048
}
