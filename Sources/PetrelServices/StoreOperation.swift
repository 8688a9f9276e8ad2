// What is written to the store: logical operations, each safe to repeat.

public import PetrelBase
public import PetrelMessaging

/// One change, applied by the store in the order of submission, all or nothing.
///
/// Decisions that need the latest state (is the handle free, which `cseq` is next, was this message
/// committed before) are made by the store inside the transaction that writes the answer.
public enum StoreOperation: Equatable, Sendable {
    /// Creates an account and its first device.
    case createAccount(CreateAccount)
    /// Adds a device to an account.
    case enrolDevice(EnrolDevice)
    /// Adds a device to an account whose password was lost, and shuts all others out.
    case recoverAccount(RecoverAccount)
    /// Gives an event its place in a conversation.
    case appendMessage(AppendMessage)
    /// Raises watermarks of a device.
    case acknowledge(AcknowledgeDelivery)
    /// Changes an account.
    case changeAccount(ChangeAccount)
    /// Changes the relation of two accounts.
    case changeContact(ChangeContact)
    /// Changes what a conversation is for one account alone.
    case changeConversation(ChangeConversation)
    /// Makes an invitation.
    case createInvitation(CreateInvitation)
    /// Raises the handshake counter of a device, and notes when it connected; a lower counter
    /// changes nothing.
    case raiseHelloCounter(account: AccountID, device: DeviceID, counter: UInt64, time: WallTime)
    /// Replaces the password record of an account by one of today's cost.
    ///
    /// If `old` is no longer the record, the password was changed meanwhile, and stays as it is.
    case replacePassword(account: AccountID, old: [UInt8], record: [UInt8])
    /// Forgets deduplication rows of messages committed before that time, at most `limit` of them.
    case purgeDeduplication(before: WallTime, limit: Int)
    /// Erases what must not be kept any longer at that time, at most `limit` events: messages whose
    /// lifetime is over, what conversations keep no longer, invitations.
    case expire(at: WallTime, limit: Int)
    /// Lets accounts that were deleted leave their groups, at most `limit` of them.
    case continueDeletions(at: WallTime, limit: Int)
}

/// All messages of a conversation up to a place.
public struct DeliveredMark: Equatable, Sendable {
    /// The conversation.
    public var conversation: ConversationID
    /// The place, included.
    public var sequence: ConversationSequence

    /// Creates the mark.
    public init(conversation: ConversationID, sequence: ConversationSequence) {
        self.conversation = conversation
        self.sequence = sequence
    }
}
