// At quiescence: whether everything is where it belongs, and nothing anywhere else.

internal import PetrelBase
internal import PetrelClientCore
internal import PetrelClientData
internal import PetrelMessaging
internal import PetrelServerCore
internal import PetrelServices

extension Oracle {
    /// What has not arrived yet, if anything.
    func missing(_ server: SimulatedServer, _ clients: [SimulatedClient]) -> String? {
        if server.operationsCount > 0 { return "operations wait" }
        for client in clients {
            if let sentence = missing(client) { return "client \(client.index) \(sentence)" }
        }
        for id in conversations {
            guard let conversation = model[id] else { continue }
            for account in conversation.numbers.keys.sorted() where !people.isGone(account) {
                guard let foreign = foreignLast(conversation, account) else { continue }
                let known = conversation.delivered[account, default: 0]
                if known < foreign {
                    return "user\(account) has acknowledged \(known) of \(foreign) events of "
                        + "conversation \(id.number)"
                }
            }
        }
        return nil
    }

    /// Long after all letters were read, each device has its session at one worker.
    func checkDevices(_ server: SimulatedServer) {
        for device in current {
            guard let name = enrolled[device] else { continue }
            let workers = server.workers.filter { worker in
                worker.core.hasSession(of: name.device, account: name.account)
            }
            guard workers.count > 1 else { continue }
            fail(
                .noLeak,
                "client \(device.client) has sessions at \(workers.count) workers, long after it "
                    + "began the last")
        }
    }

    /// The last place that an account sees, if somebody else filled it: receipts are about that.
    private func foreignLast(_ conversation: ModelConversation, _ account: Int) -> UInt64? {
        guard let view = conversation.view(of: account),
            let event = conversation.event(view.upperBound), event.sender != account,
            view.upperBound > conversation.cleared[account, default: 0]
        else { return nil }
        return view.upperBound
    }

    private func missing(_ client: SimulatedClient) -> String? {
        guard client.isConnected else { return "is \(client.state)" }
        guard let identity = (try? client.disk.identity()) ?? nil else { return "is not enrolled" }
        if let first = try? client.disk.outbox(after: 0, limit: 1).first {
            return "has event \(first.index) in its outbox"
        }
        if client.core?.isCaughtUp != true { return "is not caught up" }
        if let question = client.questions.min(by: { $0.key.number < $1.key.number }) {
            return "has no answer to question \(question.key.number), \(question.value)"
        }
        for id in conversations {
            guard let conversation = model[id], let view = conversation.view(of: client.account)
            else { continue }
            let local = (try? client.disk.conversation(id)) ?? nil
            let held = local?.held.contiguous.number ?? 0
            if held < view.upperBound {
                return "(\(identity.handle)) holds \(held) of \(view.upperBound) events of "
                    + "conversation \(id.number)"
            }
            guard !conversation.isGroup, let local,
                let peer = conversation.members.first(where: { $0 != client.account })
            else { continue }
            // Receipts are about what others wrote.
            var delivered = conversation.delivered[peer, default: 0]
            while delivered > 0, conversation.event(delivered)?.sender == peer { delivered -= 1 }
            if local.peerDelivered.number < delivered {
                return "knows that \(local.peerDelivered.number) events are delivered; it is "
                    + "\(delivered)"
            }
        }
        return nil
    }

    /// Compares all disks with the model.
    func recount(_ server: SimulatedServer, _ clients: [SimulatedClient], wall: WallTime) {
        verify(server.disk, wall: wall)
        for id in conversations { recount(id, server.disk) }
        for (index, account) in accountIDs.sorted(by: { $0.key < $1.key }) {
            recountFeed(index, account, server.disk)
            recountRelations(index, account, server.disk)
        }
        for client in clients { compare(client, server.disk, wall: wall) }
        for id in promised {
            guard let place = sent[id]?.place else { continue }
            guard model[place.conversation]?.event(place.sequence)?.id == id else {
                return fail(.neverLost, "an event that was told to be committed is gone")
            }
        }
        accountForAll(clients)
    }

    /// I15: what anybody may check of a store.
    func verify(_ disk: SimulatedDisk, wall: WallTime) {
        guard let report = try? disk.memory.verification(at: wall) else {
            return fail(.storeIsModel, "the store cannot be read")
        }
        guard let finding = report.findings.first else { return }
        fail(
            .storeIsModel,
            "\(report.findingsCount) findings in the store, the first: \(finding.rule): "
                + finding.sentence)
    }

