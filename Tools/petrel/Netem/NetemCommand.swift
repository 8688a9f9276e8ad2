// petrel netem: a bad network between two programs, without being root.

import ArgumentParser
import Foundation
import PetrelBase
import PetrelEvent

/// Relays UDP datagrams and spoils them as a named or described network would.
struct NetemCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "netem",
        abstract: "Puts a bad network between a client and a server.",
        discussion: """
            Relays UDP datagrams from --listen to --to and back; both directions get the same \
            treatment. Each client has its own port towards the server, as behind a NAT. The \
            timeline (blackouts, rebinds) starts with the first packet. The same seed gives the \
            same fate to packet number n of a direction. SIGINT or SIGTERM ends the relay and \
            prints the account.

            Durations are written 40ms, 1.9s, 2min; rates 300kbit, 1mbit; shares 0.3 or 30%.
            Profiles: \(LinkProfile.names.joined(separator: ", ")).

            Exits with 0 after a signal, 2 for a wrong command line, 3 if the host of --to is \
            unknown, 74 if the account cannot be written, 78 if --listen cannot be bound.

            Example: petrel netem --listen 127.0.0.1:7701 --to 127.0.0.1:7700 --profile subway
            """)

    @Option(help: "Where clients send to, as host:port; port 0 takes a free one.")
    var listen = "127.0.0.1:7701"
    @Option(help: "The server's address, as host:port.")
    var to = "127.0.0.1:7700"
    @Option(help: "The network to imitate; other options change it in part.")
    var profile = "none"
    @Option(help: "Names the run; without it a seed is drawn and shown.")
    var seed: UInt64?

    @Option(help: "Share of packets that are lost.", transform: Probability.init(parsing:))
    var loss: Probability?
    @Option(
        help: ArgumentHelp(
            "Mean number of packets lost in a row; 0 loses each independently.",
            valueName: "packets"))
    var geBurst: Double?
    @Option(help: "What each packet takes.", transform: Interval.init(parsing:))
    var delay: Interval?
    @Option(
        help: "What a packet takes longer at most, staying in order.",
        transform: Interval.init(parsing:))
    var jitter: Interval?
    @Option(
        help: "Share of packets that later ones overtake.", transform: Probability.init(parsing:))
    var reorder: Probability?
    @Option(help: "Share of packets that come twice.", transform: Probability.init(parsing:))
    var duplicate: Probability?
    @Option(
        help: "Share of packets with 1 to 3 flipped bits.", transform: Probability.init(parsing:))
    var corrupt: Probability?
    @Option(
        help: ArgumentHelp(
            "Speed of the link, or none.", valueName: "rate"),
        transform: NetemCommand.rates)
    var rate: [BitRate]?
    @Option(help: ArgumentHelp("Packets that may wait for the link.", valueName: "packets"))
    var queue: Int?
    @Option(
        help: ArgumentHelp(
            "Nothing gets through for a while: duration@start, then every /period; or none. "
                + "May be given several times.", valueName: "3s@8s/20s"),
        transform: NetemCommand.blackouts)
    var blackout: [[Timeline.Blackout]] = []
    @Option(
        help: ArgumentHelp(
            "All clients get other ports: @start, then every /period; or none. May be given "
                + "several times.", valueName: "@12s/30s"),
        transform: NetemCommand.rebinds)
    var rebind: [[Timeline.Moment]] = []

    @Option(
        help: ArgumentHelp("Write the account as JSON there; - is the output.", valueName: "file"))
    var stats: String?
    @Flag(help: "Print the account as JSON instead of as a table.")
    var json = false

    /// Checks what the options mean together.
    func validate() throws {
        if let contradiction = try link().contradiction { throw ValidationError(contradiction) }
    }

    /// Relays until a signal comes, then prints the account.
    func run() throws {
        let (listenAddress, serverAddress) = try addresses()
        let link = try link()
        let seed = seed ?? UInt64.random(in: 1...999_999)
        allowOneSocketPerMapping()
        let loop = try EventLoop()
        let relay = try makeRelay(loop, listenAddress, serverAddress, link, seed)
        let stopper = SignalStopper(loop: loop)
        try loop.watchSignal(SIGINT, with: stopper)
        try loop.watchSignal(SIGTERM, with: stopper)
        say(
            "netem: \(relay.localAddress) -> \(serverAddress), profile \(profile) "
                + "(\(link.summary)), seed \(seed)")
        try loop.run()
        let statistics = relay.statistics(now: EventLoop.now)
        loop.forgetAll()
        try report(statistics)
    }
}

