// Room for what is said of datagrams beside their bytes: the kernel's control messages.

import CPetrelLinux
import Glibc

/// One control buffer for each of some messages, in memory that is allocated once.
struct ControlMessages: ~Copyable {
    /// Room for all that is said of one message.
    static let roomBytes = 64

    private let bytes: UnsafeMutableRawPointer

    init(capacity: Int) {
        let count = capacity * ControlMessages.roomBytes
        bytes = .allocate(byteCount: count, alignment: 16)
        bytes.initializeMemory(as: UInt8.self, repeating: 0, count: count)
    }

    deinit { bytes.deallocate() }

    /// Gives buffer `i` to a message, for the kernel to fill.
    func lend(_ i: Int, to header: inout msghdr) {
        header.msg_control = bytes + i * ControlMessages.roomBytes
        header.msg_controllen = ControlMessages.roomBytes
    }

    /// Gives buffer `i` to a message, with nothing said yet.
    func clear(_ i: Int, of header: inout msghdr) {
        header.msg_control = bytes + i * ControlMessages.roomBytes
        header.msg_controllen = 0
    }
}
