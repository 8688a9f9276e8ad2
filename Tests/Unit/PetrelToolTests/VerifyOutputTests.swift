// What petrel verify prints, and how it ends.

import ArgumentParser
import Foundation
import PetrelBase
import PetrelMessaging
import PetrelServices
import Testing

@testable import PetrelCommand
@testable import PetrelStore

@Suite struct VerifyOutputTests {
    static let units: [(text: String, expected: String)] = [
        (HumanUnits.count(0), "0"), (HumanUnits.count(999), "999"),
        (HumanUnits.count(1_000), "1,000"), (HumanUnits.count(12_034_567), "12,034,567"),
        (HumanUnits.count(1, "event"), "1 event"), (HumanUnits.count(0, "event"), "no events"),
        (HumanUnits.count(2, "entry", "entries"), "2 entries"),
        (HumanUnits.bytes(0), "0 B"), (HumanUnits.bytes(1_023), "1023 B"),
        (HumanUnits.bytes(1_024), "1.00 KiB"), (HumanUnits.bytes(1_268_777), "1.21 MiB"),
        (HumanUnits.offset(milliseconds: -48), "-48 ms"),
        (HumanUnits.offset(milliseconds: 1_950), "+1.9 s"),
        (HumanUnits.offset(milliseconds: 185_000), "+3 min"),
        (HumanUnits.offset(milliseconds: 7_300_000), "+2 h"),
        (HumanUnits.offset(milliseconds: 345_600_000), "+4 days"),
        (HumanUnits.printable("a\u{1B}[1mb\nc"), "a\u{FFFD}[1mb\u{FFFD}c"),
    ]

    @Test func numbersAreInHumanUnits() {
        for row in Self.units { #expect(row.text == row.expected) }
    }

    @Test func aSoundStoreIsCounted() throws {
        let village = try Village()
        let report = try village.store.verification(at: Village.start)
        let shown = ShownVerification(
            report, directory: "/d", incarnation: 3, elapsed: .milliseconds(1_250))
        #expect(
            shown.lines == [
                "store          /d, incarnation 3",
                "accounts       2, with 2 devices and no open invitations",
                "conversations  1, with 2 events and 10 B of bodies",
                "feeds          4 entries",
                "identifiers    2 remembered",
                "sound: every promise is kept (checked in 1.2 s)",
            ])
    }

    @Test func brokenPromisesAreToldAndCounted() throws {
        let path = try Village.directory()
        defer { try? FileManager.default.removeItem(atPath: path) }
        let store = try LocalStore(directory: path, mapBytes: 16 << 20) {}
        let village = try Village()
        for (ticket, operation) in village.operations.enumerated() {
            try store.submit(operation, ticket: UInt64(ticket))
        }
        store.close()
        let command = try VerifyCommand.parse(["--data", path])
        #expect(throws: Never.self) { try command.run() }
        let trace = try TraceCommand.parse([Village.id(1).uuidText, "--data", path])
        #expect(throws: Never.self) { try trace.run() }
        let unknown = try TraceCommand.parse([Village.id(9).uuidText, "--json", "--data", path])
        #expect(throws: ExitCode(1)) { try unknown.run() }

        let harmed = try LocalStore(directory: path, mapBytes: 16 << 20) {}
        try harmed.environment.write { transaction throws(StoreError) in
            try transaction.remove(.message(.init(1), of: Village.conversation), in: .message)
        }
        let report = try harmed.verification(at: Village.start)
        harmed.close()
        let shown = ShownVerification(
            report, directory: path, incarnation: 1, elapsed: .milliseconds(4))
        #expect(!shown.is_sound)
        #expect(
            shown.lines.dropFirst(5).first
                == "gap: places 1...1 of conversation 0000000000000046 are missing")
        #expect(
            shown.lines.last
                == "not sound: \(report.findingsCount) promises are broken (checked in 4 ms)")
        #expect(throws: ExitCode(1)) { try command.run() }
        let json = try #require(
            try JSONSerialization.jsonObject(with: JSONEncoder().encode(shown)) as? [String: Any])
        #expect(json["schema"] as? String == "petrel-verify-1")
        #expect(json["is_sound"] as? Bool == false)
        #expect(json["events_count"] as? Int == 1)
        #expect((json["findings"] as? [[String: String]])?.first?["rule"] == "gap")
    }

    @Test func whatIsNoStoreEndsWithTheRightStatus() throws {
        let path = try Village.directory()
        defer { try? FileManager.default.removeItem(atPath: path) }
        func status(_ path: String) throws -> PetrelCommand.ExitStatus? {
            do {
                try VerifyCommand.parse(["--data", path]).run()
            } catch let failure as Failure {
                return failure.status
            }
            return nil
        }
        #expect(try status(path + "/nowhere") == .badConfiguration)
        #expect(try status(path) == .badInput)
        try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: path)
        #expect(try status(path) == .badConfiguration)
        let disk = StoreError(code: EIO, doing: "read", path: path)
        #expect(Failure(disk).status == .storage)
    }
}

/// Two people, of whom one has said two things to the other.
struct Village {
    static let start = WallTime(milliseconds: 1_800_000_000_000)
    static let conversation = ConversationID(0x46)

    var store = MemoryStore()
    private(set) var operations: [StoreOperation] = []
    private var ticket: UInt64 = 0

    init() throws {
        for (number, handle) in [(UInt64(1), "alice"), (2, "bob")] {
            try apply(
                .createAccount(
                    CreateAccount(
                        account: .init(number), handle: handle, password: [1],
                        key: DeviceKey(.init(number, 0, 0, 0)), deviceName: "phone\u{1B}",
                        helloCounter: 1, time: Self.start)))
        }
        for number in UInt64(1)...2 {
            try say(.message(Content(contentType: "", body: Array("hello".utf8))), number)
        }
    }

    /// Lets alice do something.
    mutating func say(
        _ event: ConversationEvent, _ number: UInt64, later milliseconds: Int64 = 0
    ) throws {
        try apply(
            .appendMessage(
                AppendMessage(
                    account: .init(1), device: .init(1), clientMessageID: Self.id(number),
                    target: .peer(.init(2), ifNew: Self.conversation), event: event,
                    digest: .init(number, 0, 0, 0),
                    time: WallTime(milliseconds: Self.start.milliseconds + milliseconds))))
    }

    mutating func apply(_ operation: StoreOperation) throws {
        ticket += 1
        operations.append(operation)
        try store.submit(operation, ticket: ticket)
        var completions: [StoreCompletion] = []
        store.takeCompletions(into: &completions)
        if case .refused(let refusal) = try #require(completions.first).result.get() {
            Issue.record("refused: \(refusal)")
        }
    }

    /// An identifier that was minted 1.2 s before the town began.
    static func id(_ number: UInt64) -> ClientMessageID {
        ClientMessageID(
            high: UInt64(start.milliseconds - 1_200) << 16 | 0x7000, low: 1 << 63 | number)
    }

    /// A directory of a test's own.
    static func directory() throws -> String {
        let path = NSTemporaryDirectory() + "petrel-verify-" + UUID().uuidString
        try FileManager.default.createDirectory(
            atPath: path, withIntermediateDirectories: false,
            attributes: [.posixPermissions: 0o700])
        return path
    }
}
