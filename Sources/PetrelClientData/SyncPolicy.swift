// How much of a conversation is fetched without being asked for, and how far that has come.

internal import PetrelMessaging

/// How much of a conversation is fetched without being asked for.
public enum SyncPolicy: Equatable, Sendable {
    /// All that the server keeps.
    case all
    /// The newest places, so many of them; older ones stay missing until `fetch` asks for them.
    case tail(events: UInt64)
}

/// What is fetched without being asked for, by kind of conversation.
public struct SyncRules: Equatable, Sendable {
    /// For 1:1 conversations and groups that are not large.
    public var others: SyncPolicy
    /// For large groups.
    public var largeGroups: SyncPolicy

    /// Creates the rules.
    public init(others: SyncPolicy = .all, largeGroups: SyncPolicy = .tail(events: 200)) {
        self.others = others
        self.largeGroups = largeGroups
    }

    /// The lowest place of a conversation that is fetched without being asked for.
    func floor(of local: LocalConversation) -> UInt64 {
        let first = max(local.first.number, 1)
        switch local.group?.isLarge == true ? largeGroups : others {
        case .all: return first
        case .tail(let events):
            let head = local.head.number
            return head > events ? max(first, head - events + 1) : first
        }
    }
}

/// How far this device has come with all that is to be fetched.
public struct SyncProgress: Equatable, Sendable {
    /// Conversations that something is missing in.
    public var conversationsRemaining: UInt64 = 0
    /// Places that are held, of those that are to be.
    public var eventsHeld: UInt64 = 0
    /// Places that are to be fetched.
    public var eventsMissing: UInt64 = 0
    /// Bytes of the bodies that were received.
    public var bytes: UInt64 = 0

    /// Creates the progress of nothing.
    public init() {}

    mutating func replace(_ old: SyncProgress, with new: SyncProgress) {
        conversationsRemaining =
            conversationsRemaining &- old.conversationsRemaining &+ new.conversationsRemaining
        eventsHeld = eventsHeld &- old.eventsHeld &+ new.eventsHeld
        eventsMissing = eventsMissing &- old.eventsMissing &+ new.eventsMissing
        bytes = bytes &- old.bytes &+ new.bytes
    }
}
