// What a refusal says to people.

extension MessagingError {
    /// A sentence for people, without values.
    public var sentence: String {
        switch self {
        case .malformed: "the command does not follow the schema"
        case .notEnrolled: "this device belongs to no account: register or log in first"
        case .alreadyEnrolled: "this device belongs to an account already"
        case .handleInvalid:
            "a handle has 3 to 32 of a-z, 0-9, dot, dash and underscore, and begins with a letter"
        case .handleTaken: "the handle belongs to another account"
        case .credentialsWrong: "the handle is unknown or the password is wrong"
        case .passwordUnacceptable: "a password has 8 to 128 bytes"
        case .tooManyAttempts: "too many failed attempts: wait"
        case .tooManyDevices: "the account has as many devices as it may have"
        case .unknownRecipient: "there is no account with that handle"
        case .unknownConversation: "there is no such conversation, or you are not a member of it"
        case .tooLarge: "the body or the content type is too long"
        case .identifierConflict: "the message identifier was used for another message"
        case .identifierExpired: "the message identifier is too old, or lies in the future"
        case .busy: "the server is busy: try again"
        case .storageFull: "the server's store is full: nothing new is taken in"
        case .storageFailed: "the server's store failed: nothing is acknowledged any more"
        }
    }
}
