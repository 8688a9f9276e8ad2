// Writing an event that was judged: place, deduplication, effects, and entries in feeds.

import PetrelBase
import PetrelMessaging

extension RowWriter where Self: ~Copyable {
    /// Gives the event its place, with all that it changes.
    mutating func commit(_ appending: Appending) throws(Trouble) -> AppendedMessage {
        var appending = appending
        try loadAudience(&appending)
        let erased = try loadErased(appending)
        let record = MessageRecord(
            conversation: appending.id, sequence: appending.sequence,
            sender: appending.append.account, senderDevice: appending.append.device,
            senderHandle: "", clientMessageID: appending.append.clientMessageID,
            time: appending.append.time, event: appending.event)
        noteDelivered(to: appending.append.account, &appending)
        appending.row.last = record.sequence
        appending.row.byteCount += appending.byteCount

        // From here on everything is written.
        try write(record, appending)
        for row in appending.rewritten {
            let key = Key.message(row.message.sequence, of: appending.id)
            try set(row, at: key, in: .message)
        }
        for (account, head) in erased where appending.index(of: account) == nil {
            try set(head, at: .account(account), in: .accountHead)
        }
        let feeds = try writeMembers(&appending)
        try write(appending.row, of: appending.id, renewing: appending.event, at: record.time)
        let audience = AppendedMessage.Audience(
            isLarge: appending.row.isLarge, membersCount: Int(appending.row.membersCount),
            joined: appending.joined, departed: appending.departed, heir: appending.heir)
        return AppendedMessage(
            record: record, isDuplicate: false, feeds: feeds, peer: appending.peer,
            group: appending.row.isGroup ? audience : nil)
    }

    /// Reads the members who get an entry besides those that the event changes.
    ///
    /// In a small group these are all; in a large one whom it mentions.
    private func loadAudience(_ appending: inout Appending) throws(Trouble) {
        guard appending.row.isGroup, !appending.hasAllMembers else { return }
        guard appending.row.isLarge else { return try loadMembers(&appending) }
        guard case .message(let content) = appending.event else { return }
        for account in content.mentions { try loadMember(account, &appending) }
    }

    /// Reads all present members, who all get an entry.
    func loadMembers(_ appending: inout Appending) throws(Trouble) {
        let prefix = Key.conversation(appending.id)
        for key in try list(.member, from: prefix, prefix: 8, limit: .max) {
            try loadMember(AccountID(key.second), &appending)
        }
        appending.hasAllMembers = true
    }

    /// Reads a member, unless it is there already; it gets an entry if it is a present one.
    func loadMember(_ account: AccountID, _ appending: inout Appending) throws(Trouble) {
        if let i = appending.index(of: account) {
            if appending.members[i].row.standing == .member { appending.told.insert(account) }
            return
        }
        let row: MemberRow? = try find(.member(account, of: appending.id), in: .member)
        #if PETREL_PLANTED
            if PlantedBug.formerMemberTold.isActive, let row {
                return appending.put(MemberState(account, row, head: try accountHead(account)))
            }
        #endif
        guard let row, row.standing == .member else { return }
        appending.put(MemberState(account, row, head: try accountHead(account)))
    }

    /// Takes what is erased from what its senders have stored; others' heads are returned.
    private func loadErased(
        _ appending: Appending
    ) throws(Trouble) -> [(account: AccountID, head: AccountHeadRow)] {
        var heads: [(account: AccountID, head: AccountHeadRow)] = []
        for (account, bytes) in appending.erased where bytes > 0 {
            var head = try accountHead(account)
            head.bytesUsed -= min(bytes, head.bytesUsed)
            heads.append((account, head))
        }
        return heads
    }

    /// The sender has its own event; what it has not received before stays a gap.
    private func noteDelivered(to account: AccountID, _ appending: inout Appending) {
        let sequence = appending.sequence
        guard let i = appending.index(of: account),
            appending.members[i].row.delivered.number + 1 == sequence.number
        else { return }
        appending.members[i].row.delivered = sequence
    }

    private mutating func write(
        _ record: MessageRecord, _ appending: Appending
    ) throws(Trouble) {
        let (id, sequence) = (appending.id, record.sequence)
        var message = MessageRow(record)
        message.edit = appending.previousEdit
        try set(message, at: .message(sequence, of: id), in: .message)
        if let pair = appending.newPair { try set(NumberRow(id.number), at: pair, in: .pair) }
        if case .message(let content) = record.event, content.lifetimeSeconds > 0 {
            let end = record.time.adding(seconds: UInt64(content.lifetimeSeconds))
            try set(EmptyRow(), at: .expiry(sequence, of: id, at: end), in: .expiry)
        }
        // Events that the server itself makes are never repeated by anybody.
        guard appending.append.device.number > 0 else { return }
        let row = DeduplicationRow(
            conversation: id, sequence: sequence, digest: appending.append.digest,
            time: record.time)
        let (account, name) = (record.sender, record.clientMessageID)
        try set(row, at: .deduplication(name, of: account), in: .deduplication)
        let order = Key.deduplicated(name, of: account, at: record.time)
        try set(EmptyRow(), at: order, in: .deduplicated)
    }

    /// Writes the members that were read, with entries for those who are told.
    private mutating func writeMembers(
        _ appending: inout Appending
    ) throws(Trouble) -> [FeedStep] {
        var feeds: [FeedStep] = []
        for i in appending.members.indices {
            var member = appending.members[i]
            if member.account == appending.append.account {
                member.head.bytesUsed += appending.byteCount
            }
            for (account, bytes) in appending.erased where account == member.account {
                member.head.bytesUsed -= min(bytes, member.head.bytesUsed)
            }
            if appending.told.contains(member.account) {
                let step = try step(
                    .conversation(appending.id), of: member.account, replacing: member.row.feed,
                    head: &member.head)
                member.row.feed = step.feed
                feeds.append(step)
            } else {
                try set(member.head, at: .account(member.account), in: .accountHead)
            }
            try set(
                member.row, at: .member(member.account, of: appending.id), in: .member)
        }
        try writeMemberships(appending)
        return feeds
    }

    /// Writes which groups the accounts are in that came, went, or whose group became large.
    private mutating func writeMemberships(_ appending: Appending) throws(Trouble) {
        let id = appending.id
        for account in appending.departed {
            try delete(.group(id, of: account), in: .memberOf)
            try delete(.group(id, of: account), in: .largeOf)
        }
        guard !appending.joined.isEmpty else { return }
        for account in appending.joined {
            try set(EmptyRow(), at: .group(id, of: account), in: .memberOf)
            if appending.row.isLarge {
                try set(EmptyRow(), at: .group(id, of: account), in: .largeOf)
            }
        }
    }

    /// Writes a conversation, and when its retention is looked after if that changed.
    mutating func write(
        _ row: ConversationRow, of id: ConversationID, renewing event: ConversationEvent? = nil,
        at time: WallTime
    ) throws(Trouble) {
        var row = row
        if case .retention(let seconds)? = event {
            try delete(.retention(id, due: row.retentionDue), in: .retention)
            row.retentionDue = time
            if seconds > 0 {
                try set(EmptyRow(), at: .retention(id, due: time), in: .retention)
            }
        }
        try set(row, at: .conversation(id), in: .conversation)
    }
}
