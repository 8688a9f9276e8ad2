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
        case .deviceRevoked: "this device was revoked: its key can no longer be used"
        case .invitationInvalid: "registering needs an invitation that is not used or expired"
        case .unknownDevice: "the account has no such device"
        case .notPermitted: "you are not allowed to do that here"
        case .notMember: "you are not a member of the group any more"
        case .muted: "you may not speak here for now"
        case .blocked: "the recipient takes no messages from you"
        case .strangerLimit:
            "the recipient has not accepted you yet and has as many messages as strangers may send"
        case .targetInvalid: "there is no message at that place that this could be done to"
        case .tooLate: "the time in which this may be done is over"
        case .groupFull: "the group has as many members as it may have"
        case .tooManyGroups: "the account is in as many groups as it may be"
        case .tooManyContacts: "the account has as many contacts and requests as it may have"
        case .tooManyInvitations: "the account has as many open invitations as it may have"
        case .tooManyHidden:
            "as many messages of the conversation are deleted as may be: clear it instead"
        case .tooFast: "too much in a short time: wait"
        case .quotaExceeded: "the account has as many bytes stored as it may have"
        case .conversationFull: "the conversation holds as many events as it may hold"
        case .dissolved: "the group was dissolved"
        case .notContact: "only your contacts can be taken into a group"
        case .relationWrong:
            "there is nothing to accept or to decline, or you are contacts already"
        case .textInvalid: "the text is empty or has characters that are not allowed"
        case .tooManyEdits: "the message was edited as often as it may be"
        }
    }
}
