// What is read of feeds: what changed for an account, as it is now.

public import PetrelMessaging

extension RowReader where Self: ~Copyable {
    /// Returns what changes often of an account; zeros if nothing did yet.
    func accountHead(_ account: AccountID) throws(Trouble) -> AccountHeadRow {
        try find(.account(account), in: .accountHead) ?? AccountHeadRow()
    }

    /// Returns the newest entry of an account's feed; 0 if there is none.
    public func newestFeed(_ account: AccountID) throws(Trouble) -> FeedSequence {
        try accountHead(account).feed
    }

    /// Returns what changed for an account after a cursor, oldest first, `limit` items at most.
    ///
    /// Entries whose subjects cannot be read are passed over.
    public func changes(
        of account: AccountID, after cursor: FeedSequence, limit: Int
    ) throws(Trouble) -> FeedSlice {
        let newest = try newestFeed(account)
        guard cursor < newest else { return FeedSlice(items: [], newest: newest, remaining: 0) }
        let start = Key.feed(.init(cursor.number + 1), of: account)
        let (items, rest) = try collect(
            .feed, from: start, prefix: 8, limit: limit
        ) { key throws(Trouble) -> SyncItem? in
            guard let row: FeedRow = try find(key, in: .feed),
                let kind = try kind(of: row.subject, for: account)
            else { return nil }
            return SyncItem(feed: .init(key.second), kind: kind)
        }
        let remaining = try count(.feed, from: rest, prefix: 8)
        return FeedSlice(items: items, newest: newest, remaining: remaining)
    }

    /// Returns a subject of an account's feed as it is now; `nil` if there is none.
    ///
    /// Its entry is the newest that it has; 0 if it has none.
    public func item(
        _ subject: FeedSubject, of account: AccountID
    ) throws(Trouble) -> SyncItem? {
        let feed: FeedSequence?
        switch subject {
        case .conversation(let id):
            let row: MemberRow? = try find(.member(account, of: id), in: .member)
            feed = row?.feed
        case .contact(let peer):
            let row: ContactRow? = try find(.contact(peer, of: account), in: .contact)
            feed = row?.feed
        case .account:
            let row: AccountRow? = try find(.account(account), in: .account)
            feed = row?.feed
        }
        guard let feed, let kind = try kind(of: subject, for: account) else { return nil }
        return SyncItem(feed: feed, kind: kind)
    }

    private func kind(
        of subject: FeedSubject, for account: AccountID
    ) throws(Trouble) -> SyncItem.Kind? {
        switch subject {
        case .conversation(let id):
            return try head(of: id, for: account).map { .conversation($0) }
        case .contact(let peer): return try contact(peer, of: account).map { .contact($0) }
        case .account: return try accountState(account).map { .account($0) }
        }
    }
}
