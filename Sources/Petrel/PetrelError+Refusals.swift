// What the server refuses, in one sentence with the limit that was met, and what to do.

internal import PetrelBase
internal import PetrelMessaging

extension PetrelError {
    /// A refusal of the server.
    ///
    /// - Parameters:
    ///   - code: its number, known here or not.
    ///   - reason: the server's sentence.
    ///   - retryAfter: when the same may succeed; zero for never.
    ///   - limit: the limit that was met, in the unit of the code's rule; 0 if none was.
    init(refusal code: UInt32, reason: String, retryAfter: Interval, limit: UInt64 = 0) {
        let error = MessagingError(rawValue: code)
        let said = reason.isEmpty ? error?.sentence ?? "for a reason unknown here" : reason
        var sentence = "the server refused: \(said) (\(code))"
        if limit > 0 { sentence += ", the limit is \(limit)\(error?.unit(of: limit) ?? "")" }
        var advice = error?.advice ?? "look for a newer version of the client"
        if retryAfter > .zero { advice += ", in \(Duration(retryAfter).inWords)" }
        self.init(
            error == .deviceRevoked ? .revoked : .refused, refusal: code, sentence,
            advice: advice, retryAfter: retryAfter > .zero ? Duration(retryAfter) : nil)
    }
}

extension MessagingError {
    /// What a limit of the rule counts, after the number.
    fileprivate func unit(of limit: UInt64) -> String {
        let one: String
        switch self {
        case .tooLarge, .quotaExceeded, .textInvalid: one = "byte"
        case .tooManyDevices: one = "device"
        case .strangerLimit: one = "message"
        case .tooLate: one = "second"
        case .groupFull: one = "member"
        case .tooManyGroups: one = "group"
        case .tooManyContacts: one = "contact"
        case .tooManyInvitations: one = "open invitation"
        case .tooManyHidden: one = "place"
        case .conversationFull: one = "event"
        case .tooManyEdits: one = "edit"
        case .tooFast: return " a second"
        case .malformed, .notEnrolled, .alreadyEnrolled, .handleInvalid, .handleTaken,
            .credentialsWrong, .passwordUnacceptable, .tooManyAttempts, .unknownRecipient,
            .unknownConversation, .identifierConflict, .identifierExpired, .busy, .storageFull,
            .storageFailed, .deviceRevoked, .invitationInvalid, .unknownDevice, .notPermitted,
            .notMember, .muted, .blocked, .targetInvalid, .dissolved, .notContact,
            .relationWrong:
            return ""
        }
        return limit == 1 ? " \(one)" : " \(one)s"
    }

    /// What to do.
    fileprivate var advice: String {
        switch self {
        case .malformed: "look for a newer version of the client"
        case .notEnrolled: "register or log in first"
        case .alreadyEnrolled: "use another directory for another account"
        case .handleInvalid: "use 3 to 32 of a-z 0-9 . _ - beginning with a letter"
        case .handleTaken: "choose another handle, or log in if it is yours"
        case .credentialsWrong: "check the handle and the password"
        case .passwordUnacceptable: "use 8 to 128 bytes"
        case .tooManyAttempts, .busy, .storageFull: "try again later"
        case .tooManyDevices: "revoke a device of the account first"
        case .unknownRecipient: "check the handle"
        case .unknownConversation: "check the conversation"
        case .tooLarge: "send it in parts"
        case .identifierConflict, .identifierExpired: "send it again as a new message"
        case .storageFailed: "tell the operator of the server"
        default: adviceAboutOthers
        }
    }

    /// What to do where other people, groups or limits of the account are concerned.
    private var adviceAboutOthers: String {
        switch self {
        case .deviceRevoked: "log in with an empty directory, which makes another key"
        case .invitationInvalid: "ask somebody who is on the server for an invitation"
        case .unknownDevice: "look at the list of devices again"
        case .notPermitted: "ask an admin or the owner of the group"
        case .notMember: "the conversation can be read but not written to; ask to be added again"
        case .muted: "speak again when the time is over"
        case .blocked: "nothing can be sent to this account"
        case .strangerLimit: "wait until you are accepted"
        case .targetInvalid: "look at the message again: it may be gone or of another kind"
        case .tooLate: "send a new message instead"
        case .groupFull: "remove a member first, or begin another group"
        case .tooManyGroups: "leave a group first"
        case .tooManyContacts: "remove a contact or a request first"
        case .tooManyInvitations: "wait until one is used or has expired"
        case .tooManyHidden: "clear the conversation instead"
        case .tooFast: "send more slowly, and try again"
        case .quotaExceeded: "take back or let expire what is not needed any more"
        case .conversationFull: "begin another group"
        case .dissolved: "the group can be read but not written to; begin another one"
        case .notContact: "add them to your contacts, and wait until they accept"
        case .relationWrong: "look at the contact again: it may have changed meanwhile"
        case .textInvalid: "use a shorter text without control characters"
        case .tooManyEdits: "take it back and send a new message"
        default: "look for a newer version of the client"
        }
    }
}

extension Duration {
    /// The time for people, such as `250 ms` or `12 s`.
    fileprivate var inWords: String {
        let milliseconds = Interval(self).nanoseconds / 1_000_000
        switch milliseconds {
        case ..<1_000: return "\(milliseconds) ms"
        case ..<120_000: return "\((milliseconds + 999) / 1_000) s"
        default: return "\((milliseconds + 59_999) / 60_000) min"
        }
    }
}
