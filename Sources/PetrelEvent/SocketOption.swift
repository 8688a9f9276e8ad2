// Settings of sockets, of which the C library wants an address.

import Glibc

/// Sets an option of a socket.
func setSocketOption(
    _ descriptor: Int32, _ level: Int32, _ option: Int32, to value: Int32
) throws(SystemError) {
    var value = value
    let size = socklen_t(MemoryLayout<Int32>.size)
    guard setsockopt(descriptor, level, option, &value, size) == 0 else {
        throw SystemError(call: "setsockopt")
    }
}
