// A disk that is full or fails: the descriptors of the database lead elsewhere for a while.

import Glibc
import PetrelBase
import PetrelClientData
import PetrelMessaging
import PetrelServices
import Testing

@testable import PetrelStore

/// Lets a device stand in for a file that this process has open; writing to `/dev/full` finds no
/// room, and `/dev/null` takes all writes but cannot be flushed.
private struct Replacement {
    private var saved: [(original: Int32, copy: Int32)] = []

    init(of file: String, by device: String) throws {
        var resolved = [CChar](repeating: 0, count: Int(PATH_MAX))
        try #require(realpath(file, &resolved) != nil)
        let substitute = open(device, O_RDWR | O_CLOEXEC)
        try #require(substitute >= 0)
        defer { close(substitute) }
        // All are found before any is copied: a copy leads to the same file.
        let found = (Int32(0)..<1_024).filter { descriptor in
            var link = [CChar](repeating: 0, count: Int(PATH_MAX))
            let count = readlink("/proc/self/fd/\(descriptor)", &link, link.count - 1)
            return count > 0 && strcmp(link, resolved) == 0
        }
        try #require(!found.isEmpty)
        for descriptor in found {
            saved.append((descriptor, fcntl(descriptor, F_DUPFD_CLOEXEC, 0)))
            try #require(dup2(substitute, descriptor) == descriptor)
        }
    }

    func undo() {
        for (original, copy) in saved {
            dup2(copy, original)
            close(copy)
        }
    }
}

@Suite struct DiskFaultTests {
    @Test func aFullDiskIsNotTheEnd() throws {
        let bench = try StoreBench(.local)
        try bench.enrol(1)
        let fault = try Replacement(of: bench.directory.store + "/data.mdb", by: "/dev/full")
        #expect(try bench.run([.sample(createAccount: 2)]) == [.failure(.full)])
        #expect(try bench.store.account(.init(1)) != nil)
        fault.undo()
        #expect(bench.local?.failure == nil)
        try bench.enrol(2)
        try bench.reopen()
        #expect(try bench.store.account(.init(2)) != nil)
    }

    /// What fits in part only is reported by LMDB as a broken disk; it is a full one.
    @Test func aWriteThatFitsInPartIsAFullDisk() throws {
        let directory = TemporaryDirectory()
        try directory.make()
        try #require(mkdir(directory.store, 0o700) == 0)
        guard mount("tmpfs", directory.store, "tmpfs", 0, "size=300k,mode=0700") == 0 else {
            print("skipped: mounting a small tmpfs is not permitted here (errno \(errno))")
            return
        }
        defer { umount2(directory.store, Int32(MNT_DETACH)) }
        let store = try FileClientStore(directory: directory.store)
        defer { store.close() }
        var error: ClientStoreError?
        for index in UInt64(1)...200 where error == nil {
            do throws(ClientStoreError) {
                let body = [UInt8](repeating: 7, count: 20_000 + Int(index) * 997)
                let entry = OutboxEntry(
                    index: index, clientMessageID: .init(high: 1, low: index),
                    target: .handle("bob"),
                    event: .message(Content(contentType: "", body: body)),
                    written: .init(milliseconds: 0))
                try store.apply([.enqueue(entry)])
            } catch let caught {
                error = caught
            }
        }
        #expect(error == .full)
        #expect(store.failure == nil)
        #expect(try store.lastOutboxIndex() > 1)
    }

    @Test func aFailedFlushIsTheEnd() throws {
        let bench = try StoreBench(.local)
        try bench.enrol(1)
        let local = try #require(bench.local)
        let fault = try Replacement(of: bench.directory.store + "/data.mdb", by: "/dev/null")
        #expect(try bench.run([.sample(createAccount: 2)]) == [.failure(.failed)])
        // The next flush would succeed, and tell of pages that are gone.
        fault.undo()
        #expect(throws: StoreFailure.failed) {
            try local.submit(.sample(createAccount: 4), ticket: 4)
        }
        #expect(throws: StoreError.self) { try local.environment.write { _ in } }
        #expect(local.failure?.kind == .failed)
        #expect(
            local.failure?.happened.hasPrefix("Cannot commit in \(bench.directory.store):") == true)
        try bench.reopen()
        #expect(try bench.store.account(.init(1)) != nil)
        #expect(try bench.store.account(.init(2)) == nil)
    }

    @Test func aClientsDiskFillsAndFails() throws {
        let directory = TemporaryDirectory()
        try directory.make()
        let store = try FileClientStore(directory: directory.store)
        let data = directory.store + "/data.mdb"
        try store.apply([.helloCounter(1)])
        let full = try Replacement(of: data, by: "/dev/full")
        #expect(throws: ClientStoreError.full) { try store.apply([.helloCounter(2)]) }
        full.undo()
        #expect(try store.helloCounter() == 1)
        try store.apply([.helloCounter(3)])
        let failing = try Replacement(of: data, by: "/dev/null")
        #expect(throws: ClientStoreError.failed(code: EINVAL)) {
            try store.apply([.helloCounter(4)])
        }
        failing.undo()
        #expect(throws: ClientStoreError.failed(code: EINVAL)) {
            try store.apply([.helloCounter(5)])
        }
        store.close()
        let again = try FileClientStore(directory: directory.store)
        defer { again.close() }
        #expect(try again.helloCounter() == 3)
    }

    /// A damaged page may lead beyond the end of the file; here the end comes to the page.
    @Test func aPageThatIsNotThereEndsTheProcessInWords() async throws {
        let directory = TemporaryDirectory()
        try directory.make()
        let result = await #expect(
            processExitsWith: .exitCode(74), observing: [\.standardErrorContent]
        ) { [path = directory.store as String] in
            let store = try LocalStore(directory: path, endsProcessOnDamagedPages: true) {}
            truncate(path + "/data.mdb", 0)
            _ = try store.account(.init(1))
        }
        let said = String(decoding: result?.standardErrorContent ?? [], as: UTF8.self)
        #expect(said.contains("The database in \(directory.store) is damaged"))
    }

    @Test func whatFailsBeforeTheFlushIsTheEndToo() throws {
        let bench = try StoreBench(.local)
        let local = try #require(bench.local)
        // The writer finds the environment gone, as it would find a page that cannot be read.
        local.environment.close()
        #expect(try bench.run([.sample(createAccount: 1)]) == [.failure(.failed)])
        #expect(throws: StoreFailure.failed) {
            try local.submit(.sample(createAccount: 2), ticket: 2)
        }
    }
}
