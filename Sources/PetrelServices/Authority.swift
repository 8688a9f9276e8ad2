// Who may do what: the only place where that is decided.

public import PetrelBase
public import PetrelMessaging

#if PETREL_PLANTED
    internal import PetrelBase
#endif

/// The account and device that a session has proved to be: the only subject of authorisation.
public struct Principal: Equatable, Sendable {
    /// The account.
    public var account: AccountID
    /// The device.
    public var device: DeviceID
    /// The account's handle.
    public var handle: String

    /// Creates the principal.
    public init(account: AccountID, device: DeviceID, handle: String) {
        self.account = account
        self.device = device
        self.handle = handle
    }
}

/// Decides what may be done in a conversation, from facts that the caller has looked up.
///
/// The rules of the store ask inside the transaction that writes, so that no change of the facts
/// can come in between; questions ask in the snapshot that answers.
public enum Authority {
    /// What somebody wants to do in a conversation.
    public enum Action: Equatable, Sendable {
        /// Read events, members and marks.
        case read
        /// Say something.
        case speak
        /// React to what was said.
        case react
        /// Let others see that one types.
        case type
        /// Say a message otherwise.
        case edit(Message)
        /// Take a message back.
        case recall(Message)
        /// Change how long messages are kept.
        case setRetention
        /// Take others in.
        case add
        /// Come in.
        case join
        /// Go.
        case leave
        /// Put that member out; `nil` if there is no such member.
        case remove(Role?)
        /// Give that member another role.
        case giveRole(Role?)
        /// Take the word from that member, or give it back.
        case mute(Role?)
        /// Change the group's name, or who may join.
        case change
        /// End the group.
        case dissolve
    }

    /// A message that is to be changed.
    public struct Message: Equatable, Sendable {
        /// Whether it is there, and a message.
        public var exists: Bool
        /// Whether the account sent it.
        public var isOwn: Bool
        /// How long ago it was committed.
        public var age: Interval
        /// How often it was edited.
        public var editsCount: Int

        /// Creates it from its parts.
        public init(exists: Bool, isOwn: Bool, age: Interval, editsCount: Int = 0) {
            self.exists = exists
            self.isOwn = isOwn
            self.age = age
            self.editsCount = editsCount
        }
    }

    /// How the account stands to the conversation.
    public enum Relation: Equatable, Sendable {
        /// It has nothing to do with it, or there is no such conversation.
        case none
        /// It is one of the two in a 1:1 conversation.
        case peer(Peer)
        /// It is or was a member of a group, or could become one.
        case group(Member)
    }

    /// How the account stands to the other in a 1:1 conversation.
    public struct Peer: Equatable, Sendable {
        /// These are notes to oneself.
        public var isSelf = false
        /// The other account was deleted.
        public var isGone = false
        /// The other takes nothing from the account.
        public var isBlocked = false
        /// The account takes nothing from the other.
        public var blocks = false
        /// The other has accepted the account as a contact, or has written here.
        public var isAccepted = false
        /// Messages that the account sent before it was accepted.
        public var sentCount = 0

        /// Creates the relation to a stranger.
        public init() {}
    }

    /// How the account stands to a group.
    public struct Member: Equatable, Sendable {
        /// Whether it is in the group; `nil` if it never was.
        public var standing: Standing?
        /// What it may do there.
        public var role = Role.member
        /// How long it may not speak yet.
        public var mutedFor = Interval.zero
        /// Who knows the group's number may join.
        public var isOpen = false

        /// Creates the relation.
        public init(standing: Standing?) { self.standing = standing }
    }

    /// Returns why `action` is refused; `nil` if it is allowed.
    ///
    /// To others an existing conversation looks like one that does not exist.
    public static func refusal(
        of action: Action, by relation: Relation, limits: ServiceLimits
    ) -> Refused? {
        switch relation {
        case .none:
            #if PETREL_PLANTED
                if PlantedBug.memberCheckSkipped.isActive { return nil }
            #endif
            return Refused(.unknownConversation)
        case .peer(let peer): return refusal(of: action, to: peer, limits)
        case .group(let member): return refusal(of: action, in: member, limits)
        }
    }

