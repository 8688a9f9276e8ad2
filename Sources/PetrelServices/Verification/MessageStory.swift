// One message's story: when it was written, when and where it was committed, and where it waits.

public import PetrelBase
public import PetrelMessaging

/// What a store knows of one client's identifier.
public struct MessageStory: Equatable, Sendable {
    /// What stands at the place.
    public enum State: Equatable, Sendable {
        /// The event, of that kind and with so many bytes of body.
        case kept(Kind, bytesCount: Int)
        /// Nothing any more, for that reason.
        case gone(Gone)
        /// Nothing any more: the conversation keeps later places only.
        case forgotten
        /// A record that cannot be read.
        case damaged
    }

    /// A kind of event; the raw value is for programs and does not change.
    public enum Kind: String, Sendable, CaseIterable {
        /// Somebody said something.
        case message
        /// Somebody said it otherwise.
        case edit
        /// Something was taken back.
        case recall
        /// Somebody reacted.
        case reaction
        /// Something about a group or a conversation.
        case change
    }

    /// Something that was done to the message later.
    public struct Change: Equatable, Sendable {
        /// An edit, recall or reaction.
        public var kind: Kind
        /// Where it stands.
        public var sequence: ConversationSequence
        /// Who did it.
        public var person: Person
        /// When it was committed.
        public var time: WallTime
    }

    /// A device, and how far it has come.
    public struct Device: Equatable, Sendable {
        /// Whether the device knows what its account has of the conversation.
        public enum Progress: Equatable, Sendable {
            /// It was shut out, and gets nothing.
            case revoked
            /// It acknowledged the account's newest entry of the conversation: nothing waits.
            case past
            /// It did not yet: what changed last in the conversation waits for it there.
            case waiting(cursor: FeedSequence, entry: FeedSequence)
            /// Large groups make no entries for what is said; devices fetch what is new.
            case untold
        }

        /// Its number in the account.
        public var device: DeviceID
        /// What its owner calls it.
        public var name: String
        /// When it last began a session.
        public var connected: WallTime
        /// How far it has come.
        public var progress: Progress
    }

    /// An account that may see the place.
    public struct Reader: Equatable, Sendable {
        /// The account.
        public var person: Person
        /// Whether it is in the conversation.
        public var isPresent: Bool
        /// Whether a device of it has all up to the place.
        public var isDelivered: Bool
        /// Whether it has read all up to the place.
        public var hasRead: Bool
        /// Whether it deleted the place for itself.
        public var isHidden: Bool
        /// Its devices, by number.
        public var devices: [Device]
    }

    /// The identifier.
    public var id: ClientMessageID
    /// Whether a repetition of it is still known.
    public var isRemembered: Bool
    /// Who sent it.
    public var sender: Person
    /// On which device; 0 if the server itself did, `nil` if nothing says so any more.
    public var senderDevice: DeviceID?
    /// What that device is called; empty if nothing says so.
    public var senderDeviceName: String
    /// When it was committed; when it was minted is in the identifier.
    public var committed: WallTime
    /// The conversation.
    public var conversation: ConversationID
    /// What a group is called; `nil` for a conversation of two.
    public var group: String?
    /// Its place.
    public var sequence: ConversationSequence
    /// What stands there.
    public var state: State
    /// When its lifetime is over; `nil` if it has none, or nothing says so any more.
    public var expires: WallTime?
    /// What was done to it later, in the order of places.
    public var changes: [Change]
    /// Who may see it, by account.
    public var readers: [Reader]
}

extension MessageStory.Kind {
    /// The kind of an event; `nil` where there is none any more.
    init?(_ event: ConversationEvent) {
        switch event {
        case .message: self = .message
        case .edit: self = .edit
        case .recall: self = .recall
        case .reaction: self = .reaction
        case .created, .added, .joined, .left, .removed, .role, .muted, .changed, .retention,
            .dissolved:
            self = .change
        case .gone: return nil
        }
    }
}
