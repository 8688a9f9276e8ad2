// A class as an operator describes it: orthogonal attributes, which must add up to a kind.

import PetrelBase
import PetrelWire

/// One `[class.NAME]` of a configuration file.
struct ClassDraft {
    /// What a kind promises, as attributes.
    private struct Promise: Equatable {
        var reliability: String
        var ordering: String
        var durability: String
    }

    /// The kinds that an operator can define classes of.
    private static let kinds: KeyValuePairs<String, DeliveryClass.Kind> = [
        "reliable": .reliable, "durable": .durable, "expiring": .expiring, "ordered": .ordered,
        "bulk": .bulk,
    ]

    private static func promise(_ kind: DeliveryClass.Kind) -> Promise {
        switch kind {
        case .ephemeral: Promise(reliability: "latest", ordering: "newest", durability: "none")
        case .reliable: Promise(reliability: "session", ordering: "none", durability: "none")
        case .durable:
            Promise(reliability: "for-ever", ordering: "conversation", durability: "stored")
        case .expiring: Promise(reliability: "deadline", ordering: "none", durability: "none")
        case .ordered: Promise(reliability: "session", ordering: "stream", durability: "none")
        case .bulk: Promise(reliability: "resumable", ordering: "ranges", durability: "none")
        }
    }

    private let name: String
    private(set) var kind: DeliveryClass.Kind
    private var priority: UInt8 = 3
    private var deadline = Interval.infinite
    private var retention = Interval.infinite
    private var redundancy = ClassPolicy.Redundancy.auto
    private var coalescing: Interval?

    /// Reads a class.
    ///
    /// - Throws: the first fault.
    init(_ table: ConfigurationTable) throws(ConfigurationFault) {
        name = table.name[1]
        kind = try Self.kind(table)
        let builtIn = ClassPolicy.builtIn[Int(kind.rawValue)]
        priority = builtIn.priority
        redundancy = builtIn.redundancy
        try Self.checkName(table)
        for entry in table.entries { try read(entry) }
        if kind == .expiring, deadline == .infinite {
            throw ConfigurationFault(
                line: table.line,
                sentence: "[class.\(name)] is expiring and has no deadline; add one of 20ms to 1h")
        }
    }

    /// The policy, as that variant of its kind.
    func policy(variant: UInt8) -> ClassPolicy {
        ClassPolicy(
            DeliveryClass(kind, variant: variant), name: name, priority: priority,
            deadline: deadline, retention: retention, redundancy: redundancy,
            coalescing: coalescing)
    }

    private static func checkName(_ table: ConfigurationTable) throws(ConfigurationFault) {
        let name = table.name[1]
        let probe = ClassPolicy(DeliveryClass(.reliable, variant: 1), name: name, priority: 3)
        guard probe.isValid else {
            throw ConfigurationFault(
                line: table.line,
                sentence: "[class.\(name)]: a name has 1 to \(ClassPolicy.nameByteCountMax) of "
                    + "a-z, 0-9 and -")
        }
        guard !ClassPolicy.builtIn.contains(where: { $0.name == name }) else {
            throw ConfigurationFault(
                line: table.line,
                sentence: "[class.\(name)] is a built-in class, which stays as it is; use another "
                    + "name")
        }
    }

    /// The kind by its name, or by what it promises; if both are there, they must agree.
    private static func kind(
        _ table: ConfigurationTable
    ) throws(ConfigurationFault) -> DeliveryClass.Kind {
        var candidates = kinds.map(\.value)
        for entry in table.entries {
            let remaining: [DeliveryClass.Kind]
            switch entry.key {
            case "kind":
                let kind = try entry.word(kinds)
                remaining = candidates.filter { $0 == kind }
            case "reliability":
                let word = try word(entry, \.reliability)
                remaining = candidates.filter { promise($0).reliability == word }
            case "ordering":
                let word = try word(entry, \.ordering)
                remaining = candidates.filter { promise($0).ordering == word }
            case "durability":
                let word = try word(entry, \.durability)
                remaining = candidates.filter { promise($0).durability == word }
            default: continue
            }
            guard !remaining.isEmpty else {
                throw entry.fault(
                    "does not go with what stands before it; there are "
                        + kinds.map { describe($0.value) }.joined(separator: "; "))
            }
            candidates = remaining
        }
        guard candidates.count == 1 else {
            throw ConfigurationFault(
                line: table.line,
                sentence: "[class.\(table.name[1])] may be "
                    + candidates.map { "\($0)" }.joined(separator: " or ")
                    + "; add kind = \"...\", or reliability, ordering and durability")
        }
        return candidates[0]
    }

    private static func word(
        _ entry: ConfigurationEntry, _ attribute: KeyPath<Promise, String>
    ) throws(ConfigurationFault) -> String {
        var words: [String] = []
        for (_, kind) in kinds {
            let word = promise(kind)[keyPath: attribute]
            if !words.contains(word) { words.append(word) }
        }
        guard case .text(let text) = entry.value, words.contains(text) else {
            let allowed = words.map { "\"\($0)\"" }.joined(separator: ", ")
            throw entry.fault("is not allowed; use one of \(allowed)")
        }
        return text
    }

    private static func describe(_ kind: DeliveryClass.Kind) -> String {
        let promise = promise(kind)
        return "\(kind) (reliability \(promise.reliability), ordering \(promise.ordering), "
            + "durability \(promise.durability))"
    }

    private mutating func read(_ entry: ConfigurationEntry) throws(ConfigurationFault) {
        switch entry.key {
        case "kind", "reliability", "ordering", "durability": break
        case "priority": priority = UInt8(try entry.number(in: 0...7))
        case "deadline":
            guard kind == .expiring else {
                throw entry.fault("does nothing for a class of kind \(kind); leave it out")
            }
            deadline = try entry.interval(in: ClassPolicy.deadlineBounds, "\"20ms\" to \"1h\"")
        case "retention":
            if case .text("for-ever") = entry.value { break }
            retention = try entry.interval(
                in: .seconds(1)...ClassPolicy.retentionMax, "\"for-ever\", or \"1s\" to \"87600h\"")
        case "redundancy":
            if case .text("hedge") = entry.value {
                throw entry.fault(
                    "needs a second path, and sessions have one; use \"none\", \"auto\" or "
                        + "\"copy\"")
            }
            redundancy = try entry.word(["none": .none, "auto": .auto, "copy": .copy])
        case "coalescing":
            let wait = try entry.interval(
                in: .zero...ClassPolicy.coalescingMax, "\"0ms\" to \"62ms\"")
            guard wait.nanoseconds % 1_000_000 == 0 else {
                throw entry.fault("is not allowed; use whole milliseconds, \"0ms\" to \"62ms\"")
            }
            coalescing = wait
        default:
            throw entry.fault(
                "is unknown; a class has kind, reliability, ordering, durability, priority, "
                    + "deadline, retention, redundancy and coalescing")
        }
    }
}
