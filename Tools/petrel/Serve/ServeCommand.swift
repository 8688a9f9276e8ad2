// petrel serve: runs the server until Ctrl-C.

import ArgumentParser
import Foundation
import PetrelBase
import PetrelServer
import PetrelServerCore
import PetrelWire

/// Runs a server; needs no configuration, but takes one.
struct ServeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "serve", abstract: "Runs a server.",
        discussion: """
            The first start makes the data directory, the server's key and its database. The \
            address that is printed is what clients need. Ctrl-C stops it: clients are told and \
            come back when it is started again.

            Exits with 74 if the disk failed; nothing is acknowledged after that. A damaged \
            record is told on the standard error and never delivered; all others are.

            A file of settings is named with --config. It is written in TOML, has the options \
            below by their names (data, listen, tcp, public-host, workers, map-bytes, key-log, \
            qlog, json), which options of the command line replace, limits, and delivery classes, \
            of which clients are told:

              listen = "0.0.0.0:7700"
              [limits]
              stranger-messages = 3    # to who has not accepted the sender
              account-bytes = 1073741824
              group-members = 10000
              groups = 500             # of an account
              contacts = 5000
              conversation-events = 10000000
              edit-window = "48h"      # for the sender
              recall-window = "48h"    # for the sender; admins of groups always may
              needs-invitation = false # to register
              sends-per-second = 50    # of an account
              sends-at-once = 500
              [class.call]
              kind = "expiring"        # reliable, durable, expiring, ordered or bulk
              priority = 0             # 0, first, to 7
              deadline = "800ms"       # of expiring classes only: 20ms to 1h
              retention = "720h"       # told to clients; else "for-ever"
              redundancy = "copy"      # none, auto or copy
              coalescing = "0ms"       # how long small messages wait for company, to 62ms

            A mistake in it ends the start with 78, the line and what would be right.
            """)

    @Option(help: ArgumentHelp("Settings and delivery classes, in TOML.", valueName: "file"))
    var config: String?
    @Option(help: ArgumentHelp("Keys and database; made if need be.", valueName: "directory"))
    var data: String?
    @Option(
        help: ArgumentHelp(
            "The UDP address to listen on; port 0 takes a free one. (default: \(listenDefault))",
            valueName: "host:port"))
    var listen: String?
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
    @Flag(inversion: .prefixedNo, help: "Print JSON lines instead of text.")
    var json: Bool?

    private static let listenDefault = "0.0.0.0:\(ServerAddress.defaultPort)"

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

    /// Where keys and database are unless told otherwise.
    static var directoryDefault: String {
        FileManager.default.homeDirectoryForCurrentUser
            .appendingPathComponent(".petrel-server").path
    }

    /// The file's settings, and those of the command line in their place.
    func settings() throws(Failure) -> ServeSettings {
        var settings =
            try config.map { path throws(Failure) in try ServeSettings(path: path) }
            ?? ServeSettings()
        settings.data = data ?? settings.data ?? Self.directoryDefault
        settings.listen = listen ?? settings.listen ?? Self.listenDefault
        settings.tcp = tcp ?? settings.tcp
        settings.publicHost = publicHost ?? settings.publicHost
        settings.workers = workers ?? settings.workers
        settings.mapBytes = mapBytes ?? settings.mapBytes
        settings.keyLog = keyLog ?? settings.keyLog
        settings.qlog = qlog ?? settings.qlog
        settings.json = json ?? settings.json
        return settings
    }

    /// Serves.
    func run() throws {
        let settings = try settings()
        let configuration = try settings.configuration()
        let server: Server
        do {
            server = try Server(configuration) { say("petrel: \($0)") }
        } catch {
            throw Failure(error)
        }
        announce(server, settings)
        let ending: Server.Ending
        do {
            ending = try server.run()
        } catch {
            throw Failure(error)
        }
        report(server, json: settings.json ?? false)
        if case .storageFailed(let error) = ending { throw Failure(error) }
    }

    private func announce(_ server: Server, _ settings: ServeSettings) {
        let directory = settings.data ?? ""
        let host = settings.publicHost ?? Self.reachableHost(server.address)
        let address = ServerAddress(
            host: host, port: server.address.port, key: server.publicKeyBytes)
        guard settings.json != true else {
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

    private func report(_ server: Server, json: Bool) {
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
