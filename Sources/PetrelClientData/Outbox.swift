// What waits to be committed: in order, as often as it takes, until each message has its verdict.

public import PetrelBase
public import PetrelMessaging

/// The part of the durable outbox that is under way, and its order.
///
///     stored ──▶ in the window, unsent ── sent ──▶ in the window, sent ── verdict ──▶ gone
///                        ▲                               │
///                        └── session ended, or busy ─────┘── final refusal ──▶ failed
///
/// Messages leave in the order of their index. A new session sends all that has no verdict again,
/// from the first: the server commits each `cmid` once. The store holds all entries; at most
/// `windowMax` of them are also here.
public struct Outbox: Sendable {
    /// The most messages that are sent and have no answer.
    public static let windowMax = 64
    /// The most messages that wait in the store.
    public static let entriesMax: UInt64 = 65_536

    /// What a refusal means for the message.
    public enum Outcome: Equatable, Sendable {
        /// It will be sent again after a pause, with all that come after it.
        case again
        /// It will never be taken.
        case failed(OutboxEntry)
        /// Another copy of it has its place already, where it was seen.
        case committed(OutboxEntry, ConversationID, ConversationSequence)
        /// The refusal is about an earlier copy, or about nothing here.
        case ignored
    }

    private struct Slot: Sendable {
        var entry: OutboxEntry
        /// The request that the latest copy travels in; `nil` while it waits to be sent.
        var request: UInt64?
        /// It was refused for now in this session, which takes no other message before this one.
        var isAwaited = false
        /// Where it was seen, though the session has not answered for it yet.
        var place: (conversation: ConversationID, sequence: ConversationSequence)?
    }

    private var slots: [Slot] = []
    /// The highest index that ever was in the window.
    private var loaded: UInt64 = 0
    /// The highest index in the store.
    private var last: UInt64
    /// The highest index that was ever sent by this process.
    private var sentHighest: UInt64 = 0
    private var pausedUntil: Instant?

    /// Creates the outbox of a store whose highest index ever is `last`; `load` fills the window.
    public init(last: UInt64) { self.last = last }

    /// The index that the next message gets.
    public var nextIndex: UInt64 { last + 1 }
    /// Whether no message waits here or in the store.
    public var isEmpty: Bool { slots.isEmpty && loaded >= last }
    /// Whether the store may take no more.
    public var isFull: Bool { UInt64(slots.count) + (last - loaded) >= Self.entriesMax }
    /// Where to go on reading the store, and how many entries fit; `nil` if there is no need.
    public var wanted: (after: UInt64, limit: Int)? {
        guard loaded < last, slots.count <= Self.windowMax / 2 else { return nil }
        return (loaded, Self.windowMax - slots.count)
    }

    /// When `nextToSend` has something again that it has not now.
    public var deadline: Instant {
        guard let pausedUntil, slots.contains(where: { $0.request == nil }) else {
            return .distantFuture
        }
        return pausedUntil
    }

    /// Takes what the store returned for `wanted`.
    public mutating func load(_ entries: [OutboxEntry], limit: Int) {
        for entry in entries where entry.index > loaded {
            slots.append(Slot(entry: entry))
            loaded = entry.index
        }
        if entries.count < limit { loaded = last }
    }

    /// A message joined the store with `nextIndex`.
    public mutating func appended(_ entry: OutboxEntry) {
        let isNext = loaded == last
        last = entry.index
        guard isNext, slots.count < Self.windowMax else { return }
        loaded = entry.index
        slots.append(Slot(entry: entry))
    }

    /// Returns the message that is to be sent now, if any.
    public func nextToSend(now: Instant) -> OutboxEntry? {
        if let pausedUntil, now < pausedUntil { return nil }
        return slots.first { $0.request == nil }?.entry
    }

    /// The messages of the window that nothing is known of, from the first on; none while paused.
    public func waiting(now: Instant) -> [OutboxEntry] {
        if let pausedUntil, now < pausedUntil { return [] }
        return slots.prefix { $0.request == nil }.map(\.entry)
    }

    /// The message travels in `request`; returns whether it is the first copy of this process.
    public mutating func sent(_ index: UInt64, in request: UInt64) -> Bool {
        guard let i = slots.firstIndex(where: { $0.entry.index == index }) else { return false }
        slots[i].request = request
        pausedUntil = nil
        guard index > sentHighest else { return false }
        sentHighest = index
        return true
    }

    /// The session is over: nobody knows which of the sent messages arrived.
    public mutating func sessionEnded() {
        for i in slots.indices {
            slots[i].request = nil
            slots[i].isAwaited = false
        }
    }

    /// Returns the message that is called `id`, if it waits for its verdict.
    public func entry(_ id: ClientMessageID) -> OutboxEntry? {
        slots.first { $0.entry.clientMessageID == id }?.entry
    }

    /// The message has its place; returns it, or `nil` if that was known.
    public mutating func committed(_ id: ClientMessageID) -> OutboxEntry? {
        guard let i = slots.firstIndex(where: { $0.entry.clientMessageID == id }) else {
            return nil
        }
        return slots.remove(at: i).entry
    }

    /// The message was seen at its place, though no verdict came; returns it like `committed`.
    ///
    /// One that was sent in this session stays until the session answers: a refusal may be on its
    /// way, after which the session takes no other message before it was sent once more.
    public mutating func settled(
        _ id: ClientMessageID, at conversation: ConversationID, _ sequence: ConversationSequence
    ) -> OutboxEntry? {
        guard let i = slots.firstIndex(where: { $0.entry.clientMessageID == id }) else {
            return nil
        }
        #if PETREL_PLANTED
            if PlantedBug.awaitedGivenUp.isActive { return committed(id) }
            let isAnswerDue = slots[i].request != nil && !PlantedBug.refusalOnItsWay.isActive
        #else
            let isAnswerDue = slots[i].request != nil
        #endif
        guard !isAnswerDue, !slots[i].isAwaited else {
            slots[i].place = (conversation, sequence)
            return nil
        }
        return slots.remove(at: i).entry
    }

    /// The server refused the copy in `request`; `retryAfter` is zero if that will not change.
    public mutating func refused(
        request: UInt64, code: UInt32, retryAfter: Interval, now: Instant
    ) -> Outcome {
        guard let i = slots.firstIndex(where: { $0.request == request }) else { return .ignored }
        guard Self.isTransient(code, retryAfter: retryAfter) else {
            let slot = slots.remove(at: i)
            guard let place = slot.place else { return .failed(slot.entry) }
            return .committed(slot.entry, place.conversation, place.sequence)
        }
        // What comes after it goes again too, so that the order of sending stays the order here.
        for j in i..<slots.count { slots[j].request = nil }
        slots[i].isAwaited = true
        let pause = min(max(retryAfter, Self.pauseMin), Self.pauseMax)
        pausedUntil = max(pausedUntil ?? now, now + pause)
        return .again
    }

    /// Whether the refusal is about the server's present state and not about the message.
    ///
    /// Of a code that is not known here the server says it by when to try again ([M-4-1]). A known
    /// one that is about the message is final even so: who is muted for an hour does not want
    /// everything else to wait for it.
    private static func isTransient(_ code: UInt32, retryAfter: Interval) -> Bool {
        switch MessagingError(rawValue: code) {
        case .busy, .storageFull, .storageFailed, .notEnrolled, .deviceRevoked, .tooManyAttempts,
            .tooFast:
            true
        case nil: retryAfter > .zero
        default: false
        }
    }

    private static let pauseMin = Interval.milliseconds(250)
    private static let pauseMax = Interval.seconds(300)
}
