// The server's configuration file: what it may say, what is refused and how, and that it works.

import ArgumentParser
import Foundation
import Petrel
import PetrelBase
import PetrelServer
import PetrelServerCore
import PetrelServices
import PetrelWire
import Testing

@testable import PetrelCommand

@Suite struct ServeSettingsTests {
    private static let whole = """
        # A server with two classes.
        data = '/var/lib/petrel'
        listen = "127.0.0.1:0"   # a free port
        public-host = "chat.example.org"
        workers = 2
        map-bytes = 1_073_741_824
        key-log = "/tmp/a \\u0062"
        qlog = "/tmp/q"
        json = true

        [class.call]
        kind = "expiring"
        priority = 0
        deadline = "800ms"
        redundancy = "copy"
        coalescing = "0ms"

        [ class . archive ]
        durability = "stored"
        priority = 6
        retention = "720h"

        [class.step]
        reliability = "session"
        ordering = "stream"
        durability = "none"
        """

    @Test func limitsAreReadAndTheOthersStay() throws {
        let settings = try ServeSettings(
            """
            [limits]
            stranger-messages = 0
            account-bytes = 65536
            edit-window = "1h"
            needs-invitation = true
            sends-per-second = 1000
            sends-at-once = 7
            """)
        var expected = ServiceLimits()
        expected.strangerMessagesMax = 0
        expected.accountBytesMax = 65_536
        expected.editWindow = .seconds(3_600)
        expected.needsInvitation = true
        #expect(settings.limits.limits == expected)
        #expect(settings.limits.sends == BucketRate(spacing: .milliseconds(1), burst: 7))
    }

