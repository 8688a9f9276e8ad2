// What tasks ask of the client's thread.

internal import PetrelBase
internal import PetrelClientCore
internal import PetrelClientData
internal import PetrelEvent
internal import PetrelMessaging

/// What a task asks of the client's thread.
enum Request: Sendable {
    /// How a device becomes one of an account.
    enum Enrolment: Sendable {
        case register(
            handle: String, password: [UInt8], invitation: String, recovery: RecoveryDigest?)
        case logIn(handle: String, password: [UInt8])
        case recover(
            handle: String, code: String, password: [UInt8], recovery: RecoveryDigest?)
    }

    case enrol(Enrolment, ticket: UInt64, deviceName: String, Answer<Account>)
    /// Nobody waits any more for the enrolment with that ticket.
    case abandonEnrolment(ticket: UInt64)
    case send(OutgoingTarget, ConversationEvent, Answer<Outgoing>)
    /// A question to the server.
    case ask(Command.Kind, ticket: UInt64, Answer<PetrelClientCore.Answer>)
    /// Nobody waits any more for the answer with that ticket.
    case abandonQuestion(ticket: UInt64)
    case read(Place)
    case fetch(ConversationID, before: UInt64)
    case typing(ConversationID, isStopped: Bool)
    case viewing(ConversationID?)
    case networkChanged(label: UInt64)
    case visibilityChanged(PetrelClient.Visibility)
    case networkLost
    case resolved(Result<[Address], ResolutionError>)
    case close
}

/// Where the answer to a request goes; used exactly once.
typealias Answer<Value: Sendable> = CheckedContinuation<Result<Value, PetrelError>, Never>
