// Raising watermarks: what a device has synced, and what its account has received.

import PetrelMessaging

extension RowWriter where Self: ~Copyable {
    mutating func raise(
        _ acknowledge: AcknowledgeDelivery
    ) throws(Trouble) -> StoreOutcome {
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
            do throws(Trouble) {
                if let mark = try raise(mark, of: account) { raised.append(mark) }
            } catch {
                guard case .damaged(let row) = error else { throw error }
                report(row)
            }
        }
        return .acknowledged(raised)
    }

    private mutating func raise(
        _ mark: DeliveredMark, of account: AccountID
    ) throws(Trouble) -> RaisedMark? {
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
}
