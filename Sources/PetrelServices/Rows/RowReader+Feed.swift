// What is read of feeds and of conversations' heads.

public import PetrelMessaging

extension RowReader where Self: ~Copyable {
    /// Returns the newest entry of an account's feed; 0 if there is none.
    public func newestFeed(_ account: AccountID) throws(Trouble) -> FeedSequence {
        let row: NumberRow? = try find(.account(account), in: .feedHead)
        return FeedSequence(row?.number ?? 0)
    }

    /// Returns entries of an account's feed after a cursor, oldest first, `limit` at most.
    public func feed(
        _ account: AccountID, after cursor: FeedSequence, limit: Int
    ) throws(Trouble) -> FeedSlice {
        let newest = try newestFeed(account)
        guard cursor < newest else {
            return FeedSlice(entries: [], newest: newest, remaining: 0)
        }
        let start = Key.feed(.init(cursor.number + 1), of: account)
        let (entries, rest) = try collect(
            .feed, from: start, prefix: 8, limit: limit
        ) { key throws(Trouble) -> FeedSlice.Entry? in
            guard let row: NumberRow = try find(key, in: .feed),
                let conversation = try conversation(.init(row.number))
            else { return nil }
            return .init(feed: .init(key.second), conversation: conversation)
        }
        let remaining = try count(.feed, from: rest, prefix: 8)
        return FeedSlice(entries: entries, newest: newest, remaining: remaining)
    }

    /// Returns a conversation's members and head.
    public func conversation(_ id: ConversationID) throws(Trouble) -> ConversationRecord? {
        let key = Key.conversation(id)
        guard let row: ConversationRow = try find(key, in: .conversation) else { return nil }
        var conversation = ConversationRecord(
            id: id, last: row.last, first: row.first, members: [])
        for key in try list(.member, from: key, prefix: 8, limit: .max) {
            guard let row: MemberRow = try find(key, in: .member) else { continue }
            conversation.members.append(
                .init(account: .init(key.second), delivered: row.delivered))
        }
        return conversation
    }
}
