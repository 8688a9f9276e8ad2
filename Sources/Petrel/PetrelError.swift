// What went wrong, in one sentence with the values, and what to do about it.

internal import PetrelBase
internal import PetrelClientCore
internal import PetrelClientData
internal import PetrelEvent
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
        /// The account shut this device out: its key is of no use any more.
        case revoked = "revoked"
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
    static let revoked = PetrelError(
        .revoked, "this device was revoked: its key can no longer be used",
        advice: "read what is here; to go on, log in with an empty directory")
    static let answerUnknown = PetrelError(
        .refused, "the server answered something else than was asked",
        advice: "look for a newer version of the client")
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
}
