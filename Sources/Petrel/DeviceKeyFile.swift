// The device's secret key on its disk: made once, readable by nobody else.

import Glibc
internal import PetrelBase
internal import PetrelCrypto

/// The file that holds the secret which makes this device this device.
///
/// One line: `petrel-device-key-1` and 64 hexadecimal digits.
enum DeviceKeyFile {
    private static let title = "petrel-device-key-1 "
    private static let byteCount = title.utf8.count + 2 * SecretKey.byteCount + 1

    /// Reads the key at `path`; makes one if there is no file.
    static func open(_ path: String) throws(PetrelError) -> KeyPair {
        let descriptor = Glibc.open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
        if descriptor >= 0 {
            defer { close(descriptor) }
            return try read(descriptor, path)
        }
        guard errno == ENOENT else { throw failure("open", path) }
        try create(path)
        let created = Glibc.open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
        guard created >= 0 else { throw failure("open", path) }
        defer { close(created) }
        return try read(created, path)
    }

    private static func read(_ descriptor: Int32, _ path: String) throws(PetrelError) -> KeyPair {
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw failure("examine", path) }
        guard status.st_mode & S_IFMT == S_IFREG, status.st_uid == geteuid(),
            status.st_mode & 0o077 == 0
        else {
            let mode = String(status.st_mode & 0o7777, radix: 8)
            throw PetrelError(
                .keyFile,
                "the key file \(path) is open to others (mode 0\(mode), user \(status.st_uid))",
                advice: "run: chmod 600 \(path), as its owner; if others may have read it, "
                    + "delete it and log in again")
        }
        var bytes = [UInt8](repeating: 0, count: byteCount + 1)
        defer { for i in bytes.indices { bytes[i] = 0 } }
        let count = Glibc.read(descriptor, &bytes, bytes.count)
        guard count >= 0 else { throw failure("read", path) }
        guard count == byteCount, bytes.starts(with: title.utf8),
            var secret = digits(bytes[title.utf8.count..<byteCount - 1])
        else {
            throw PetrelError(
                .keyFile, "the key file \(path) is damaged: it has \(count) bytes of another form",
                advice: "restore it from a backup, or delete it and log in again")
        }
        defer { for i in secret.indices { secret[i] = 0 } }
        return KeyPair(secret: SecretKey(copying: secret.span.bytes))
    }

    /// Writes a fresh key; whoever reads the final name finds all of it, whenever power fails.
    private static func create(_ path: String) throws(PetrelError) {
        let draft = "\(path).\(getpid()).new"
        unlink(draft)
        let descriptor = Glibc.open(
            draft, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else { throw failure("create", draft) }
        defer { unlink(draft) }
        let secret = SecretKey()
        var line = Array(title.utf8) + hexadecimal(secret) + [UInt8(ascii: "\n")]
        let written = write(descriptor, line, line.count)
        for i in line.indices { line[i] = 0 }
        guard written == line.count, fsync(descriptor) == 0, close(descriptor) == 0 else {
            throw failure("write", draft)
        }
        // Unlike a rename, a link never replaces a key that another process made meanwhile.
        guard link(draft, path) == 0 || errno == EEXIST else { throw failure("create", path) }
        try synchroniseDirectory(of: path)
    }

    private static func synchroniseDirectory(of path: String) throws(PetrelError) {
        var directory = "."
        if let slash = path.lastIndex(of: "/") {
            directory = slash == path.startIndex ? "/" : String(path[..<slash])
        }
        let descriptor = Glibc.open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw failure("open", directory) }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else { throw failure("synchronise", directory) }
    }

    private static func failure(_ verb: String, _ path: String) -> PetrelError {
        PetrelError(
            .keyFile, "cannot \(verb) \(path): \(String(cString: strerror(errno)))",
            advice: "choose a directory of your own on a disk that works")
    }

    private static func hexadecimal(_ secret: borrowing SecretKey) -> [UInt8] {
        let digits = Array("0123456789abcdef".utf8)
        var text: [UInt8] = []
        text.reserveCapacity(2 * SecretKey.byteCount)
        secret.withBytes { bytes in
            for i in 0..<bytes.byteCount {
                let byte = bytes.unsafeLoad(fromByteOffset: i, as: UInt8.self)
                text.append(digits[Int(byte >> 4)])
                text.append(digits[Int(byte & 15)])
            }
        }
        return text
    }

    private static func digits(_ text: ArraySlice<UInt8>) -> [UInt8]? {
        var bytes: [UInt8] = []
        var high: UInt8?
        for character in text {
            guard let value = Character(UnicodeScalar(character)).hexDigitValue else { return nil }
            if let first = high {
                bytes.append(first << 4 | UInt8(value))
                high = nil
            } else {
                high = UInt8(value)
            }
        }
        return bytes.count == SecretKey.byteCount ? bytes : nil
    }
}
