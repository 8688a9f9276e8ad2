// What went wrong, in one sentence with the values, and what to do about it.

internal import PetrelBase
internal import PetrelClientCore
internal import PetrelClientData
internal import PetrelEvent
internal import PetrelMessaging
internal import PetrelStore
internal import PetrelWire

/// Why the client could not do what was asked.
public struct PetrelError: Error, Equatable, Sendable {
    /// What kind of trouble it is; the raw value is for programs and does not change.
    public enum Code: String, Sendable, CaseIterable {
        /// The server's address cannot be used.
        case addressInvalid = "address_invalid"
        /// The device's key file is missing, damaged or readable by others.
        case keyFile = "key_file"
        /// The directory of this device cannot be used: others may read it, another process has it,
        /// or it holds something else.
        case directoryUnusable = "directory_unusable"
        /// The store of this device cannot be opened or written.
        case storeFailed = "store_failed"
        /// The disk of this device is full.
        case storeFull = "store_full"
        /// The system refuses a socket or a thread.
        case system = "system"
        /// What was given cannot be sent: a handle or a length is not allowed.
        case inputInvalid = "input_invalid"
        /// Too much waits already: try again later.
        case busy = "busy"
        /// The server refused.
        case refused = "refused"
        /// The client was closed.
        case closed = "closed"
        /// The task was cancelled.
        case cancelled = "cancelled"
    }

    /// What kind of trouble it is.
    public var code: Code
    /// The server's number for a refusal; `nil` for everything else.
    public var refusal: UInt32?
    /// What happened, with the values.
    public var sentence: String
    /// What to do.
    public var advice: String
    /// When trying again makes sense; `nil` if it does not without a change.
    public var retryAfter: Duration?

    /// Creates an error.
    public init(
        _ code: Code, refusal: UInt32? = nil, _ sentence: String, advice: String,
        retryAfter: Duration? = nil
    ) {
        self.code = code
        self.refusal = refusal
        self.sentence = sentence
        self.advice = advice
        self.retryAfter = retryAfter
    }
}

extension PetrelError: CustomStringConvertible {
    /// The sentence, and what to do.
    public var description: String { "\(sentence); \(advice)" }
}

extension PetrelError {
    static let closed = PetrelError(
        .closed, "the client is closed",
        advice: "open it again; what is in the outbox will then be sent")
    static let cancelled = PetrelError(
        .cancelled, "the task was cancelled", advice: "nothing needs to be done")
    static let mailboxFull = PetrelError(
        .busy, "the client has more requests than it can take in",
        advice: "wait for some of them", retryAfter: .milliseconds(100))

    init(_ error: ServerAddressError) {
        self.init(.addressInvalid, "\(error)", advice: "nothing was sent")
    }

    init(_ error: StoreError) {
        let code: Code =
            switch error.kind {
            case .full: .storeFull
            case .unsafeDirectory, .inUse, .foreign: .directoryUnusable
            case .busy, .failed, .damaged, .closed: .storeFailed
            }
        // Sentences of the store end with a full stop, ours go on with the advice.
        let sentence =
            error.happened.hasSuffix(".") ? error.happened.dropLast() : error.happened[...]
        self.init(code, String(sentence), advice: error.advice)
    }

    init(_ error: SystemError) {
        self.init(
            .system, "the system refuses: \(error)",
            advice: "look for a limit on descriptors or threads of this process")
    }

    init(_ error: ClientStoreError) {
        switch error {
        case .full:
            self.init(
                .storeFull, "the disk of this device is full",
                advice: "free some space; nothing is lost, and the client goes on by itself",
                retryAfter: .seconds(1))
        case .failed(let code):
            self.init(
                .storeFailed, "the store of this device failed (code \(code))",
                advice: "look at the disk and the kernel's log, then open the client again")
        case .damaged:
            self.init(
                .storeFailed, "the store of this device holds a record that cannot be read",
                advice: "restore its directory from a backup, or start with an empty one")
        }
    }

