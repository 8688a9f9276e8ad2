// What the store must hold of conversations: a model that shares no code with the store's rules.

internal import PetrelBase
internal import PetrelMessaging

/// An event that the store has.
struct ModelEvent {
    var id: ClientMessageID
    var sender: Int
    var event: ConversationEvent
    /// When the server took it in, by its clock.
    var time: WallTime
    /// Counts what was made durable.
    var order: Int
    /// The place that took it, or what it edits, back; 0 for none.
    var recall: UInt64 = 0
    var isRecalled: Bool { recall > 0 }

    /// The message that it edits; 0 for none.
    var edited: UInt64 {
        guard case .edit(let place, _) = event else { return 0 }
        return place.number
    }

    /// Seconds after which it is gone; 0 for never.
    var lifetime: UInt32 {
        guard case .message(let content) = event else { return 0 }
        return content.lifetimeSeconds
    }
}

/// What the store must hold of a conversation.
struct ModelConversation {
    var isGroup = false
    /// The event of place n is at index n - 1.
    var events: [ModelEvent] = []
    /// Present members, and the place from which on each sees what is said.
    var since: [Int: UInt64] = [:]
    /// What members saw whose membership has ended.
    var before: [Int: [ClosedRange<UInt64>]] = [:]
    var roles: [Int: Role] = [:]
    /// The numbers of accounts, which decide between equals.
    var numbers: [Int: UInt64] = [:]
    /// When members may speak again.
    var silenced: [Int: WallTime] = [:]
    var isOpen = false
    var isOver = false
    var isLarge = false
    /// What each member's devices said that they have, and have read.
    var delivered: [Int: UInt64] = [:]
    var read: [Int: UInt64] = [:]
    /// What accounts hide: all up to a place, and single places.
    var cleared: [Int: UInt64] = [:]
    var hidden: [Int: Set<UInt64>] = [:]
    /// Seconds that events are kept, 0 for ever, and the shortest that they ever were.
    var retention: UInt64 = 0
    var retentionLeast: UInt64?
    /// In a 1:1 conversation: who wrote first, how many messages, and whether it was answered.
    var opener: Int?
    var isAnswered = false
    var unanswered = 0

    /// Present members in order.
    var members: [Int] { since.keys.sorted() }
    var last: UInt64 { UInt64(events.count) }

    /// Whether an account was ever in it.
    func knows(_ account: Int) -> Bool { since[account] != nil || before[account] != nil }

    /// Whether an account was a member when that place was taken.
    func sees(_ account: Int, _ place: UInt64) -> Bool {
        if let first = since[account], place >= first { return true }
        return before[account]?.contains { $0.contains(place) } == true
    }

    /// What an account sees now: since it became a member, or until it stopped being one.
    func view(of account: Int) -> ClosedRange<UInt64>? {
        if let first = since[account] { return first...max(first, last) }
        return before[account]?.last
    }

    /// Whether an account has hidden a place.
    func hides(_ account: Int, _ place: UInt64) -> Bool {
        place <= cleared[account, default: 0] || hidden[account]?.contains(place) == true
    }

    /// Whether events may be missing from the front: they are older than they may be kept.
    var mayBeTrimmed: Bool { retentionLeast != nil }

    func event(_ place: UInt64) -> ModelEvent? {
        place >= 1 && place <= last ? events[Int(place - 1)] : nil
    }
}

// MARK: What events do

extension ModelConversation {
    /// Follows an event that has its place; it was judged before.
    mutating func apply(_ event: ModelEvent, at place: UInt64, small: Int) {
        let sender = event.sender
        switch event.event {
        case .message:
            guard !isGroup else { break }
            note(messageOf: sender)
        case .recall(let target): recall(target.number)
        case .retention(let seconds):
            retention = seconds
            guard seconds > 0 else { break }
            retentionLeast = min(retentionLeast ?? .max, seconds)
        default: break
        }
        events.append(event)
        if delivered[sender, default: 0] == place - 1 { delivered[sender] = place }
        if isGroup { isLarge = isLarge || since.count > small }
    }

    private mutating func note(messageOf sender: Int) {
        if opener == nil { opener = sender }
        if opener != sender {
            isAnswered = true
        } else if !isAnswered {
            unanswered += 1
        }
    }

    private mutating func recall(_ target: UInt64) {
        guard target >= 1, target <= last else { return }
        events[Int(target - 1)].recall = last + 1
        for i in events.indices where events[i].edited == target { events[i].recall = last + 1 }
    }

    /// Follows who came, went, and may do what; `people` are those whom the event names.
    mutating func follow(_ event: ModelEvent, at place: UInt64, people: [Int]) {
        let sender = event.sender
        switch event.event {
        case .created(let form):
            isOpen = form.isOpen
            enter([sender] + people, at: place)
            roles[sender] = .owner
        case .added: enter(people, at: place)
        case .joined: enter([sender], at: place)
        case .left: leave(sender, at: place)
        case .removed: for account in people { leave(account, at: place) }
        case .role(_, let role):
            for account in people { roles[account] = role }
            if role == .owner { roles[sender] = .admin }
        case .muted(_, let seconds):
            let end = event.time.milliseconds + Int64(seconds) * 1_000
            for account in people { silenced[account] = WallTime(milliseconds: end) }
        case .changed(let change): isOpen = change.isOpen ?? isOpen
        case .dissolved: isOver = true
        case .message, .edit, .recall, .reaction, .retention, .gone: break
        }
    }

    private mutating func enter(_ accounts: [Int], at place: UInt64) {
        for account in accounts where since[account] == nil {
            since[account] = place
            roles[account] = .member
            silenced[account] = nil
            delivered[account] = max(delivered[account, default: 0], place - 1)
        }
    }

    private mutating func leave(_ account: Int, at place: UInt64) {
        guard let first = since.removeValue(forKey: account) else { return }
        before[account, default: []].append(first...place)
        let wasOwner = roles.removeValue(forKey: account) == .owner
        silenced[account] = nil
        guard wasOwner else { return }
        guard let heir else {
            isOver = true
            return
        }
        roles[heir.account] = .owner
    }

    /// Who owns the group after its owner: of the admins, else of all, who came first.
    private var heir: (account: Int, first: UInt64)? {
        let admins = since.filter { roles[$0.key] == .admin }
        let of = admins.isEmpty ? since : admins
        return of.map { (account: $0.key, first: $0.value) }
            .min { ($0.first, numbers[$0.account] ?? 0) < ($1.first, numbers[$1.account] ?? 0) }
    }
}
