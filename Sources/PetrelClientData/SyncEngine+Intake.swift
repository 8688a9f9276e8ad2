// What comes in, whichever way it came: events, heads, contacts, the account itself.

public import PetrelBase
public import PetrelMessaging

extension SyncEngine {
    /// Keeps an event, unless its place is held; pushes and pages both end here.
    mutating func take(_ record: MessageRecord) {
        guard record.sequence.number > 0 else { return }
        let id = record.conversation
        if conversations[id]?.local.held.contains(record.sequence) == true {
            return takeAgain(record)
        }
        let isForeign = record.sender != account
        change(id) { local in
            local.held.insert(record.sequence)
            local.head = max(local.head, record.sequence)
            local.heldBytes &+= UInt64(record.bodyByteCount)
            switch record.event {
            case .message where isForeign && record.sequence > local.read:
                if local.shows(record.sequence) { local.unread.insert(record.sequence) }
            case .recall(let target): local.unread = local.unread.removing(target)
            default: break
            }
        }
        conversations[id]?.hasArrivals = true
        if isForeign, let foreign = conversations[id]?.foreign {
            conversations[id]?.foreign = max(foreign, record.sequence)
        }
        if record.content?.mentions.contains(account) == true {
            conversations[id]?.mentionsMe = true
        }
        output.messages.append(record)
        noteUntold(id)
        noteOutdated(record)
    }

    /// A large group makes no entry that would bring its head after an event that changes it.
    private mutating func noteOutdated(_ record: MessageRecord) {
        guard record.event.changesHead, let conversation = conversations[record.conversation],
            conversation.local.group?.isLarge == true,
            record.sequence > conversation.described
        else { return }
        noteOutdated(at: Instant(nanoseconds: .min))
    }

    /// An event that is held comes again: it says something only if it is gone since.
    private mutating func takeAgain(_ record: MessageRecord) {
        guard record.isGone, let first = conversations[record.conversation]?.local.first,
            record.sequence >= first
        else { return }
        output.changes.append(.message(record))
        noteErased(record.conversation, record.sequence)
    }

    /// What stood at a place was erased here.
    public mutating func noteErased(_ id: ConversationID, _ sequence: ConversationSequence) {
        guard conversations[id] != nil else { return }
        change(id, isNews: true) { $0.unread = $0.unread.removing(sequence) }
    }

    /// All below a place was removed here, because it was kept long enough.
    public mutating func noteTrimmed(_ id: ConversationID, below end: ConversationSequence) {
        guard let local = conversations[id]?.local, end > local.first, end.number > 1 else {
            return
        }
        change(id, isNews: true) { local in
            local.first = end
            local.held.insert(1...end.number - 1)
            local.unread = local.unread.dropping(upTo: ConversationSequence(end.number - 1))
        }
        #if PETREL_PLANTED
            if PlantedBug.trimmedHoleAwaited.isActive { return }
        #endif
        // A hole that is gone must not be waited for.
        noteHoles(id, at: .distantFuture)
    }

    /// Something of the account, as a sync page or a push tells it.
    mutating func take(_ item: SyncItem, now: Instant) {
        let name = SubjectName(item.kind)
        #if PETREL_PLANTED
            if PlantedBug.olderItemTaken.isActive { itemFeeds.removeAll() }
        #endif
        guard item.feed > itemFeeds[name] ?? FeedSequence(0) else { return }
        itemFeeds[name] = item.feed
        switch item.kind {
        case .conversation(let head): take(head, now: now)
        case .contact(let contact): output.contacts.append(contact)
        case .account(let state): output.account = state
        }
    }

    /// Where a conversation stands.
    mutating func take(_ head: ConversationHead, now: Instant) {
        let id = head.conversation
        let before = conversations[id]?.local
        defer { conversations[id]?.described = head.last }
        change(id) { local in
            local.head = max(local.head, head.last)
            local.first = max(local.first, head.first)
            local.kind = head.kind
            local.byteCount = max(local.byteCount, head.byteCount)
            local.readConfirmed = max(local.readConfirmed, head.read)
            raiseOwnRead(&local, to: head.read)
            if local.settings != head.settings {
                local.settings = head.settings
                local.unread = local.unread.dropping(upTo: head.settings.cleared)
                for place in head.settings.hidden { local.unread = local.unread.removing(place) }
            }
            local.retentionSeconds = head.retentionSeconds
            // What the server no longer keeps is not missing.
            let first = head.first.number
            guard first > 1, first - 1 <= head.last.number else { return }
            local.held.insert(1...first - 1)
            local.unread = local.unread.dropping(upTo: ConversationSequence(first - 1))
        }
        eraseHidden(id, before: before)
        raiseDelivered(id, to: head.delivered)
        raiseRead(id, to: head.readByPeer)
        if let after = conversations[id]?.local, after.differs(from: before) {
            conversations[id]?.isChanged = true
        }
        noteUntold(id)
        noteUnsaid(id)
        noteHoles(id, at: now)
    }

    /// Erases here what the account hides, or what is not kept for it any more [C-7-4].
    private mutating func eraseHidden(_ id: ConversationID, before: LocalConversation?) {
        #if PETREL_PLANTED
            if PlantedBug.hiddenKept.isActive { return }
        #endif
        guard let before, let local = conversations[id]?.local else { return }
        let cleared = ConversationSequence(min(local.settings.cleared.number, .max - 1) + 1)
        let end = min(max(local.first, cleared), ConversationSequence(before.head.number + 1))
        let start = max(before.first.number, before.settings.cleared.number + 1)
        if end.number > start {
            for _ in 0...min((end.number - start) / UInt64(ClientChange.trimMax), 1_024) {
                output.changes.append(.trim(id, below: end))
            }
        }
        for place in local.settings.hidden where !before.settings.hidden.contains(place) {
            output.changes.append(.erase(id, place, .hidden))
        }
    }

