// The processes of the demo and where they live: a server, a link, and two people.

import Foundation
import PetrelBase
import PetrelWire

/// Starts, kills and asks the processes; keeps their files in one directory.
final class Stage {
    let directory: URL
    private let isKept: Bool
    private(set) var server: Child?
    private var link: Child?
    private var serverAddress: ServerAddress?
    private var linkAddress: ServerAddress?
    private static let patience = Interval.seconds(20)
    private static let password = ["PETREL_PASSWORD": "a storm petrel never lands"]

    init(directory: String?) throws {
        isKept = directory != nil
        if let directory {
            self.directory = URL(fileURLWithPath: directory)
            try FileManager.default.createDirectory(
                at: self.directory, withIntermediateDirectories: true,
                attributes: [.posixPermissions: 0o700])
            let entries = try FileManager.default.contentsOfDirectory(atPath: directory)
            guard entries.isEmpty else {
                throw Failure(
                    status: .badInput,
                    message: "the demo wants an empty directory, but \(directory) has "
                        + "\(entries.count) entries; name another with --keep")
            }
        } else {
            self.directory = FileManager.default.temporaryDirectory
                .appendingPathComponent("petrel-demo-\(getpid())")
            try FileManager.default.createDirectory(
                at: self.directory, withIntermediateDirectories: false,
                attributes: [.posixPermissions: 0o700])
        }
    }

    /// Ends all processes and, unless the directory was named, removes it.
    func clear() {
        for child in [link, server].compactMap({ $0 }) where child.isRunning { child.killNow() }
        if !isKept { try? FileManager.default.removeItem(at: directory) }
    }

    private func path(_ name: String) -> String { directory.appendingPathComponent(name).path }

    // MARK: Server and link

    func startServer() throws {
        let port = serverAddress?.port ?? 0
        let child = try Child(
            "server",
            ["serve", "--data", path("server"), "--listen", "127.0.0.1:\(port)", "--json"])
        server = child
        let line = try firstLine(of: child) { $0.contains("\"listening\"") }
        struct Listening: Codable { var address: String }
        guard let said = try? JSONDecoder().decode(Listening.self, from: Data(line.utf8)),
            let address = try? ServerAddress(said.address)
        else {
            throw Failure(status: .bug, message: "the server said \(line), which has no address")
        }
        serverAddress = address
    }

    func killServer() { server?.killNow() }

    func startLink(arguments: [String]) throws {
        guard let serverAddress else { return }
        let child = try Child(
            "link",
            [
                "netem", "--listen", "127.0.0.1:0", "--to", "127.0.0.1:\(serverAddress.port)",
                "--stats", path("link.json"), "--json",
            ] + arguments)
        link = child
        let end = EventClock.now + Self.patience
        while EventClock.now < end, child.isRunning {
            _ = child.takeLines()
            if let line = child.complaints.first(where: { $0.hasPrefix("netem: ") }) {
                linkAddress = try Self.readLink(line, key: serverAddress.key)
                return
            }
            waitForOutput(of: [child], for: .milliseconds(50))
        }
        throw ended(child, instead: "being ready")
    }

    private static func readLink(_ line: String, key: [UInt8]) throws -> ServerAddress {
        let words = line.split(separator: " ")
        guard words.count > 1,
            let port = words[1].split(separator: ":").last.flatMap({ UInt16($0) })
        else { throw Failure(status: .bug, message: "the link said \(line), which has no port") }
        return ServerAddress(host: "127.0.0.1", port: port, key: key)
    }

    /// Ends the link and returns what it counted.
    func endLink() throws -> NetemStatistics {
        link?.interrupt()
        try finish(link, within: Self.patience)
        let data = try Data(contentsOf: directory.appendingPathComponent("link.json"))
        return try JSONDecoder().decode(NetemStatistics.self, from: data)
    }

    // MARK: People

    func register(_ name: String) throws {
        guard let linkAddress else { return }
        let child = try Child(
            "register \(name)",
            [
                "register", name, "--server", linkAddress.text, "--store", path(name),
                "--device", "\(name)'s phone",
            ], environment: Self.password)
        try finish(child, within: .seconds(45))
        guard child.status == 0 else { throw ended(child, instead: "registering") }
    }

    /// Makes two people contacts of each other: a stranger may send a few messages only.
    func befriend(_ name: String, _ other: String) throws {
        try contacts("add", other, of: name)
        try contacts("accept", name, of: other)
    }

    private func contacts(_ change: String, _ other: String, of name: String) throws {
        let child = try Child(
            "contacts of \(name)", ["contacts", change, other, "--store", path(name)])
        try finish(child, within: .seconds(45))
        guard child.status == 0 else { throw ended(child, instead: "changing contacts") }
    }

    func chat(_ name: String, with peer: String) throws -> Child {
        try Child(name, ["chat", peer, "--store", path(name), "--json"])
    }

    /// Reads what a client holds on its disk, in the order of places.
    func transcript(of name: String) throws -> [TranscriptAudit.Line] {
        let child = try Child(
            "transcript of \(name)",
            [
                "recv", "--store", path(name), "--offline", "--from-start", "--own", "--json",
            ])
        var lines: [String] = []
        let end = EventClock.now + Self.patience
        while EventClock.now < end, child.isRunning {
            lines += child.takeLines()
            waitForOutput(of: [child], for: .milliseconds(50))
        }
        lines += child.takeLines()
        guard !child.isRunning, child.status == 0 else { throw ended(child, instead: "reading") }
        return try lines.map { line in
            let said = try JSONDecoder().decode(ShownMessage.self, from: Data(line.utf8))
            return TranscriptAudit.Line(from: said.from, text: said.text ?? "", place: said.place)
        }
    }

    /// Waits until a child has ended; what it still says goes to `hear`.
    func finish(
        _ child: Child?, within patience: Interval, hear: ([String]) -> Void = { _ in }
    ) throws {
        guard let child else { return }
        let end = EventClock.now + patience
        while child.isRunning {
            hear(child.takeLines())
            guard EventClock.now < end else {
                child.killNow()
                throw ended(child, instead: "ending")
            }
            waitForOutput(of: [child], for: .milliseconds(20))
        }
        hear(child.takeLines())
    }

    private func firstLine(of child: Child, where isIt: (String) -> Bool) throws -> String {
        let end = EventClock.now + Self.patience
        while EventClock.now < end {
            if let line = child.takeLines().first(where: isIt) { return line }
            guard child.isRunning else { break }
            waitForOutput(of: [child], for: .milliseconds(50))
        }
        throw ended(child, instead: "being ready")
    }

    func ended(_ child: Child, instead: String) -> Failure {
        let said = child.complaints.suffix(5).joined(separator: " | ")
        let state = child.isRunning ? "still runs" : "ended with status \(child.status)"
        return Failure(
            status: .bug,
            message: "\(child.name) \(state) instead of \(instead); it said: \(said)")
    }
}
