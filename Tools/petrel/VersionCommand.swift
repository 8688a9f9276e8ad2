// petrel version: what this program is and which protocol it speaks.

import ArgumentParser
import PetrelWire

/// What the program is.
enum Version {
    /// The version of the program.
    static let number = "0.1.0"
    /// The line that `--version` prints.
    static let text = "petrel \(number) (transport protocol \(WireLimits.version))"
}

/// Prints the version.
struct VersionCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "version", abstract: "Prints the version of program and protocol.")

    @Flag(help: "Print a JSON object instead of text.")
    var json = false

    private struct Answer: Encodable {
        var schema = "petrel-version-1"
        var version = Version.number
        var transport_protocol = WireLimits.version
    }

    /// Prints it.
    func run() { if json { result(json: Answer()) } else { result(Version.text) } }
}
