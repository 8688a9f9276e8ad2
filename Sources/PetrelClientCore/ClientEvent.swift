// What the client's brain tells its owner, in order, and never before it is durable.

public import PetrelBase
public import PetrelClientData
public import PetrelMessaging

/// How far an own message has come; it only moves forward.
///
///     queued ──▶ sent ──▶ committed ──▶ delivered ──▶ read
///        └─────────┴────▶ failed
public enum DeliveryState: Equatable, Sendable {
    /// It is in the outbox, on disk.
    case queued
    /// It is on its way; not known to have arrived.
    case sent
    /// The server has stored it at that place, for good.
    case committed(ConversationID, ConversationSequence)
    /// A device of the other side has it; in a group, of at least one other member.
    case delivered
    /// The other side has read it; in a group, at least one other member.
    case read
    /// The server will never take it: a `MessagingError`, or a number unknown here, why, and the
    /// limit that was met, 0 if none was.
    case failed(code: UInt32, reason: String, limit: UInt64)
}

/// Something that the owner may want to know.
public enum ClientEvent: Equatable, Sendable {
    /// The connection is in another state.
    case connectionChanged(ConnectionState)
    /// The server knows this device as that one.
    case enrolled(ClientIdentity)
    /// Registering, logging in or recovering was refused; `retryAfter` is zero if that will not
    /// change, `limit` 0 if none was met.
    case enrolmentRefused(code: UInt32, reason: String, retryAfter: Interval, limit: UInt64)
    /// The server does not know this device: register, log in or recover.
    case stranger(needsInvitation: Bool)
    /// The device was shut out for good: only another key can be enrolled. Nothing connects until
    /// `connect` is called.
    case revoked
    /// The server takes no message for now, and says why: all that wait are sent again, in order,
    /// after `retryAfter` or with the next session.
    case sendingRefused(code: UInt32, reason: String, retryAfter: Interval, limit: UInt64)
    /// What was asked was answered.
    case answered(Ticket, Answer)
    /// An own message went a step further.
    case deliveryChanged(index: UInt64, id: ClientMessageID, state: DeliveryState)
    /// A message of somebody else, or of another device of the account, is stored; told once.
    case message(MessageRecord)
    /// Messages are new in a conversation; all of them are stored.
    case messagesArrived(ConversationID)
    /// Something else of a conversation changed: who is in it, settings, marks, what is kept; or
    /// what stood at a place is gone.
    case conversationChanged(ConversationID)
    /// What is known of another account changed.
    case contactChanged(Contact)
    /// What is known of the own account changed.
    case accountChanged(AccountState)
    /// Others came or went.
    case presencesChanged([Presence])
    /// The session is over: nobody's presence is known any more.
    case presencesForgotten
    /// Somebody types, or stopped.
    case typing(TypingNotice)
    /// Nothing is missing any more: every change that the server told of is here.
    case synced
    /// The client's store failed: nothing more is taken in or acknowledged until it recovers.
    case storeFailed(ClientStoreError)
}
