// The program: reads the command line, runs the command, and ends with the right exit code.

import ArgumentParser
import Foundation

/// Everything a person types begins with this command.
@main
struct Petrel: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "petrel", abstract: "A reliable messenger for bad networks.",
        discussion: """
            Results go to the standard output, everything else to the standard error.

            Exits with 0 if all is well, 1 if the answer is no, 2 for a wrong command line, 3 if \
            nobody answers, 4 if the other side refuses, 5 for bad input, 70 for a bug, 74 if \
            storage failed, 78 for a configuration that cannot work.
            """,
        version: Version.text,
        subcommands: [
            ServeCommand.self, RegisterCommand.self, LoginCommand.self, RecoverCommand.self,
            SendCommand.self, RecvCommand.self, ChatCommand.self, HistoryCommand.self,
            ContactsCommand.self, GroupsCommand.self, DevicesCommand.self, ProfileCommand.self,
            PasswordCommand.self, InviteCommand.self, NetemCommand.self, DemoCommand.self,
            SimCommand.self, ClassesCommand.self, VerifyCommand.self, TraceCommand.self,
            VersionCommand.self,
        ])

    /// Runs the command line; a wrong one exits with 2, a failure with its own status.
    static func main() async {
        signal(SIGPIPE, SIG_IGN)
        if let hint = Suggestion.forCommand(CommandLine.arguments, in: configuration) {
            say(hint)
            exit(withError: ExitCode(ExitStatus.usage.rawValue))
        }
        do {
            var command = try parseAsRoot()
            if var command = command as? any AsyncParsableCommand {
                try await command.run()
            } else {
                try command.run()
            }
        } catch let failure as Failure {
            say("petrel: \(failure.message)")
            exit(withError: ExitCode(failure.status.rawValue))
        } catch let code as ExitCode {
            exit(withError: code)
        } catch  where exitCode(for: error) == .validationFailure {
            say(fullMessage(for: error))
            exit(withError: ExitCode(ExitStatus.usage.rawValue))
        } catch  where exitCode(for: error) == .success {
            exit(withError: error)  // help and version
        } catch {
            say("petrel: \(error); this should not happen, please report it")
            exit(withError: ExitCode(ExitStatus.bug.rawValue))
        }
    }
}

/// Writes a line to the standard error, where everything goes that is not a result.
func say(_ line: String) { FileHandle.standardError.write(Data("\(line)\n".utf8)) }

/// Writes a line to the standard output at once.
func result(_ line: String) { FileHandle.standardOutput.write(Data("\(line)\n".utf8)) }

/// Writes a value as one line of JSON to the standard output at once.
func result(json value: some Encodable) {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    guard let data = try? encoder.encode(value) else { return }
    FileHandle.standardOutput.write(data + Data("\n".utf8))
}
