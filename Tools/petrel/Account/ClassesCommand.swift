// petrel classes: which delivery classes the server has, its operator's included.

import ArgumentParser
import Petrel
import PetrelBase

/// Asks the server for its delivery classes.
struct ClassesCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "classes", abstract: "Shows the server's delivery classes.",
        discussion: """
            A server tells them in its first packet: the built-in ones, and those of its operator, \
            which are marked with *. No account is needed.
            """)

    @Option(help: "How long to wait for the server.", transform: Interval.init(parsing:))
    var timeout = Interval.seconds(30)
    @Flag(help: "Print a JSON line for each class instead of text.")
    var json = false
    @OptionGroup var client: ClientOptions

    private struct Shown: Encodable {
        var name: String
        var kind: String
        var is_defined_by_operator: Bool
        var priority: Int
        var deadline: String?
        var retention: String?
        var redundancy: String
        var coalescing: String?
    }

    /// Prints.
    func run() async throws {
        let client = try client.open()
        let (options, limit) = (self.client, timeout)
        do {
            try await within(limit, { options.noAnswer(after: limit, client) }) {
                try await client.connected()
            }
        } catch let error as PetrelError {
            throw Failure(error)
        }
        for service in client.classes { show(service) }
        await client.close()
    }

    private func show(_ service: ServiceClass) {
        let shown = Shown(
            name: service.name, kind: service.kind.rawValue,
            is_defined_by_operator: service.isDefinedByOperator, priority: service.priority,
            deadline: service.deadline.map { Interval($0).text },
            retention: service.retention.map { Interval($0).text },
            redundancy: service.redundancy.rawValue,
            coalescing: service.coalescing.map { Interval($0).text })
        guard !json else { return result(json: shown) }
        var parts = [
            "\(shown.name)\(shown.is_defined_by_operator ? "*" : "")", shown.kind,
            "priority \(shown.priority)", "redundancy \(shown.redundancy)",
        ]
        if let deadline = shown.deadline { parts.append("deadline \(deadline)") }
        if let retention = shown.retention { parts.append("kept \(retention)") }
        if let coalescing = shown.coalescing { parts.append("coalescing \(coalescing)") }
        result(parts.joined(separator: "  "))
    }
}
