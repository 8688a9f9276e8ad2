// petrel sim: the real server and clients in a world where everything goes wrong, and an oracle.

import ArgumentParser
import Foundation
import PetrelBase
import PetrelSim

/// Plays seeds, replays files, and reports the promises that were broken.
struct SimCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sim",
        abstract: "Runs server and clients in a simulated bad world and checks every promise.",
        discussion: """
            A seed becomes a scenario: devices, networks, disks, and what goes wrong when. The \
            run is deterministic: the same seed gives the same digest. A failing seed prints one \
            line and leaves a replay file in --failures; --shrink makes it small, --trace tells \
            its story. Tests/Simulation/README.md explains how to read one.

            Faults: \(FaultKind.allCases.map(\.rawValue).joined(separator: ", ")).

            Exits with 0 if all promises held, 1 if one was broken, 2 for a wrong command line, 5 \
            for a file that is no replay of this version, 74 if a file cannot be read or written.

            Example: petrel sim --seeds 1..1000 --jobs 2
            """)

    @Option(help: "The seed to run.")
    var seed: UInt64?
    @Option(
        help: ArgumentHelp("The seeds to run, both ends included.", valueName: "1..1000"),
        transform: SeedRange.init(parsing:))
    var seeds: SeedRange?
    @Option(help: ArgumentHelp("Runs the scenario in that file.", valueName: "file"))
    var replay: String?
    @Option(help: "Processes side by side; by default as many as there are processors.")
    var jobs: Int?
    @Option(
        help: "How long things go wrong in each run, in virtual time.",
        transform: Interval.init(parsing:))
    var duration: Interval?
    @Option(help: "The most devices.")
    var clients: Int?
    @Option(
        help: ArgumentHelp(
            "Kinds of faults that may occur, separated by commas; none for no faults.",
            valueName: "kinds"))
    var faults: String?
    @Option(
        help: "Stops a single run at that virtual time, without checks.",
        transform: Interval.init(parsing:))
    var until: Interval?
    @Option(help: ArgumentHelp("Where replay files of failing seeds go.", valueName: "folder"))
    var failures = "sim-failures"
    @Option(
        help: ArgumentHelp(
            "Tests the tests: how many seeds find that bug; all for every bug.", valueName: "bug"))
    var planted: String?

    @Flag(help: "Prints what an hour of silence costs behind NATs, and what finding that out does.")
    var nat = false
    @Flag(help: "Tells the story of a single run on the standard output.")
    var trace = false
    @Flag(help: "Makes the scenario of a failing run as small as it stays failing.")
    var shrink = false
    @Flag(help: "Runs each seed twice and compares the digests (I20).")
    var twice = false
    @Flag(help: "Prints results as lines of JSON.")
    var json = false
    @Flag(help: .hidden)
    var worker = false

    /// Checks what the options mean together.
    func validate() throws {
        let kinds = [seed != nil, seeds != nil, replay != nil].count { $0 }
        guard kinds <= 1 else {
            throw ValidationError("--seed, --seeds and --replay exclude each other")
        }
        if trace || until != nil, seed == nil, replay == nil {
            throw ValidationError("--trace and --until need a single run: --seed or --replay")
        }
        if replay != nil, faults != nil || duration != nil || clients != nil {
            throw ValidationError("a replay file says it all; it takes no scenario options")
        }
        if let jobs, !(1...64 ~= jobs) { throw ValidationError("--jobs is 1 to 64") }
        if let clients, !(2...24 ~= clients) { throw ValidationError("--clients is 2 to 24") }
        if let duration, !(.seconds(1)...(.seconds(3_600)) ~= duration) {
            throw ValidationError("--duration is 1s to 1h")
        }
        _ = try options()
    }

    /// Runs what was asked for; ends with 1 if a promise was broken.
    func run() throws {
        if nat { return runNAT() }
        if let planted, seed == nil, replay == nil { return try runPlanted(planted) }
        if let planted { try plant(planted) }
        if worker { return try work() }
        if let replay { return try runOne(try ReplayFile.read(replay).scenario, from: replay) }
        if let seed {
            return try runOne(
                ScenarioGenerator.scenario(seed: seed, options: try options()), from: nil)
        }
        guard let seeds else {
            // Not in `validate`, which would come before the complaint about an unknown option.
            throw ValidationError("say what to run: --seed, --seeds, --replay or --planted")
        }
        try runMany(seeds)
    }

    func options() throws -> ScenarioOptions {
        var options = ScenarioOptions()
        if let duration { options.faultsEnd = Int(duration.nanoseconds / 1_000_000) }
        if let clients { options.clientsMax = clients }
        guard let faults else { return options }
        options.faults = try faults.split(separator: ",").filter { $0 != "none" }.map { name in
            guard let kind = FaultKind(rawValue: String(name)) else {
                throw ValidationError(
                    "'\(name)' is no kind of fault; choose of "
                        + FaultKind.allCases.map(\.rawValue).joined(separator: ", "))
            }
            return kind
        }
        return options
    }

    func work() throws {
        guard let seeds else { return }
        let options = try options()
        for seed in seeds.first...seeds.last {
            result(json: SimReport.Line(begin: seed))
            result(json: SimReport.Line(result: play(seed, options)))
        }
    }

    /// Plays a seed; twice if asked, or now and then.
    private func play(_ seed: UInt64, _ options: ScenarioOptions) -> SimulationResult {
        let scenario = ScenarioGenerator.scenario(seed: seed, options: options)
        var first = Simulation.run(scenario)
        guard twice || seed % 16 == 0, first.breach == nil else { return first }
        let second = Simulation.run(scenario)
        if first.digest != second.digest {
            first.breach = Breach(
                invariant: .repeatable, nanoseconds: first.nanoseconds,
                sentence: "the second run has another digest than the first")
        }
        return first
    }
}

/// A range of seeds, as typed: `1..1000`.
struct SeedRange: Equatable, Sendable {
    /// The first seed.
    var first: UInt64
    /// The last one, included.
    var last: UInt64

    /// How many they are.
    var count: UInt64 { last - first + 1 }

    /// Creates the range with both ends.
    init(first: UInt64, last: UInt64) {
        self.first = first
        self.last = last
    }

    /// Reads `1..1000`; the last seed must not be below the first.
    init(parsing text: String) throws(QuantityError) {
        let ends = text.split(separator: ".", omittingEmptySubsequences: true)
        guard text.contains(".."), ends.count == 2, let first = UInt64(ends[0]),
            let last = UInt64(ends[1]), first <= last, last - first < .max
        else {
            throw QuantityError(
                text: text, expected: "a range of seeds; write the first and the last, like 1..1000"
            )
        }
        self.init(first: first, last: last)
    }
}