    private static func refusal(
        of action: Action, to peer: Peer, _ limits: ServiceLimits
    ) -> Refused? {
        switch action {
        case .read: return nil
        case .recall(let message): return refusal(ofRecall: message, isAdmin: false, limits)
        case .edit(let message): return refusal(ofEdit: message, limits) ?? refusal(to: peer)
        case .react, .setRetention, .type:
            // A stranger has its messages, and nothing besides.
            if let refusal = refusal(to: peer) { return refusal }
            guard !peer.isSelf, !peer.isAccepted else { return nil }
            return Refused(.strangerLimit, limit: limits.strangerMessagesMax)
        case .speak:
            if let refusal = refusal(to: peer) { return refusal }
            #if PETREL_PLANTED
                if PlantedBug.strangerLimitOffByOne.isActive,
                    peer.sentCount == limits.strangerMessagesMax
                {
                    return nil
                }
            #endif
            guard !peer.isSelf, !peer.isAccepted, peer.sentCount >= limits.strangerMessagesMax
            else { return nil }
            return Refused(.strangerLimit, limit: limits.strangerMessagesMax)
        case .add, .join, .leave, .remove, .giveRole, .mute, .change, .dissolve:
            return Refused(.notPermitted)
        }
    }

    /// Why nothing may be told to the other; `nil` if it may.
    private static func refusal(to peer: Peer) -> Refused? {
        if peer.isGone { return Refused(.unknownRecipient) }
        #if PETREL_PLANTED
            if PlantedBug.blockUnchecked.isActive { return nil }
        #endif
        if peer.isBlocked { return Refused(.blocked) }
        return peer.blocks ? Refused(.notPermitted) : nil
    }

    private static func refusal(
        of action: Action, in member: Member, _ limits: ServiceLimits
    ) -> Refused? {
        #if PETREL_PLANTED
            if PlantedBug.formerMemberSpeaks.isActive, member.standing == .left { return nil }
        #endif
        switch (member.standing, action) {
        case (nil, .join): return member.isOpen ? nil : Refused(.unknownConversation)
        case (nil, _): return Refused(.unknownConversation)
        case (_, .read): return nil
        case (.dissolved?, _): return Refused(.dissolved)
        case (.left?, .join), (.removed?, .join):
            return member.isOpen ? nil : Refused(.notMember)
        case (.left?, _), (.removed?, _): return Refused(.notMember)
        case (.member?, _): return refusal(of: action, as: member, limits)
        }
    }

    private static func refusal(
        of action: Action, as member: Member, _ limits: ServiceLimits
    ) -> Refused? {
        switch action {
        case .read, .leave: return nil
        case .speak, .react, .type: return refusal(ofSpeaking: member)
        case .edit(let message):
            return refusal(ofEdit: message, limits) ?? refusal(ofSpeaking: member)
        case .recall(let message):
            return refusal(ofRecall: message, isAdmin: member.role >= .admin, limits)
        case .join: return Refused(.relationWrong)
        case .add, .change, .setRetention:
            return member.role >= .admin ? nil : Refused(.notPermitted)
        case .remove(let other), .mute(let other):
            guard member.role >= .admin else { return Refused(.notPermitted) }
            guard let other else { return Refused(.relationWrong) }
            return other < member.role ? nil : Refused(.notPermitted)
        case .giveRole(let other):
            guard member.role == .owner else { return Refused(.notPermitted) }
            return other == nil ? Refused(.relationWrong) : nil
        case .dissolve: return member.role == .owner ? nil : Refused(.notPermitted)
        }
    }

    private static func refusal(ofSpeaking member: Member) -> Refused? {
        member.mutedFor > .zero ? Refused(.muted, retryAfter: member.mutedFor) : nil
    }

    private static func refusal(ofEdit message: Message, _ limits: ServiceLimits) -> Refused? {
        guard message.exists else { return Refused(.targetInvalid) }
        #if PETREL_PLANTED
            if PlantedBug.anothersEdited.isActive { return nil }
        #endif
        guard message.isOwn else { return Refused(.notPermitted) }
        guard message.age <= limits.editWindow else {
            return Refused(.tooLate, limit: limits.editWindow.wholeSeconds)
        }
        guard message.editsCount < MessagingLimits.editsMax else {
            return Refused(.tooManyEdits, limit: MessagingLimits.editsMax)
        }
        return nil
    }

    private static func refusal(
        ofRecall message: Message, isAdmin: Bool, _ limits: ServiceLimits
    ) -> Refused? {
        guard message.exists else { return Refused(.targetInvalid) }
        if isAdmin { return nil }
        guard message.isOwn else { return Refused(.notPermitted) }
        guard message.age <= limits.recallWindow else {
            return Refused(.tooLate, limit: limits.recallWindow.wholeSeconds)
        }
        return nil
    }

    /// Whether `viewer` may see something that `audience` is meant for.
    ///
    /// `isContact`: each has the other as a contact; `isBlocked`: either takes nothing from the
    /// other.
    public static func maySee(_ audience: Audience, isContact: Bool, isBlocked: Bool) -> Bool {
        guard !isBlocked else { return false }
        switch audience {
        case .contacts: return isContact
        case .everybody: return true
        case .nobody: return false
        }
    }
}

extension Interval {
    /// Its seconds, fractions cut off.
    var wholeSeconds: Int { Int(nanoseconds / 1_000_000_000) }
}
