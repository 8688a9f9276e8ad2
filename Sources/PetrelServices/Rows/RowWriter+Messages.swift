// How an event gets its place: at most once, as far as it is allowed, and told to whom it concerns.

import PetrelBase
import PetrelMessaging

extension RowWriter where Self: ~Copyable {
    mutating func add(
        _ append: AppendMessage, _ admission: Admission
    ) throws(Trouble) -> StoreOutcome {
        try requireDevice(append.device, of: append.account)
        let name = Key.deduplication(append.clientMessageID, of: append.account)
        if let row: DeduplicationRow = try find(name, in: .deduplication) {
            guard row.digest == append.digest else {
                throw .refused(Refused(.identifierConflict))
            }
            return .appended(try repetition(of: append, row))
        }
        var appending = try begin(append)
        try judge(&appending)
        try judgeRoom(appending)
        guard admission == .all else { throw .full }
        return .appended(try commit(appending))
    }

    /// Refuses what a device asks that is none of the account's, or was shut out.
    func requireDevice(_ device: DeviceID, of account: AccountID) throws(Trouble) {
        guard let row: DeviceRow = try find(.device(device, of: account), in: .device) else {
            throw .refused(Refused(.notEnrolled))
        }
        #if PETREL_PLANTED
            if PlantedBug.revokedActs.isActive { return }
        #endif
        guard !row.isRevoked else { throw .refused(Refused(.deviceRevoked)) }
    }

    private func repetition(
        of append: AppendMessage, _ row: DeduplicationRow
    ) throws(Trouble) -> AppendedMessage {
        let record = MessageRecord(
            conversation: row.conversation, sequence: row.sequence, sender: append.account,
            senderDevice: append.device, senderHandle: "",
            clientMessageID: append.clientMessageID, time: row.time, event: append.event)
        return AppendedMessage(
            record: record, isDuplicate: true, feeds: [],
            peer: try peer(in: row.conversation, of: append.account))
    }

    /// Looks up where the event goes, and how its sender stands to it.
    private func begin(_ append: AppendMessage) throws(Trouble) -> Appending {
        switch append.target {
        case .conversation(let id):
            guard let row: ConversationRow = try find(.conversation(id), in: .conversation) else {
                throw .refused(Refused(.unknownConversation))
            }
            return try row.isGroup ? beginInGroup(append, id, row) : beginInPair(append, id, row)
        case .peer(let peer, let ifNew):
            guard let account: AccountRow = try find(.account(peer), in: .account),
                !account.isDeleted
            else { throw .refused(Refused(.unknownRecipient)) }
            let pair = Key.pair(append.account, peer)
            if let number: NumberRow = try find(pair, in: .pair) {
                let id = ConversationID(number.number)
                if let row: ConversationRow = try find(.conversation(id), in: .conversation) {
                    return try beginInPair(append, id, row)
                }
            }
            return try beginPair(append, with: peer, account, ifNew, pair)
        case .newGroup(let id):
            // The identifier was drawn at random; whoever asks again draws another one.
            guard try !has(.conversation(id), in: .conversation) else {
                throw .refused(Refused(.busy))
            }
            guard case .created = append.event else { throw .refused(Refused(.malformed)) }
            var row = ConversationRow()
            row.isGroup = true
            return Appending(append, in: id, row, relation: .none)
        }
    }

    /// Prepares a 1:1 conversation that does not exist yet.
    private func beginPair(
        _ append: AppendMessage, with peer: AccountID, _ account: AccountRow,
        _ ifNew: ConversationID, _ pair: Key
    ) throws(Trouble) -> Appending {
        guard try !has(.conversation(ifNew), in: .conversation) else {
            throw .refused(Refused(.busy))
        }
        let relation = try relation(of: append.account, to: peer, account, ConversationRow())
        var appending = Appending(
            append, in: ifNew, ConversationRow(), relation: .peer(relation))
        appending.newPair = pair
        appending.peer = Person(account: peer, handle: account.handle)
        // Notes to oneself are a conversation with one member.
        for account in append.account == peer ? [peer] : [append.account, peer] {
            appending.put(MemberState(account, MemberRow(), head: try accountHead(account)))
        }
        return appending
    }

