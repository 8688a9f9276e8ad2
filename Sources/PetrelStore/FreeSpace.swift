// Whether the disk has room left, to tell a full disk from a broken one.

import Glibc

/// Asks the file system how much room there is.
enum FreeSpace {
    /// Below this many bytes a failed write is taken for a lack of room.
    private static let bytesMin: UInt64 = 64 << 10

    /// Whether the file system that `path` lies on is as good as full.
    static func isExhausted(at path: String) -> Bool {
        var status = statvfs()
        guard statvfs(path, &status) == 0 else { return false }
        return UInt64(status.f_bavail) * UInt64(status.f_frsize) < bytesMin
    }
}
