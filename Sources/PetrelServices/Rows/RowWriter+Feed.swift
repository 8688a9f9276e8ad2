// A conversation to be changed, and the entries that its change makes in the feeds of its members.

import PetrelMessaging

/// A member of a conversation, its row, and the newest entry of its feed.
struct MemberState {
    var account: AccountID
    var row: MemberRow
    var newestFeed: FeedSequence
}

/// The conversation that a message goes to, as it is or as it will be made.
struct ConversationState {
    var id: ConversationID
    var row: ConversationRow
    var members: [MemberState]
    /// The key in `pair` if the conversation is new.
    var newPair: Key?
}

extension RowWriter where Self: ~Copyable {
    /// Returns a conversation that exists, with all that a change of it needs.
    func existing(_ id: ConversationID) throws(Trouble) -> ConversationState? {
        let key = Key.conversation(id)
        guard let row: ConversationRow = try find(key, in: .conversation) else { return nil }
        var members: [MemberState] = []
        for key in try list(.member, from: key, prefix: 8, limit: .max) {
            guard let row: MemberRow = try find(key, in: .member) else { continue }
            let account = AccountID(key.second)
            members.append(
                MemberState(account: account, row: row, newestFeed: try newestFeed(account)))
        }
        return ConversationState(id: id, row: row, members: members, newPair: nil)
    }

    /// Makes the change of a conversation the newest entry of a member's feed, the only one of that
    /// conversation, and writes the member's row.
    mutating func step(
        _ member: MemberState, _ row: MemberRow, to conversation: ConversationID
    ) throws(Trouble) -> FeedStep {
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
}
