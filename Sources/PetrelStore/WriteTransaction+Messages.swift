// What messages, acknowledgements and forgetting do to the tables.

import PetrelBase
import PetrelMessaging
import PetrelServices

/// A member of a conversation, its row, and the newest entry of its feed.
private struct Member {
    var account: AccountID
    var row: MemberRow
    var newestFeed: FeedSequence
}

/// The conversation that a message goes to, as it is or as it will be made.
private struct Target {
    var id: ConversationID
    var row: ConversationRow
    var members: [Member]
    /// The key in `pair` if the conversation is new.
    var newPair: Key?
}

extension WriteTransaction {
    mutating func add(
        _ append: AppendMessage, _ admission: Admission
    ) throws(Verdict) -> StoreOutcome {
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

    private func target(of append: AppendMessage) throws(Verdict) -> Target {
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
            var members: [Member] = []
            for account in accounts {
                let row = MemberRow(delivered: .init(0), feed: .init(0))
                members.append(
                    Member(account: account, row: row, newestFeed: try newestFeed(account)))
            }
            let row = ConversationRow(last: .init(0), first: .init(1))
            return Target(id: ifNew, row: row, members: members, newPair: pair)
        }
    }

    private func existing(_ id: ConversationID) throws(Verdict) -> Target? {
        let key = Key.conversation(id)
        guard let row: ConversationRow = try find(key, in: .conversation) else { return nil }
        var members: [Member] = []
        for key in try list(.member, from: key, prefix: 8) {
            guard let row: MemberRow = try find(key, in: .member) else { continue }
            let account = AccountID(key.second)
            members.append(
                Member(account: account, row: row, newestFeed: try newestFeed(account)))
        }
        return Target(id: id, row: row, members: members, newPair: nil)
    }

    private func newestFeed(_ account: AccountID) throws(Verdict) -> FeedSequence {
        let row: NumberRow? = try find(.account(account), in: .feedHead)
        return FeedSequence(row?.number ?? 0)
    }

    private mutating func write(
        _ append: AppendMessage, in conversation: ConversationID, as sequence: ConversationSequence
    ) throws(Verdict) {
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

    /// Makes the change of a conversation the newest entry of a member's feed, the only one of that
    /// conversation, and writes the member's row.
    private mutating func step(
        _ member: Member, _ row: MemberRow, to conversation: ConversationID
    ) throws(Verdict) -> FeedStep {
        let feed = FeedSequence(member.newestFeed.number + 1)
        if row.feed.number > 0 {
            try delete(.feed(row.feed, of: member.account), in: .feed)
        }
        var row = row
        row.feed = feed
        try set(
            NumberRow(conversation.number), at: .feed(feed, of: member.account), in: .feed)
        try set(NumberRow(feed.number), at: .account(member.account), in: .feedHead)
        try set(row, at: .member(member.account, of: conversation), in: .member)
        return FeedStep(account: member.account, feed: feed, previous: member.newestFeed)
    }

    mutating func raise(
        _ acknowledge: AcknowledgeDelivery, report: (DamagedRecord) -> Void
    ) throws(Verdict) -> StoreOutcome {
        let account = acknowledge.account
        let deviceKey = Key.device(acknowledge.device, of: account)
        guard try has(deviceKey, in: .device) else { throw .refused(.notEnrolled) }
        let row: NumberRow? = try find(deviceKey, in: .watermark)
        // A cursor that this store never gave out says nothing.
        let newest = try newestFeed(account)
        if acknowledge.feed <= newest, acknowledge.feed.number > row?.number ?? 0 {
            try set(NumberRow(acknowledge.feed.number), at: deviceKey, in: .watermark)
        }
        var raised: [RaisedMark] = []
        for mark in acknowledge.delivered {
            do throws(Verdict) {
                if let mark = try raise(mark, of: account) { raised.append(mark) }
            } catch {
                guard case .store(let failure) = error, case .damaged(let record) = failure.kind
                else { throw error }
                report(record)
            }
        }
        return .acknowledged(raised)
    }

    private mutating func raise(
        _ mark: DeliveredMark, of account: AccountID
    ) throws(Verdict) -> RaisedMark? {
        let memberKey = Key.member(account, of: mark.conversation)
        // Most marks are no news; the cheap questions come first.
        guard let row: MemberRow = try find(memberKey, in: .member),
            mark.sequence > row.delivered,
            let target = try existing(mark.conversation), mark.sequence <= target.row.last
        else { return nil }
        var feeds: [FeedStep] = []
        for member in target.members {
            if member.account == account {
                var row = member.row
                row.delivered = mark.sequence
                try set(row, at: memberKey, in: .member)
            } else {
                feeds.append(try step(member, member.row, to: mark.conversation))
            }
        }
        return RaisedMark(
            conversation: mark.conversation, account: account, sequence: mark.sequence,
            feeds: feeds)
    }

    mutating func purge(before: WallTime, limit: Int) throws(Verdict) -> StoreOutcome {
        let limit = min(max(0, limit), StoreLimits.purgedRowsMax)
        let end = Key.deduplicated(from: before)
        for key in try list(.deduplicated, from: .number(0), prefix: 0, limit: limit) {
            guard key.bytes.lexicographicallyPrecedes(end.bytes) else { break }
            try delete(key, in: .deduplicated)
            try delete(key.deduplication, in: .deduplication)
        }
        return .done
    }
}
