// What owners of devices do with the messenger besides writing messages to somebody.

/// Something that the owner of a device does.
///
/// Conversations, groups and messages are named by a number that is taken modulo those that there
/// are when the time has come: a scenario does not know what they will be.
public enum Act: Codable, Equatable, Sendable {
    // People.
    /// Asks an account to become a contact.
    case request(account: Int)
    /// Answers a request.
    case answer(account: Int, accepts: Bool)
    /// Ends a relation.
    case part(account: Int)
    /// Takes nothing from an account any more, or takes it again.
    case block(account: Int, isBlocked: Bool)
    /// Calls an account something.
    case alias(account: Int, number: Int)
    /// Asks who has a handle.
    case lookUp(account: Int)
    // Groups.
    /// Makes a group.
    case create(accounts: [Int], isOpen: Bool)
    /// Takes an account in.
    case add(group: Int, account: Int)
    /// Comes in.
    case join(group: Int)
    /// Goes.
    case leave(group: Int)
    /// Puts a member out.
    case remove(group: Int, account: Int)
    /// Gives a member a role: 0 member, 1 admin, 2 owner.
    case role(group: Int, account: Int, role: Int)
    /// Takes the word from a member for so many seconds.
    case mute(group: Int, account: Int, seconds: Int)
    /// Names a group otherwise, or opens or closes it.
    case change(group: Int, isOpen: Bool?)
    /// Ends a group.
    case dissolve(group: Int)
    /// Asks who is in a group.
    case members(group: Int)
    // What is said.
    /// Writes into a conversation, perhaps as a reply, about somebody, or for so many seconds only.
    case speak(conversation: Int, byteCount: Int, isReply: Bool, mentions: Int?, lifetime: Int)
    /// Writes into a group, whether or not it may.
    case speakUp(group: Int, byteCount: Int)
    /// Says a message otherwise; an own one, if there is any.
    case edit(conversation: Int, message: Int, byteCount: Int, isOwn: Bool)
    /// Takes a message back.
    case recall(conversation: Int, message: Int, isOwn: Bool)
    /// Reacts to a message, or takes that back.
    case react(conversation: Int, message: Int, text: Int, isWithdrawn: Bool)
    /// Has a conversation keep events for so many seconds.
    case retain(conversation: Int, seconds: Int)
    // What a conversation is for the account alone.
    /// Has read all but so many of the newest events.
    case read(conversation: Int, left: Int)
    /// Puts a conversation above the others, or no longer.
    case pin(conversation: Int, isPinned: Bool)
    /// Wants no sound of a conversation for so many seconds.
    case hush(conversation: Int, seconds: Int)
    /// Hides all but so many of the newest events.
    case clear(conversation: Int, left: Int)
    /// Hides an event.
    case hide(conversation: Int, event: Int)
    // The account.
    /// Shows something else of itself.
    case profile(number: Int)
    /// Lets others see more or less.
    case privacy(presence: Int, lastSeen: Int, receipts: Int)
    /// Calls one of its devices something else.
    case nameDevice(device: Int, number: Int)
    /// Shuts one of its devices out.
    case revoke(device: Int)
    /// Wants another password, and knows the old one or not.
    case password(number: Int, isRight: Bool)
    /// Has lost the device and the password, and has the code.
    case recover
    /// Makes an invitation.
    case invite
    /// Ends its account.
    case endAccount(isRight: Bool)
    // What is not stored.
    /// Looks at the device (2), does not (1), or wants to seem offline (0).
    case presence(state: Int)
    /// Types into a conversation.
    case type(conversation: Int)
    /// Looks at a conversation, or at none.
    case view(conversation: Int?)
}
