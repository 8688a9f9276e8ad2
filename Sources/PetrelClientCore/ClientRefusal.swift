// Why the client refuses before anything is stored or sent: what the server would refuse anyway.

internal import PetrelBase
public import PetrelClientData
internal import PetrelMessaging

/// Why an event, an enrolment or a question was not even taken in.
public enum ClientRefusal: Error, Equatable, Sendable {
    /// The body is too long.
    case bodyTooLarge(byteCount: Int, limit: Int)
    /// The content type is too long.
    case contentTypeTooLarge(byteCount: Int, limit: Int)
    /// A name of a group, of an account or of a device, or an alias, is too long.
    case nameTooLong(byteCount: Int, limit: Int)
    /// A name is empty where it may not be.
    case nameEmpty
    /// A greeting or a line about oneself is too long.
    case lineTooLong(byteCount: Int, limit: Int)
    /// A reaction is empty or too long.
    case reactionInvalid(byteCount: Int, limit: Int)
    /// A message mentions too many accounts.
    case tooManyMentions(count: Int, limit: Int)
    /// One event names too many people, or none.
    case peopleInvalid(count: Int, limit: Int)
    /// A message lives too long.
    case lifetimeTooLong(seconds: UInt64, limit: UInt64)
    /// A conversation may not keep messages that long, or that short.
    case retentionInvalid(seconds: UInt64, limit: ClosedRange<UInt64>)
    /// A member may not be muted that long.
    case muteTooLong(seconds: UInt64, limit: UInt64)
    /// An edit has no reply and no lifetime of its own.
    case editInvalid
    /// A place is 0, which is before the first event.
    case placeInvalid
    /// Such an event may not be sent there, or not at all: only a new group begins with `created`.
    case eventNotAllowed
    /// The text cannot be a handle.
    case handleInvalid(String)
    /// A password is too short or too long.
    case passwordUnacceptable(byteCount: Int, limit: ClosedRange<Int>)
    /// As many messages wait as may wait.
    case outboxFull(limit: Int)
    /// As many questions are open as may be.
    case tooManyQuestions(limit: Int)
    /// This is no question: it has a method of its own.
    case notAQuestion
    /// An enrolment is under way already.
    case enrolmentUnderWay
    /// The client is closed.
    case closed
    /// The store did not take it.
    case store(ClientStoreError)
}

extension ConversationEvent {
    /// Throws what the server would certainly refuse.
    func validate(for target: OutgoingTarget) throws(ClientRefusal) {
        if case .created = self {
            guard target == .newGroup else { throw .eventNotAllowed }
        } else {
            guard target != .newGroup else { throw .eventNotAllowed }
        }
        switch self {
        case .message(let content): try content.validate()
        case .edit(let place, let content):
            try place.validate()
            try content.validate()
            guard content.replyTo.number == 0, content.lifetimeSeconds == 0 else {
                throw .editInvalid
            }
        case .recall(let place): try place.validate()
        case .reaction(let reaction):
            try reaction.sequence.validate()
            let limit = MessagingLimits.reactionBytesMax
            guard 1...limit ~= reaction.text.utf8.count else {
                throw .reactionInvalid(byteCount: reaction.text.utf8.count, limit: limit)
            }
        case .created(let form):
            try validateName(form.name, mayBeEmpty: false)
            try validatePeople(form.members, atLeast: 0)
        case .added(let people): try validatePeople(people, atLeast: 1)
        case .muted(_, let seconds):
            let limit = UInt64(MessagingLimits.muteMax.nanoseconds / 1_000_000_000)
            guard seconds <= limit else {
                throw .muteTooLong(seconds: UInt64(seconds), limit: limit)
            }
        case .changed(let change):
            try validateName(change.name, mayBeEmpty: change.isOpen != nil)
        case .retention(let seconds):
            let limit = MessagingLimits.retentionSeconds
            guard seconds == 0 || limit ~= seconds else {
                throw .retentionInvalid(seconds: seconds, limit: limit)
            }
        case .joined, .left, .removed, .role, .dissolved: return
        case .gone: throw .eventNotAllowed
        }
    }
}