extension NetemCommand {
    /// The profile with all that was asked for in its place.
    func link() throws -> LinkProfile {
        guard var link = LinkProfile.named(profile) else {
            throw ValidationError(
                "'\(profile)' is not a profile; choose one of "
                    + LinkProfile.names.joined(separator: ", "))
        }
        if let loss { link.loss = loss.value }
        if let geBurst { link.lossBurst = geBurst }
        if let delay { link.delay = delay }
        if let jitter { link.jitter = jitter }
        if let reorder { link.reorder = reorder.value }
        if let duplicate { link.duplicate = duplicate.value }
        if let corrupt { link.corrupt = corrupt.value }
        if let rate { link.rate = rate.first }
        if let queue { link.queuePackets = queue }
        if !blackout.isEmpty { link.timeline.blackouts = blackout.flatMap { $0 } }
        if !rebind.isEmpty { link.timeline.rebinds = rebind.flatMap { $0 } }
        return link
    }

    private static func rates(_ text: String) throws(QuantityError) -> [BitRate] {
        text == "none" ? [] : [try BitRate(parsing: text)]
    }

    private static func blackouts(_ text: String) throws(QuantityError) -> [Timeline.Blackout] {
        text == "none" ? [] : [try Timeline.Blackout(parsing: text)]
    }

    private static func rebinds(_ text: String) throws(QuantityError) -> [Timeline.Moment] {
        text == "none" ? [] : [try Timeline.Moment(parsing: text)]
    }

    private func addresses() throws(Failure) -> (listen: Address, server: Address) {
        (
            try address(of: listen, "--listen", ifUnknown: .badConfiguration),
            try address(of: to, "--to", ifUnknown: .unreachable)
        )
    }

    private func address(
        of endpoint: String, _ option: String, ifUnknown status: ExitStatus
    ) throws(Failure) -> Address {
        do throws(ResolutionError) {
            return try Address.resolve(endpoint: endpoint)[0]
        } catch {
            switch error {
            case .malformed: throw Failure(status: .usage, message: "\(option): \(error)")
            case .notFound: throw Failure(status: status, message: "\(option): \(error)")
            }
        }
    }

    /// Asks for as many descriptors as a relay full of clients needs; less means fewer clients.
    private func allowOneSocketPerMapping() {
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return }
        let wanted = rlim_t(Relay.Limits().mappingsMax + 64)
        guard limit.rlim_cur < wanted else { return }
        limit.rlim_cur = min(wanted, limit.rlim_max)
        setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
    }

    private func makeRelay(
        _ loop: EventLoop, _ listen: Address, _ server: Address, _ link: LinkProfile,
        _ seed: UInt64
    ) throws(Failure) -> Relay {
        do throws(SystemError) {
            return try Relay(
                loop: loop, listeningOn: listen, server: server, profile: link,
                profileName: profile, seed: seed)
        } catch {
            let advice =
                error.code == EADDRINUSE
                ? "stop the program that uses the address, or choose another with --listen"
                : "choose an address of this machine with --listen"
            throw Failure(
                status: .badConfiguration,
                message: "cannot listen on \(listen): \(error.reason); \(advice)")
        }
    }

    /// Shows the account, and keeps it in a file if one was named.
    private func report(_ statistics: NetemStatistics) throws {
        let text = try statistics.json()
        if json || stats == "-" {
            FileHandle.standardOutput.write(text)
        } else {
            FileHandle.standardError.write(Data(statistics.table.utf8))
        }
        guard let stats, stats != "-" else { return }
        do {
            try text.write(to: URL(fileURLWithPath: stats), options: .atomic)
        } catch {
            throw Failure(
                status: .storage,
                message: "cannot write the account to '\(stats)': \(error.localizedDescription)")
        }
    }

    private func say(_ line: String) {
        FileHandle.standardError.write(Data((line + "\n").utf8))
    }
}

/// Ends the loop when the process is asked to end.
private final class SignalStopper: EventHandler {
    private let loop: EventLoop

    init(loop: EventLoop) { self.loop = loop }

    func signalled(_ number: Int32, now: Instant) { loop.stop() }
}
