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
            let last = UInt64(conversation.messages.count)
            for account in conversation.members where mustAcknowledge(account, conversation) {
                let known = conversation.delivered[account, default: 0]
                if known < last {
                    return "user\(account) has acknowledged \(known) of \(last) messages"
                }
            }
        }
        return nil
    }

    /// Long after all letters were read, each device has its session at one worker.
    func checkDevices(_ server: SimulatedServer) {
        for device in current {
            guard let (account, number) = enrolled[device] else { continue }
            let workers = server.workers.filter { worker in
                worker.core.hasSession(of: number, account: account)
            }
            guard workers.count > 1 else { continue }
            fail(
                .noLeak,
                "client \(device.client) has sessions at \(workers.count) workers, long after it "
                    + "began the last")
        }
    }

    /// Receipts are about what others wrote.
    private func mustAcknowledge(_ account: Int, _ conversation: ModelConversation) -> Bool {
        conversation.messages.last.flatMap { sent[$0] }?.from != account
    }

    private func missing(_ client: SimulatedClient) -> String? {
        guard client.isConnected else { return "is \(client.state)" }
        guard let identity = (try? client.disk.identity()) ?? nil else { return "is not enrolled" }
        if let first = try? client.disk.outbox(after: 0, limit: 1).first {
            return "has message \(first.index) in its outbox"
        }
        if client.core?.isCaughtUp != true { return "is not caught up" }
        for id in conversations {
            guard let conversation = model[id], conversation.members.contains(client.account)
            else { continue }
            let local = (try? client.disk.conversation(id)) ?? nil
            let held = local?.held.contiguous.number ?? 0
            if held < UInt64(conversation.messages.count) {
                return "(\(identity.handle)) holds \(held) of \(conversation.messages.count) "
                    + "messages of a conversation"
            }
            guard let peer = conversation.members.first(where: { $0 != client.account }),
                let local
            else { continue }
            // Receipts are about what others wrote.
            var delivered = conversation.delivered[peer, default: 0]
            while delivered > 0, sent[conversation.messages[Int(delivered - 1)]]?.from == peer {
                delivered -= 1
            }
            if local.peerDelivered.number < delivered {
                return "knows that \(local.peerDelivered.number) messages are delivered; it is "
                    + "\(delivered)"
            }
        }
        return nil
    }

    /// Compares all disks with the model.
    func recount(_ server: SimulatedServer, _ clients: [SimulatedClient]) {
        for id in conversations { recount(id, server.disk) }
        for (_, account) in accountIDs.sorted(by: { $0.key < $1.key }) {
            recountFeed(account, server.disk)
        }
        for client in clients { recount(client) }
        for id in promised {
            guard let place = sent[id]?.place else { continue }
            guard model[place.conversation]?.messages[Int(place.sequence - 1)] == id else {
                return fail(.neverLost, "a message that was told to be committed is gone")
            }
        }
        accountForAll(clients)
    }

    private func recount(_ id: ConversationID, _ disk: SimulatedDisk) {
        guard let conversation = model[id] else { return }
        let count = UInt64(conversation.messages.count)
        let record = (try? disk.conversation(id)) ?? nil
        guard let record, record.last.number == count else {
            return fail(
                .storeIsModel,
                "conversation \(id.number) has \(record?.last.number ?? 0) messages instead of "
                    + "\(count)")
        }
        let slice = try? disk.messages(
            MessageRequest(
                conversation: id, range: 1...max(1, count), order: .oldestFirst, limit: .max,
                byteLimit: .max))
        let messages = slice?.messages ?? []
        guard messages.map(\.clientMessageID) == conversation.messages else {
            return fail(.storeIsModel, "conversation \(id.number) differs from the model")
        }
        for message in messages
        where sent[message.clientMessageID]?.body != message.content?.body {
            return fail(.intact, "message \(message.sequence.number) is damaged in the store")
        }
        let members = Set(record.members.compactMap { accounts[$0.account] })
        guard members == Set(conversation.members) else {
            return fail(.private_, "conversation \(id.number) has other members than its messages")
        }
        for member in record.members {
            let account = accounts[member.account] ?? -1
            let least = conversation.delivered[account, default: 0]
            guard member.delivered.number >= least, member.delivered.number <= count else {
                return fail(
                    .storeIsModel,
                    "user\(account) has \(member.delivered.number) messages, says the store, "
                        + "and said \(least)")
            }
        }
    }

    private func recountFeed(_ account: AccountID, _ disk: SimulatedDisk) {
        guard let index = accounts[account],
            let slice = try? disk.feed(account, after: FeedSequence(0), limit: .max)
        else { return }
        let mine = conversations.filter { model[$0]?.members.contains(index) == true }
        guard Set(slice.entries.map(\.conversation.id)) == Set(mine) else {
            return fail(
                .storeIsModel, "the feed of user\(index) names other conversations than it has")
        }
    }

    private func recount(_ client: SimulatedClient) {
        let local = (try? client.disk.conversations()) ?? []
        for conversation in local {
            let records =
                (try? client.disk.messages(conversation.id, from: .init(1), limit: .max)) ?? []
            guard let expected = model[conversation.id],
                expected.members.contains(client.account)
            else {
                return fail(.private_, "client \(client.index) knows a conversation of others")
            }
            guard records.map(\.clientMessageID) == expected.messages else {
                return fail(
                    .neverLost,
                    "client \(client.index) has \(records.count) messages of a conversation of "
                        + "\(expected.messages.count), or others")
            }
            for record in records
            where sent[record.clientMessageID]?.body != record.content?.body {
                return fail(
                    .intact,
                    "client \(client.index) keeps message \(record.sequence.number) damaged")
            }
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
