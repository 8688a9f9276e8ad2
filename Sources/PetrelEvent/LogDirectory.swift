// A directory of logs that grow at their ends, each a private file.

internal import Glibc

/// Appends bytes to the files of a directory; for logs of many things that come and go.
///
/// Files are opened for each append: nobody counts system calls where such logs are asked for.
public struct LogDirectory: Sendable {
    private let path: String

    /// Uses the directory, which must exist and be writable.
    ///
    /// - Throws: `ENOENT`, `EACCES` or `ENOTDIR` if it is not.
    public init(path: String) throws(SystemError) {
        var status = stat()
        guard stat(path, &status) == 0, access(path, W_OK | X_OK) == 0 else {
            throw SystemError(call: "access", code: errno)
        }
        guard status.st_mode & S_IFMT == S_IFDIR else {
            throw SystemError(call: "access", code: ENOTDIR)
        }
        self.path = path
    }

    /// Appends to the file `name`, made with mode 0600 and begun with `head` if it is not there.
    ///
    /// A full disk costs the log, not what is logged.
    public func append(_ bytes: [UInt8], to name: String, head: @autoclosure () -> [UInt8]) {
        let flags = O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW
        let descriptor = open(path + "/" + name, flags, 0o600)
        guard descriptor >= 0 else { return }
        defer { Glibc.close(descriptor) }
        let whole = lseek(descriptor, 0, SEEK_END) == 0 ? head() + bytes : bytes
        _ = whole.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
    }
}
