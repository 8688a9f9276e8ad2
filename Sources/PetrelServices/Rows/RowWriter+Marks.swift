// Raising watermarks: what a device has synced, and what its account has received and read.

import PetrelMessaging

extension RowWriter where Self: ~Copyable {
    mutating func raise(
        _ acknowledge: AcknowledgeDelivery
    ) throws(Trouble) -> StoreOutcome {
        let account = acknowledge.account
        try requireDevice(acknowledge.device, of: account)
        let deviceKey = Key.device(acknowledge.device, of: account)
        let row: NumberRow? = try find(deviceKey, in: .watermark)
        // A cursor that this store never gave out says nothing.
        let newest = try newestFeed(account)
        if acknowledge.feed <= newest, acknowledge.feed.number > row?.number ?? 0 {
            try set(NumberRow(acknowledge.feed.number), at: deviceKey, in: .watermark)
        }
        var raised: [RaisedMark] = []
        // What was read was received; one of both is told with the other.
        for mark in acknowledge.read {
            try raise(mark, of: account, isRead: true, into: &raised)
        }
        for mark in acknowledge.delivered {
            try raise(mark, of: account, isRead: false, into: &raised)
        }
        return .acknowledged(raised)
    }

    /// Raises one mark; a damaged row in its way concerns no other mark.
    private mutating func raise(
        _ mark: DeliveredMark, of account: AccountID, isRead: Bool, into raised: inout [RaisedMark]
    ) throws(Trouble) {
        do throws(Trouble) {
            if let news = try raise(mark, of: account, isRead: isRead) { raised.append(news) }
        } catch {
            guard case .damaged(let row) = error else { throw error }
            report(row)
        }
    }

    private mutating func raise(
        _ mark: DeliveredMark, of account: AccountID, isRead: Bool
    ) throws(Trouble) -> RaisedMark? {
        let id = mark.conversation
        // Most marks are no news; the cheap questions come first.
        guard let own: MemberRow = try find(.member(account, of: id), in: .member),
            mark.sequence > (isRead ? own.read : own.delivered),
            let row: ConversationRow = try find(.conversation(id), in: .conversation),
            mark.sequence <= (own.until.number > 0 ? own.until : row.last)
        else { return nil }
        var member = MemberState(account, own, head: try accountHead(account))
        let isReceived = mark.sequence > own.delivered
        if isReceived { member.row.delivered = mark.sequence }
        if isRead { member.row.read = mark.sequence }
        var news = RaisedMark(
            conversation: id, account: account, delivered: isReceived ? mark.sequence : nil,
            read: isRead ? mark.sequence : nil, feeds: [])
        if row.isGroup {
            try raise(&member, row, &news)
        } else {
            try raise(&member, &news)
        }
        return news.feeds.isEmpty && news.group == nil ? nil : news
    }

    /// In a 1:1 conversation the other is told, as far as the reader allows it.
    private mutating func raise(
        _ member: inout MemberState, _ news: inout RaisedMark
    ) throws(Trouble) {
        let id = news.conversation
        let isReadRaised = news.read != nil
        var other: MemberState?
        for key in try list(.member, from: .conversation(id), prefix: 8, limit: 2) {
            let account = AccountID(key.second)
            guard account != member.account, let row: MemberRow = try find(key, in: .member)
            else { continue }
            other = MemberState(account, row, head: try accountHead(account))
        }
        if news.read != nil {
            let isTold = try other.map { other throws(Trouble) in
                try showsReading(member.account, to: other.account)
            }
            if isTold != true { news.read = nil }
        }
        try write(&member, isReadRaised: isReadRaised, &news)
        guard var other, news.delivered != nil || news.read != nil else { return }
        let step = try step(
            .conversation(id), of: other.account, replacing: other.row.feed, head: &other.head)
        other.row.feed = step.feed
        try set(other.row, at: .member(other.account, of: id), in: .member)
        news.feeds.append(step)
    }

    /// In a group nobody gets an entry but the reader; members who are here are told.
    private mutating func raise(
        _ member: inout MemberState, _ row: ConversationRow, _ news: inout RaisedMark
    ) throws(Trouble) {
        var row = row
        let isReadRaised = news.read != nil
        let isTold =
            Int(row.membersCount) <= MessagingLimits.receiptsGroupMembersMax
            && member.row.standing == .member
        var isNews = false
        if isTold, let place = news.delivered, row.delivered.raise(member.account, to: place) {
            isNews = true
        } else {
            news.delivered = nil
        }
        let reader: AccountRow? = try find(.account(member.account), in: .account)
        if isTold, let place = news.read, reader?.privacy.receipts != Audience.nobody {
            isNews = true
            _ = row.read.raise(member.account, to: place)
        } else {
            news.read = nil
        }
        try write(&member, isReadRaised: isReadRaised, &news)
        guard isNews else { return }
        try set(row, at: .conversation(news.conversation), in: .conversation)
        news.group = AppendedMessage.Audience(
            isLarge: row.isLarge, membersCount: Int(row.membersCount))
    }

    /// Writes the marks of a member; what it has read is news for its own devices.
    private mutating func write(
        _ member: inout MemberState, isReadRaised: Bool, _ news: inout RaisedMark
    ) throws(Trouble) {
        let id = news.conversation
        if isReadRaised {
            let step = try step(
                .conversation(id), of: member.account, replacing: member.row.feed,
                head: &member.head)
            member.row.feed = step.feed
            news.feeds.append(step)
        }
        try set(member.row, at: .member(member.account, of: id), in: .member)
    }
}

extension RowReader where Self: ~Copyable {
    /// Whether an account lets another see what it has read.
    func showsReading(
        _ account: AccountID, to viewer: AccountID
    ) throws(Trouble) -> Bool {
        let row: AccountRow? = try find(.account(account), in: .account)
        guard let privacy = row?.privacy else { return false }
        let own: ContactRow? = try find(.contact(viewer, of: account), in: .contact)
        let theirs: ContactRow? = try find(.contact(account, of: viewer), in: .contact)
        return Authority.maySee(
            privacy.receipts, isContact: own?.state == .contact,
            isBlocked: own?.isBlocked == true || theirs?.isBlocked == true)
    }
}
