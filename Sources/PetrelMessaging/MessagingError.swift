// Why the messenger refuses a command: the numbers of Protocol/messaging.md.

/// Why a command was refused; the raw value is what travels.
public enum MessagingError: UInt32, Error, Sendable, CaseIterable {
    /// The command does not follow the schema.
    case malformed = 1
    /// The device belongs to no account: register or log in first.
    case notEnrolled = 2
    /// The device belongs to an account already.
    case alreadyEnrolled = 3
    /// The handle has forbidden characters or a forbidden length.
    case handleInvalid = 4
    /// The handle belongs to another account.
    case handleTaken = 5
    /// The handle is unknown or the password is wrong; which of them is not told.
    case credentialsWrong = 6
    /// The password is too short or too long.
    case passwordUnacceptable = 7
    /// Too many failed attempts: wait.
    case tooManyAttempts = 8
    /// The account has as many devices as it may have.
    case tooManyDevices = 9
    /// There is no account with that handle.
    case unknownRecipient = 10
    /// There is no such conversation, or the account is not a member of it.
    case unknownConversation = 11
    /// The body or the content type is too long.
    case tooLarge = 12
    /// The client message identifier was used for another message.
    case identifierConflict = 13
    /// The client message identifier is older than deduplication reaches, or lies in the future.
    case identifierExpired = 14
    /// The server is busy: try again after a while.
    case busy = 15
    /// The server's store is full: nothing new is taken in.
    case storageFull = 16
    /// The server's store failed: nothing is acknowledged any more.
    case storageFailed = 17
}