    /// Fetches older events, a page of them before a place, though they are not fetched otherwise.
    public mutating func fetch(
        _ id: ConversationID, before place: ConversationSequence, now: Instant
    ) {
        guard let local = conversations[id]?.local, place.number > 1 else { return }
        let end = min(place.number - 1, local.head.number)
        let holes = local.held.holes(from: max(local.first.number, 1), to: end)
        guard let hole = holes.last else { return }
        let page = UInt64(MessagingLimits.pageRecordsMax)
        let low =
            hole.upperBound - hole.lowerBound >= page
            ? hole.upperBound - page + 1 : hole.lowerBound
        conversations[id]?.asked = low...hole.upperBound
        noteShare(id)
        noteHoles(id, at: now)
    }
}

/// What an item is about.
enum SubjectName: Hashable, Sendable {
    case conversation(ConversationID)
    case contact(AccountID)
    case account

    init(_ item: SyncItem.Kind) {
        switch item {
        case .conversation(let head): self = .conversation(head.conversation)
        case .contact(let contact): self = .contact(contact.person.account)
        case .account: self = .account
        }
    }
}

extension SyncEngine {
    /// Changes what is known of a conversation, which exists from then on.
    mutating func change(
        _ id: ConversationID, isNews: Bool = false, _ body: (inout LocalConversation) -> Void
    ) {
        let zero = ConversationSequence(0)
        let unknown = Conversation(local: LocalConversation(id: id), told: zero, foreign: zero)
        body(&conversations[id, default: unknown].local)
        noteShare(id)
        if isNews { conversations[id]?.isChanged = true }
        guard conversations[id]?.isDirty == false else { return }
        conversations[id]?.isDirty = true
        dirty.append(id)
    }

    /// Counts anew what the conversation adds to the progress of all.
    mutating func noteShare(_ id: ConversationID) {
        guard let conversation = conversations[id] else { return }
        let local = conversation.local
        let floor = rules.floor(of: local)
        var share = SyncProgress()
        share.bytes = local.heldBytes
        var missing = local.held.holes(from: floor, to: local.head.number)
        let wanted = missing.reduce(0) { $0 &+ ($1.upperBound - $1.lowerBound + 1) }
        if local.head.number >= floor { share.eventsHeld = local.head.number - floor + 1 - wanted }
        if let asked = conversation.asked, asked.lowerBound < floor {
            missing += local.held.holes(
                from: asked.lowerBound, to: min(asked.upperBound, floor - 1))
        }
        share.eventsMissing = missing.reduce(0) { $0 &+ ($1.upperBound - $1.lowerBound + 1) }
        share.conversationsRemaining = missing.isEmpty ? 0 : 1
        progress.replace(conversation.share, with: share)
        conversations[id]?.share = share
    }

    /// The newest of the places that are to be fetched; what somebody waits for comes first.
    func wantedHole(_ id: ConversationID) -> ClosedRange<UInt64>? {
        guard let conversation = conversations[id] else { return nil }
        let local = conversation.local
        if let asked = conversation.asked {
            let end = min(asked.upperBound, local.head.number)
            if let hole = local.held.holes(from: asked.lowerBound, to: end).last { return hole }
        }
        return local.held.holes(from: rules.floor(of: local), to: local.head.number).last
    }

    /// Lists or unlists the conversation by whether it has holes, which are pulled at `instant`.
    mutating func noteHoles(_ id: ConversationID, at instant: Instant) {
        guard let conversation = conversations[id] else { return }
        #if PETREL_PLANTED
            let instant = PlantedBug.holesNotPulled.isActive ? .distantFuture : instant
        #endif
        let hasHoles =
            conversation.local.held.contiguous < conversation.local.head && wantedHole(id) != nil
        if hasHoles && !conversation.isWanted {
            conversations[id]?.isWanted = true
            conversations[id]?.pullAt = instant
            wanted.append(id)
        } else if hasHoles {
            conversations[id]?.pullAt = min(conversation.pullAt, instant)
        } else if conversation.isWanted {
            if conversation.pull != nil { pullsOpen -= 1 }
            conversations[id]?.pull = nil
            conversations[id]?.isWanted = false
            conversations[id]?.fruitless = 0
            conversations[id]?.asked = nil
            conversations[id]?.mentionsMe = false
            wanted.removeAll { $0 == id }
        }
    }
}

extension SyncEngine.Conversation {
    /// How urgent its holes are, the lowest first.
    var rank: Int {
        if asked != nil { return 0 }
        if mentionsMe || local.settings.isPinned { return 1 }
        guard let group = local.group else { return 2 }
        return group.isLarge ? 4 : 3
    }
}

extension LocalConversation {
    /// Whether what people see of it, besides its messages, is another than it was.
    fileprivate func differs(from before: LocalConversation?) -> Bool {
        guard let before else { return true }
        return kind != before.kind || settings != before.settings || read != before.read
            || retentionSeconds != before.retentionSeconds || first != before.first
    }
}

extension ConversationEvent {
    /// Whether it changes who is in a group, what they may do, or what is kept of a conversation.
    var changesHead: Bool {
        #if PETREL_PLANTED
            if PlantedBug.groupChangeUnlearnt.isActive { return false }
        #endif
        return switch self {
        case .created, .added, .joined, .left, .removed, .role, .muted, .changed, .retention,
            .dissolved:
            true
        case .message, .edit, .recall, .reaction, .gone: false
        }
    }
}
