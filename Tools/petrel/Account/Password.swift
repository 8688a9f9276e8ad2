// Where a password comes from: never from the command line, where everybody can read it.

import Foundation

/// Reads a password from `PETREL_PASSWORD`, the terminal, or the first line of the input.
enum Password {
    /// Returns the password for `purpose`; typed twice if it is a new one.
    static func read(for purpose: String, isNew: Bool) throws -> String {
        guard isNew, isTyped("PETREL_PASSWORD") else {
            return try read(from: "PETREL_PASSWORD", asking: "Password for \(purpose): ")
        }
        let first = try ask("Password for \(purpose): ")
        guard try ask("Again: ") == first else {
            throw Failure(
                status: .badInput, message: "the two passwords differ; run the command again")
        }
        return first
    }

    /// Returns a secret from the environment, the terminal, or the next line of the input.
    static func read(from variable: String, asking question: String) throws -> String {
        if let given = ProcessInfo.processInfo.environment[variable] { return given }
        if isTyped(variable) { return try ask(question) }
        guard let line = readLine(), !line.isEmpty else {
            throw Failure(
                status: .badInput,
                message: "a secret is missing; put it in \(variable) or in a line of the input")
        }
        return line
    }

    private static func isTyped(_ variable: String) -> Bool {
        ProcessInfo.processInfo.environment[variable] == nil && isatty(STDIN_FILENO) == 1
    }

    private static func ask(_ question: String) throws -> String {
        FileHandle.standardError.write(Data(question.utf8))
        var settings = termios()
        tcgetattr(STDIN_FILENO, &settings)
        var silent = settings
        silent.c_lflag &= ~tcflag_t(ECHO)
        tcsetattr(STDIN_FILENO, TCSANOW, &silent)
        defer {
            tcsetattr(STDIN_FILENO, TCSANOW, &settings)
            FileHandle.standardError.write(Data("\n".utf8))
        }
        guard let line = readLine(), !line.isEmpty else {
            throw Failure(status: .badInput, message: "no password was typed")
        }
        return line
    }
}
