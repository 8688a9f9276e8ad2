// Addresses as the kernel writes them: sockaddr_in and sockaddr_in6.

import Glibc
import PetrelBase

extension Address {
    /// Reads what the kernel wrote to `name`; `.none` if it is of neither IP family.
    init(socketName name: UnsafeRawPointer) {
        switch Int32(name.load(as: sa_family_t.self)) {
        case AF_INET:
            let v4 = name.load(as: sockaddr_in.self)
            self.init(
                v4: UInt32(bigEndian: v4.sin_addr.s_addr), port: UInt16(bigEndian: v4.sin_port))
        case AF_INET6:
            let v6 = name.load(as: sockaddr_in6.self)
            let (high, low) = withUnsafeBytes(of: v6.sin6_addr) { bytes in
                (
                    UInt64(bigEndian: bytes.loadUnaligned(as: UInt64.self)),
                    UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self))
                )
            }
            self.init(high: high, low: low, port: UInt16(bigEndian: v6.sin6_port))
        default:
            self = .none
        }
    }

    /// Writes the shortest form to `name`, which has room for a `sockaddr_in6`; returns its size.
    ///
    /// Linux takes an IPv4 name on a dual-stack socket, so the socket's family does not matter.
    func write(to name: UnsafeMutableRawPointer) -> socklen_t {
        guard let v4 else { return writeV6(to: name) }
        var form = sockaddr_in()
        form.sin_family = sa_family_t(AF_INET)
        form.sin_port = port.bigEndian
        form.sin_addr.s_addr = v4.bigEndian
        name.storeBytes(of: form, as: sockaddr_in.self)
        return socklen_t(MemoryLayout<sockaddr_in>.size)
    }

    /// Writes the IPv6 form to `name`, mapped if this is IPv4; returns its size.
    func writeV6(to name: UnsafeMutableRawPointer) -> socklen_t {
        var form = sockaddr_in6()
        form.sin6_family = sa_family_t(AF_INET6)
        form.sin6_port = port.bigEndian
        withUnsafeMutableBytes(of: &form.sin6_addr) { bytes in
            bytes.storeBytes(of: high.bigEndian, as: UInt64.self)
            bytes.storeBytes(of: low.bigEndian, toByteOffset: 8, as: UInt64.self)
        }
        name.storeBytes(of: form, as: sockaddr_in6.self)
        return socklen_t(MemoryLayout<sockaddr_in6>.size)
    }
}