    init(_ refusal: ClientRefusal) {
        switch refusal {
        case .bodyTooLarge(let byteCount, let limit):
            self.init(
                .inputInvalid, "the message has \(byteCount) bytes, \(limit) are allowed",
                advice: "send it in parts")
        case .contentTypeTooLarge(let byteCount, let limit):
            self.init(
                .inputInvalid, "the content type has \(byteCount) bytes, \(limit) are allowed",
                advice: "use a shorter one")
        case .nameTooLong(let byteCount, let limit), .lineTooLong(let byteCount, let limit),
            .reactionInvalid(let byteCount, let limit):
            self.init(
                .inputInvalid, "the text has \(byteCount) bytes, 1 to \(limit) are allowed",
                advice: "use another one")
        case .tooManyMentions(let count, let limit), .peopleInvalid(let count, let limit):
            self.init(
                .inputInvalid, "\(count) people are named, \(limit) are allowed",
                advice: "name fewer at once, and at least one")
        case .lifetimeTooLong(let seconds, let limit), .muteTooLong(let seconds, let limit):
            self.init(
                .inputInvalid, "\(seconds) s were asked for, \(limit) are allowed",
                advice: "use a shorter time")
        case .retentionInvalid(let seconds, let limit):
            self.init(
                .inputInvalid, "\(seconds) s were asked for, \(limit) are allowed",
                advice: "use a time in that range, or 0 for ever")
        case .passwordUnacceptable(let byteCount, let limit):
            self.init(
                .inputInvalid, "the password has \(byteCount) bytes, \(limit) are allowed",
                advice: "use another one")
        case .nameEmpty, .editInvalid, .placeInvalid, .eventNotAllowed, .notAQuestion:
            self.init(
                .inputInvalid, "the server would refuse this (\(refusal))",
                advice: "look at the documentation of what was called")
        case .tooManyQuestions(let limit):
            self.init(
                .busy, "\(limit) questions are open, which is all there may be",
                advice: "wait for answers", retryAfter: .seconds(1))
        case .handleInvalid(let handle):
            self.init(
                .inputInvalid, "\"\(handle)\" cannot be a handle",
                advice: "use 3 to 32 of a-z 0-9 . _ - beginning with a letter")
        case .outboxFull(let limit):
            self.init(
                .busy, "the outbox holds \(limit) messages, which is all it may",
                advice: "wait until some were sent", retryAfter: .seconds(1))
        case .enrolmentUnderWay:
            self.init(
                .busy, "another registration or login is under way", advice: "wait for it",
                retryAfter: .seconds(1))
        case .closed: self = .closed
        case .store(let error): self.init(error)
        }
    }

    init(refusal code: UInt32, reason: String, retryAfter: Interval) {
        self.init(
            .refused, refusal: code, "the server refused: \(reason) (\(code))",
            advice: Self.advice(code), retryAfter: retryAfter > .zero ? Duration(retryAfter) : nil)
    }

    private static func advice(_ code: UInt32) -> String {
        switch MessagingError(rawValue: code) {
        case .notEnrolled: "register or log in first"
        case .alreadyEnrolled: "use another directory for another account"
        case .handleInvalid: "use 3 to 32 of a-z 0-9 . _ - beginning with a letter"
        case .handleTaken: "choose another handle, or log in if it is yours"
        case .credentialsWrong: "check the handle and the password"
        case .passwordUnacceptable: "use 8 to 128 bytes"
        case .tooManyAttempts, .busy, .storageFull: "try again later"
        case .tooManyDevices: "remove a device of the account first"
        case .unknownRecipient: "check the handle"
        case .unknownConversation: "check the conversation"
        case .tooLarge: "send it in parts"
        case .identifierConflict, .identifierExpired: "send it again as a new message"
        case .storageFailed: "tell the operator of the server"
        case .tooFast: "send more slowly"
        case .deviceRevoked: "enrol this device with a new key"
        case .invitationInvalid: "ask for another invitation"
        case .notPermitted, .notMember, .muted, .blocked, .strangerLimit, .notContact,
            .relationWrong, .dissolved:
            "ask the other side"
        case .targetInvalid, .tooLate, .tooManyEdits: "send a new message instead"
        case .unknownDevice, .textInvalid: "check what was typed"
        case .groupFull, .tooManyGroups, .tooManyContacts, .tooManyInvitations, .tooManyHidden,
            .quotaExceeded, .conversationFull:
            "remove something first"
        case .malformed, nil: "look for a newer version of the client"
        }
    }
}
