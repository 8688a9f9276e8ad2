// Whether an event may stand where the store has it: the table of who may do what, once more.

internal import PetrelBase
internal import PetrelMessaging
internal import PetrelServices

extension Oracle {
    /// Has the model follow an event that is durable, unless it should have been refused.
    func follow(_ event: ModelEvent, at place: Place, _ name: String) {
        guard var conversation = model[place.conversation] else { return }
        let named = event.event.people.compactMap { accounts[$0.account] }
        if breach == nil, !people.isGone(event.sender) {
            let breach =
                conversation.isGroup
                ? objection(event, named, conversation) : objection(event, conversation)
            if let (invariant, sentence) = breach {
                return fail(invariant, "\(name), \(event.event.title), is stored: \(sentence)")
            }
        }
        for index in [event.sender] + named {
            conversation.numbers[index] = accountIDs[index]?.number ?? 0
        }
        conversation.follow(event, at: place.sequence, people: named)
        conversation.apply(event, at: place.sequence, small: limits.small)
        model[place.conversation] = conversation
        checkLimits(conversation, event)
    }

    private typealias Objection = (Invariant, String)

    /// Why an event of a group should have been refused.
    private func objection(
        _ event: ModelEvent, _ named: [Int], _ group: ModelConversation
    ) -> Objection? {
        let sender = event.sender
        if case .created = event.event { return unknown(named, to: sender) }
        if case .joined = event.event {
            guard group.since[sender] == nil, group.isOpen, !group.isOver else {
                return (.refusedIsAbsent, "user\(sender) may not join")
            }
            return nil
        }
        guard group.since[sender] != nil else {
            return (.private_, "user\(sender) is no member")
        }
        guard !group.isOver else { return (.refusedIsAbsent, "the group is dissolved") }
        let role = group.roles[sender] ?? .member
        let lower = named.allSatisfy {
            group.since[$0] != nil && (group.roles[$0] ?? .member) < role
        }
        let isAllowed =
            switch event.event {
            case .added, .changed, .retention: role >= .admin
            case .removed, .muted: role >= .admin && lower
            case .role: role == .owner && named.allSatisfy { group.since[$0] != nil }
            case .dissolved: role == .owner
            case .message, .edit, .reaction: (group.silenced[sender] ?? event.time) <= event.time
            case .recall, .left, .created, .joined, .gone: true
            }
        guard isAllowed else { return (.refusedIsAbsent, "user\(sender) is \(role) and may not") }
        if case .added = event.event { return unknown(named, to: sender) }
        return objectionToTarget(event, group, isAdmin: role >= .admin)
    }

    /// Only contacts may be taken in.
    private func unknown(_ named: [Int], to sender: Int) -> Objection? {
        for account in named where account != sender {
            guard side(account, of: sender).state == .contact, !areBlocked(account, sender) else {
                return (.refusedIsAbsent, "user\(account) is no contact of user\(sender)")
            }
        }
        return nil
    }

    /// Why an event of a 1:1 conversation should have been refused.
    private func objection(
        _ event: ModelEvent, _ pair: ModelConversation
    ) -> Objection? {
        let sender = event.sender
        guard pair.since[sender] != nil else {
            return (.private_, "user\(sender) is none of the two")
        }
        if let objection = objectionToTarget(event, pair, isAdmin: false) { return objection }
        guard let peer = pair.members.first(where: { $0 != sender }) else { return nil }
        if case .recall = event.event { return nil }
        guard !people.isGone(peer) else { return (.refusedIsAbsent, "user\(peer) is deleted") }
        guard !areBlocked(peer, sender) else {
            return (.refusedIsAbsent, "one of users \(pair.members) blocks the other")
        }
        guard case .message = event.event else { return nil }
        let isStranger =
            !pair.isAnswered && (pair.opener ?? sender) == sender
            && side(sender, of: peer).state != .contact
        guard !isStranger || pair.unanswered < limits.strangers else {
            return (.refusedIsAbsent, "user\(sender) is a stranger and sent \(pair.unanswered)")
        }
        return nil
    }

