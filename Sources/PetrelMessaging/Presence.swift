// Who is here now: never stored, and only the latest counts.

public import PetrelBase

/// How present somebody is; a higher state wins among the devices of an account.
public enum PresenceState: UInt8, Comparable, Sendable, CaseIterable {
    /// No device has a session.
    case offline = 0
    /// A device is reachable, and nobody looks at it.
    case away = 1
    /// Somebody looks at a device.
    case online = 2

    public static func < (a: Self, b: Self) -> Bool { a.rawValue < b.rawValue }
}

/// What the devices of an account do.
public struct Presence: Equatable, Sendable {
    /// The account.
    public var account: AccountID
    /// The most present of its devices.
    public var state: PresenceState
    /// When it was last here; 0 ms where that is unknown or not shown.
    public var lastSeen: WallTime
    /// Devices with a session; 0 where that is not shown.
    public var devicesCount: UInt32

    /// Creates it from its parts.
    public init(
        account: AccountID, state: PresenceState, lastSeen: WallTime = .init(milliseconds: 0),
        devicesCount: UInt32 = 0
    ) {
        self.account = account
        self.state = state
        self.lastSeen = lastSeen
        self.devicesCount = devicesCount
    }
}

/// What the person at a device does now.
public enum Activity: Equatable, Sendable {
    /// Looks at the device, or does not; `offline`: wants to seem so.
    case presence(PresenceState)
    /// Types into a conversation, or stops.
    case typing(ConversationID, isStopped: Bool)
    /// Looks at a conversation, or at none.
    case viewing(ConversationID?)
}

/// Somebody types.
public struct TypingNotice: Equatable, Sendable {
    /// Where.
    public var conversation: ConversationID
    /// Who.
    public var account: AccountID
    /// Whether that is over.
    public var isStopped: Bool

    /// Creates it from its parts.
    public init(conversation: ConversationID, account: AccountID, isStopped: Bool = false) {
        self.conversation = conversation
        self.account = account
        self.isStopped = isStopped
    }
}
