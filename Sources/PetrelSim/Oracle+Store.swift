// What is written to the server's disk, against the model.

internal import PetrelBase
internal import PetrelMessaging
internal import PetrelServices

extension Oracle {
    /// An operation is durable: the model follows it, and judges its outcome.
    func wrote(_ operation: StoreOperation, _ result: Result<StoreOutcome, StoreFailure>) {
        switch (operation, result) {
        case (.createAccount(let create), .success(.enrolled(let account, let device))):
            created(create, account)
            enrolled(create.key, account, device)
        case (.enrolDevice(let enrol), .success(.enrolled(let account, let device))):
            enrolled(enrol.key, account, device)
        case (.appendMessage(let append), .success(.appended(let message))):
            appended(append, message)
        case (.acknowledge(let acknowledge), .success(.acknowledged)): acknowledged(acknowledge)
        default: break
        }
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
    }

    private func enrolled(_ key: DeviceKey, _ account: AccountID, _ device: DeviceID) {
        guard let owner = devices[key] else { return }
        if enrolled[owner] != nil {
            fail(.storeIsModel, "client \(owner.client) was enrolled twice")
        }
        enrolled[owner] = (account, device)
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
                    : "the store has a message that nobody wrote")
        }
        let name = "message \(entry.order) of client \(entry.client)"
        let device = Device(client: entry.client, install: entry.install)
        if let owner = enrolled[device], owner != (append.account, append.device) {
            return fail(
                .private_,
                "\(name), device \(owner.1.number) of account \(owner.0.number), was stored as "
                    + "written by device \(append.device.number) of account "
                    + "\(append.account.number)")
        }
        guard append.body == entry.body else { return fail(.intact, "\(name) was stored damaged") }
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
        entry.place = place
        sent[id] = entry
        add(id, entry, at: place, device, name)
    }

    private func add(
        _ id: ClientMessageID, _ entry: Sent, at place: Place, _ device: Device, _ name: String
    ) {
        let members = Array(Set([entry.from, entry.to])).sorted()
        if model[place.conversation] == nil {
            if pairs[members] != nil {
                fail(.storeIsModel, "users \(members) have two conversations")
            }
            pairs[members] = place.conversation
            model[place.conversation] = ModelConversation(members: members)
            conversations.append(place.conversation)
        }
        guard let conversation = model[place.conversation] else { return }
        if conversation.members != members {
            return fail(
                .private_,
                "\(name), for users \(members), is stored in the conversation of "
                    + "\(conversation.members)")
        }
        let expected = UInt64(conversation.messages.count + 1)
        if place.sequence != expected {
            return fail(
                .inOrder, "\(name) got place \(place.sequence) instead of \(expected)")
        }
        let latest = newest[device]?[place.conversation] ?? 0
        if latest > entry.order, !entry.mayBeRefused {
            return fail(.inOrder, "\(name) was stored behind message \(latest) of the same device")
        }
        newest[device, default: [:]][place.conversation] = max(latest, entry.order)
        model[place.conversation]?.messages.append(id)
    }

    private func acknowledged(_ acknowledge: AcknowledgeDelivery) {
        guard let account = accounts[acknowledge.account] else { return }
        let owner = enrolled.first { $0.value == (acknowledge.account, acknowledge.device) }?.key
        for mark in acknowledge.delivered {
            guard var conversation = model[mark.conversation],
                conversation.members.contains(account),
                mark.sequence.number <= UInt64(conversation.messages.count)
            else { continue }
            let known = conversation.delivered[account, default: 0]
            guard mark.sequence.number > known else { continue }
            conversation.delivered[account] = mark.sequence.number
            model[mark.conversation] = conversation
            guard let owner, let held = held[owner] else { continue }
            for place in known + 1...mark.sequence.number
            where !held.contains(Place(conversation: mark.conversation, sequence: place)) {
                return fail(
                    .neverLost,
                    "client \(owner.client) acknowledged message \(place) of a conversation and "
                        + "does not have it on its disk")
            }
        }
    }

    /// What an intruder was told of others, if anything.
    func theft(_ notices: [Notice]) -> String? {
        for notice in notices {
            switch notice.kind {
            case .page(let page) where !page.records.isEmpty && model[page.conversation] != nil:
                return "an intruder got messages of conversation \(page.conversation.number)"
            case .message(let push): return "an intruder was pushed \(push.record.body.count) bytes"
            case .verdict(let verdict) where model[verdict.conversation] != nil:
                return "an intruder wrote into conversation \(verdict.conversation.number)"
            default: continue
            }
        }
        return nil
    }
}
