// What is written to the server's disk, against the model.

internal import PetrelBase
internal import PetrelMessaging
internal import PetrelServices

extension Oracle {
    /// An operation is durable: the model follows it, and judges its outcome.
    func wrote(_ operation: StoreOperation, _ result: Result<StoreOutcome, StoreFailure>) {
        guard case .success(let outcome) = result else { return }
        if case .refused = outcome { return refused(operation) }
        commits += 1
        if let name = operation.asker, let at = people.revoked[name], at < commits {
            fail(
                .revokedIsOut,
                "device \(name.device.number) of account \(name.account.number) was shut out, and "
                    + "what it asks is done: \(operation.kind)")
        }
        switch (operation, outcome) {
        case (.createAccount(let create), .enrolled(let account, let device, _)):
            created(create, account)
            enrolled(create.key, account, device)
        case (.enrolDevice(let enrol), .enrolled(let account, let device, _)):
            enrolled(enrol.key, account, device)
        case (.recoverAccount(let recover), .enrolled(let account, let device, _)):
            recovered(recover, account)
            enrolled(recover.device.key, account, device)
        case (.appendMessage(let append), .appended(let message)): appended(append, message)
        case (.acknowledge(let acknowledge), .acknowledged): acknowledged(acknowledge)
        case (.changeAccount(let change), .changed): changed(change)
        case (.changeContact(let change), .changed): changed(change)
        case (.changeConversation(let change), .changed): changed(change)
        case (.createInvitation(let create), .changed):
            people.invitations[create.digest] = accounts[create.account]
        case (.continueDeletions, .expired(let events)):
            for event in events { leftForGood(event) }
        default: break
        }
        for key in operation.keys { people.done.insert(key) }
    }

    /// What is refused may be done later, if the refusal gets lost: then it is no breach of the
    /// order.
    private func refused(_ operation: StoreOperation) {
        guard case .appendMessage(let append) = operation else { return }
        sent[append.clientMessageID]?.mayBeRefused = true
    }

    private func created(_ create: CreateAccount, _ account: AccountID) {
        guard create.handle.hasPrefix("user"), let index = Int(create.handle.dropFirst(4)) else {
            return
        }
        if accountIDs[index] != nil {
            fail(.storeIsModel, "the account \(create.handle) was created twice")
        }
        accountIDs[index] = account
        accounts[account] = index
        people.passwords[index] = create.password
        people.recoveries[index] = create.recovery
        if let digest = create.invitation {
            guard let host = people.invitations.removeValue(forKey: digest) else {
                return fail(
                    .refusedIsAbsent, "\(create.handle) registered with no valid invitation")
            }
            befriend(host, index)
        }
    }

    private func enrolled(_ key: DeviceKey, _ account: AccountID, _ device: DeviceID) {
        guard let owner = devices[key] else { return }
        if enrolled[owner] != nil {
            fail(.storeIsModel, "client \(owner.client) was enrolled twice")
        }
        enrolled[owner] = DeviceName(account: account, device: device)
        let present = enrolled.values.count { $0.account == account && people.revoked[$0] == nil }
        if present > MessagingLimits.devicesMax {
            fail(.refusedIsAbsent, "account \(account.number) has \(present) devices")
        }
    }

    private func appended(_ append: AppendMessage, _ message: AppendedMessage) {
        let id = append.clientMessageID
        let place = Place(conversation: message.conversation, sequence: message.sequence.number)
        guard var entry = sent[id] else {
            let isIntruder = accounts[append.account] == nil
            return fail(
                isIntruder ? .private_ : .intact,
                isIntruder
                    ? "a stranger wrote into conversation \(place.conversation.number)"
                    : "the store has an event that nobody caused")
        }
        let name = "event \(entry.order) of client \(entry.client)"
        let device = Device(client: entry.client, install: entry.install)
        if let owner = enrolled[device],
            owner != DeviceName(account: append.account, device: append.device)
        {
            return fail(
                .private_,
                "\(name), device \(owner.device.number) of account \(owner.account.number), was "
                    + "stored as of device \(append.device.number) of account "
                    + "\(append.account.number)")
        }
        guard entry.event.isSame(as: append.event) else {
            return fail(.intact, "\(name) was stored damaged")
        }
        if let known = entry.place {
            guard message.isDuplicate, known == place else {
                return fail(
                    .onceOnly, "\(name) is stored twice, at \(known.sequence) and \(place.sequence)"
                )
            }
            return
        }
        if message.isDuplicate {
            return fail(
                .refusedIsAbsent, "\(name) is in the store, though it was never taken in")
        }
        if entry.hasFailed { return fail(.refusedIsAbsent, "\(name) was refused and is stored") }
        appendedInLife += 1
        // It was written before the device belonged to an account, perhaps.
        entry.from = accounts[append.account] ?? entry.from
        entry.place = place
        sent[id] = entry
        add(entry, at: place, device, name)
        let event = ModelEvent(
            id: id, sender: entry.from, event: message.record.event, time: append.time,
            order: commits)
        follow(event, at: place, name)
    }

