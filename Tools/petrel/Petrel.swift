// The program: reads the command line, runs the command, and ends with the right exit code.

import ArgumentParser
import Foundation

/// Everything a person types begins with this command.
@main
struct Petrel: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "petrel", abstract: "A reliable messenger for bad networks.",
        subcommands: [NetemCommand.self])

    /// Runs the command line; a wrong one exits with 2, a failure with its own status.
    static func main() {
        do {
            var command = try parseAsRoot()
            try command.run()
        } catch let failure as Failure {
            FileHandle.standardError.write(Data("petrel: \(failure.message)\n".utf8))
            exit(withError: ExitCode(failure.status.rawValue))
        } catch {
            guard exitCode(for: error) == .validationFailure else { exit(withError: error) }
            FileHandle.standardError.write(Data((fullMessage(for: error) + "\n").utf8))
            exit(withError: ExitCode(ExitStatus.usage.rawValue))
        }
    }
}
