// The rules by which a client's store keeps events and what became of them, written once.

public import PetrelMessaging

#if PETREL_PLANTED
    internal import PetrelBase
#endif

/// The tables of events that a store has, whatever it is made of, within one transaction.
public protocol EventTables: ~Copyable {
    /// Why they cannot be read or written.
    associatedtype Failure: Error

    /// Returns the event at a place; `nil` if there is none that can be read.
    func event(
        _ conversation: ConversationID, _ sequence: ConversationSequence
    ) throws(Failure) -> MessageRecord?
    /// Returns the lowest places that hold something, all below `end`, `limit` at most.
    func places(
        _ conversation: ConversationID, below end: ConversationSequence, limit: Int
    ) throws(Failure) -> [ConversationSequence]
    /// Puts an event at its place, instead of what is there.
    mutating func set(_ record: MessageRecord) throws(Failure)
    /// Empties a place.
    mutating func removeEvent(
        _ conversation: ConversationID, _ sequence: ConversationSequence
    ) throws(Failure)
    /// Returns what became of the message at a place; `nil` if nothing is known.
    func overlay(
        _ conversation: ConversationID, _ target: ConversationSequence
    ) throws(Failure) -> Overlay?
    /// Puts an overlay, instead of what is there.
    mutating func set(_ overlay: Overlay) throws(Failure)
    /// Forgets what became of the message at a place.
    mutating func removeOverlay(
        _ conversation: ConversationID, _ target: ConversationSequence
    ) throws(Failure)
    /// Notes when a message expires; noting it twice changes nothing.
    mutating func note(_ expiry: Expiry) throws(Failure)
    /// Forgets that a message expires.
    mutating func forget(_ expiry: Expiry) throws(Failure)
}

extension EventTables where Self: ~Copyable {
    /// Keeps an event, and folds it into its target; what is held already is kept, unless the
    /// server says that it is gone.
    ///
    /// The order does not matter: a target may come after what became of it.
    public mutating func keep(_ record: MessageRecord) throws(Failure) {
        let (id, place) = (record.conversation, record.sequence)
        if let held = try event(id, place) {
            guard case .gone(let why) = record.event, !held.isGone else { return }
            return try erase(id, place, why)
        }
        var kept = record
        switch record.event {
        case .message:
            if let overlay = try overlay(id, place), overlay.isRecalled {
                kept.event = .gone(.recalled)
            }
        case .edit(let target, let content):
            var overlay = try existing(id, target)
            if overlay.isRecalled {
                kept.event = .gone(.recalled)
            } else if case .gone(let why) = try event(id, target)?.event {
                kept.event = .gone(why)
            } else {
                overlay.fold(content, at: place)
                try set(overlay)
            }
        case .recall(let target): try recall(id, target, at: place)
        case .reaction(let reaction):
            guard try event(id, reaction.sequence)?.isGone != true else { break }
            var overlay = try existing(id, reaction.sequence)
            if !overlay.isRecalled {
                overlay.fold(reaction, of: record.sender, at: place)
                try set(overlay)
            }
        default: break
        }
        try set(kept)
        if let expiry = Expiry(of: kept) { try note(expiry) }
    }

    /// Erases what an event said; its place stays taken, and the edits of a message go with it.
    public mutating func erase(
        _ id: ConversationID, _ place: ConversationSequence, _ why: Gone
    ) throws(Failure) {
        guard var record = try event(id, place), !record.isGone else { return }
        if let expiry = Expiry(of: record) { try forget(expiry) }
        let event = record.event
        record.event = .gone(why)
        try set(record)
        switch event {
        case .message:
            guard var overlay = try overlay(id, place) else { return }
            for edit in overlay.edits { try blank(id, edit, why) }
            guard overlay.isRecalled else { return try removeOverlay(id, place) }
            overlay.edits.removeAll()
            try set(overlay)
        case .edit(let target, _): try unfold(id, target, place)
        default: return
        }
    }

    /// Removes all below a place, `limit` events at most, the lowest first.
    public mutating func trim(
        _ id: ConversationID, below end: ConversationSequence, limit: Int
    ) throws(Failure) {
        for place in try places(id, below: end, limit: limit) {
            if let record = try event(id, place), let expiry = Expiry(of: record) {
                try forget(expiry)
            }
            try removeEvent(id, place)
            try removeOverlay(id, place)
        }
    }

    private mutating func recall(
        _ id: ConversationID, _ target: ConversationSequence, at place: ConversationSequence
    ) throws(Failure) {
        var overlay = try existing(id, target)
        overlay.recall = max(overlay.recall, place)
        for edit in overlay.edits { try blank(id, edit, .recalled) }
        overlay.edit = nil
        overlay.edits.removeAll()
        overlay.marks.removeAll()
        try set(overlay)
        #if PETREL_PLANTED
            if PlantedBug.recalledKept.isActive { return }
        #endif
        try erase(id, target, .recalled)
    }

    /// An edit is gone: what the message says is decided by those that are left.
    private mutating func unfold(
        _ id: ConversationID, _ target: ConversationSequence, _ place: ConversationSequence
    ) throws(Failure) {
        guard var overlay = try overlay(id, target) else { return }
        overlay.edits.removeAll { $0 == place }
        if overlay.edit?.sequence == place {
            overlay.edit = nil
            for left in overlay.edits {
                guard case .edit(_, let content) = try event(id, left)?.event else { continue }
                overlay.edit = Overlay.Edit(sequence: left, content: content)
            }
        }
        try set(overlay)
    }

    private mutating func blank(
        _ id: ConversationID, _ place: ConversationSequence, _ why: Gone
    ) throws(Failure) {
        guard var record = try event(id, place) else { return }
        record.event = .gone(why)
        try set(record)
    }

    private func existing(
        _ id: ConversationID, _ target: ConversationSequence
    ) throws(Failure) -> Overlay {
        try overlay(id, target) ?? Overlay(conversation: id, target: target)
    }
}

extension MessageRecord {
    /// Whether only the place is left.
    public var isGone: Bool {
        guard case .gone = event else { return false }
        return true
    }
}
