// Appends secrets of sessions to a file that only its owner can read, to open captures with.

internal import Glibc

/// A key log: one secret a line, in any order (Protocol/security.md).
public struct KeyLogFile: ~Copyable, Sendable {
    private let descriptor: Int32

    /// Opens the file for appending, making it with mode 0600 if it is not there.
    ///
    /// - Throws: if it cannot be opened, or if others may read it (`EACCES`).
    public init(path: String) throws(SystemError) {
        let descriptor = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else { throw SystemError(call: "open", code: errno) }
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & 0o077 == 0 else {
            Glibc.close(descriptor)
            throw SystemError(call: "open", code: EACCES)
        }
        self.descriptor = descriptor
    }

    deinit { Glibc.close(descriptor) }

    /// Appends lines; a full disk costs the log, not the session.
    public func append(_ lines: [String]) {
        guard !lines.isEmpty else { return }
        let text = Array((lines.joined(separator: "\n") + "\n").utf8)
        _ = text.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
    }
}