extension Content {
    fileprivate func validate() throws(ClientRefusal) {
        guard body.count <= MessagingLimits.bodyBytesMax else {
            throw .bodyTooLarge(byteCount: body.count, limit: MessagingLimits.bodyBytesMax)
        }
        let typeBytes = contentType.utf8.count
        guard typeBytes <= MessagingLimits.contentTypeBytesMax else {
            throw .contentTypeTooLarge(
                byteCount: typeBytes, limit: MessagingLimits.contentTypeBytesMax)
        }
        guard mentions.count <= MessagingLimits.mentionsMax else {
            throw .tooManyMentions(count: mentions.count, limit: MessagingLimits.mentionsMax)
        }
        guard lifetimeSeconds <= MessagingLimits.lifetimeSecondsMax else {
            throw .lifetimeTooLong(
                seconds: UInt64(lifetimeSeconds),
                limit: UInt64(MessagingLimits.lifetimeSecondsMax))
        }
    }
}

extension ConversationSequence {
    fileprivate func validate() throws(ClientRefusal) {
        guard number > 0 else { throw .placeInvalid }
    }
}

private func validatePeople(_ people: [Person], atLeast least: Int) throws(ClientRefusal) {
    guard least...MessagingLimits.peopleMax ~= people.count else {
        throw .peopleInvalid(count: people.count, limit: MessagingLimits.peopleMax)
    }
}

private func validateName(_ name: String, mayBeEmpty: Bool) throws(ClientRefusal) {
    guard mayBeEmpty || !name.isEmpty else { throw .nameEmpty }
    guard name.utf8.count <= MessagingLimits.nameBytesMax else {
        throw .nameTooLong(byteCount: name.utf8.count, limit: MessagingLimits.nameBytesMax)
    }
}

private func validateLine(_ line: String) throws(ClientRefusal) {
    guard line.utf8.count <= MessagingLimits.lineBytesMax else {
        throw .lineTooLong(byteCount: line.utf8.count, limit: MessagingLimits.lineBytesMax)
    }
}

func validatePassword(_ password: [UInt8]) throws(ClientRefusal) {
    guard MessagingLimits.passwordBytes ~= password.count else {
        throw .passwordUnacceptable(
            byteCount: password.count, limit: MessagingLimits.passwordBytes)
    }
}

extension Command.Kind {
    /// Throws what is no question, and what the server would certainly refuse.
    func validateAsQuestion() throws(ClientRefusal) {
        switch self {
        case .changeAccount(let change): try change.validate()
        case .changeContact(let person, let change):
            guard person.handle.isEmpty || AccountHandle(person.handle) != nil else {
                throw .handleInvalid(person.handle)
            }
            switch change {
            case .request(let greeting): try validateLine(greeting)
            case .alias(let alias): try validateName(alias, mayBeEmpty: true)
            case .accept, .decline, .remove, .block, .unblock: return
            }
        case .changeConversation(_, .hidden(let place)): try place.validate()
        case .changeConversation, .listMembers: return
        case .invite(let seconds):
            let limit = MessagingLimits.invitationLifetimeMax.nanoseconds / 1_000_000_000
            guard seconds <= limit else {
                throw .lifetimeTooLong(seconds: UInt64(seconds), limit: UInt64(limit))
            }
        case .lookUp(let handle):
            guard AccountHandle(handle) != nil else { throw .handleInvalid(handle) }
        case .register, .logIn, .recover, .send, .sync, .pull, .acknowledge, .activity:
            throw .notAQuestion
        }
    }
}

extension AccountChange {
    fileprivate func validate() throws(ClientRefusal) {
        switch self {
        case .profile(let profile):
            try validateName(profile.name, mayBeEmpty: true)
            try validateLine(profile.about)
        case .password(_, let new, _): try validatePassword(new)
        case .deviceName(_, let name):
            guard name.utf8.count <= MessagingLimits.deviceNameBytesMax else {
                throw .nameTooLong(
                    byteCount: name.utf8.count, limit: MessagingLimits.deviceNameBytesMax)
            }
        case .privacy, .revokeDevice, .delete: return
        }
    }
}
