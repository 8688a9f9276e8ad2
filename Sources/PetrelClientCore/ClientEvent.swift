// What the client's brain tells its owner, in order, and never before it is durable.

public import PetrelBase
public import PetrelClientData
public import PetrelMessaging

/// How far an own message has come; it only moves forward.
///
///     queued ──▶ sent ──▶ committed ──▶ delivered
///        └─────────┴────▶ failed
public enum DeliveryState: Equatable, Sendable {
    /// It is in the outbox, on disk.
    case queued
    /// It is on its way; not known to have arrived.
    case sent
    /// The server has stored it at that place, for good.
    case committed(ConversationID, ConversationSequence)
    /// A device of the other side has it.
    case delivered
    /// The server will never take it: a `MessagingError`, or a number unknown here, and why.
    case failed(code: UInt32, reason: String)
}

/// Something that the owner may want to know.
public enum ClientEvent: Equatable, Sendable {
    /// The connection is in another state.
    case connectionChanged(ConnectionState)
    /// The server knows this device as that one.
    case enrolled(ClientIdentity)
    /// Registering or logging in was refused; `retryAfter` is zero if that will not change.
    case enrolmentRefused(code: UInt32, reason: String, retryAfter: Interval)
    /// The server does not know this device: register or log in.
    case stranger
    /// The server takes no message for now, and says why: all that wait are sent again, in order,
    /// after `retryAfter` or with the next session.
    case sendingRefused(code: UInt32, reason: String, retryAfter: Interval)
    /// An own message went a step further.
    case deliveryChanged(index: UInt64, id: ClientMessageID, state: DeliveryState)
    /// A message of somebody else, or of another device of the account, is stored; told once.
    case message(MessageRecord)
    /// Messages are new in a conversation; all of them are stored.
    case messagesArrived(ConversationID)
    /// Nothing is missing any more: every change that the server told of is here.
    case synced
    /// The client's store failed: nothing more is taken in or acknowledged until it recovers.
    case storeFailed(ClientStoreError)
}

/// Why a message or an enrolment was not even taken into the outbox.
public enum ClientRefusal: Error, Equatable, Sendable {
    /// The body is too long.
    case bodyTooLarge(byteCount: Int, limit: Int)
    /// The content type is too long.
    case contentTypeTooLarge(byteCount: Int, limit: Int)
    /// The text cannot be a handle.
    case handleInvalid(String)
    /// As many messages wait as may wait.
    case outboxFull(limit: Int)
    /// An enrolment is under way already.
    case enrolmentUnderWay
    /// The client is closed.
    case closed
    /// The store did not take it.
    case store(ClientStoreError)
}
