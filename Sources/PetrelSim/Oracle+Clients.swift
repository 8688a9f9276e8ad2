// What clients store and what their owners are told, against the model.

internal import PetrelBase
internal import PetrelClientCore
internal import PetrelClientData
internal import PetrelMessaging
internal import PetrelServices

extension Oracle {
    /// A client has written events to its disk.
    func stored(_ client: SimulatedClient, _ records: [MessageRecord]) {
        guard !records.isEmpty else { return }
        let device = current[client.index]
        for record in records {
            judge(record, at: client, "stores")
            let place = Place(
                conversation: record.conversation, sequence: record.sequence.number)
            held[device, default: []].insert(place)
            heldByAccount[client.account, default: []].insert(place)
        }
    }

    /// Whether a record is what the store has at that place, and for this client.
    func judge(_ record: MessageRecord, at client: SimulatedClient, _ verb: String) {
        let who = "client \(client.index) \(verb)"
        let place = record.sequence.number
        guard let conversation = model[record.conversation] else {
            return fail(.neverLost, "\(who) an event of a conversation that the store has not")
        }
        guard conversation.sees(client.account, place) else {
            return fail(
                .private_,
                "\(who) event \(place) between users \(conversation.members), which "
                    + "user\(client.account) does not see")
        }
        guard let event = conversation.event(place) else {
            return fail(
                .neverLost,
                "\(who) event \(place) of a conversation in which \(conversation.last) are durable")
        }
        guard event.id == record.clientMessageID, accounts[record.sender] == event.sender else {
            return fail(.inOrder, "\(who) another event at place \(place) than the store")
        }
        if let name = enrolled[current[client.index]], let at = people.revoked[name],
            at < event.order
        {
            return fail(.revokedIsOut, "\(who) event \(place), which is younger than its end")
        }
        let handle = "user\(event.sender)"
        guard record.senderHandle.isEmpty || record.senderHandle == handle else {
            return fail(.intact, "\(who) event \(place) of \(handle) as \(record.senderHandle)'s")
        }
        if case .gone(let reason) = record.event {
            guard mayBeGone(place, for: client.account, conversation, reason) else {
                return fail(.neverLost, "\(who) that event \(place) is gone (\(reason)); it is not")
            }
        } else if record.event != event.event {
            fail(.intact, "\(who) event \(place) damaged: \(record.event) for \(event.event)")
        }
    }

    /// Whether nothing may stand at a place any more, as far as an account sees it.
    func mayBeGone(
        _ place: UInt64, for account: Int, _ conversation: ModelConversation, _ reason: Gone
    ) -> Bool {
        guard let event = conversation.event(place) else { return false }
        let message = conversation.event(event.edited)
        return switch reason {
        case .recalled: event.isRecalled
        case .expired: event.lifetime > 0 || message?.lifetime ?? 0 > 0
        case .hidden:
            conversation.hides(account, place)
                || event.edited > 0 && conversation.hides(account, event.edited)
        case .unknown: false
        }
    }

    /// The owner of a client is told something.
    func told(_ client: SimulatedClient, _ event: ClientEvent) {
        switch event {
        case .message(let record):
            judge(record, at: client, "tells its owner")
            let place = Place(
                conversation: record.conversation, sequence: record.sequence.number)
            let device = current[client.index]
            guard held[device]?.contains(place) == true else {
                return fail(
                    .neverLost, "client \(client.index) tells of an event that is not on its disk")
            }
            guard told[device, default: []].insert(place).inserted else {
                return fail(
                    .onceOnly,
                    "client \(client.index) tells of event \(place.sequence) of a conversation "
                        + "twice")
            }
        case .deliveryChanged(let index, let id, let state):
            changed(client, index, id, to: state)
        case .sendingRefused: if isRushing { rushPaused.insert(client.index) }
        case .enrolled(let identity):
            guard accounts[identity.account] != client.account else { return }
            fail(.private_, "client \(client.index) is told that it is \(identity.handle)")
        case .answered(let ticket, let answer): answered(client, ticket, answer)
        default: toldOfOthers(client, event)
        }
    }

    private func changed(
        _ client: SimulatedClient, _ index: UInt64, _ id: ClientMessageID, to state: DeliveryState
    ) {
        guard let entry = sent[id] else { return }
        let name = "event \(entry.order) of client \(client.index)"
        let rank: Int
        switch state {
        case .queued: rank = 0
        case .sent: rank = 1
        case .committed(let conversation, let sequence):
            rank = 2
            let place = Place(conversation: conversation, sequence: sequence.number)
            guard entry.place == place else {
                return fail(
                    .neverLost,
                    "\(name) is told to be committed at place \(place.sequence), where the disk "
                        + "does not have it")
            }
            if !entry.isPromised { promised.append(id) }
            sent[id]?.isPromised = true
        case .delivered:
            rank = 3
            guard wasReached(entry, { $0.delivered }) else {
                return fail(.neverLost, "\(name) is told to be delivered, and nobody has it")
            }
        case .read:
            rank = 4
            guard wasReached(entry, { $0.read }) else {
                return fail(.neverLost, "\(name) is told to be read, and nobody has read it")
            }
        case .failed(let code, _, _):
            rank = 5
            guard entry.place == nil else {
                return fail(
                    .refusedIsAbsent, "\(name) is told to be refused (\(code)), and is stored")
            }
            sent[id]?.hasFailed = true
        }
        let device = current[client.index]
        // A restarted client sends again what it does not know to be committed.
        let last = states[device, default: [:]][entry.order] ?? 0
        if rank < last, rank > 1 || last > 1 {
            return fail(.inOrder, "\(name) went back from state \(last) to \(rank)")
        }
        states[device, default: [:]][entry.order] = rank
    }

    /// Whether the mark of another member, or in notes the own one, has come to an event.
    private func wasReached(
        _ entry: Sent, _ marks: (ModelConversation) -> [Int: UInt64]
    ) -> Bool {
        guard let place = entry.place, let conversation = model[place.conversation] else {
            return false
        }
        let isForOthers = conversation.since.count + conversation.before.count > 1
        return marks(conversation).contains { account, mark in
            mark >= place.sequence && (account != entry.from || !isForOthers)
        }
    }

    // MARK: The rush

    func rushBegins() {
        isRushing = true
        rush = [:]
        rushPaused = []
    }

    /// I19: once anybody is through, nobody has less than a quarter of an equal share, unless the
    /// server was too busy and asked to come again: that pause is longer than most rushes.
    ///
    /// Returns whether the rush is over.
    func checkFairness(_ clients: [SimulatedClient]) -> Bool {
        let done = clients.map { client in
            (rush[current[client.index]] ?? []).count {
                sent[$0]?.place != nil || sent[$0]?.hasFailed == true
            }
        }
        let wanted = clients.map { (rush[current[$0.index]] ?? []).count }
        guard let first = zip(done, wanted).first(where: { $0 == $1 && $1 > 0 }) else {
            return false
        }
        isRushing = false
        let total = done.reduce(0, +)
        for (client, count) in zip(clients, done)
        where count * 4 * clients.count < total && (rush[current[client.index]] ?? []).count > 0 {
            guard !rushPaused.contains(client.index) else { continue }
            fail(
                .fair,
                "client \(client.index) has \(count) messages through where another has \(first.0)")
        }
        return true
    }
}
