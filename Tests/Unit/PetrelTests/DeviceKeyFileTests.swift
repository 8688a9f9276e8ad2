// The device's key file: made once, private, and refused when it is not what it should be.

import Glibc
import PetrelCrypto
import Testing

@testable import Petrel

@Suite struct DeviceKeyFileTests {
    private let directory: TemporaryDirectory
    private var path: String { "\(directory.path)/device.key" }

    init() throws { directory = try TemporaryDirectory() }

    private func write(_ text: String, mode: mode_t = 0o600) {
        unlink(path)
        let descriptor = open(path, O_WRONLY | O_CREAT, mode)
        _ = Glibc.write(descriptor, Array(text.utf8), text.utf8.count)
        close(descriptor)
        chmod(path, mode)
    }

    /// The public key of the file, or the error's code.
    private func opened() -> Result<String, PetrelError> {
        do throws(PetrelError) {
            let pair = try DeviceKeyFile.open(path)
            return .success(pair.publicKey.hexadecimal)
        } catch {
            return .failure(error)
        }
    }

    @Test func theFirstOpeningMakesTheKeyAndLaterOnesFindIt() throws {
        let first = try opened().get()
        #expect(try opened().get() == first)
        var status = stat()
        #expect(lstat(path, &status) == 0)
        #expect(status.st_mode & 0o7777 == 0o600)
        #expect(status.st_size == 85)
        // The draft is gone.
        #expect(access("\(path).\(getpid()).new", F_OK) != 0)
    }

    @Test func aKnownKeyIsRead() throws {
        write(
            "petrel-device-key-1 "
                + "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f\n")
        // By another implementation of X25519.
        #expect(
            try opened().get()
                == "8f40c5adb68f25624ae5b214ea767a6ec94d829d3d7b5e1ad1ba6f3e2138285f")
    }

    @Test(arguments: [
        "", "petrel-device-key-1 \n",
        "petrel-device-key-2 " + String(repeating: "a", count: 64) + "\n",
        "petrel-device-key-1 " + String(repeating: "a", count: 63) + "g\n",
        "petrel-device-key-1 " + String(repeating: "a", count: 65) + "\n",
        "petrel-device-key-1 " + String(repeating: "a", count: 64),
    ])
    func anotherFormIsRefused(text: String) {
        write(text)
        guard case .failure(let error) = opened() else {
            Issue.record("taken: \(text)")
            return
        }
        #expect(error.code == .keyFile)
        #expect(error.description.contains(path))
    }

    @Test(arguments: [0o640, 0o604, 0o660, 0o644] as [mode_t])
    func aKeyThatOthersCanReadIsRefused(mode: mode_t) throws {
        _ = try opened().get()
        chmod(path, mode)
        guard case .failure(let error) = opened() else {
            Issue.record("mode \(mode) is taken")
            return
        }
        #expect(error.code == .keyFile)
        #expect(error.sentence.contains("0" + String(mode, radix: 8)))
    }

    @Test func aSymbolicLinkIsNotFollowed() throws {
        _ = try opened().get()
        rename(path, "\(path).real")
        symlink("\(path).real", path)
        guard case .failure(let error) = opened() else {
            Issue.record("followed")
            return
        }
        #expect(error.code == .keyFile)
    }
}