    /// Has the model take in an event whose place was told, if it may be there.
    private func add(_ entry: Sent, at place: Place, _ device: Device, _ name: String) {
        let id = place.conversation
        switch entry.goal {
        case .account(let to):
            let members = Array(Set([entry.from, to])).sorted()
            if let known = pairs[members], known != id {
                return fail(.storeIsModel, "users \(members) have two conversations")
            }
            if model[id] == nil {
                pairs[members] = id
                var conversation = ModelConversation()
                for account in members { conversation.since[account] = 1 }
                begin(id, conversation)
            }
            if pairs[members] != id {
                return fail(
                    .private_,
                    "\(name), for users \(members), is stored in another conversation")
            }
        case .conversation(let goal):
            guard goal == id, model[id] != nil else {
                return fail(.private_, "\(name) is stored in another conversation")
            }
        case .newGroup:
            guard model[id] == nil else {
                return fail(.private_, "\(name), a new group, is stored in another conversation")
            }
            var conversation = ModelConversation()
            conversation.isGroup = true
            begin(id, conversation)
            groups.append(id)
        }
        let expected = (model[id]?.last ?? 0) + 1
        if place.sequence != expected {
            return fail(.inOrder, "\(name) got place \(place.sequence) instead of \(expected)")
        }
        let latest = newest[device]?[id] ?? 0
        if latest > entry.order, !entry.mayBeRefused {
            return fail(.inOrder, "\(name) was stored behind event \(latest) of the same device")
        }
        newest[device, default: [:]][id] = max(latest, entry.order)
    }

    private func begin(_ id: ConversationID, _ conversation: ModelConversation) {
        var conversation = conversation
        for (account, index) in accounts { conversation.numbers[index] = account.number }
        model[id] = conversation
        conversations.append(id)
    }

    /// An account that was deleted has left a group.
    private func leftForGood(_ message: AppendedMessage) {
        guard let sender = accounts[message.record.sender] else { return }
        guard people.isGone(sender), case .left = message.record.event else {
            return fail(
                .storeIsModel, "user\(sender), which was not deleted, left a group by itself")
        }
        let event = ModelEvent(
            id: message.record.clientMessageID, sender: sender, event: message.record.event,
            time: message.time, order: commits)
        let place = Place(conversation: message.conversation, sequence: message.sequence.number)
        guard (model[message.conversation]?.last ?? 0) + 1 == place.sequence else {
            return fail(.inOrder, "the end of user\(sender) got place \(place.sequence)")
        }
        follow(event, at: place, "the end of user\(sender)")
    }

    private func acknowledged(_ acknowledge: AcknowledgeDelivery) {
        guard let account = accounts[acknowledge.account] else { return }
        let name = DeviceName(account: acknowledge.account, device: acknowledge.device)
        let owner = enrolled.first { $0.value == name }?.key
        for mark in acknowledge.read {
            guard var conversation = model[mark.conversation],
                let view = conversation.view(of: account), mark.sequence.number <= view.upperBound,
                mark.sequence.number <= conversation.last
            else { continue }
            let place = mark.sequence.number
            conversation.read[account] = max(conversation.read[account, default: 0], place)
            conversation.delivered[account] = max(
                conversation.delivered[account, default: 0], place)
            model[mark.conversation] = conversation
        }
        for mark in acknowledge.delivered {
            guard var conversation = model[mark.conversation],
                let view = conversation.view(of: account), mark.sequence.number <= view.upperBound,
                mark.sequence.number <= conversation.last
            else { continue }
            let known = conversation.delivered[account, default: 0]
            guard mark.sequence.number > known else { continue }
            conversation.delivered[account] = mark.sequence.number
            model[mark.conversation] = conversation
            guard let owner, let held = held[owner] else { continue }
            for place in known + 1...mark.sequence.number
            where !held.contains(Place(conversation: mark.conversation, sequence: place))
                && place >= view.lowerBound && place > conversation.cleared[account, default: 0]
                && !conversation.mayBeTrimmed
            {
                return fail(
                    .neverLost,
                    "client \(owner.client) acknowledged event \(place) of a conversation and "
                        + "does not have it on its disk")
            }
        }
    }

    /// What an intruder was told of others, if anything.
    func theft(_ notices: [Notice]) -> String? {
        for notice in notices {
            switch notice.kind {
            case .page(let page) where !page.records.isEmpty && model[page.conversation] != nil:
                return "an intruder got events of conversation \(page.conversation.number)"
            case .members(let page) where model[page.conversation] != nil:
                return "an intruder got the members of conversation \(page.conversation.number)"
            case .message(let push):
                return "an intruder was pushed \(push.record.bodyByteCount) bytes"
            case .verdict(let verdict) where model[verdict.conversation] != nil:
                return "an intruder wrote into conversation \(verdict.conversation.number)"
            default: continue
            }
        }
        return nil
    }
}

extension ConversationEvent {
    /// Whether both say the same, as far as the server does not complete it.
    func isSame(as other: ConversationEvent) -> Bool {
        switch (self, other) {
        case (.created(let a), .created(let b)):
            a.name == b.name && a.isOpen == b.isOpen
                && same(a.members, b.members)
        case (.added(let a), .added(let b)): same(a, b)
        case (.removed(let a), .removed(let b)): same([a], [b])
        case (.role(let a, let role), .role(let b, let other)): role == other && same([a], [b])
        case (.muted(let a, let time), .muted(let b, let other)): time == other && same([a], [b])
        default: self == other
        }
    }

    /// Whether both name the same people; the server knows the numbers.
    private func same(_ a: [Person], _ b: [Person]) -> Bool {
        a.count == b.count
            && zip(a, b).allSatisfy { a, b in
                a.account.number == 0 || b.account.number == 0 || a.account == b.account
            }
    }

    /// The people that it names.
    var people: [Person] {
        switch self {
        case .created(let form): form.members
        case .added(let people): people
        case .removed(let person), .role(let person, _), .muted(let person, _): [person]
        case .message, .edit, .recall, .reaction, .joined, .left, .changed, .retention,
            .dissolved, .gone:
            []
        }
    }
}