    private func recount(_ id: ConversationID, _ disk: SimulatedDisk) {
        guard let conversation = model[id] else { return }
        let slice = try? disk.messages(
            MessageRequest(
                conversation: id, range: 1...max(1, conversation.last), order: .oldestFirst,
                limit: .max, byteLimit: .max))
        let records = slice?.messages ?? []
        let first = records.first?.sequence.number ?? 1
        guard first == 1 || conversation.mayBeTrimmed else {
            return fail(.storeIsModel, "conversation \(id.number) begins at place \(first)")
        }
        let expected = conversation.events.dropFirst(Int(first - 1))
        guard records.map(\.clientMessageID) == expected.map(\.id) else {
            return fail(.storeIsModel, "conversation \(id.number) differs from the model")
        }
        for (record, event) in zip(records, expected) {
            let place = record.sequence.number
            if case .gone(let reason) = record.event {
                guard mayBeGone(place, for: -1, conversation, reason) else {
                    return fail(.intact, "event \(place) is gone in the store: \(reason)")
                }
            } else if record.event != event.event || event.isRecalled {
                return fail(
                    .intact,
                    "event \(place) in the store is \(record.event.title)"
                        + (event.isRecalled ? ", though it was taken back" : ""))
            }
        }
        recountMembers(id, conversation, disk)
    }

    private func recountMembers(
        _ id: ConversationID, _ conversation: ModelConversation, _ disk: SimulatedDisk
    ) {
        let records = (try? disk.memory.members(of: id, after: AccountID(0), limit: .max)) ?? []
        let members = Set(records.compactMap { accounts[$0.account] })
        guard members == Set(conversation.members), members.count == records.count else {
            return fail(
                .private_,
                "conversation \(id.number) has the members \(members.sorted()) instead of "
                    + "\(conversation.members)")
        }
        for record in records {
            let account = accounts[record.account] ?? -1
            let least = conversation.delivered[account, default: 0]
            let read = conversation.read[account, default: 0]
            let isMarked =
                (least...max(least, conversation.last)).contains(record.delivered.number)
                && (read...max(read, conversation.last)).contains(record.read.number)
            guard isMarked else {
                return fail(
                    .storeIsModel,
                    "user\(account) has \(record.delivered.number) events and read "
                        + "\(record.read.number), says the store, and said \(least) and \(read)")
            }
            guard !conversation.isGroup || record.role == conversation.roles[account] else {
                return fail(
                    .storeIsModel,
                    "user\(account) is \(record.role), says the store, and should be "
                        + "\(conversation.roles[account] ?? .member)")
            }
        }
    }

    private func recountFeed(_ index: Int, _ account: AccountID, _ disk: SimulatedDisk) {
        guard
            let slice = try? disk.memory.changes(
                of: account, after: FeedSequence(0), limit: .max)
        else { return }
        var named: Set<ConversationID> = []
        for item in slice.items {
            guard case .conversation(let head) = item.kind else { continue }
            named.insert(head.conversation)
        }
        for id in conversations {
            guard let conversation = model[id], !people.isGone(index) else { continue }
            let isKnown = conversation.knows(index)
            let isNamed = named.contains(id)
            guard isNamed != isKnown, isNamed || !conversation.isLarge else { continue }
            return fail(
                .storeIsModel,
                "the feed of user\(index) \(isNamed ? "names" : "does not name") conversation "
                    + "\(id.number)")
        }
    }

    private func recountRelations(_ index: Int, _ account: AccountID, _ disk: SimulatedDisk) {
        for (peer, id) in accountIDs.sorted(by: { $0.key < $1.key }) where peer != index {
            let contact = (try? disk.memory.contact(id, of: account)) ?? nil
            let side = side(peer, of: index)
            guard
                contact?.state ?? .none != side.state
                    || contact?.isBlocked ?? false != side.isBlocked
                    || contact?.alias ?? "" != side.alias
            else { continue }
            return fail(
                .storeIsModel,
                "user\(index) stands to user\(peer) as \(String(describing: contact)), says the "
                    + "store, and should as \(side)")
        }
    }

    /// Every message that a device took is committed, or failed with a report, or went down with
    /// the installation.
    private func accountForAll(_ clients: [SimulatedClient]) {
        var failures: [Int: Set<ClientMessageID>] = [:]
        for client in clients {
            let failed = (try? client.disk.failed()) ?? []
            failures[client.index] = Set(failed.map(\.entry.clientMessageID))
        }
        let mine = sent.filter { current[$0.value.client].install == $0.value.install }
        let lost = mine.filter { id, entry in
            entry.place == nil && failures[entry.client]?.contains(id) != true
        }
        // The lowest, so that the report does not depend on the order of a dictionary.
        let first = lost.values.min { ($0.client, $0.order) < ($1.client, $1.order) }
        if let first {
            fail(
                .neverLost,
                "message \(first.order) of client \(first.client) is neither committed nor refused")
        }
    }
}
