// How messages and acknowledgements change what the store in memory holds.

import PetrelBase
import PetrelMessaging

extension MemoryStoreState {
    mutating func add(_ append: AppendMessage, isFull: Bool) throws(Verdict) -> StoreOutcome {
        // Only an enrolled device may write.
        try change(append.device, of: append.account) { _ in }
        let name = MessageName(
            account: append.account, clientMessageID: append.clientMessageID)
        if let row = deduplication[name] {
            guard row.digest == append.digest else { throw .refused(.identifierConflict) }
            return .appended(
                AppendedMessage(
                    conversation: row.conversation, sequence: row.sequence, time: row.time,
                    isDuplicate: true, feeds: []))
        }
        var conversation = try target(of: append)
        #if PETREL_PLANTED
            let isFull = isFull && !PlantedBug.refusedButStored.isActive
        #endif
        guard !isFull else { throw .full }
        if case .peer(let peer, _) = append.target {
            pairs[Pair(append.account, peer)] = conversation.id
        }
        let sequence = ConversationSequence(conversation.last.number + 1)
        conversation.last = sequence
        for i in conversation.members.indices
        where conversation.members[i].account == append.account
            && conversation.members[i].delivered.number + 1 == sequence.number
        {
            conversation.members[i].delivered = sequence
        }
        conversations[conversation.id] = conversation
        messages[conversation.id, default: []].append(
            MessageRecord(
                conversation: conversation.id, sequence: sequence, sender: append.account,
                senderDevice: append.device, senderHandle: "",
                clientMessageID: append.clientMessageID, time: append.time,
                contentType: append.contentType, body: append.body))
        deduplication[name] = DeduplicationRow(
            conversation: conversation.id, sequence: sequence, digest: append.digest,
            time: append.time)
        let feeds = conversation.members.map { step($0.account, to: conversation.id) }
        return .appended(
            AppendedMessage(
                conversation: conversation.id, sequence: sequence, time: append.time,
                isDuplicate: false, feeds: feeds))
    }

    /// Returns the conversation that a message goes to, as it is or as it will be made.
    private func target(of append: AppendMessage) throws(Verdict) -> ConversationRecord {
        switch append.target {
        case .conversation(let id):
            guard let conversation = conversations[id],
                conversation.members.contains(where: { $0.account == append.account })
            else { throw .refused(.unknownConversation) }
            return conversation
        case .peer(let peer, let ifNew):
            guard accounts[peer] != nil else { throw .refused(.unknownRecipient) }
            let pair = Pair(append.account, peer)
            if let id = pairs[pair], let conversation = conversations[id] { return conversation }
            // The identifier was drawn at random; whoever asks again draws another one.
            guard conversations[ifNew] == nil else { throw .refused(.busy) }
            // Notes to oneself are a conversation with one member.
            let accounts = pair.low == pair.high ? [pair.low] : [pair.low, pair.high]
            return ConversationRecord(
                id: ifNew, last: .init(0), first: .init(1),
                members: accounts.map { .init(account: $0, delivered: .init(0)) })
        }
    }

    /// Makes the change of a conversation the newest entry of an account's feed.
    private mutating func step(
        _ account: AccountID, to conversation: ConversationID
    ) -> FeedStep {
        let previous = accounts[account]?.newestFeed ?? .init(0)
        let feed = FeedSequence(previous.number + 1)
        accounts[account]?.newestFeed = feed
        accounts[account]?.feed.removeAll { $0.conversation == conversation }
        accounts[account]?.feed.append(FeedEntry(feed: feed, conversation: conversation))
        return FeedStep(account: account, feed: feed, previous: previous)
    }

    mutating func raise(_ acknowledge: AcknowledgeDelivery) throws(Verdict) -> StoreOutcome {
        let account = acknowledge.account
        let newest = accounts[account]?.newestFeed ?? .init(0)
        try change(acknowledge.device, of: account) { device in
            // A cursor that this store never gave out says nothing.
            guard acknowledge.feed <= newest else { return }
            device.feed = max(device.feed, acknowledge.feed)
        }
        var raised: [RaisedMark] = []
        for mark in acknowledge.delivered {
            guard var conversation = conversations[mark.conversation],
                mark.sequence <= conversation.last,
                let index = conversation.members.firstIndex(where: { $0.account == account }),
                mark.sequence > conversation.members[index].delivered
            else { continue }
            conversation.members[index].delivered = mark.sequence
            conversations[conversation.id] = conversation
            var feeds: [FeedStep] = []
            for member in conversation.members where member.account != account {
                feeds.append(step(member.account, to: conversation.id))
            }
            raised.append(
                RaisedMark(
                    conversation: conversation.id, account: account, sequence: mark.sequence,
                    feeds: feeds))
        }
        return .acknowledged(raised)
    }

    mutating func purge(before: WallTime, limit: Int) {
        let old = deduplication.filter { $0.value.time < before }
        // The order of the dictionary does not matter: the sort is total.
        let oldestFirst = old.sorted { a, b in
            let (x, y) = (a.key.clientMessageID, b.key.clientMessageID)
            return (a.value.time, a.key.account, x.high, x.low)
                < (b.value.time, b.key.account, y.high, y.low)
        }
        for row in oldestFirst.prefix(min(max(0, limit), StoreLimits.purgedRowsMax)) {
            deduplication[row.key] = nil
        }
    }
}
