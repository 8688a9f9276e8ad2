// What the client refuses by itself, before anything is stored or sent.

internal import PetrelClientCore
internal import PetrelClientData

extension PetrelError {
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
        case .nameTooLong(let byteCount, let limit), .lineTooLong(let byteCount, let limit):
            self.init(
                .inputInvalid, "the text has \(byteCount) bytes, \(limit) are allowed",
                advice: "use a shorter one")
        case .reactionInvalid(let byteCount, let limit):
            self.init(
                .inputInvalid, "the reaction has \(byteCount) bytes, 1 to \(limit) are allowed",
                advice: "use a single emoji or a short word")
        case .tooManyMentions(let count, let limit):
            self.init(
                .inputInvalid, "\(count) people are mentioned, \(limit) are allowed",
                advice: "mention fewer")
        case .peopleInvalid(let count, let limit):
            self.init(
                .inputInvalid, "\(count) people are named, 1 to \(limit) are allowed at once",
                advice: "name some, and the others in further calls")
        case .lifetimeTooLong(let seconds, let limit), .muteTooLong(let seconds, let limit):
            self.init(
                .inputInvalid, "\(seconds) s were asked for, \(limit) are allowed",
                advice: "use a shorter time")
        case .retentionInvalid(let seconds, let limit):
            self.init(
                .inputInvalid,
                "messages would be kept for \(seconds) s; "
                    + "\(limit.lowerBound) to \(limit.upperBound) s are allowed",
                advice: "use a time in that range, or none for ever")
        case .passwordUnacceptable(let byteCount, let limit):
            self.init(
                .inputInvalid,
                "the password has \(byteCount) bytes; "
                    + "\(limit.lowerBound) to \(limit.upperBound) are allowed",
                advice: "use another one")
        case .nameEmpty:
            self.init(.inputInvalid, "the name is empty", advice: "give one of 1 to 64 bytes")
        case .editInvalid:
            self.init(
                .inputInvalid, "an edit has neither a reply nor a lifetime of its own",
                advice: "those of the message stay")
        case .placeInvalid:
            self.init(
                .inputInvalid, "the number of a message is 0, and the first one is 1",
                advice: "use the place of a message that was read")
        case .eventNotAllowed, .notAQuestion:
            self.init(
                .inputInvalid, "this cannot be sent there",
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
}
