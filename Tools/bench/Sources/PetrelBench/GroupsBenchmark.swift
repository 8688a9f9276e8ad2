// What one message to a group costs when all its members are connected.

import PetrelBase
import PetrelMessaging
import PetrelServices
import PetrelStore

/// Groups of several sizes, each on a server of its own, in which one member speaks.
enum GroupsBenchmark {
    /// Members and how often one of them says something.
    ///
    /// In a large group what follows within 200 ms is told by a digest.
    static let groups: [(members: Int, pause: Interval)] = [
        (50, .milliseconds(50)), (250, .milliseconds(100)), (1_000, .milliseconds(400)),
    ]
    private static let group = ConversationID(1)

    /// Measures each group for `seconds`.
    static func run(directory: String, seconds: Double) throws -> Report.Section {
        var section = Report.Section(title: "Groups: one speaks, all others are connected")
        for (members, pause) in groups {
            let path = "\(directory)/group-\(members)"
            // The first server makes its keys, without which no later one touches the accounts.
            try ServiceRun.prepare(path)
            try create(in: path, members: members)
            let flush = try StoreBenchmark.flush(directory, seconds: 0.3)
            let running = try RunningServer(path)
            defer { running.end() }
            let server = running.server
            var clients = try GroupClients(
                to: server.address, key: server.key, members: members, of: group)
            try clients.awaitWelcomes()
            _ = try clients.speak(every: pause, for: .milliseconds(500))
            let before = try Usage.now()
            let outcome = try clients.speak(
                every: pause, for: Interval(nanoseconds: Int64(seconds * 1e9)))
            add(
                outcome, members: members, pause: pause, usage: try Usage.now() - before,
                flush: flush, to: &section)
        }
        section.notes.append("members acknowledge every 100 ms, as clients do; that is written too")
        return section
    }

    private static func create(in path: String, members: Int) throws {
        let fixture = try StoreFixture(path)
        defer { fixture.store.close() }
        try fixture.perform((0..<members).map(StoreFixture.account))
        let creation = GroupCreation(name: "bench", members: [], isOpen: true)
        try fixture.perform([
            .appendMessage(
                StoreFixture.message(from: 0, to: .newGroup(group), .created(creation)))
        ])
        try fixture.perform(
            (1..<members).map {
                .appendMessage(StoreFixture.message(from: $0, to: .conversation(group), .joined))
            })
    }

    private static func add(
        _ outcome: GroupClients.Outcome, members: Int, pause: Interval, usage: Usage,
        flush: Commits, to section: inout Report.Section
    ) {
        let name = "\(members) members"
        let peers = [Figure.Peer(name: "a flush's p50", value: flush.median)]
        let due = outcome.sent * (members - 1)
        section.figures += [
            Figure(
                name: "\(name), send to delivery, p50",
                value: percentile(outcome.deliveries, 0.5), unit: "us", peers: peers),
            Figure(
                name: "\(name), send to delivery, p99",
                value: percentile(outcome.deliveries, 0.99), unit: "us", peers: peers),
            Figure(
                name: "\(name), as one message spreads",
                value: Double(members - 1) / median(outcome.spreads) * 1e6,
                unit: "deliveries/s"),
            Figure(
                name: "\(name), in all",
                value: Double(outcome.deliveries.count) / outcome.seconds, unit: "deliveries/s"),
            Figure(
                name: "\(name), not delivered", value: Double(due - outcome.deliveries.count),
                unit: "deliveries", mustBeZero: true),
            Figure(
                name: "\(name), written per message", value: usage.written / Double(outcome.sent),
                unit: "bytes",
                peers: [
                    Figure.Peer(name: "the body", value: Double(CoreBenchmark.messageByteCount))
                ]),
        ]
        section.notes.append(
            "\(name), one message each \(Report.number(pause.milliseconds)) ms: "
                + "\(outcome.sent) messages, \(outcome.receipts) receipts and "
                + "\(outcome.digests) digests came; "
                + "\(Report.number(usage.flushes / usage.seconds)) flushes/s; server "
                + "\(Report.fixed(usage.othersLoad, decimals: 2)) processors, load "
                + "\(Report.fixed(usage.ownLoad, decimals: 2))")
    }
}
