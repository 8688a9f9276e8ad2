// A listening TCP socket that hands out connections and never waits.

import CPetrelLinux
import Glibc
public import PetrelBase

/// A socket at which peers open connections; closed when it goes away.
public struct StreamListener: ~Copyable, Sendable {
    /// The descriptor, for an `EventLoop`; readable while a connection waits.
    public let descriptor: Int32

    /// Creates a socket that listens at `address`; port 0 lets the kernel choose one.
    ///
    /// The address `[::]` takes IPv4 as well.
    ///
    /// - Throws: `SystemError`, with `EADDRINUSE` if another socket has the port.
    public init(boundTo address: Address) throws(SystemError) {
        descriptor = try StreamListener.open(at: address)
    }

    deinit { close(descriptor) }

    private static func open(at address: Address) throws(SystemError) -> Int32 {
        let isV4 = address.v4 != nil
        let kind = SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue
        let descriptor = socket(isV4 ? AF_INET : AF_INET6, Int32(kind), 0)
        guard descriptor >= 0 else { throw SystemError(call: "socket") }
        do throws(SystemError) {
            try bind(descriptor, to: address, isV4: isV4)
        } catch {
            close(descriptor)
            throw error
        }
        return descriptor
    }

    private static func bind(
        _ descriptor: Int32, to address: Address, isV4: Bool
    ) throws(SystemError) {
        let isAny = address.high == 0 && address.low == 0
        if !isV4 {
            try setSocketOption(descriptor, Int32(IPPROTO_IPV6), IPV6_V6ONLY, to: isAny ? 0 : 1)
        }
        // Connections of a process before must not keep a server from starting again.
        try setSocketOption(descriptor, SOL_SOCKET, SO_REUSEADDR, to: 1)
        var name = sockaddr_in6()
        let outcome = withUnsafeMutableBytes(of: &name) { bytes -> Int32 in
            guard let start = bytes.baseAddress else { return -1 }
            let size = isV4 ? address.write(to: start) : address.writeV6(to: start)
            return Glibc.bind(descriptor, start.assumingMemoryBound(to: sockaddr.self), size)
        }
        guard outcome == 0 else { throw SystemError(call: "bind") }
        guard listen(descriptor, StreamListener.backlog) == 0 else {
            throw SystemError(call: "listen")
        }
    }

    /// The port that the kernel chose, or the one that was asked for.
    public var port: UInt16 {
        var name = sockaddr_in6()
        return withUnsafeMutableBytes(of: &name) { bytes in
            guard let start = bytes.baseAddress else { return 0 }
            var byteCount = socklen_t(bytes.count)
            let outcome = getsockname(
                descriptor, start.assumingMemoryBound(to: sockaddr.self), &byteCount)
            return outcome == 0 ? Address(socketName: UnsafeRawPointer(start)).port : 0
        }
    }

    /// Takes the next connection, for a `DatagramStream`, and the address of its other end; `nil`
    /// if none waits.
    ///
    /// - Throws: `SystemError` if the process has no descriptors left; the connection still waits.
    public func accept() throws(SystemError) -> (descriptor: Int32, peer: Address)? {
        for _ in 0..<StreamListener.attemptsMax {
            var name = sockaddr_in6()
            let (taken, peer) = withUnsafeMutableBytes(of: &name) { bytes in
                guard let start = bytes.baseAddress else { return (Int32(-1), Address.none) }
                var byteCount = socklen_t(bytes.count)
                let taken = petrel_accept(
                    descriptor, start.assumingMemoryBound(to: sockaddr.self), &byteCount)
                return (taken, Address(socketName: UnsafeRawPointer(start)))
            }
            guard taken < 0 else {
                DatagramStream.tune(taken)
                return (taken, peer.over(.stream, port: peer.port))
            }
            switch errno {
            case EAGAIN: return nil
            case EMFILE, ENFILE, ENOBUFS, ENOMEM, EBADF, EINVAL, ENOTSOCK:
                throw SystemError(call: "accept")
            default: continue  // The connection was gone before it was taken.
            }
        }
        return nil
    }

    private static let backlog: Int32 = 128
    /// Connections in a row that were gone before they were taken.
    private static let attemptsMax = 16
}
