// How soon a device that was away has everything, and what others notice of it meanwhile.

import Glibc
import Petrel
import PetrelBase
import PetrelCrypto
import PetrelEvent
import PetrelMessaging
import PetrelServices
import PetrelStore
import Synchronization

/// A device with the whole client and its store on disk, beside a pair that goes on talking.
enum CatchUpBenchmark {
    /// Conversations that somebody said something in while the device was away.
    static let conversations = 200
    /// Messages in each of them.
    static let messages = 50
    /// Messages a second of the pair.
    static let rate = 200
    /// How long the device may take, in milliseconds.
    static let longest = 2_000.0
    /// How much later the slowest hundredth of the pair's messages may be, in microseconds.
    static let delayMax = 20_000.0

    /// The account of the devices that were away; the pair has 0 and 1.
    private static let reader = 2
    /// Added to the number of a round to make a device's key.
    private static let firstKey = 100_000
    /// How long the pair is alone before each round, in microseconds.
    private static let rest: UInt32 = 800_000

    /// Catches up `rounds` times, 10 at most, each time with a device that was never there.
    static func run(directory: String, rounds: Int) throws -> Report.Section {
        let path = directory + "/catch-up"
        // The first server makes its keys, without which no later one touches the accounts.
        try ServiceRun.prepare(path)
        try create(in: path, devices: rounds)
        let running = try RunningServer(path)
        defer { running.end() }
        let server = running.server
        var pair = try ServiceClients(
            to: server.address, key: server.key, senders: 1, acknowledgePause: .milliseconds(100))
        try pair.awaitWelcomes()
        let returns = CatchUpReturns()
        let device = try Worker {
            for round in 0..<rounds {
                usleep(rest)
                returns.add(
                    CatchUpDevice(
                        server: server, directory: "\(path)/device-\(round)",
                        secret: StoreFixture.secret(of: firstKey + round)
                    ).catchUp(total: conversations * messages))
            }
        }
        defer { device.join() }
        var outcome = ServiceClients.Outcome()
        while returns.count < rounds {
            let part = try pair.sendAtRate(rate, for: .milliseconds(250))
            outcome.deliveries += part.deliveries
            outcome.dues += part.dues
        }
        return try section(try returns.all.map { try $0.get() }, outcome)
    }

    private static func create(in path: String, devices: Int) throws {
        let fixture = try StoreFixture(path)
        defer { fixture.store.close() }
        try fixture.perform((0..<reader + 1 + conversations).map(StoreFixture.account))
        try fixture.perform(
            (0..<devices).map { round in
                .enrolDevice(
                    EnrolDevice(
                        account: AccountID(UInt64(reader + 1)),
                        key: try StoreFixture.deviceKey(of: firstKey + round),
                        deviceName: "bench", helloCounter: 0, time: .now))
            })
        try fixture.perform([
            .appendMessage(
                StoreFixture.message(
                    from: 0,
                    to: .peer(AccountID(2), ifNew: StoreFixture.conversation(of: 0))))
        ])
        for _ in 0..<messages {
            try fixture.perform(
                (0..<conversations).map { peer in
                    .appendMessage(
                        StoreFixture.message(
                            from: reader + 1 + peer,
                            to: .peer(
                                AccountID(UInt64(reader + 1)),
                                ifNew: ConversationID(UInt64(1_000 + peer)))))
                })
        }
    }

    private static func section(
        _ returns: [CatchUpDevice.Return], _ outcome: ServiceClients.Outcome
    ) throws -> Report.Section {
        var quiet: [Double] = []
        var busy: [Double] = []
        for (due, latency) in zip(outcome.dues, outcome.deliveries) {
            let isBusy = returns.contains { due >= $0.start && due <= $0.end }
            if isBusy { busy.append(latency) } else { quiet.append(latency) }
        }
        let times = returns.map { ($0.end - $0.start).milliseconds }
        let limit = [Figure.Peer(name: "what is allowed", value: longest)]
        let p99 = percentile(quiet, 0.99)
        let total = conversations * messages
        var section = Report.Section(
            title: "Catching up: \(total) messages in \(conversations) conversations")
        section.figures = [
            Figure(name: "A device, median", value: median(times), unit: "ms", peers: limit),
            Figure(name: "A device, slowest", value: times.max() ?? 0, unit: "ms", peers: limit),
            Figure(
                name: "Progress: samples that lie",
                value: Double(returns.reduce(0) { $0 + $1.lies }), unit: "samples",
                mustBeZero: true),
            Figure(
                name: "Messages not readable then",
                value: Double(returns.reduce(0) { $0 + total - $1.readable }), unit: "messages",
                mustBeZero: true),
            Figure(name: "\(rate)/s beside it, p99 before", value: p99, unit: "us"),
            Figure(
                name: "\(rate)/s beside it, p99 meanwhile", value: percentile(busy, 0.99),
                unit: "us",
                peers: [
                    Figure.Peer(name: "that before", value: p99),
                    Figure.Peer(name: "that and 20 ms", value: p99 + delayMax),
                ]),
        ]
        section.notes = [
            "from opening the client to its saying that it has caught up, connecting included; "
                + "\(returns.count) devices that were never there, one after the other",
            "\(returns.reduce(0) { $0 + $1.samples }) samples of progress; "
                + "\(quiet.count) messages before, \(busy.count) meanwhile; p50 "
                + "\(Report.number(median(quiet))) us before, \(Report.number(median(busy))) us "
                + "meanwhile",
            "each: \(times.map(Report.number).joined(separator: ", ")) ms",
        ]
        return section
    }
}

/// What has become of the devices, which one thread adds and another looks at.
final class CatchUpReturns: Sendable {
    private let state = Mutex<[Result<CatchUpDevice.Return, BenchFailure>]>([])

    var count: Int { state.withLock { $0.count } }
    var all: [Result<CatchUpDevice.Return, BenchFailure>] { state.withLock { $0 } }

    func add(_ result: Result<CatchUpDevice.Return, BenchFailure>) {
        state.withLock { $0.append(result) }
    }
}
