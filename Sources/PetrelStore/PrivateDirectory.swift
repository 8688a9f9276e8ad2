// The directory of a store: private to its user, and open in one place at a time.

import Glibc

/// A directory that is locked for as long as this value lives.
///
/// Nobody else may read or write it or the files in it. The lock is on a file of its own, and it
/// binds within a process as well, because LMDB must not open an environment twice.
struct PrivateDirectory: ~Copyable {
    private static let lockName = "LOCK"
    private static let fileNames = ["data.mdb", "lock.mdb", lockName]

    private let descriptor: Int32
    private let lock: Int32
    private let isNew: Bool

    /// Opens the directory, creating it if its parent exists, and locks it.
    init(_ path: String) throws(StoreError) {
        let isNew = mkdir(path, 0o700) == 0
        guard isNew || errno == EEXIST else {
            throw Self.error(path, errno, "create the directory", "Create its parent directory.")
        }
        let descriptor = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else {
            throw Self.error(path, errno, "open the directory", "Choose a directory of your own.")
        }
        do throws(StoreError) {
            try Self.checkPrivate(descriptor, path)
            lock = try Self.takeLock(descriptor, path)
        } catch {
            close(descriptor)
            throw error
        }
        self.descriptor = descriptor
        self.isNew = isNew
    }

    /// Checks a directory that is only read, and returns which of a store's files are there.
    ///
    /// Neither makes nor locks anything.
    static func examine(_ path: String) throws(StoreError) -> Set<String> {
        let descriptor = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else {
            throw Self.error(
                path, errno, "open the directory", "Name the directory of a server's store.")
        }
        defer { close(descriptor) }
        try checkPrivate(descriptor, path)
        return Set(
            fileNames.filter { name in
                var status = stat()
                return fstatat(descriptor, name, &status, AT_SYMLINK_NOFOLLOW) == 0
            })
    }

    deinit {
        // Closing the descriptor lets go of the lock.
        close(lock)
        close(descriptor)
    }

    /// Lets others open the directory, before this value goes.
    func unlock() { flock(lock, LOCK_UN) }

    /// Makes the names of new files durable, and that of the directory if it is new.
    func synchronise(_ path: String) throws(StoreError) {
        guard fsync(descriptor) == 0 else {
            throw StoreError(code: errno, doing: "synchronise the directory", path: path)
        }
        guard isNew else { return }
        let parent = openat(descriptor, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard parent >= 0 else {
            throw StoreError(code: errno, doing: "open the parent directory", path: path)
        }
        let result = fsync(parent)
        let code = errno
        close(parent)
        guard result == 0 else {
            throw StoreError(code: code, doing: "synchronise the parent directory", path: path)
        }
    }

    private static func checkPrivate(_ descriptor: Int32, _ path: String) throws(StoreError) {
        var status = stat()
        guard fstat(descriptor, &status) == 0 else {
            throw error(path, errno, "examine the directory", "Choose another directory.")
        }
        try check(status, path, advice: "Run: chmod 700 \(path)")
        for name in fileNames {
            guard fstatat(descriptor, name, &status, AT_SYMLINK_NOFOLLOW) == 0 else { continue }
            let file = "\(path)/\(name)"
            guard status.st_mode & S_IFMT == S_IFREG else {
                throw .unsafeDirectory(
                    path, "\(file) is not a regular file.", "Move it away, or choose another path.")
            }
            try check(status, file, advice: "Run: chmod 600 \(file)")
        }
    }

    private static func check(
        _ status: stat, _ path: String, advice: String
    ) throws(StoreError) {
        guard status.st_uid == geteuid() else {
            throw .unsafeDirectory(
                path, "\(path) belongs to user \(status.st_uid), not to user \(geteuid()).",
                "Run as its owner, or choose another directory.")
        }
        guard status.st_mode & 0o077 == 0 else {
            let mode = String(status.st_mode & 0o7777, radix: 8)
            throw .unsafeDirectory(path, "Others have access to \(path): mode 0\(mode).", advice)
        }
    }

    private static func takeLock(_ descriptor: Int32, _ path: String) throws(StoreError) -> Int32 {
        let lock = openat(descriptor, lockName, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0o600)
        guard lock >= 0 else {
            throw error(path, errno, "open the lock file", "Make the directory writable.")
        }
        guard flock(lock, LOCK_EX | LOCK_NB) == 0 else {
            let code = errno
            let owner = readProcess(lock).map { " by process \($0)" } ?? ""
            close(lock)
            guard code == EWOULDBLOCK else {
                throw error(path, code, "lock the directory", "Choose a directory on a local disk.")
            }
            throw StoreError(
                kind: .inUse, path: path, code: code,
                happened: "The store in \(path) is in use\(owner).",
                advice: "Stop that process, or choose another directory.")
        }
        // The number only serves the sentence above, so failing to write it harms nobody.
        let text = Array("\(getpid())\n".utf8)
        if ftruncate(lock, 0) == 0 { _ = pwrite(lock, text, text.count, 0) }
        return lock
    }

    private static func readProcess(_ lock: Int32) -> Int32? {
        var bytes = [UInt8](repeating: 0, count: 16)
        let count = pread(lock, &bytes, bytes.count, 0)
        guard count > 0 else { return nil }
        let digits = bytes[..<count].prefix { $0 >= UInt8(ascii: "0") && $0 <= UInt8(ascii: "9") }
        return Int32(String(decoding: digits, as: UTF8.self))
    }

    private static func error(
        _ path: String, _ code: Int32, _ doing: String, _ advice: String
    ) -> StoreError {
        let reason = String(cString: strerror(code))
        return .unsafeDirectory(
            path, code: code, "Cannot \(doing) \(path): \(reason) (\(code)).", advice)
    }
}