    /// Whether what an event is about is there, and may be changed.
    private func objectionToTarget(
        _ event: ModelEvent, _ conversation: ModelConversation, isAdmin: Bool
    ) -> Objection? {
        let sender = event.sender
        let place: UInt64
        var mustBeOwn = true
        switch event.event {
        case .edit(let target, _): place = target.number
        case .recall(let target):
            place = target.number
            mustBeOwn = !isAdmin
        case .reaction(let reaction):
            place = reaction.sequence.number
            mustBeOwn = false
        case .message(let content):
            for account in content.mentions.compactMap({ accounts[$0] })
            where conversation.since[account] == nil {
                return (.refusedIsAbsent, "user\(account) is mentioned and no member")
            }
            let reply = content.replyTo.number
            guard reply == 0 || conversation.sees(sender, reply) else {
                return (.private_, "user\(sender) does not see what is replied to")
            }
            return nil
        default: return nil
        }
        guard let target = conversation.event(place), case .message = target.event,
            !target.isRecalled, conversation.view(of: sender)?.contains(place) == true
        else { return (.refusedIsAbsent, "there is no message at place \(place)") }
        guard !mustBeOwn || target.sender == sender else {
            return (.refusedIsAbsent, "the message is user\(target.sender)'s")
        }
        return nil
    }

    private func checkLimits(_ conversation: ModelConversation, _ event: ModelEvent) {
        if conversation.isGroup, conversation.since.count > limits.members {
            fail(.refusedIsAbsent, "a group has \(conversation.since.count) members")
        }
        switch event.event {
        case .created, .added, .joined:
            for account in conversation.members {
                let count = groups.count { id in
                    guard let group = model[id] else { return false }
                    return !group.isOver && group.since[account] != nil
                }
                if count > limits.groups {
                    fail(.refusedIsAbsent, "user\(account) is in \(count) groups")
                }
            }
        default: break
        }
        guard event.event.bodyByteCount > 0, limits.bytes < LimitsPlan().bytes else { return }
        let bytes = storedBytes(of: event.sender)
        // What has expired is not followed here, so the model may only know more than there is.
        if bytes > limits.bytes {
            fail(.refusedIsAbsent, "user\(event.sender) has \(bytes) bytes stored")
        }
    }

    /// Events that devices erase by themselves some time.
    var passing: Int {
        conversations.reduce(0) { sum, id in
            guard let conversation = model[id] else { return sum }
            return sum
                + (conversation.mayBeTrimmed
                    ? conversation.events.count : conversation.events.count { $0.lifetime > 0 })
        }
    }

    /// Bytes of bodies that an account surely has stored.
    private func storedBytes(of account: Int) -> UInt64 {
        var sum: UInt64 = 0
        for id in conversations {
            guard let conversation = model[id], !conversation.mayBeTrimmed else { continue }
            for event in conversation.events
            where event.sender == account && !event.isRecalled && event.lifetime == 0 {
                let target = conversation.event(event.edited)
                guard target?.lifetime ?? 0 == 0 else { continue }
                sum += UInt64(event.event.bodyByteCount)
            }
        }
        return sum
    }
}

extension ConversationEvent {
    /// What it is, in the story of a run.
    var title: String {
        switch self {
        case .message(let content): "message of \(content.body.count) B"
        case .edit(let place, _): "edit of \(place.number)"
        case .recall(let place): "recall of \(place.number)"
        case .reaction(let reaction): "reaction to \(reaction.sequence.number)"
        case .created(let form): "group of \(form.members.count + 1)"
        case .added(let people): "added \(people.map(\.handle))"
        case .joined: "joined"
        case .left: "left"
        case .removed(let person): "removed \(person.handle)"
        case .role(let person, let role): "\(person.handle) is \(role)"
        case .muted(let person, let seconds): "\(person.handle) is muted for \(seconds) s"
        case .changed(let change): "changed to \(change.name)"
        case .retention(let seconds): "retention of \(seconds) s"
        case .dissolved: "dissolved"
        case .gone(let reason): "gone: \(reason)"
        }
    }
}