    private func beginInPair(
        _ append: AppendMessage, _ id: ConversationID, _ row: ConversationRow
    ) throws(Trouble) -> Appending {
        var appending = Appending(append, in: id, row, relation: .none)
        var other: AccountID?
        for key in try list(.member, from: .conversation(id), prefix: 8, limit: 2) {
            guard let row: MemberRow = try find(key, in: .member) else { continue }
            let account = AccountID(key.second)
            appending.put(MemberState(account, row, head: try accountHead(account)))
            if account != append.account { other = account }
        }
        guard appending.index(of: append.account) != nil else {
            throw .refused(Refused(.unknownConversation))
        }
        let peer = other ?? append.account
        let account: AccountRow? = try find(.account(peer), in: .account)
        appending.relation = .peer(try relation(of: append.account, to: peer, account, row))
        appending.peer = Person(account: peer, handle: account?.handle ?? "")
        return appending
    }

    private func relation(
        of account: AccountID, to peer: AccountID, _ row: AccountRow?,
        _ conversation: ConversationRow
    ) throws(Trouble) -> Authority.Peer {
        var relation = Authority.Peer()
        guard account != peer else {
            relation.isSelf = true
            return relation
        }
        let theirs: ContactRow? = try find(.contact(account, of: peer), in: .contact)
        let own: ContactRow? = try find(.contact(peer, of: account), in: .contact)
        relation.isGone = row?.isDeleted ?? true
        relation.isBlocked = theirs?.isBlocked ?? false
        relation.blocks = own?.isBlocked ?? false
        let isFirst = conversation.initiator.number == 0 || conversation.initiator == account
        relation.isAccepted = !isFirst || conversation.isAnswered || theirs?.state == .contact
        relation.sentCount = isFirst ? Int(conversation.unansweredCount) : 0
        return relation
    }

    private func beginInGroup(
        _ append: AppendMessage, _ id: ConversationID, _ row: ConversationRow
    ) throws(Trouble) -> Appending {
        var member = Authority.Member(standing: nil)
        member.isOpen = row.isOpen && !row.isDissolved
        #if PETREL_PLANTED
            if PlantedBug.dissolvedJoined.isActive { member.isOpen = row.isOpen }
        #endif
        var appending = Appending(append, in: id, row, relation: .none)
        let key = Key.member(append.account, of: id)
        if let own: MemberRow = try find(key, in: .member) {
            member.standing = row.isDissolved && own.standing == .member ? .dissolved : own.standing
            member.role = own.role
            member.mutedFor = max(.zero, own.silencedUntil - append.time)
            appending.members.append(
                MemberState(append.account, own, head: try accountHead(append.account)))
        }
        appending.relation = .group(member)
        return appending
    }

    /// Refuses what there is no room for, whoever asks.
    private func judgeRoom(_ appending: Appending) throws(Trouble) {
        guard appending.row.last.number < limits.conversationEventsMax else {
            throw .refused(Refused(.conversationFull, limit: limits.conversationEventsMax))
        }
        #if PETREL_PLANTED
            if PlantedBug.quotaIgnored.isActive { return }
        #endif
        guard appending.byteCount > 0 else { return }
        let head = appending.index(of: appending.append.account).map { appending.members[$0].head }
        guard (head?.bytesUsed ?? 0) + appending.byteCount <= limits.accountBytesMax else {
            throw .refused(Refused(.quotaExceeded, limit: limits.accountBytesMax))
        }
    }
}

extension WallTime {
    /// How long after `other` this is.
    static func - (a: WallTime, other: WallTime) -> Interval {
        let (difference, isOverflown) = a.milliseconds.subtractingReportingOverflow(
            other.milliseconds)
        return isOverflown ? .infinite : .milliseconds(difference)
    }

    /// The moment so many seconds later; the last one there is, if that is beyond it.
    func adding(seconds: UInt64) -> WallTime {
        let (product, isLarge) = Int64(clamping: seconds).multipliedReportingOverflow(by: 1_000)
        let (sum, isLarger) = milliseconds.addingReportingOverflow(isLarge ? .max : product)
        return WallTime(milliseconds: isLarger ? .max : sum)
    }
}
