// Key files: made once, the same for ever, and refused when others may read them.

import Glibc
import PetrelCrypto
import PetrelServer
import Testing

struct KeyFileTests {
    private static func read(_ path: String) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: 100)
        let descriptor = open(path, O_RDONLY)
        defer { close(descriptor) }
        return Array(bytes[..<max(0, Glibc.read(descriptor, &bytes, bytes.count))])
    }

    private static func write(_ bytes: [UInt8], _ path: String) {
        unlink(path)
        let descriptor = open(path, O_WRONLY | O_CREAT, 0o600)
        _ = Glibc.write(descriptor, bytes, bytes.count)
        close(descriptor)
    }

    @Test func aKeyIsMadeOnce() throws {
        let folder = TemporaryFolder()
        let first = KeyPair(secret: try KeyFile.key("identity.key", in: folder.path)).publicKey
        let second = KeyPair(secret: try KeyFile.key("identity.key", in: folder.path)).publicKey
        let other = KeyPair(secret: try KeyFile.key("pepper.key", in: folder.path)).publicKey
        #expect(first == second)
        #expect(first != other)
        var status = stat()
        #expect(stat("\(folder.path)/identity.key", &status) == 0)
        #expect(status.st_mode & 0o7777 == 0o600)
        #expect(status.st_size == 44)
        #expect(folder.names == ["identity.key", "pepper.key"])
    }

    @Test func everyDamageIsFound() throws {
        let folder = TemporaryFolder()
        let path = "\(folder.path)/identity.key"
        _ = try KeyFile.key("identity.key", in: folder.path)
        let whole = Self.read(path)
        #expect(whole.count == 44)
        var damaged = whole.indices.map { index in
            var bytes = whole
            bytes[index] ^= 1
            return bytes
        }
        damaged += whole.indices.map { Array(whole[..<$0]) }
        damaged.append(whole + [0])
        for bytes in damaged {
            Self.write(bytes, path)
            do {
                _ = try KeyFile.key("identity.key", in: folder.path)
                Issue.record("accepted \(bytes.count) bytes")
            } catch {
                #expect(error.kind == .keyFile)
            }
            #expect(Self.read(path) == bytes)
        }
        Self.write(whole, path)
        _ = try KeyFile.key("identity.key", in: folder.path)
    }

    @Test func filesThatOthersReadAreRefused() throws {
        let folder = TemporaryFolder()
        let path = "\(folder.path)/identity.key"
        _ = try KeyFile.key("identity.key", in: folder.path)
        for mode in [0o640, 0o604, 0o666] as [mode_t] {
            chmod(path, mode)
            do {
                _ = try KeyFile.key("identity.key", in: folder.path)
                Issue.record("accepted mode \(mode)")
            } catch {
                #expect(error.description.contains("chmod 600 \(path)"))
            }
        }
        chmod(path, 0o600)
        _ = try KeyFile.key("identity.key", in: folder.path)
        rename(path, "\(folder.path)/elsewhere")
        symlink("\(folder.path)/elsewhere", path)
        do {
            _ = try KeyFile.key("identity.key", in: folder.path)
            Issue.record("followed a link")
        } catch {
            #expect(error.kind == .keyFile)
        }
    }

    @Test func aMissingKeyBesideDataIsNotReplaced() throws {
        let folder = TemporaryFolder()
        _ = try KeyFile.key("identity.key", in: folder.path)
        Self.write([1], "\(folder.path)/data.mdb")
        do {
            _ = try KeyFile.key("pepper.key", in: folder.path)
            Issue.record("made another pepper")
        } catch {
            #expect(error.description.contains("pepper.key is missing"))
        }
        #expect(folder.names == ["data.mdb", "identity.key"])
    }

    @Test func aParentThatIsMissingIsSaidSo() {
        do {
            _ = try KeyFile.key("identity.key", in: "/nonexistent/petrel")
            Issue.record("made a key in no directory")
        } catch {
            #expect(error.description.contains("/nonexistent/petrel"))
        }
    }
}