    @Test func aFileSaysAllThatFlagsCan() throws {
        let settings = try ServeSettings(Self.whole)
        #expect(settings.data == "/var/lib/petrel")
        #expect(settings.listen == "127.0.0.1:0")
        #expect(settings.publicHost == "chat.example.org")
        #expect(settings.workers == 2)
        #expect(settings.mapBytes == 1 << 30)
        #expect(settings.keyLog == "/tmp/a b")
        #expect(settings.qlog == "/tmp/q")
        #expect(settings.json == true)
        #expect(
            settings.classes == [
                ClassPolicy(
                    DeliveryClass(.expiring, variant: 1), name: "call", priority: 0,
                    deadline: .milliseconds(800), redundancy: .copy, coalescing: .zero),
                ClassPolicy(
                    DeliveryClass(.durable, variant: 1), name: "archive", priority: 6,
                    retention: .seconds(720 * 3_600)),
                ClassPolicy(DeliveryClass(.ordered, variant: 1), name: "step", priority: 3),
            ])
        #expect(try ServeSettings("") == ServeSettings())
        #expect(try ServeSettings("\r\n# all\r\n\tworkers = 3 \r\n").workers == 3)
    }

    @Test func flagsWinOverTheFile() throws {
        let file = try FileOf(Self.whole)
        let command = try ServeCommand.parse([
            "--config", file.path, "--workers", "5", "--no-json", "--listen", "127.0.0.1:9",
        ])
        let settings = try command.settings()
        #expect(settings.workers == 5)
        #expect(settings.json == false)
        #expect(settings.listen == "127.0.0.1:9")
        #expect(settings.data == "/var/lib/petrel")
        #expect(settings.classes.map(\.name) == ["call", "archive", "step"])
        #expect(try ServeCommand.parse([]).settings().listen == "0.0.0.0:7700")
    }

    /// Text, and what its fault must say: line, key, value and what is allowed.
    private static let faults: [(text: String, says: [String])] = [
        ("workers = 65", ["line 1", "workers = 65", "1 to 64"]),
        ("\nworkers = \"2\"", ["line 2", "workers = \"2\"", "1 to 64"]),
        ("workers = 1\nworkers = 2", ["line 2", "workers", "line 1"]),
        ("map-bytes = 5", ["map-bytes = 5", "1048576 or more"]),
        ("json = 1", ["json = 1", "true nor false"]),
        ("data = \"\"", ["data = \"\"", "directory"]),
        ("colour = 1", ["colour = 1", "unknown", "listen"]),
        ("[colour]", ["line 1", "[colour]", "[class.NAME]"]),
        ("[limits]\nstranger-message = 3", ["line 2", "stranger-messages"]),
        ("[limits]\ngroup-members = 1", ["line 2", "2 to 10000"]),
        ("[limits]\nedit-window = \"soon\"", ["line 2", "edit-window", "0s to 87600h"]),
        ("[limits]\nneeds-invitation = 1", ["line 2", "true nor false"]),
        ("[class]", ["[class]", "[class.NAME]"]),
        ("[class.a.b]\nkind = \"bulk\"", ["[class.a.b]", "[class.NAME]"]),
        ("[class.Call]\nkind = \"bulk\"", ["line 1", "Call", "a-z"]),
        ("[class.abcdefghijklmnop]\nkind = \"bulk\"", ["1 to 15"]),
        ("[class.durable]\nkind = \"bulk\"", ["built-in"]),
        ("[class.a]\nkind = \"bulk\"\n[class.a]", ["line 3", "[class.a]", "line 1"]),
        ("[class.a]\nkind = \"ephemeral\"", ["line 2", "kind = \"ephemeral\"", "\"ordered\""]),
        ("[class.a]\npriority = 1", ["line 1", "[class.a]", "kind"]),
        ("[class.a]\nreliability = \"session\"", ["reliable or ordered"]),
        (
            "[class.a]\nkind = \"ordered\"\nordering = \"none\"",
            ["line 3", "ordering = \"none\"", "ordered (reliability session"]
        ),
        ("[class.a]\nordering = \"random\"", ["ordering = \"random\"", "\"stream\""]),
        ("[class.a]\nkind = \"bulk\"\npriority = 8", ["line 3", "priority = 8", "0 to 7"]),
        ("[class.a]\nkind = \"bulk\"\npriority = -1", ["priority = -1", "0 to 7"]),
        ("[class.a]\nkind = \"expiring\"", ["line 1", "no deadline", "20ms"]),
        (
            "[class.a]\nkind = \"expiring\"\ndeadline = \"19ms\"",
            ["line 3", "deadline = \"19ms\"", "\"20ms\" to \"1h\""]
        ),
        ("[class.a]\nkind = \"expiring\"\ndeadline = 800", ["deadline = 800", "20ms"]),
        ("[class.a]\nkind = \"reliable\"\ndeadline = \"1s\"", ["deadline", "reliable"]),
        ("[class.a]\nkind = \"bulk\"\nretention = \"0s\"", ["retention = \"0s\"", "87600h"]),
        ("[class.a]\nkind = \"bulk\"\nretention = \"87601h\"", ["87601h", "87600h"]),
        (
            "[class.a]\nkind = \"bulk\"\nredundancy = \"hedge\"",
            ["line 3", "hedge", "second path", "\"copy\""]
        ),
        ("[class.a]\nkind = \"bulk\"\nredundancy = \"much\"", ["much", "\"auto\""]),
        ("[class.a]\nkind = \"bulk\"\ncoalescing = \"63ms\"", ["63ms", "62ms"]),
        ("[class.a]\nkind = \"bulk\"\ncoalescing = \"1.5ms\"", ["1.5ms", "whole"]),
        ("[class.a]\nkind = \"bulk\"\nweight = 1", ["line 3", "weight = 1", "retention"]),
        ("[[class]]", ["[[ ]]"]),
        ("[class.a", ["line 1", "]"]),
        ("[]", ["name"]),
        ("[class.a] x", ["'x'"]),
        ("workers", ["line 1", "workers = VALUE"]),
        ("a.b = 1", ["dots"]),
        ("\"workers\" = 1", ["name"]),
        ("workers = ", ["workers = "]),
        ("workers = 1 2", ["'2'"]),
        ("workers = 01", ["01"]),
        ("workers = 1__0", ["1__0"]),
        ("workers = 0x10", ["0x10"]),
        ("workers = 1.0", ["1.0"]),
        ("workers = [1]", ["lists"]),
        ("workers = 99999999999999999999", ["99999999999999999999"]),
        ("data = \"a", ["line 1", "data", "end"]),
        ("data = 'a", ["end"]),
        ("data = \"\\x\"", ["\\x"]),
        ("data = \"\\ud800\"", ["\\u"]),
        ("data = \"\"\"a\"\"\"", ["several lines"]),
        ("data = '''a'''", ["several lines"]),
        ("data = \"a\u{1}\"", ["control"]),
    ]

    @Test(arguments: faults.indices)
    func faultsNameLineKeyValueAndWhatIsAllowed(row: Int) {
        let (text, says) = Self.faults[row]
        let fault = #expect(throws: ConfigurationFault.self) { try ServeSettings(text) }
        for part in says {
            #expect(fault?.description.contains(part) == true, "\(String(describing: fault))")
        }
    }

    @Test func moreClassesThanAnAcceptHoldsAreRefused() {
        func classes(_ count: Int, _ name: String) -> String {
            (1...count).map { "[class.\(name)\($0)]\nkind = \"bulk\"" }.joined(separator: "\n")
        }
        #expect(throws: Never.self) { try ServeSettings(classes(8, "a")) }
        let many = #expect(throws: ConfigurationFault.self) { try ServeSettings(classes(9, "a")) }
        #expect(many?.line == 17)
        let long = #expect(throws: ConfigurationFault.self) {
            try ServeSettings(classes(6, "abcdefghijklmn"))
        }
        #expect(long?.description.contains("112") == true)
    }

    @Test(arguments: UInt64(1)...200)
    func damagedFilesAreReadOrRefused(seed: UInt64) {
        var random = RandomStream(seed: seed, label: "configuration")
        var text = Array(Self.whole.unicodeScalars)
        for _ in 0..<1 + random.below(6) {
            let place = Int(random.below(UInt64(text.count)))
            switch random.below(3) {
            case 0: text.remove(at: place)
            case 1: text.insert(text[Int(random.below(UInt64(text.count)))], at: place)
            default: text[place] = Unicode.Scalar(UInt8(random.below(256)))
            }
        }
        var damaged = String.UnicodeScalarView()
        damaged.append(contentsOf: text)
        // Whatever comes out, every class can be told to clients.
        guard let settings = try? ServeSettings(String(damaged)) else { return }
        for policy in settings.classes { #expect(policy.isValid) }
    }

    @Test func filesThatCannotBeReadAreNamed() throws {
        let missing = #expect(throws: Failure.self) { try ServeSettings(path: "/nowhere/at.toml") }
        #expect(missing?.status == .badConfiguration)
        #expect(missing?.message.contains("/nowhere/at.toml") == true)
        let binary = try FileOf([0xFF, 0xFE, 0])
        let foreign = #expect(throws: Failure.self) { try ServeSettings(path: binary.path) }
        #expect(foreign?.message.contains("UTF-8") == true)
        let wrong = try FileOf("\n\nworkers = 0")
        let fault = #expect(throws: Failure.self) { try ServeSettings(path: wrong.path) }
        #expect(fault?.status == .badConfiguration)
        #expect(fault?.message.hasPrefix("\(wrong.path), line 3: workers = 0") == true)
    }

    /// A server with a file, and a client that learns its classes.
    @Test func clientsSeeTheClassesOfTheFile() async throws {
        let file = try FileOf(
            """
            listen = "127.0.0.1:0"
            workers = 1
            map-bytes = 16_777_216
            [class.call]
            kind = "expiring"
            priority = 0
            deadline = "800ms"
            redundancy = "copy"
            """)
        let folder = try FolderOfOwn()
        var settings = try ServeSettings(path: file.path)
        settings.data = "\(folder.path)/server"
        var configuration = try settings.configuration()
        configuration.signals = .ignored
        let server = try Server(configuration)
        let (stopper, address) = (
            server.stopper,
            ServerAddress(
                host: "127.0.0.1", port: server.address.port, key: server.publicKeyBytes)
        )
        let running = Running(server)
        let client = try PetrelClient(
            Configuration(server: address.text, directory: "\(folder.path)/client"))
        #expect(client.classes.isEmpty)
        try await client.connected()
        #expect(client.classes.count == 7)
        let call = try #require(client.classes.first { $0.name == "call" })
        #expect(call.isDefinedByOperator && call.kind == .expiring && call.priority == 0)
        #expect(call.deadline == .milliseconds(800) && call.retention == nil)
        #expect(call.redundancy == .copy && call.coalescing == nil)
        let durable = try #require(client.classes.first { $0.name == "durable" })
        #expect(!durable.isDefinedByOperator && durable.priority == 3)
        await client.close()
        stopper.stop()
        running.wait()
    }
}

/// A server that runs on a thread of its own.
private final class Running: @unchecked Sendable {
    private let server: Server
    private let ended = DispatchSemaphore(value: 0)

    init(_ server: Server) {
        self.server = server
        let thread = Thread { [self] in
            _ = try? self.server.run()
            ended.signal()
        }
        thread.start()
    }

    func wait() { ended.wait() }
}

/// A folder that goes with its test.
private final class FolderOfOwn {
    let path: String

    init() throws {
        path = NSTemporaryDirectory() + "petrel-" + UUID().uuidString
        try FileManager.default.createDirectory(
            atPath: path, withIntermediateDirectories: true,
            attributes: [.posixPermissions: 0o700])
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }
}

/// A file that goes with its test.
private final class FileOf {
    let path: String

    init(_ text: String) throws {
        path = NSTemporaryDirectory() + "petrel-" + UUID().uuidString + ".toml"
        try Data(text.utf8).write(to: URL(fileURLWithPath: path))
    }

    init(_ bytes: [UInt8]) throws {
        path = NSTemporaryDirectory() + "petrel-" + UUID().uuidString + ".toml"
        try Data(bytes).write(to: URL(fileURLWithPath: path))
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }
}
