// The server's secrets on disk: made once, whole or not at all, and readable by nobody else.

internal import Glibc
internal import PetrelBase
public import PetrelCrypto

/// A file that holds one secret key.
///
///     "PETRELK1" 8 | key 32 | CRC-32C of both, big-endian 4
///
/// A new file is written beside its place, made durable, and linked into it; two processes that do
/// so at once end up with the same key. A file is never overwritten.
public enum KeyFile {
    /// The name of the file with the key that clients know the server by.
    public static let identityName = "identity.key"
    /// The name of the file with the key that passwords are hashed with.
    public static let pepperName = "pepper.key"

    private static let magic = Array("PETRELK1".utf8)
    private static let byteCount = 8 + SecretKey.byteCount + 4
    /// Where the store keeps what cannot be used without the keys.
    private static let dataName = "data.mdb"

    /// Returns the key in a file of `directory`, making both if there are none.
    ///
    /// - Throws: `keyFile` if the file cannot be trusted, or is missing beside data that need it.
    public static func key(
        _ name: String, in directory: String
    ) throws(ServerError) -> SecretKey {
        try makeDirectory(directory)
        let path = "\(directory)/\(name)"
        if let key = try read(path) { return key }
        guard access("\(directory)/\(dataName)", F_OK) != 0 else {
            throw ServerError(
                kind: .keyFile, happened: "\(path) is missing, but there are data made with it.",
                advice: "Restore it from a backup; without it clients or passwords are lost.")
        }
        try create(path, directory: directory)
        guard let key = try read(path) else {
            throw error(path, ENOENT, "find what was just written")
        }
        return key
    }

    private static func makeDirectory(_ path: String) throws(ServerError) {
        guard mkdir(path, 0o700) != 0, errno != EEXIST else { return }
        throw ServerError(
            kind: .keyFile,
            happened: "Cannot create the directory \(path): \(String(cString: strerror(errno))).",
            advice: "Create its parent directory, or choose another one.")
    }

    /// Reads a file; `nil` if there is none.
    private static func read(_ path: String) throws(ServerError) -> SecretKey? {
        let descriptor = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC)
        guard descriptor >= 0 else {
            guard errno != ENOENT else { return nil }
            throw error(path, errno, "open")
        }
        defer { close(descriptor) }
        try checkPrivate(descriptor, path)
        var bytes = [UInt8](repeating: 0, count: byteCount + 1)
        let count = Glibc.read(descriptor, &bytes, bytes.count)
        guard count >= 0 else { throw error(path, errno, "read") }
        defer { for i in bytes.indices { bytes[i] = 0 } }
        let content = bytes.span.bytes
        let covered = content.extracting(first: byteCount - 4)
        var reader = ByteReader(content.extracting(byteCount - 4..<byteCount))
        let isWhole =
            count == byteCount && Array(bytes[..<8]) == magic
            && (try? reader.readUInt32()) == Checksum.crc32c(covered)
        guard isWhole else {
            throw ServerError(
                kind: .keyFile, happened: "\(path) is damaged, or no key file.",
                advice: "Restore it from a backup.")
        }
        return SecretKey(copying: content.extracting(8..<8 + SecretKey.byteCount))
    }

    private static func checkPrivate(_ descriptor: Int32, _ path: String) throws(ServerError) {
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw error(path, errno, "examine") }
        guard status.st_mode & S_IFMT == S_IFREG else {
            throw ServerError(
                kind: .keyFile, happened: "\(path) is not a regular file.",
                advice: "Move it away, or choose another directory.")
        }
        guard status.st_uid == geteuid() else {
            throw ServerError(
                kind: .keyFile,
                happened: "\(path) belongs to user \(status.st_uid), not to user \(geteuid()).",
                advice: "Run as its owner, or choose another directory.")
        }
        guard status.st_mode & 0o077 == 0 else {
            let mode = String(status.st_mode & 0o7777, radix: 8)
            throw ServerError(
                kind: .keyFile, happened: "Others have access to \(path): mode 0\(mode).",
                advice: "Run: chmod 600 \(path)")
        }
    }

    /// Makes a file with a fresh key, unless somebody else has just done so.
    private static func create(_ path: String, directory: String) throws(ServerError) {
        let draft = "\(path).\(getpid())"
        unlink(draft)
        let descriptor = open(draft, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw error(draft, errno, "create") }
        defer { unlink(draft) }
        do throws(ServerError) {
            try write(SecretKey(), to: descriptor, draft)
        } catch {
            close(descriptor)
            throw error
        }
        guard close(descriptor) == 0 else { throw error(draft, errno, "close") }
        guard link(draft, path) == 0 || errno == EEXIST else { throw error(path, errno, "create") }
        let parent = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard parent >= 0 else { throw error(directory, errno, "open") }
        defer { close(parent) }
        guard fsync(parent) == 0 else { throw error(directory, errno, "synchronise") }
    }

    private static func write(
        _ key: borrowing SecretKey, to descriptor: Int32, _ path: String
    ) throws(ServerError) {
        var bytes = magic
        key.bytes.withUnsafeBytes { bytes.append(contentsOf: $0) }
        defer { for i in bytes.indices { bytes[i] = 0 } }
        let checksum = Checksum.crc32c(bytes.span.bytes)
        withUnsafeBytes(of: checksum.bigEndian) { bytes.append(contentsOf: $0) }
        guard Glibc.write(descriptor, bytes, bytes.count) == bytes.count else {
            throw error(path, errno, "write")
        }
        guard fsync(descriptor) == 0 else { throw error(path, errno, "synchronise") }
    }

    private static func error(_ path: String, _ code: Int32, _ doing: String) -> ServerError {
        ServerError(
            kind: .keyFile,
            happened: "Cannot \(doing) \(path): \(String(cString: strerror(code))) (\(code)).",
            advice: "Look at the directory's owner, its mode, and the room on its disk.")
    }
}
