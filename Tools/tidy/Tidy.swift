// Checks the repository against the rules of the house that no compiler keeps.

import Foundation

/// The command: reads every file that git knows or would take, prints findings, fails on any.
@main
struct Tidy {
    static func main() throws {
        let root = try git(["rev-parse", "--show-toplevel"], in: nil).trimmingCharacters(
            in: .newlines)
        let listing = try git(
            ["ls-files", "-z", "--cached", "--others", "--exclude-standard"], in: root)
        let paths = Set(listing.split(separator: "\0").map(String.init)).sorted()
        let sources = paths.compactMap { path -> SourceText? in
            let data = FileManager.default.contents(atPath: root + "/" + path)
            guard let data, let text = String(data: data, encoding: .utf8) else { return nil }
            return SourceText(path: path, text: text)
        }
        let findings = Rules.findings(paths: paths, sources: sources)
        for finding in findings { print(finding) }
        print("tidy: \(paths.count) files, \(findings.count) findings")
        if !findings.isEmpty { exit(1) }
    }

    /// Runs git and returns what it prints; whoever owns the checkout, as in a CI container.
    private static func git(_ arguments: [String], in directory: String?) throws -> String {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = ["git", "-c", "safe.directory=*"] + arguments
        if let directory { process.currentDirectoryURL = URL(fileURLWithPath: directory) }
        let output = Pipe()
        process.standardOutput = output
        try process.run()
        let data = output.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        guard process.terminationStatus == 0 else { exit(2) }
        return String(decoding: data, as: UTF8.self)
    }
}
