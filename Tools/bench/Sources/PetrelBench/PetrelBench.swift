// The benchmarks of Petrel: Tools/bench/run builds and starts this.

import Glibc

/// What the command line asks for.
struct Arguments {
    var jsonPath: String?
    var isGate = false
    var isFlood = false
    var isHandshakes = false
    var isCatchUp = false
    var isGroups = false
    var isMessages = false
    var directory = "."
    /// Sessions of which only the memory is measured; 0: everything else is.
    var sessions = 0
    /// Whether only the packet path and the echo are measured.
    var isPacketsOnly = false

    init(_ words: [String]) throws {
        var words = words[...]
        while let word = words.popFirst() {
            switch word {
            case "--gate": isGate = true
            case "--flood": isFlood = true
            case "--handshakes": isHandshakes = true
            case "--catch-up": isCatchUp = true
            case "--groups": isGroups = true
            case "--messages": isMessages = true
            case "--json": jsonPath = try Self.value(of: word, &words)
            case "--memory":
                guard let count = Int(try Self.value(of: word, &words)), count > 0 else {
                    throw BenchFailure("--memory needs a number of sessions")
                }
                sessions = count
            case "--packets": isPacketsOnly = true
            case "--directory": directory = try Self.value(of: word, &words)
            default: throw BenchFailure("unknown argument \(word)")
            }
        }
    }

    private static func value(of name: String, _ words: inout ArraySlice<String>) throws -> String {
        guard let value = words.popFirst() else { throw BenchFailure("\(name) needs a value") }
        return value
    }
}

@main
enum PetrelBench {
    static func main() {
        do {
            let arguments = try Arguments(Array(CommandLine.arguments.dropFirst()))
            exit(try run(arguments))
        } catch {
            print("bench: \(error)")
            exit(2)
        }
    }

    private static func run(_ arguments: Arguments) throws -> Int32 {
        var report = Report()
        if arguments.isFlood {
            report.add(
                try FloodBenchmark.run(directory: arguments.directory, rounds: 4, seconds: 1.25))
        } else if arguments.isHandshakes {
            report.add(try HandshakeBenchmark.run(rounds: 5, count: 2_000))
        } else if arguments.isCatchUp || arguments.isGroups || arguments.isMessages {
            try measureMessenger(arguments, into: &report)
        } else if arguments.sessions > 0 {
            report.add(try MemoryBenchmark.run(sessions: arguments.sessions))
        } else {
            try measure(arguments, into: &report)
        }
        if let path = arguments.jsonPath { try write(report.json, to: path) }
        guard arguments.isGate, !report.faults.isEmpty else { return 0 }
        for fault in report.faults {
            print("gate: \(fault.name): \(fault.value) \(fault.unit), which must be 0")
        }
        return 1
    }

    private static func measureMessenger(
        _ arguments: Arguments, into report: inout Report
    ) throws {
        let directory = arguments.directory
        if arguments.isCatchUp {
            report.add(try CatchUpBenchmark.run(directory: directory, rounds: 5))
        }
        if arguments.isGroups {
            report.add(try GroupsBenchmark.run(directory: directory, seconds: 3))
        }
        if arguments.isMessages {
            report.add(try MessagesBenchmark.run(directory: directory, seconds: 1.5))
        }
    }

    private static func measure(_ arguments: Arguments, into report: inout Report) throws {
        let (core, sizes) = try CoreBenchmark.run(rounds: 5)
        report.add(core)
        report.add(
            try EchoBenchmark.run(rounds: 3, seconds: 1, sizes: sizes))
        guard !arguments.isPacketsOnly else { return }
        let (store, storeRate) = try StoreBenchmark.run(
            directory: arguments.directory, seconds: 0.7)
        report.add(store)
        report.add(
            try ServiceBenchmark.run(
                directory: arguments.directory, seconds: 3, storeRate: storeRate))
    }

    private static func write(_ text: String, to path: String) throws {
        guard let file = fopen(path, "w") else {
            throw BenchFailure("\(path): \(String(cString: strerror(errno)))")
        }
        let outcome = fputs(text, file)
        guard fclose(file) == 0, outcome >= 0 else {
            throw BenchFailure("\(path): \(String(cString: strerror(errno)))")
        }
    }
}
