// Password hashing as a value: a service asks for it, a shell does it where time does not matter.

/// A piece of work that takes a tenth of a second and much memory: never done by a worker.
public enum HashJob: Equatable, Sendable {
    /// Make a record of a new password.
    case make(password: [UInt8])
    /// Compare a password with a record; without a record, with a dummy, taking the same time.
    case verify(password: [UInt8], record: [UInt8]?)
}

/// What came of a `HashJob`.
public enum HashResult: Equatable, Sendable {
    /// The record of the new password.
    case made(record: [UInt8])
    /// The password fits; `renewed` is a record at today's cost if the old one was cheaper.
    case right(renewed: [UInt8]?)
    /// The password does not fit, or there was no record.
    case wrong
    /// The work could not be done: too much is queued, or there is no memory.
    case notDone
}
