// What the client refuses by itself, before anything is stored or sent.

internal import PetrelClientCore
internal import PetrelClientData

extension PetrelError {
    /// A refusal of the client.
    init(_ refusal: ClientRefusal) {
        switch refusal {
        case .bodyTooLarge(let count, let limit):
            self = .input(
                "the message has \(count) bytes, \(limit) are allowed", "send it in parts")
        case .contentTypeTooLarge(let count, let limit), .nameTooLong(let count, let limit),
            .lineTooLong(let count, let limit):
            self = .input("the text has \(count) bytes, \(limit) are allowed", "use a shorter one")
        case .reactionInvalid(let count, let limit):
            self = .input(
                "the reaction has \(count) bytes, 1 to \(limit) are allowed", "use a single emoji")
        case .tooManyMentions(let count, let limit):
            self = .input("\(count) people are mentioned, \(limit) are allowed", "mention fewer")
        case .peopleInvalid(let count, let limit):
            self = .input(
                "\(count) people are named, 1 to \(limit) are allowed at once",
                "name some, and the others in further calls")
        case .lifetimeTooLong(let seconds, let limit), .muteTooLong(let seconds, let limit):
            self = .input("\(seconds) s were asked for, \(limit) are allowed", "use a shorter time")
        case .retentionInvalid(let seconds, let limit):
            let allowed = "\(limit.lowerBound) to \(limit.upperBound) s"
            self = .input(
                "messages would be kept for \(seconds) s, and \(allowed) are allowed",
                "use a time in that range, or none for ever")
        case .passwordUnacceptable(let count, let limit):
            let allowed = "\(limit.lowerBound) to \(limit.upperBound)"
            self = .input(
                "the password has \(count) bytes, \(allowed) are allowed", "use another one")
        case .nameEmpty: self = .input("the name is empty", "give one of 1 to 64 bytes")
        case .editInvalid:
            self = .input("an edit has no reply or lifetime of its own", "the message's own stay")
        case .placeInvalid:
            self = .input("a message has the number 0", "use the place of one that was read")
        case .eventNotAllowed, .notAQuestion:
            self = .input("this cannot be sent there", "look at the documentation of the call")
        case .handleInvalid(let handle):
            self = .input(
                "\"\(handle)\" cannot be a handle",
                "use 3 to 32 of a-z 0-9 . _ - beginning with a letter")
        case .tooManyQuestions(let limit):
            self = .tooBusy("\(limit) questions are open, all there may be", "wait for answers")
        case .outboxFull(let limit):
            self = .tooBusy("the outbox holds \(limit) messages, all it may", "wait for some")
        case .enrolmentUnderWay:
            self = .tooBusy("another registration or login is under way", "wait for it")
        case .closed: self = .closed
        case .store(let error): self.init(error)
        }
    }

    private static func input(_ sentence: String, _ advice: String) -> PetrelError {
        PetrelError(.inputInvalid, sentence, advice: advice)
    }

    private static func tooBusy(_ sentence: String, _ advice: String) -> PetrelError {
        PetrelError(.busy, sentence, advice: advice, retryAfter: .seconds(1))
    }
}
