// A device that was away: the client as applications have it, watched while it catches up.

import Glibc
import Petrel
import PetrelBase
import PetrelCrypto
import PetrelEvent
import PetrelMessaging
import PetrelWire
import Synchronization

/// A device with a directory and a key of its own.
struct CatchUpDevice: Sendable {
    /// How it went.
    struct Return: Sendable {
        var start: Instant
        var end: Instant
        /// Samples of the progress.
        var samples = 0
        /// Samples that told of more than there is, or of less than the one before.
        var lies = 0
        /// Messages that could be read afterwards.
        var readable = 0
    }

    var server: ServiceRun.Running
    var directory: String
    var secret: [UInt8]

    /// Opens the client and waits until it has caught up with `total` messages.
    func catchUp(total: Int) -> Result<Return, BenchFailure> {
        do {
            return .success(try measure(total: total))
        } catch let failure as BenchFailure {
            return .failure(failure)
        } catch {
            return .failure(BenchFailure("a device: \(error)"))
        }
    }

    private func measure(total: Int) throws -> Return {
        try writeKey()
        let address = ServerAddress(
            host: "127.0.0.1", port: server.address.port,
            key: server.key.bytes.withUnsafeBytes { Array($0) })
        var settings = Configuration(server: address.text, directory: directory)
        settings.keepaliveSearch = .none
        let start = EventLoop.now
        let client = try PetrelClient(settings)
        let ending = Ending()
        Task {
            do {
                try await client.caughtUp()
                ending.end.withLock { $0 = .success(EventLoop.now) }
            } catch {
                ending.end.withLock { $0 = .failure(BenchFailure("\(error)")) }
            }
        }
        var result = Return(start: start, end: start)
        var before: Petrel.SyncProgress?
        var end: Instant?
        while end == nil {
            guard EventLoop.now - start < .seconds(15) else {
                throw BenchFailure("not caught up after 15 s: \(client.syncProgress)")
            }
            usleep(1_000)
            end = try ending.end.withLock { $0 }?.get()
            let progress = client.syncProgress
            result.samples += 1
            if lies(progress, after: before, total: total) { result.lies += 1 }
            before = progress
        }
        let progress = client.syncProgress
        if progress.eventsHeld != total || progress.eventsMissing != 0 { result.lies += 1 }
        result.end = end ?? start
        for conversation in try client.conversations() {
            result.readable += try client.history(of: conversation.id, limit: total).count
        }
        Task {
            await client.close()
            ending.isClosed.withLock { $0 = true }
        }
        while !ending.isClosed.withLock({ $0 }) { usleep(1_000) }
        return result
    }

    /// What is held only grows, and never beyond what there is.
    private func lies(
        _ progress: Petrel.SyncProgress, after before: Petrel.SyncProgress?, total: Int
    ) -> Bool {
        let known = progress.eventsHeld + progress.eventsMissing
        guard known <= total else { return true }
        guard let before else { return false }
        return progress.eventsHeld < before.eventsHeld
            || known < before.eventsHeld + before.eventsMissing
    }

    /// Writes the secret as the client keeps it.
    private func writeKey() throws {
        guard mkdir(directory, 0o700) == 0 else { throw BenchFailure("mkdir \(directory)") }
        let path = directory + "/device.key"
        let descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL, 0o600)
        guard descriptor >= 0 else { throw BenchFailure("cannot write \(path)") }
        defer { close(descriptor) }
        let digits = secret.map { byte in
            let text = String(byte, radix: 16)
            return text.utf8.count == 1 ? "0" + text : text
        }
        let line = Array("petrel-device-key-1 \(digits.joined())\n".utf8)
        guard write(descriptor, line, line.count) == line.count else {
            throw BenchFailure("cannot write \(path)")
        }
    }
}

/// What tasks tell the thread that waits for them.
private final class Ending: Sendable {
    let end = Mutex<Result<Instant, BenchFailure>?>(nil)
    let isClosed = Mutex(false)
}
