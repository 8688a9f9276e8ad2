// petrel serve: runs the server until Ctrl-C.

import ArgumentParser
import Foundation
import PetrelBase
import PetrelEvent
import PetrelServer
import PetrelServerCore
import PetrelWire

/// Runs a server; needs no configuration.
struct ServeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "serve", abstract: "Runs a server.",
        discussion: """
            The first start makes the data directory, the server's key and its database. The \
            address that is printed is what clients need. Ctrl-C stops it: clients are told and \
            come back when it is started again.

            Exits with 74 if the disk failed; nothing is acknowledged after that. A damaged \
            record is told on the standard error and never delivered; all others are.
            """)

    @Option(help: ArgumentHelp("Keys and database; made if need be.", valueName: "directory"))
    var data: String?
    @Option(help: "The UDP address to listen on, as host:port; port 0 takes a free one.")
    var listen = "0.0.0.0:\(ServerAddress.defaultPort)"
    @Option(
        help: ArgumentHelp(
            "A TCP port at the same address, for clients whose network blocks UDP; 0 takes a free "
                + "one, none if not given.", valueName: "port"))
    var tcp: UInt16?
    @Option(
        help: ArgumentHelp("The host that clients are told; else one guessed.", valueName: "host"))
    var publicHost: String?
    @Option(
        help: ArgumentHelp(
            "Threads that serve sessions, 1 to 64; as many as processors if not given.",
            valueName: "count"))
    var workers: Int?
    @Option(help: ArgumentHelp("The most bytes that the database can hold.", valueName: "bytes"))
    var mapBytes: Int?
    @Option(
        help: ArgumentHelp(
            "Write the secrets of all sessions there, to decrypt captures with; for tests only.",
            valueName: "file"))
    var keyLog: String?
    @Option(
        help: ArgumentHelp(
            "Write what the transport of each session does into files there, as qlog.",
            valueName: "directory"))
    var qlog: String?
    @Flag(help: "Print JSON lines instead of text.")
    var json = false

    private struct Listening: Encodable {
        var event = "listening"
        var address: String
        var listen: String
        var tcp: String?
        var data: String
    }

    private struct Stopped: Encodable {
        var event = "stopped"
        var datagrams_received: UInt64
        var datagrams_dropped: UInt64
        var sessions_confirmed: UInt64
        var messages_committed: UInt64
        var messages_repeated: UInt64
        var tcp_connections: UInt64
        var tcp_refused: UInt64
    }

    private var directory: String {
        data
            ?? FileManager.default.homeDirectoryForCurrentUser
            .appendingPathComponent(".petrel-server").path
    }

    /// Serves.
    func run() throws {
        let server = try start()
        announce(server)
        let ending: Server.Ending
        do {
            ending = try server.run()
        } catch {
            throw Failure(error)
        }
        report(server)
        if case .storageFailed(let error) = ending { throw Failure(error) }
    }

    private func start() throws -> Server {
        let addresses: [Address]
        do {
            addresses = try Address.resolve(endpoint: listen)
        } catch {
            throw Failure(
                status: .badConfiguration, message: "--listen \(listen) cannot be used: \(error)")
        }
        guard let address = addresses.first else {
            throw Failure(status: .badConfiguration, message: "--listen \(listen) names no address")
        }
        var settings = ServerConfiguration(listen: address, directory: directory)
        settings.tcpPort = tcp
        if let workers { settings.workers = workers }
        if let mapBytes { settings.mapBytes = mapBytes }
        settings.keyLog = keyLog
        settings.qlogDirectory = qlog
        do {
            return try Server(settings) { say("petrel: \($0)") }
        } catch {
            throw Failure(error)
        }
    }

    private func announce(_ server: Server) {
        let host = publicHost ?? Self.reachableHost(server.address)
        let address = ServerAddress(
            host: host, port: server.address.port, key: server.publicKeyBytes)
        guard !json else {
            return result(
                json: Listening(
                    address: address.text, listen: server.address.description,
                    tcp: server.tcpAddress.map { "\($0.over(.datagram, port: $0.port))" },
                    data: directory))
        }
        let tcp = server.tcpAddress.map { ", port \($0.port) (TCP)" } ?? ""
        result(
            """
            address      \(address.text)
            fingerprint  \(Self.fingerprint(server.publicKeyBytes))
            listening    \(server.address) (UDP)\(tcp)
            data         \(directory)
            Clients:     petrel register NAME --server '\(address.text)'
            Ctrl-C stops the server.
            """)
    }

    private func report(_ server: Server) {
        let metrics = server.metrics
        let streams = server.streamMetrics
        guard !json else {
            return result(
                json: Stopped(
                    datagrams_received: metrics.datagramsReceived,
                    datagrams_dropped: metrics.datagramsDropped,
                    sessions_confirmed: metrics.sessionsConfirmed,
                    messages_committed: metrics.messagesCommitted,
                    messages_repeated: metrics.messagesRepeated,
                    tcp_connections: streams.accepted,
                    tcp_refused: streams.refused + streams.malformed + streams.expired))
        }
        result(
            "stopped: \(metrics.messagesCommitted) messages committed in "
                + "\(metrics.sessionsConfirmed) sessions; \(metrics.datagramsReceived) datagrams, "
                + "\(metrics.datagramsDropped) of them dropped")
    }

    /// The first groups of the key, easy to read out loud.
    private static func fingerprint(_ key: [UInt8]) -> String {
        let digits = key.prefix(16).map { byte in
            let text = String(byte, radix: 16)
            return byte < 16 ? "0\(text)" : text
        }
        return stride(from: 0, to: digits.count, by: 2)
            .map { digits[$0] + digits[$0 + 1] }.joined(separator: " ")
    }

    /// What a client on this machine can use when the server listens on all addresses.
    private static func reachableHost(_ address: Address) -> String {
        if address.v4 == 0 || (address.high == 0 && address.low == 0) { return "127.0.0.1" }
        return String(address.description.dropLast(":\(address.port)".count))
            .trimmingCharacters(in: CharacterSet(charactersIn: "[]"))
    }
}

extension Failure {
    /// What the server's error means for the shell.
    init(_ error: ServerError) {
        let status: ExitStatus =
            switch error.kind {
            case .storeFull, .storeFailed: .storage
            case .configuration, .addressInUse, .addressUnusable, .keyFile, .directoryUnsafe,
                .directoryInUse, .storeForeign, .system:
                .badConfiguration
            }
        self.init(status: status, message: error.description)
    }
}
