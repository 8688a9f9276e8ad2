// What an operator may set of the messenger's limits; a store's rules go by them.

public import PetrelBase
internal import PetrelMessaging

/// Limits that differ from server to server, within those of `MessagingLimits`.
public struct ServiceLimits: Equatable, Sendable {
    /// Messages that an account may send to one that has not accepted it.
    public var strangerMessagesMax = MessagingLimits.strangerMessagesMax
    /// Bytes of bodies that an account may have stored.
    public var accountBytesMax: UInt64 = 1 << 30
    /// Members of a group.
    public var membersMax = MessagingLimits.membersMax
    /// Groups of an account.
    public var groupsMax = MessagingLimits.groupsMax
    /// Contacts, requests and blocked accounts of an account.
    public var contactsMax = MessagingLimits.contactsMax
    /// Events of a conversation.
    public var conversationEventsMax = MessagingLimits.conversationEventsMax
    /// A group with more members is large from then on.
    public var smallGroupMembersMax = MessagingLimits.smallGroupMembersMax
    /// In a group with more members only who looks at it gets what is said.
    public var pushedGroupMembersMax = MessagingLimits.pushedGroupMembersMax
    /// How long after its commit its sender may edit a message.
    public var editWindow = MessagingLimits.editWindow
    /// How long after its commit its sender may take a message back.
    public var recallWindow = MessagingLimits.recallWindow
    /// Whether registering needs an invitation.
    public var needsInvitation = false

    /// Creates the limits of a server whose operator set none.
    public init() {}
}
