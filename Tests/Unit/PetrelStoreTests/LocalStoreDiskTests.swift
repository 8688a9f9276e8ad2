// What only a store on a disk can meet: strangers, other versions, damage, a full map.

import Dispatch
import Foundation
import PetrelBase
import PetrelMessaging
import PetrelServices
import Synchronization
import Testing

@testable import PetrelStore

@Suite struct LocalStoreDiskTests {
    /// Opens a store and expects to be refused; returns why.
    private func refusal(_ path: String) throws -> StoreError {
        do throws(StoreError) {
            let store = try LocalStore(directory: path) {}
            store.close()
        } catch {
            return error
        }
        throw StoreBench.Unexpected()
    }

    private func mode(_ path: String) throws -> Int? {
        try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int
    }

    private func setMode(_ mode: Int, _ path: String) throws {
        try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: path)
    }

    @Test func everythingIsPrivate() throws {
        let bench = try StoreBench(.local)
        #expect(try mode(bench.directory.store) == 0o700)
        for name in ["data.mdb", "lock.mdb", "LOCK"] {
            #expect(try mode(bench.directory.store + "/" + name) == 0o600)
        }
    }

    @Test func whatOthersCanReadIsRefused() throws {
        let bench = try StoreBench(.local)
        bench.local?.close()
        let path = bench.directory.store
        let cases: [(path: String, mode: Int, normal: Int)] = [
            (path, 0o755, 0o700), (path, 0o701, 0o700), (path + "/data.mdb", 0o640, 0o600),
            (path + "/LOCK", 0o604, 0o600),
        ]
        for (file, mode, normal) in cases {
            try setMode(mode, file)
            let error = try refusal(path)
            #expect(error.kind == .unsafeDirectory)
            #expect(error.description.contains("\(file): mode 0\(String(mode, radix: 8))"))
            #expect(error.advice == "Run: chmod \(String(normal, radix: 8)) \(file)")
            try setMode(normal, file)
        }
        try bench.reopen()
    }

    @Test func whatIsNoDirectoryOrFileIsRefused() throws {
        let directory = TemporaryDirectory()
        #expect(try refusal(directory.store).code == ENOENT, "there is no parent")
        try directory.make()
        try Data().write(to: URL(fileURLWithPath: directory.store))
        #expect(try refusal(directory.store).code == ENOTDIR)
        let other = directory.path + "/other"
        try FileManager.default.createDirectory(atPath: other, withIntermediateDirectories: false)
        try setMode(0o700, other)
        try FileManager.default.createSymbolicLink(
            atPath: other + "/data.mdb", withDestinationPath: directory.store)
        let error = try refusal(other)
        #expect(error.kind == .unsafeDirectory)
        #expect(error.happened.contains("is not a regular file"))
    }

    @Test func aSecondOpenerIsRefused() throws {
        let bench = try StoreBench(.local)
        let error = try refusal(bench.directory.store)
        #expect(error.kind == .inUse)
        let path = bench.directory.store
        #expect(error.happened == "The store in \(path) is in use by process \(getpid()).")
        #expect(throws: StoreError.self) { try FileClientStore(directory: path) }
        // Refusing another one did no harm, and closing lets the next one in.
        try bench.enrol(1)
        try bench.reopen()
        #expect(try bench.store.account(.init(1)) != nil)
    }

    @Test func anotherSchemaIsRefusedAndLeftAlone() throws {
        for (version, age) in [(Schema.version + 1, "newer"), (Schema.version - 1, "older")] {
            let bench = try StoreBench(.local)
            try bench.enrol(1)
            try bench.local?.environment.write { transaction throws(StoreError) in
                try transaction.put(NumberRow(version), at: Schema.versionKey, in: .meta)
            }
            bench.local?.close()
            let data = URL(fileURLWithPath: bench.directory.store + "/data.mdb")
            let before = try Data(contentsOf: data)
            let error = try refusal(bench.directory.store)
            #expect(error.kind == .foreign)
            let words = "schema version \(version), \(age) than \(Schema.version)"
            #expect(error.happened.contains(words))
            #expect(try Data(contentsOf: data) == before)
        }
    }

    @Test func aStoreOfAnotherPurposeIsRefused() throws {
        let directory = TemporaryDirectory()
        try directory.make()
        try FileClientStore(directory: directory.store).close()
        let error = try refusal(directory.store)
        #expect(error.kind == .foreign)
        #expect(error.happened.contains("that of a client, not of a server"))
    }

    @Test func damageIsReportedAndTheRestFlows() throws {
        let bench = try StoreBench(.local)
        let local = try #require(bench.local)
        try bench.enrol(1, 2)
        let long = [UInt8](repeating: 1, count: 5_000)
        for (id, body) in [(UInt64(1), [1]), (2, [2]), (3, long), (4, long), (5, [5])] {
            _ = try bench.append(
                .sample(append: id, from: 1, to: .peer(2, new: 70), body: body))
        }
        let second = Key.message(.init(2), of: .init(70))
        let third = Key.message(.init(3), of: .init(70))
        let fourth = Key.message(.init(4), of: .init(70))
        try local.environment.damage(second, in: .message)
        try local.environment.damage(.chunk(1, of: third, in: .message), in: .blob)
        try local.environment.write { transaction throws(StoreError) in
            try transaction.remove(.chunk(2, of: fourth, in: .message), in: .blob)
        }
        let slice = try bench.store.messages(MessageRequest(70, 1...9))
        #expect(slice.messages.map(\.sequence.number) == [1, 5])
        #expect(slice.damaged.map(\.number) == [2, 3, 4])
        #expect(slice.isComplete)
        #expect(
            local.damaged == [second, third, fourth].map { .init(table: "message", key: $0.bytes) })
        #expect(bench.damageMet == local.damaged, "each is told once, when it is met")
        #expect(local.damaged[0].description == "message/00000000000000460000000000000002")
        // The damaged records do not count against the limit, or nobody would get past them.
        let one = try bench.store.messages(MessageRequest(70, 2...9, limit: 1))
        #expect(one.messages.map(\.sequence.number) == [5])
        #expect(try bench.append(.sample(append: 6, from: 1, to: .to(70))).sequence == .init(6))
        #expect(local.failure == nil)
    }

    @Test func aDamagedRowRefusesOnlyWhatNeedsIt() throws {
        let bench = try StoreBench(.local)
        let local = try #require(bench.local)
        try bench.enrol(1, 2, 3)
        _ = try bench.append(.sample(append: 1, from: 1, to: .peer(2, new: 70)))
        _ = try bench.append(.sample(append: 2, from: 1, to: .peer(3, new: 71)))
        try local.environment.damage(.conversation(.init(70)), in: .conversation)
        let results = try bench.run([
            .sample(append: 3, from: 1, to: .to(71)), .sample(append: 4, from: 1, to: .to(70)),
            .sample(acknowledge: 2, delivered: [(70, 1)]),
            .sample(append: 5, from: 1, to: .to(71)),
        ])
        #expect(try results[1].get().refusal == .storageFailed)
        #expect(results[2] == .success(.acknowledged([])))
        #expect(try bench.store.last(71, seenBy: 1) == 3)
        #expect(try bench.store.last(70, seenBy: 1) == nil)
        // The feed goes on with what can be read, and its limit counts only that.
        let slice = try bench.store.changes(of: .init(1), after: .init(1), limit: 1)
        #expect(slice.conversations.map(\.head.conversation.number) == [71])
        #expect(slice.remaining == 0)
        try local.environment.damage(.account(.init(3)), in: .account)
        #expect(try bench.store.account(.init(3)) == nil)
        #expect(try bench.outcome(.sample(createAccount: 3, key: 9)).refusal == .handleTaken)
        #expect(Set(local.damaged.map(\.table)) == ["conversation", "account"])
    }

    @Test func aFullMapTakesNothingNewButServes() throws {
        let bench = try StoreBench(.local, mapBytes: 4 << 20)
        try bench.enrol(1, 2)
        var placed: UInt64 = 0
        var results: [Result<StoreOutcome, StoreFailure>] = []
        for id in UInt64(1)...200 {
            results = try bench.run([
                .sample(
                    append: id, from: 1, to: .peer(2, new: 70),
                    body: Array(repeating: 7, count: 40_000))
            ])
            guard results[0] != .failure(.full) else { break }
            placed = id
        }
        #expect(results[0] == .failure(.full))
        #expect(placed > 50)
        let local = try #require(bench.local)
        #expect(local.failure == nil)
        #expect(local.statistics.usedFraction >= 0.9)
        #expect(try bench.run([.sample(createAccount: 3)]) == [.failure(.full)])
        #expect(try bench.run([.sample(enrolDevice: 1, key: 9)]) == [.failure(.full)])
        // Acknowledgements go on, many of them: what they free is used again.
        for place in 1...placed {
            let outcome = try bench.outcome(
                .sample(
                    acknowledge: 2, feed: place,
                    delivered: [(conversation: UInt64(70), sequence: place)]))
            guard case .acknowledged(let marks) = outcome else { throw StoreBench.Unexpected() }
            #expect(marks.count == 1)
        }
        try bench.reopen()
        let page = try bench.store.messages(
            MessageRequest(70, 1...1_000, limit: 1_000, bytes: 1 << 30))
        #expect(page.messages.count == Int(placed))
        #expect(try bench.store.device(key: .sample(2))?.feed == .init(placed))
    }

    @Test func aBatchThatFillsTheMapFailsAsAWhole() throws {
        let bench = try StoreBench(.local, mapBytes: 512 << 10)
        try bench.enrol(1, 2)
        let operations = (UInt64(0)..<12).map { id in
            StoreOperation.sample(
                append: id, from: 1, to: .peer(2, new: 70),
                body: Array(repeating: 7, count: 65_536))
        }
        let results = try bench.run(operations)
        let places = results.compactMap { result -> UInt64? in
            guard case .success(.appended(let appended)) = result else { return nil }
            return appended.sequence.number
        }
        #expect(results.contains(.failure(.full)))
        #expect(places == (0..<places.count).map { UInt64($0) + 1 })
        let last = try bench.store.last(70, seenBy: 1) ?? 0
        #expect(last == UInt64(places.count), "what failed left nothing behind")
        #expect(bench.local?.failure == nil)
        #expect(try bench.outcome(.sample(acknowledge: 2, feed: 0)) == .acknowledged([]))
    }

    @Test func manyOperationsShareACommit() throws {
        let bench = try StoreBench(.local)
        try bench.enrol(1, 2)
        let local = try #require(bench.local)
        let before = local.statistics
        let operations = (UInt64(0)..<1_500).map { id in
            StoreOperation.sample(append: id, from: 1, to: .peer(2, new: 70))
        }
        _ = try bench.run(operations)
        let after = local.statistics
        #expect(after.operationsCount - before.operationsCount == 1_500)
        let commits = after.commitsCount - before.commitsCount
        // The writer may be at the disk while most are submitted, or find them all at once.
        #expect(commits >= 3, "a batch has at most 512 operations")
        #expect(commits < 500)
    }

    @Test func threadsMayShareIt() throws {
        let bench = try StoreBench(.local)
        try bench.enrol(1, 2)
        let local = try #require(bench.local)
        let completions = Mutex<[StoreCompletion]>([])
        DispatchQueue.concurrentPerform(iterations: 4) { thread in
            for id in UInt64(0)..<40 {
                let ticket = 1_000 * UInt64(thread + 1) + id
                let operation = StoreOperation.sample(
                    append: ticket, from: 1, to: .peer(2, new: 70))
                #expect(throws: Never.self) { try local.submit(operation, ticket: ticket) }
                let slice = try? local.changes(of: .init(2), after: .init(0), limit: 9)
                let head = slice?.conversations.first?.head.last.number ?? 0
                let page = try? local.messages(
                    MessageRequest(70, 1...1_000, .newestFirst, limit: 1))
                // What one snapshot shows, a later one has as well.
                #expect(page?.messages.first?.sequence.number ?? 0 >= head)
                completions.withLock { local.takeCompletions(into: &$0) }
            }
        }
        local.close()
        completions.withLock { local.takeCompletions(into: &$0) }
        let results = completions.withLock { $0 }
        #expect(Set(results.map(\.ticket)).count == 160)
        let places = results.compactMap { completion -> UInt64? in
            guard case .success(.appended(let appended)) = completion.result else { return nil }
            return appended.sequence.number
        }
        #expect(places == Array(1...160))
        try bench.reopen()
        #expect(try bench.store.last(70, seenBy: 1) == 160)
    }

    @Test func afterClosing() throws {
        let bench = try StoreBench(.local)
        let local = try #require(bench.local)
        for id in UInt64(1)...300 { try local.submit(.sample(createAccount: id), ticket: id) }
        local.close()
        local.close()
        var completions: [StoreCompletion] = []
        local.takeCompletions(into: &completions)
        #expect(completions.map(\.ticket) == Array(1...300), "closing finishes what waits")
        #expect(throws: StoreFailure.failed) {
            try local.submit(.sample(createAccount: 301), ticket: 1)
        }
        #expect(throws: StoreFailure.failed) { try local.account(.init(1)) }
        try bench.reopen()
        #expect(try bench.store.account(.init(300)) != nil)
    }

    @Test func aFailureIsFinal() throws {
        let bench = try StoreBench(.local)
        try bench.enrol(1)
        let local = try #require(bench.local)
        local.environment.latch(
            StoreError(code: EIO, doing: "commit", path: bench.directory.store))
        #expect(try bench.run([.sample(createAccount: 2)]) == [.failure(.failed)])
        #expect(throws: StoreFailure.failed) {
            try local.submit(.sample(createAccount: 3), ticket: 3)
        }
        #expect(local.failure?.code == EIO)
        #expect(local.failure?.description.contains("Input/output error") == true)
        #expect(try local.account(.init(1)) != nil, "what is durable can still be read")
        #expect(try local.account(.init(2)) == nil)
    }
}

extension Environment {
    /// Flips one bit in the middle of a stored value.
    func damage(_ key: Key, in table: TableName) throws(StoreError) {
        try write { transaction throws(StoreError) in
            guard let stored = try transaction.bytes(at: key, in: table) else {
                throw .closed("there is nothing to damage")
            }
            var bytes = Array(stored)
            bytes[bytes.count / 2] ^= 0x10
            try transaction.put(bytes, at: key, in: table)
        }
    }
}
