// What a client knows of one conversation: where it stands, and what of it is here.

public import PetrelMessaging

#if PETREL_PLANTED
    internal import PetrelBase
#endif

/// A conversation as this client knows it.
public struct LocalConversation: Equatable, Sendable {
    /// The identifier.
    public var id: ConversationID
    /// Who is in it; `nil` until the server told.
    public var kind: ConversationHead.Kind?
    /// The newest place that the server told of.
    public var head: ConversationSequence
    /// The oldest place that is kept.
    public var first: ConversationSequence
    /// What is held; places that nothing can be got for any more count as held.
    public var held: HeldRanges
    /// Bytes of the bodies that were received here, those that are gone since included.
    public var heldBytes: UInt64
    /// Bytes of all bodies ever committed in it.
    public var byteCount: UInt64
    /// What the other account, or in a group at least one other, has received: all up to here.
    public var peerDelivered: ConversationSequence
    /// What the other account, or in a group at least one other, has read: all up to here.
    public var peerRead: ConversationSequence
    /// What this account told the server that it received.
    public var acknowledged: ConversationSequence
    /// What this account has read, on any device: all up to here.
    public var read: ConversationSequence
    /// What the server is known to know of that.
    public var readConfirmed: ConversationSequence
    /// The held messages of others that this account has not read.
    public var unread: HeldRanges
    /// What it is for this account alone.
    public var settings: ConversationSettings
    /// How long messages are kept; 0 for ever.
    public var retentionSeconds: UInt64

    /// Creates the conversation.
    public init(
        id: ConversationID, kind: ConversationHead.Kind? = nil,
        head: ConversationSequence = .init(0), first: ConversationSequence = .init(1),
        held: HeldRanges = .init(), heldBytes: UInt64 = 0, byteCount: UInt64 = 0,
        peerDelivered: ConversationSequence = .init(0), peerRead: ConversationSequence = .init(0),
        acknowledged: ConversationSequence = .init(0), read: ConversationSequence = .init(0),
        readConfirmed: ConversationSequence = .init(0), unread: HeldRanges = .init(),
        settings: ConversationSettings = .init(), retentionSeconds: UInt64 = 0
    ) {
        self.id = id
        self.kind = kind
        self.head = head
        self.first = first
        self.held = held
        self.heldBytes = heldBytes
        self.byteCount = byteCount
        self.peerDelivered = peerDelivered
        self.peerRead = peerRead
        self.acknowledged = acknowledged
        self.read = read
        self.readConfirmed = readConfirmed
        self.unread = unread
        self.settings = settings
        self.retentionSeconds = retentionSeconds
    }
}

extension LocalConversation {
    /// The other account of a 1:1 conversation; 0 in a group, and until the server told.
    public var peer: AccountID {
        guard case .peer(let person) = kind else { return AccountID(0) }
        return person.account
    }

    /// The other account's handle; empty in a group, and until the server told.
    public var peerHandle: String {
        guard case .peer(let person) = kind else { return "" }
        return person.handle
    }

    /// The group; `nil` in a 1:1 conversation, and until the server told.
    public var group: GroupState? {
        guard case .group(let state) = kind else { return nil }
        return state
    }

    /// How many messages of others are held and not read.
    public var unreadCount: UInt64 { unread.count }

    /// Whether nothing is missing among what may be unread, so that the count is the whole truth.
    public var unreadIsExact: Bool {
        let seen = max(read, settings.cleared).number
        return seen >= head.number || held.holes(from: seen + 1, to: head.number).isEmpty
    }

    /// Whether the account sees what stands at that place.
    public func shows(_ sequence: ConversationSequence) -> Bool {
        #if PETREL_PLANTED
            if PlantedBug.hiddenShown.isActive { return true }
        #endif
        return sequence > settings.cleared && !settings.hidden.contains(sequence)
    }
}

extension HeldRanges {
    /// The ranges without all places up to `last`.
    func dropping(upTo last: ConversationSequence) -> HeldRanges {
        guard let first = ranges.first, first.lowerBound <= last.number else { return self }
        let left = ranges.compactMap { range -> ClosedRange<UInt64>? in
            guard range.upperBound > last.number else { return nil }
            return max(range.lowerBound, last.number + 1)...range.upperBound
        }
        return HeldRanges(left)
    }

    /// The ranges without that place.
    func removing(_ sequence: ConversationSequence) -> HeldRanges {
        guard contains(sequence) else { return self }
        let place = sequence.number
        let left = ranges.flatMap { range -> [ClosedRange<UInt64>] in
            guard range.contains(place) else { return [range] }
            var parts: [ClosedRange<UInt64>] = []
            if range.lowerBound < place { parts.append(range.lowerBound...place - 1) }
            if place < range.upperBound { parts.append(place + 1...range.upperBound) }
            return parts
        }
        return HeldRanges(left)
    }
}
