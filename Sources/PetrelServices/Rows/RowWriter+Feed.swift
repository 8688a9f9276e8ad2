// New entries in feeds: of each subject only the newest is kept.

import PetrelMessaging

extension RowWriter where Self: ~Copyable {
    /// Makes the change of a subject the newest entry of an account's feed, in place of `old`, the
    /// entry of the same subject so far; 0 for none.
    ///
    /// The caller keeps the new entry's number in the row of the subject. It has read the account's
    /// head before its first change, so that a damaged one is met while nothing is changed yet.
    mutating func step(
        _ subject: FeedSubject, of account: AccountID, replacing old: FeedSequence
    ) throws(Trouble) -> FeedStep {
        var head = try accountHead(account)
        return try step(subject, of: account, replacing: old, head: &head)
    }

    /// The same with the account's head at hand; writes it with whatever else changed in it.
    mutating func step(
        _ subject: FeedSubject, of account: AccountID, replacing old: FeedSequence,
        head: inout AccountHeadRow
    ) throws(Trouble) -> FeedStep {
        if old.number > 0 { try delete(.feed(old, of: account), in: .feed) }
        let previous = head.feed
        head.feed = FeedSequence(previous.number + 1)
        try set(FeedRow(subject), at: .feed(head.feed, of: account), in: .feed)
        try set(head, at: .account(account), in: .accountHead)
        return FeedStep(account: account, feed: head.feed, previous: previous)
    }
}
