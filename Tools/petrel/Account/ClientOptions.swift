// Which account on which server: the options that all client commands share.

import ArgumentParser
import Foundation
import Petrel
import PetrelBase

/// Where the client keeps its things, and which server it talks to.
struct ClientOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Where key, outbox and messages are kept; else PETREL_STORE, else ~/.petrel.",
            valueName: "directory"))
    var store: String?
    @Option(
        help: ArgumentHelp(
            "The server's address, petrel://host:port/#KEY; kept after the first success.",
            valueName: "address"))
    var server: String?

    @Option(
        help: ArgumentHelp(
            "The server's TCP port, where UDP is blocked, or none; else PETREL_TCP, else the one "
                + "that the server told, at first the number of the UDP port.", valueName: "port"))
    var tcp: String?

    /// The client's directory.
    var directory: String {
        if let store { return store }
        let environment = ProcessInfo.processInfo.environment
        if let store = environment["PETREL_STORE"], !store.isEmpty { return store }
        return FileManager.default.homeDirectoryForCurrentUser.appendingPathComponent(".petrel")
            .path
    }

    private var serverFile: String { "\(directory)/server" }

    /// The address that was given, or the one that was kept.
    func address() throws -> String {
        if let server { return server }
        guard let data = FileManager.default.contents(atPath: serverFile) else {
            throw Failure(
                status: .usage,
                message: "no server is known in \(directory); name one with --server "
                    + "'petrel://host:port/#KEY', or the directory with --store")
        }
        return String(decoding: data, as: UTF8.self)
            .trimmingCharacters(in: .whitespacesAndNewlines)
    }

    /// Opens the client.
    func open(deviceName: String = "petrel", network: Configuration.Network = .automatic) throws
        -> PetrelClient
    {
        var configuration = Configuration(
            server: try address(), directory: directory, deviceName: deviceName)
        configuration.network = network
        configuration.tcp = try fallback()
        configuration.keyLog = ProcessInfo.processInfo.environment["PETREL_KEYLOGFILE"]
        configuration.qlogDirectory = ProcessInfo.processInfo.environment["PETREL_QLOGDIR"]
        do {
            return try PetrelClient(configuration)
        } catch {
            throw Failure(error)
        }
    }

    private func fallback() throws -> Configuration.TCP {
        let given = tcp ?? ProcessInfo.processInfo.environment["PETREL_TCP"] ?? ""
        if given.isEmpty { return .automatic }
        if given == "none" { return .none }
        guard let port = UInt16(given), port > 0 else {
            throw Failure(
                status: .usage, message: "'\(given)' is no TCP port; give a number, or none")
        }
        return .port(port)
    }

    /// Opens the client of an account that exists.
    func openEnrolled(network: Configuration.Network = .automatic) throws -> PetrelClient {
        let client = try open(network: network)
        guard client.account != nil else {
            throw Failure(
                status: .refused,
                message: "\(directory) belongs to no account; run petrel register or petrel login")
        }
        return client
    }

    /// Keeps the address for the next command.
    func keepAddress() throws {
        guard let server else { return }
        do {
            try Data("\(server)\n".utf8).write(
                to: URL(fileURLWithPath: serverFile), options: .atomic)
        } catch {
            throw Failure(
                status: .storage,
                message: "\(serverFile) cannot be written (\(error.localizedDescription)); "
                    + "give --server each time, or make room")
        }
    }
}

extension Failure {
    /// What the client's error means for the shell.
    init(_ error: PetrelError) {
        let status: ExitStatus =
            switch error.code {
            case .addressInvalid, .inputInvalid: .badInput
            case .keyFile, .directoryUnusable: .badConfiguration
            case .storeFailed, .storeFull: .storage
            case .refused, .busy, .revoked: .refused
            case .system, .closed, .cancelled: .bug
            }
        self.init(status: status, message: error.description)
    }
}

/// Runs `body` for as long as `limit`; ends with status 3 and `explanation` after that.
func within<Value: Sendable>(
    _ limit: Interval?, _ explanation: @escaping @Sendable () -> String,
    _ body: @escaping @Sendable () async throws -> Value
) async throws -> Value {
    guard let limit else { return try await body() }
    return try await withThrowingTaskGroup(of: Value.self) { group in
        group.addTask(operation: body)
        group.addTask {
            try await Task.sleep(for: .nanoseconds(limit.nanoseconds))
            throw Failure(status: .unreachable, message: explanation())
        }
        defer { group.cancelAll() }
        guard let value = try await group.next() else {
            throw Failure(status: .bug, message: "nothing was waited for")
        }
        return value
    }
}

extension ClientOptions {
    /// Why nobody answered, as far as this side can tell.
    func noAnswer(after limit: Interval, _ client: PetrelClient) -> String {
        if let obstacle = client.obstacle { return obstacle.description }
        let place = (try? address())?.split(separator: "#").first.map(String.init) ?? "the server"
        return "no answer from \(place) in \(limit.text) (\(client.state.text)); the server may be "
            + "down, UDP blocked and TCP too, or the key after # not the server's"
    }
}

extension ConnectionState {
    /// The state in a few words.
    var text: String {
        switch self {
        case .idle: "not started"
        case .connecting(let attempt): attempt > 1 ? "connecting, attempt \(attempt)" : "connecting"
        case .connected(let roundTrip):
            roundTrip.map { "connected, round trip \(Interval($0).rounded.text)" } ?? "connected"
        case .waiting(let after, let reason):
            "\(reason); next try in \(Interval(after).rounded.text)"
        case .storeFailed(let error): error.sentence
        case .revoked: "this device was revoked"
        case .closed: "closed"
        }
    }
}

extension Interval {
    /// The interval in whole milliseconds, for people.
    var rounded: Interval { .milliseconds(Int64(milliseconds.rounded())) }

    init(_ duration: Duration) {
        let (seconds, attoseconds) = duration.components
        self = .seconds(seconds) + Interval(nanoseconds: attoseconds / 1_000_000_000)
    }
}
