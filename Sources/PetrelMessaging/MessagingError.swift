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
    /// The key belonged to a device that was revoked.
    case deviceRevoked = 18
    /// The invitation is unknown, used or expired, or there must be one.
    case invitationInvalid = 19
    /// The account has no such device.
    case unknownDevice = 20
    /// The account's role, or its relation to the object, does not allow this.
    case notPermitted = 21
    /// The account is no member of the group any more.
    case notMember = 22
    /// The member may not speak for now.
    case muted = 23
    /// The recipient takes nothing from the account.
    case blocked = 24
    /// The recipient has not accepted the account yet, and got as many messages as strangers may
    /// send.
    case strangerLimit = 25
    /// The place holds nothing that this could be done to.
    case targetInvalid = 26
    /// The time in which this may be done is over.
    case tooLate = 27
    /// The group has as many members as it may have.
    case groupFull = 28
    /// The account is in as many groups as it may be.
    case tooManyGroups = 29
    /// The account has as many contacts and requests as it may have.
    case tooManyContacts = 30
    /// The account has as many open invitations as it may have.
    case tooManyInvitations = 31
    /// As many places of the conversation are hidden as may be; clear it instead.
    case tooManyHidden = 32
    /// More was sent in a short time than is allowed.
    case tooFast = 33
    /// The account has as many bytes stored as it may have.
    case quotaExceeded = 34
    /// The conversation holds as many events as it may hold.
    case conversationFull = 35
    /// The group was dissolved.
    case dissolved = 36
    /// Only contacts of the account may be taken into a group.
    case notContact = 37
    /// The relation to the other account does not allow this change.
    case relationWrong = 38
    /// A name or a line is empty where it may not be.
    case textInvalid = 39
    /// The message was edited as often as it may be.
    case tooManyEdits = 40
}
