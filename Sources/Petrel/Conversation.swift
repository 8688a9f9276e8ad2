// A conversation and a group as this device knows them.

internal import PetrelBase
internal import PetrelClientData
public import PetrelMessaging

/// A conversation as this device knows it.
public struct Conversation: Equatable, Sendable, Identifiable {
    /// Who is in a conversation.
    public enum Kind: Equatable, Sendable {
        /// The server has not told yet.
        case unknown
        /// This account alone.
        case notes
        /// This account and another one.
        case direct(Person)
        /// A group.
        case group(Group)
    }

    /// The conversation.
    public var id: ConversationID
    /// Who is in it.
    public var kind: Kind
    /// What to call it: the name of the group; the alias, name or handle of the other account.
    public var title: String
    /// The other member's handle; empty in a group, and until the server told.
    public var peer: String
    /// The newest message that is to be shown; `nil` if there is none here.
    public var preview: Message?
    /// The number of its newest event.
    public var newest: UInt64
    /// All events up to this number are here.
    public var contiguous: UInt64
    /// The other member, or in a group at least one, has received all up to this number.
    public var delivered: UInt64
    /// The other member, or in a group at least one, has read all up to this number.
    public var readByPeer: UInt64
    /// This account has read all up to this number, on any device.
    public var read: UInt64
    /// How many messages of others are here and not read.
    public var unread: UInt64
    /// Whether `unread` counts all there are; `false` while events are missing that may be unread.
    public var isUnreadExact: Bool
    /// How many events are not here yet.
    public var missing: UInt64
    /// Whether it stands above the others.
    public var isPinned: Bool
    /// Until when it makes no sound, in milliseconds since 1970; `nil` if it does.
    public var mutedUntilMilliseconds: Int64?
    /// How long messages are kept; `nil` for ever.
    public var retention: Duration?
    /// Who types now; handles are empty where they are not known here.
    public var typing: [Person]
}

/// A group as this account sees it.
public struct Group: Equatable, Sendable {
    /// What it is called.
    public var name: String
    /// How many members it has.
    public var membersCount: Int
    /// What this account may do.
    public var role: Role
    /// Whether this account is in it.
    public var standing: Standing
    /// Whether everybody who knows its number may join.
    public var isOpen: Bool
    /// Whether only its newest events are fetched without being asked for.
    public var isLarge: Bool
    /// When this account may speak again, in milliseconds since 1970; `nil` if it may.
    public var silencedUntilMilliseconds: Int64?
}

/// A member of a conversation.
public struct Member: Equatable, Sendable {
    /// Who.
    public var person: Person
    /// The name in the profile.
    public var name: String
    /// What the member may do.
    public var role: Role
    /// When the member may speak again, in milliseconds since 1970; `nil` if it may.
    public var silencedUntilMilliseconds: Int64?
    /// It has received all up to this number; 0 where that is not told.
    public var delivered: UInt64
    /// It has read all up to this number; 0 where that is not told.
    public var read: UInt64
}

/// Some members of a conversation, by account.
public struct MemberPage: Equatable, Sendable {
    /// The members.
    public var members: [Member]
    /// What to ask for the next page with; `nil` after the last.
    public var next: AccountID?
}

extension Group {
    init(_ state: GroupState) {
        name = state.name
        membersCount = Int(state.membersCount)
        role = state.role
        standing = state.standing
        isOpen = state.isOpen
        isLarge = state.isLarge
        silencedUntilMilliseconds = state.mutedUntil.ahead
    }
}

extension MemberPage {
    init(_ page: MembersPage) {
        members = page.members.map { member in
            Member(
                person: member.person, name: member.name, role: member.role,
                silencedUntilMilliseconds: member.mutedUntil.ahead,
                delivered: member.delivered.number, read: member.read.number)
        }
        next = page.isComplete ? nil : page.members.last?.person.account
    }
}

extension WallTime {
    /// The milliseconds of a time at which something ends; `nil` if there is no such time.
    var ahead: Int64? { milliseconds > 0 ? milliseconds : nil }
}

extension Conversation {
    /// Shows what is stored of a conversation.
    ///
    /// `contact` is what the account keeps of the other member; `typing` who types.
    init(
        _ local: LocalConversation, contact: Contact?, preview: Message?, typing: [Person],
        account: Account?
    ) {
        let last = max(local.head, local.held.highest).number
        id = local.id
        kind = Kind(local.kind, account: account)
        title = Self.title(kind, contact)
        peer = local.peerHandle
        self.preview = preview
        newest = last
        contiguous = local.held.contiguous.number
        delivered = local.peerDelivered.number
        readByPeer = local.peerRead.number
        read = local.read.number
        unread = local.unreadCount
        isUnreadExact = local.unreadIsExact
        missing = last - min(last, local.held.count)
        isPinned = local.settings.isPinned
        mutedUntilMilliseconds = local.settings.mutedUntil.ahead
        retention = local.retentionSeconds > 0 ? .seconds(local.retentionSeconds) : nil
        self.typing = typing
    }

    private static func title(_ kind: Kind, _ contact: Contact?) -> String {
        switch kind {
        case .unknown: ""
        case .notes: "Notes"
        case .direct(let person): contact?.displayName ?? person.handle
        case .group(let group): group.name
        }
    }

    /// Whether it stands above another one in a list: pinned first, then the newest word first.
    func isAbove(_ other: Conversation) -> Bool {
        guard isPinned == other.isPinned else { return isPinned }
        let (time, otherTime) = (preview?.milliseconds ?? 0, other.preview?.milliseconds ?? 0)
        guard time == otherTime else { return time > otherTime }
        return title == other.title ? id < other.id : title < other.title
    }
}

extension Conversation.Kind {
    init(_ kind: ConversationHead.Kind?, account: Account?) {
        switch kind {
        case .peer(let person):
            self = person.account.number == account?.number ? .notes : .direct(person)
        case .group(let state): self = .group(Group(state))
        case nil: self = .unknown
        }
    }
}
