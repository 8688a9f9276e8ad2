// How the program ends when it cannot do what was asked: one sentence and an exit code.

/// The exit codes of every command.
enum ExitStatus: Int32, Sendable {
    /// Done.
    case ok = 0
    /// The command line makes no sense.
    case usage = 2
    /// Nobody answers, or the host is unknown.
    case unreachable = 3
    /// The other side said no.
    case refused = 4
    /// What was read is not what it should be.
    case badInput = 5
    /// Our own mistake.
    case bug = 70
    /// A file could not be read or written.
    case storage = 74
    /// The configuration cannot work here, such as an address that cannot be bound.
    case badConfiguration = 78
}

/// A reason to end the program that a person can act on.
struct Failure: Error, Equatable, CustomStringConvertible {
    /// What the shell is told.
    var status: ExitStatus
    /// What went wrong, with the value in question, and what to do.
    var message: String

    var description: String { message }
}
