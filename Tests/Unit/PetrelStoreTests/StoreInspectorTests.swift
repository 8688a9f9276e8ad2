// Looking into a store from outside: a copy, a store that is served, and what is refused.

import Foundation
import PetrelBase
import PetrelClientData
import PetrelMessaging
import PetrelServices
import Testing

@testable import PetrelStore

@Suite struct StoreInspectorTests {
    private static let wall = WallTime(milliseconds: 10_000)

    /// A store in which one account has said three things to another.
    private func bench() throws -> StoreBench {
        let bench = try StoreBench(.local)
        try bench.enrol(1, 2)
        for id in UInt64(1)...3 {
            _ = try bench.append(.sample(append: id, from: 1, to: .peer(2, new: 70)))
        }
        return bench
    }

    /// Copies files of a store to a directory of its own; a store that is open must be at rest.
    private func copy(_ names: String..., of bench: StoreBench) throws -> String {
        let path = bench.directory.path + "/copy"
        try FileManager.default.createDirectory(
            atPath: path, withIntermediateDirectories: false,
            attributes: [.posixPermissions: 0o700])
        for name in names {
            try FileManager.default.copyItem(
                atPath: "\(bench.directory.store)/\(name)", toPath: "\(path)/\(name)")
        }
        return path
    }

    private func refusal(_ path: String) throws -> StoreError {
        do throws(StoreError) {
            _ = try StoreInspector(directory: path)
        } catch {
            return error
        }
        throw StoreBench.Unexpected()
    }

    @Test func aCopyIsReadAndLeftAsItIs() throws {
        let bench = try bench()
        let local = try #require(bench.local)
        let path = try copy("data.mdb", of: bench)
        let data = URL(fileURLWithPath: path + "/data.mdb")
        let before = try Data(contentsOf: data)
        do {
            let inspector = try StoreInspector(directory: path)
            #expect(inspector.incarnation == local.incarnation)
            let report = try inspector.verification(at: Self.wall)
            #expect(report.isSound, "\(report.findings)")
            #expect(report.events == 3)
            #expect(try report == local.verification(at: Self.wall))
            let id = ClientMessageID(high: 1, low: 2)
            let stories = try inspector.stories(of: id)
            #expect(stories.map(\.sequence.number) == [2])
            #expect(try stories == local.stories(of: id))
            #expect(try inspector.stories(of: ClientMessageID(high: 9, low: 9)).isEmpty)
        }
        #expect(try Data(contentsOf: data) == before)
        #expect(try FileManager.default.contentsOfDirectory(atPath: path) == ["data.mdb"])
        // The store itself was not in the way, nor is it now.
        _ = try bench.append(.sample(append: 4, from: 1, to: .to(70)))
    }

    @Test func whatIsDamagedOrMissingIsFound() throws {
        let bench = try bench()
        let local = try #require(bench.local)
        try local.environment.damage(.message(.init(1), of: .init(70)), in: .message)
        try local.environment.write { transaction throws(StoreError) in
            try transaction.remove(.message(.init(2), of: .init(70)), in: .message)
        }
        let inspector = try StoreInspector(directory: try copy("data.mdb", "lock.mdb", of: bench))
        let report = try inspector.verification(at: Self.wall)
        let sentences = report.findings.map { "\($0.rule): \($0.sentence)" }
        #expect(
            sentences.prefix(2) == [
                "damaged: the record message/00000000000000460000000000000001 cannot be read",
                "gap: places 2...2 of conversation 0000000000000046 are missing",
            ])
        let story = try #require(try inspector.stories(of: .init(high: 1, low: 1)).first)
        #expect(story.state == .damaged)
    }

    @Test func aStoreIsReadBesideItsServer() async throws {
        let bench = try bench()
        let path = bench.directory.store
        await #expect(processExitsWith: .success) { [path = path as String] in
            let inspector = try StoreInspector(directory: path)
            let report = try inspector.verification(at: WallTime(milliseconds: 10_000))
            let stories = try inspector.stories(of: ClientMessageID(high: 1, low: 3))
            guard report.isSound, report.events == 3, stories.count == 1 else { exit(1) }
        }
        _ = try bench.append(.sample(append: 4, from: 1, to: .to(70)))
        try bench.reopen()
    }

    @Test func aReadOnlyDiskIsNoHindrance() throws {
        let bench = try bench()
        let path = try copy("data.mdb", "lock.mdb", of: bench)
        guard mount(path, path, nil, UInt(MS_BIND), nil) == 0 else {
            print("skipped: mounting is not permitted here (errno \(errno))")
            return
        }
        defer { umount2(path, Int32(MNT_DETACH)) }
        let flags = UInt(MS_BIND) | UInt(MS_REMOUNT) | UInt(MS_RDONLY)
        try #require(mount(nil, path, nil, flags, nil) == 0)
        let inspector = try StoreInspector(directory: path)
        #expect(try inspector.verification(at: Self.wall).events == 3)
    }

    @Test func whatIsNoStoreIsRefused() throws {
        let directory = TemporaryDirectory()
        try directory.make()
        #expect(try refusal(directory.store).code == ENOENT)
        try FileManager.default.createDirectory(
            atPath: directory.store, withIntermediateDirectories: false,
            attributes: [.posixPermissions: 0o700])
        let none = try refusal(directory.store)
        #expect(none.kind == .foreign)
        #expect(none.happened == "There is no store in \(directory.store).")
        #expect(try FileManager.default.contentsOfDirectory(atPath: directory.store).isEmpty)
        let file = directory.store + "/data.mdb"
        try Data(repeating: 7, count: 8_192).write(to: URL(fileURLWithPath: file))
        try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: file)
        #expect(try refusal(directory.store).kind == .foreign)
    }

    @Test func whatAServerRefusesIsRefused() throws {
        let bench = try bench()
        let path = try copy("data.mdb", of: bench)
        let file = path + "/data.mdb"
        try FileManager.default.setAttributes([.posixPermissions: 0o644], ofItemAtPath: file)
        let open = try refusal(path)
        #expect(open.kind == .unsafeDirectory)
        #expect(open.advice == "Run: chmod 600 \(file)")
        let client = TemporaryDirectory()
        try client.make()
        try FileClientStore(directory: client.store).close()
        let other = try refusal(client.store)
        #expect(other.kind == .foreign)
        #expect(other.happened.contains("that of a client, not of a server"))
        try bench.local?.environment.write { transaction throws(StoreError) in
            try transaction.put(NumberRow(99), at: Schema.versionKey, in: .meta)
        }
        bench.local?.close()
        let newer = try refusal(bench.directory.store)
        #expect(newer.kind == .foreign)
        #expect(newer.happened.contains("schema version 99, newer than"))
    }
}
