// An unconnected UDP socket that moves datagrams in batches and never waits.

import CPetrelLinux
import Glibc
public import PetrelBase

/// A bound UDP socket; closed when it goes away.
///
/// The network's errors are not the socket's: what the kernel reports about one peer (unreachable,
/// refused, too big) costs at most that datagram and is counted, as any loss is.
public struct UDPSocket: ~Copyable, Sendable {
    /// Which IP versions a socket speaks.
    public enum Family: Sendable {
        /// IPv4 only.
        case v4
        /// IPv6 only.
        case v6
        /// IPv6, and IPv4 in its mapped form.
        case dual
    }

    /// Who else may bind the same address.
    public enum Sharing: Sendable {
        /// Nobody.
        case exclusive
        /// Other sockets of the same user that say so too; the kernel spreads peers among them.
        case acrossWorkers
    }

    /// What became of datagrams that the owner does not see.
    public struct Counters: Sendable, Equatable {
        /// Datagrams that arrived but were longer than their room.
        public var truncated: UInt64 = 0
        /// Datagrams that the kernel refused to send, whatever the reason.
        public var refused: UInt64 = 0
        /// Errors of the network reported instead of a datagram.
        public var networkErrors: UInt64 = 0

        init() {}
    }

    /// The bytes of buffer that are asked of the kernel for each direction; it may grant less.
    public static let bufferBytes = 4 << 20

    /// The descriptor, for an `EventLoop`.
    public let descriptor: Int32
    /// Counted since the socket exists.
    public private(set) var counters = Counters()
    /// Whether what goes to one peer in a row is handed to the kernel as one message.
    ///
    /// From the start if the kernel can divide it; not any more once the network card cannot.
    public var sendsBursts: Bool

    /// Creates a socket bound to `address`; port 0 lets the kernel choose one.
    ///
    /// By default an IPv4 address gives an IPv4 socket, the address `[::]` one of both families,
    /// and any other an IPv6 socket.
    ///
    /// - Throws: `SystemError`, with `EADDRINUSE` if another socket has the port.
    public init(
        boundTo address: Address, family: Family? = nil, sharing: Sharing = .exclusive
    ) throws(SystemError) {
        let isAny = address.high == 0 && address.low == 0
        let family = family ?? (address.v4 != nil ? .v4 : isAny ? .dual : .v6)
        descriptor = try UDPSocket.open(address, family, sharing)
        sendsBursts = petrel_can_segment(descriptor) != 0
    }

    deinit { close(descriptor) }

    /// The address that the socket is bound to, with the port that the kernel chose.
    public var localAddress: Address {
        var name = sockaddr_in6()
        return withUnsafeMutableBytes(of: &name) { bytes in
            guard let start = bytes.baseAddress else { return .none }
            var byteCount = socklen_t(bytes.count)
            let outcome = getsockname(
                descriptor, start.assumingMemoryBound(to: sockaddr.self), &byteCount)
            return outcome == 0 ? Address(socketName: start) : .none
        }
    }

    /// Replaces what is in `batch` by what has arrived; returns how many datagrams there are.
    ///
    /// One system call; 0 means that nothing is waiting. Datagrams that did not fit are left out.
    ///
    /// - Throws: `SystemError` if the socket itself is broken.
    public mutating func receive(into batch: inout DatagramBatch) throws(SystemError) -> Int {
        for _ in 0..<UDPSocket.attemptsMax {
            let (outcome, truncated) = batch.fill(from: descriptor)
            counters.truncated &+= UInt64(truncated)
            if batch.count > 0 { return batch.count }
            // A batch of nothing but truncated datagrams says nothing about what follows.
            if outcome > 0 { continue }
            switch errno {
            case EAGAIN: return 0
            case EINTR: continue
            case EBADF, ENOTSOCK, EFAULT, EINVAL: throw SystemError(call: "recvmmsg")
            default: counters.networkErrors &+= 1
            }
        }
        return 0
    }

    /// Sends what is in `batch`; returns how many datagrams the kernel took.
    ///
    /// Datagrams that the kernel refuses are counted and left out. When its buffer is full the
    /// rest stays in the batch, in order: wait for `EventLoop.awaitRoom`, then send it again.
    public mutating func send(_ batch: inout DatagramBatch) -> Int {
        var next = 0
        var sent = 0
        var interruptions = 0
        // Datagrams before this number go as messages of their own.
        var alone = sendsBursts ? 0 : batch.count
        while next < batch.count {
            let outcome = batch.offer(from: next, alone: alone, to: descriptor)
            if outcome > 0 {
                next += outcome
                sent += outcome
            } else if outcome < 0 && errno == EAGAIN {
                break
            } else if outcome < 0 && errno == EINTR && interruptions < UDPSocket.attemptsMax {
                interruptions += 1
            } else if batch.firstBurstCount > 1 {
                // A card that cannot do its part refuses all bursts, a path only those too big.
                if errno == EIO || errno == EOPNOTSUPP { sendsBursts = false }
                alone = sendsBursts ? next + batch.firstBurstCount : batch.count
            } else {
                counters.refused &+= 1
                next += 1
            }
        }
        batch.removeFirst(next)
        return sent
    }

    /// Has the kernel hand over what a peer sends in a row as one message.
    ///
    /// From then on only batches that take bursts may be filled from the socket. Returns `false`
    /// if the kernel cannot do that: all works as before then.
    public func receiveBursts() -> Bool { petrel_coalesce(descriptor) == 0 }

    /// System calls that one receive may make, and interruptions that one send may suffer.
    private static let attemptsMax = 16
}

extension UDPSocket {
    private static func open(
        _ address: Address, _ family: Family, _ sharing: Sharing
    ) throws(SystemError) -> Int32 {
        let kind =
            SOCK_DGRAM.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue
        let descriptor = socket(family == .v4 ? AF_INET : AF_INET6, Int32(kind), 0)
        guard descriptor >= 0 else { throw SystemError(call: "socket") }
        do throws(SystemError) {
            try prepare(descriptor, family, sharing)
            try bind(descriptor, to: address, family)
        } catch {
            close(descriptor)
            throw error
        }
        return descriptor
    }

    private static func prepare(
        _ descriptor: Int32, _ family: Family, _ sharing: Sharing
    ) throws(SystemError) {
        if family != .v4 {
            let only: Int32 = family == .v6 ? 1 : 0
            try setSocketOption(descriptor, Int32(IPPROTO_IPV6), IPV6_V6ONLY, to: only)
        }
        if sharing == .acrossWorkers {
            try setSocketOption(descriptor, SOL_SOCKET, SO_REUSEPORT, to: 1)
        }
        petrel_watch_path(descriptor, family == .v4 ? 0 : 1)
        // The kernel silently grants what its limits allow.
        try setSocketOption(descriptor, SOL_SOCKET, SO_RCVBUF, to: Int32(bufferBytes))
        try setSocketOption(descriptor, SOL_SOCKET, SO_SNDBUF, to: Int32(bufferBytes))
    }

    private static func bind(
        _ descriptor: Int32, to address: Address, _ family: Family
    ) throws(SystemError) {
        var name = sockaddr_in6()
        let outcome = withUnsafeMutableBytes(of: &name) { bytes -> Int32 in
            guard let start = bytes.baseAddress else { return -1 }
            let size = family == .v4 ? address.write(to: start) : address.writeV6(to: start)
            return Glibc.bind(descriptor, start.assumingMemoryBound(to: sockaddr.self), size)
        }
        guard outcome == 0 else { throw SystemError(call: "bind") }
    }
}
