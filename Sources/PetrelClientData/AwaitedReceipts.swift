// Which own messages the other side is not known to have received and read.

public import PetrelMessaging

/// Own messages that have their place, until the other side has read them.
public struct AwaitedReceipts: Sendable {
    /// One of them.
    public struct Entry: Equatable, Sendable {
        /// The index that it had in the outbox.
        public var index: UInt64
        /// Its identifier.
        public var clientMessageID: ClientMessageID
        /// Where it stands.
        public var conversation: ConversationID
        /// At which place there.
        public var sequence: ConversationSequence
        /// Whether the other side has received it.
        public var isDelivered = false

        /// Creates the entry.
        public init(
            index: UInt64, clientMessageID: ClientMessageID, conversation: ConversationID,
            sequence: ConversationSequence
        ) {
            self.index = index
            self.clientMessageID = clientMessageID
            self.conversation = conversation
            self.sequence = sequence
        }
    }

    private var entries: [Entry] = []

    /// Creates an empty list.
    public init() {}

    /// Waits for one more; the oldest is forgotten when there are too many.
    public mutating func insert(_ entry: Entry) {
        if entries.count == Self.entriesMax { entries.removeFirst() }
        entries.append(entry)
    }

    /// The other side has all up to `sequence`; returns what it had not before, oldest first.
    public mutating func received(
        _ conversation: ConversationID, upTo sequence: ConversationSequence
    ) -> [Entry] {
        var reached: [Entry] = []
        for i in entries.indices
        where entries[i].conversation == conversation && entries[i].sequence <= sequence
            && !entries[i].isDelivered
        {
            entries[i].isDelivered = true
            reached.append(entries[i])
        }
        return reached
    }

    /// The other side has read all up to `sequence`; returns what that completes, oldest first.
    public mutating func read(
        _ conversation: ConversationID, upTo sequence: ConversationSequence
    ) -> [Entry] {
        let isReached = { (entry: Entry) in
            entry.conversation == conversation && entry.sequence <= sequence
        }
        guard entries.contains(where: isReached) else { return [] }
        let reached = entries.filter(isReached)
        entries.removeAll(where: isReached)
        return reached
    }

    static let entriesMax = 1_024
}
