// How a message gets its place: at most once, and told to every member.

import PetrelMessaging

extension RowWriter where Self: ~Copyable {
    mutating func add(
        _ append: AppendMessage, _ admission: Admission
    ) throws(Trouble) -> StoreOutcome {
        guard try has(.device(append.device, of: append.account), in: .device) else {
            throw .refused(.notEnrolled)
        }
        let name = Key.deduplication(append.clientMessageID, of: append.account)
        if let row: DeduplicationRow = try find(name, in: .deduplication) {
            guard row.digest == append.digest else { throw .refused(.identifierConflict) }
            return .appended(
                AppendedMessage(
                    conversation: row.conversation, sequence: row.sequence, time: row.time,
                    isDuplicate: true, feeds: []))
        }
        var target = try target(of: append)
        guard admission == .all else { throw .full }

        let sequence = ConversationSequence(target.row.last.number + 1)
        target.row.last = sequence
        try set(target.row, at: .conversation(target.id), in: .conversation)
        if let pair = target.newPair { try set(NumberRow(target.id.number), at: pair, in: .pair) }
        try write(append, in: target.id, as: sequence)
        var feeds: [FeedStep] = []
        for member in target.members {
            var row = member.row
            // The sender has its own message; what it has not received before stays a gap.
            if member.account == append.account, row.delivered.number + 1 == sequence.number {
                row.delivered = sequence
            }
            feeds.append(try step(member, row, to: target.id))
        }
        return .appended(
            AppendedMessage(
                conversation: target.id, sequence: sequence, time: append.time,
                isDuplicate: false, feeds: feeds))
    }

    private func target(of append: AppendMessage) throws(Trouble) -> ConversationState {
        switch append.target {
        case .conversation(let id):
            guard let target = try existing(id),
                target.members.contains(where: { $0.account == append.account })
            else { throw .refused(.unknownConversation) }
            return target
        case .peer(let peer, let ifNew):
            guard try has(.account(peer), in: .account) else {
                throw .refused(.unknownRecipient)
            }
            let pair = Key.pair(append.account, peer)
            if let row: NumberRow = try find(pair, in: .pair),
                let target = try existing(ConversationID(row.number))
            {
                return target
            }
            // The identifier was drawn at random; whoever asks again draws another one.
            guard try !has(.conversation(ifNew), in: .conversation) else {
                throw .refused(.busy)
            }
            // Notes to oneself are a conversation with one member.
            var accounts = [min(append.account, peer)]
            if append.account != peer { accounts.append(max(append.account, peer)) }
            var members: [MemberState] = []
            for account in accounts {
                let row = MemberRow(delivered: .init(0), feed: .init(0))
                members.append(
                    MemberState(account: account, row: row, newestFeed: try newestFeed(account)))
            }
            let row = ConversationRow(last: .init(0), first: .init(1))
            return ConversationState(id: ifNew, row: row, members: members, newPair: pair)
        }
    }

    private mutating func write(
        _ append: AppendMessage, in conversation: ConversationID, as sequence: ConversationSequence
    ) throws(Trouble) {
        let message = MessageRecord(
            conversation: conversation, sequence: sequence, sender: append.account,
            senderDevice: append.device, senderHandle: "",
            clientMessageID: append.clientMessageID, time: append.time,
            contentType: append.contentType, body: append.body)
        try set(MessageRow(message), at: .message(sequence, of: conversation), in: .message)
        let row = DeduplicationRow(
            conversation: conversation, sequence: sequence, digest: append.digest,
            time: append.time)
        let id = append.clientMessageID
        try set(row, at: .deduplication(id, of: append.account), in: .deduplication)
        try set(
            EmptyRow(), at: .deduplicated(id, of: append.account, at: append.time),
            in: .deduplicated)
    }
}
