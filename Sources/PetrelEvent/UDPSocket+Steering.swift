// Which datagrams the kernel puts into which of several sockets, and which it drops by itself.

import CPetrelLinux
import Glibc

extension UDPSocket {
    /// Has the kernel divide datagrams among the sockets of `workers`, which share this one's port.
    ///
    /// Each worker has bound two, one right after the other, and the workers did so in the order of
    /// their numbers: the first gets its data packets and PROBEs, the second all else,
    /// as Protocol/transport.md §3.1 says. Returns `false` if the kernel cannot do that: then
    /// datagrams are divided among all of them by the addresses of peers.
    public func steer(among workers: Int) -> Bool {
        petrel_steer(descriptor, UInt32(workers)) == 0
    }

    /// Has the kernel drop all but data packets and PROBEs for `worker`.
    ///
    /// They have `byteCountMin` bytes or more. What it drops costs this process nothing and takes
    /// no room. Returns `false` if the kernel cannot do that.
    public func admitPackets(of worker: UInt8, byteCountMin: Int) -> Bool {
        petrel_admit_packets(descriptor, UInt32(worker), UInt32(byteCountMin)) == 0
    }

    /// Has the kernel drop all but what looks like a HELLO of that version and of such a length.
    ///
    /// Returns `false` if the kernel cannot do that.
    public func admitHellos(version: UInt32, byteCounts: ClosedRange<Int>) -> Bool {
        petrel_admit_hellos(
            descriptor, version, UInt32(byteCounts.lowerBound), UInt32(byteCounts.upperBound)) == 0
    }

    /// Asks the kernel for `bytes` of buffer for what arrives, instead of `bufferBytes`.
    ///
    /// What waits there is late by as much as it takes to read what came before. Returns `false`
    /// if the kernel refuses.
    public func setArrivalBuffer(bytes: Int) -> Bool {
        let set: Void? = try? setSocketOption(
            descriptor, SOL_SOCKET, SO_RCVBUF, to: Int32(clamping: bytes))
        return set != nil
    }
}
