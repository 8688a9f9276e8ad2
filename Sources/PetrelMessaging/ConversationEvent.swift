// What happens in a conversation: messages, what becomes of them, and changes of a group.

/// An event of a conversation; each takes exactly one place.
public enum ConversationEvent: Equatable, Sendable {
    /// Somebody says something.
    case message(Content)
    /// The sender of the message at that place says it otherwise; reply and lifetime stay.
    case edit(sequence: ConversationSequence, Content)
    /// The message at that place is taken back.
    case recall(sequence: ConversationSequence)
    /// Somebody reacts to a message, or takes that back.
    case reaction(Reaction)
    /// A group begins; its creator owns it.
    case created(GroupCreation)
    /// Somebody takes others into a group.
    case added([Person])
    /// Somebody comes into an open group.
    case joined
    /// Somebody leaves a group.
    case left
    /// Somebody is put out of a group.
    case removed(Person)
    /// A member has another role; a new owner makes the old one an admin.
    case role(Person, Role)
    /// A member may not speak for so long; 0 seconds: may speak again.
    case muted(Person, seconds: UInt32)
    /// A group has another name, or is open to others than before.
    case changed(GroupChange)
    /// Messages are kept that long from now on; 0 seconds: for ever.
    case retention(seconds: UInt64)
    /// A group ends: its members read it, and nobody writes.
    case dissolved
    /// What stood here is gone; only the server says so.
    case gone(Gone)
}

/// What a message says.
public struct Content: Equatable, Sendable {
    /// The media type of the body; empty is `text/plain`.
    public var contentType: String
    /// What is said; opaque to the server.
    public var body: [UInt8]
    /// The place of the message that this one answers; 0 for none.
    public var replyTo: ConversationSequence
    /// Whom the message is about, so that they are told in large groups as well.
    public var mentions: [AccountID]
    /// How long after its commit it is gone; 0 for never.
    public var lifetimeSeconds: UInt32

    /// Creates it from its parts.
    public init(
        contentType: String, body: [UInt8], replyTo: ConversationSequence = .init(0),
        mentions:
            [AccountID] = [], lifetimeSeconds: UInt32 = 0
    ) {
        self.contentType = contentType
        self.body = body
        self.replyTo = replyTo
        self.mentions = mentions
        self.lifetimeSeconds = lifetimeSeconds
    }
}

/// A short answer that stands at a message.
public struct Reaction: Equatable, Sendable {
    /// The place of the message.
    public var sequence: ConversationSequence
    /// What it is, an emoji most often.
    public var text: String
    /// Whether it is taken back.
    public var isWithdrawn: Bool

    /// Creates it from its parts.
    public init(sequence: ConversationSequence, text: String, isWithdrawn: Bool = false) {
        self.sequence = sequence
        self.text = text
        self.isWithdrawn = isWithdrawn
    }
}

/// An account by number, by handle, or both.
///
/// A client names people as it knows them; the server answers with both.
public struct Person: Hashable, Sendable {
    /// The account; 0 if only the handle is known.
    public var account: AccountID
    /// The handle; empty if only the number is known.
    public var handle: String

    /// Creates it from its parts.
    public init(account: AccountID = .init(0), handle: String = "") {
        self.account = account
        self.handle = handle
    }
}

/// How a group begins.
public struct GroupCreation: Equatable, Sendable {
    /// What it is called.
    public var name: String
    /// Its members besides the creator.
    public var members: [Person]
    /// Whether everybody who knows its number may join.
    public var isOpen: Bool

    /// Creates it from its parts.
    public init(name: String, members: [Person], isOpen: Bool = false) {
        self.name = name
        self.members = members
        self.isOpen = isOpen
    }
}

/// What changes of a group.
public struct GroupChange: Equatable, Sendable {
    /// What it is called from now on; empty: as before.
    public var name: String
    /// Whether everybody who knows its number may join; `nil`: as before.
    public var isOpen: Bool?

    /// Creates it from its parts.
    public init(name: String = "", isOpen: Bool? = nil) {
        self.name = name
        self.isOpen = isOpen
    }
}

/// What a member may do in a group; a higher one may do all that a lower one may.
public enum Role: UInt8, Comparable, Sendable, CaseIterable {
    /// Speaks.
    case member = 0
    /// Adds, removes and mutes members, renames the group, recalls what others said.
    case admin = 1
    /// Gives roles, and dissolves the group; there is exactly one.
    case owner = 2

    public static func < (a: Role, b: Role) -> Bool { a.rawValue < b.rawValue }
}

/// Why nothing stands at a place any more.
public enum Gone: UInt8, Sendable, CaseIterable {
    /// Another reason, of a later version.
    case unknown = 0
    /// It was taken back.
    case recalled = 1
    /// Its lifetime, or the time that the conversation keeps messages, is over.
    case expired = 2
    /// This account deleted it for itself.
    case hidden = 3
}
