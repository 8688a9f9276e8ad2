// Checking the tables that lead to others: orders, names, and what belongs to nobody.

import PetrelMessaging

extension RowReader where Self: ~Copyable {
    /// Counts open invitations by who made them; each is in the order of expiry.
    func verifyInvitations(_ verification: inout Verification) throws(Trouble) {
        try each(.invitation) { key throws(Trouble) in
            verification.report.invitations += 1
            let found: InvitationRow? = try examine(key, in: .invitation, &verification)
            guard let row = found else { return }
            verification.invitations[row.account, default: 0] += 1
            let digest = InlineWords4(
                key.number(at: 0), key.number(at: 8), key.number(at: 16), key.number(at: 24))
            guard try !has(.invited(digest, until: row.expires), in: .invited) else { return }
            verification.note(
                .index, "an invitation of account \(row.account.digits) never expires")
        }
        try each(.invited) { key throws(Trouble) in
            guard try !has(Key(Array(key.bytes.dropFirst(8))), in: .invitation) else { return }
            verification.note(.index, "an invitation is to expire that is not there")
        }
    }

    /// What waits for a time is there, and waits for that time.
    func verifyOrders(_ verification: inout Verification) throws(Trouble) {
        try each(.deduplicated) { key throws(Trouble) in
            guard try !has(key.deduplication, in: .deduplication) else { return }
            verification.note(
                .index,
                "an identifier of account \(hexadecimal(key.number(at: 8))) is to be forgotten, "
                    + "and is not there"
            )
        }
        try each(.expiry) { key throws(Trouble) in try verifyExpiry(key, &verification) }
        try each(.retention) { key throws(Trouble) in
            let id = ConversationID(key.number(at: 8))
            let row: ConversationRow? = try examine(
                .conversation(id), in: .conversation, &verification)
            if let row, row.retentionSeconds > 0, key == .retention(id, due: row.retentionDue) {
                return
            }
            verification.note(
                .index, "conversation \(id.digits) is looked after at a time that it does not know")
        }
        try each(.deleting) { key throws(Trouble) in
            let row: AccountRow? = try examine(key, in: .account, &verification)
            guard row?.isDeleted != true else { return }
            verification.note(
                .index,
                "account \(hexadecimal(key.number(at: 0))) leaves its groups, and is not deleted")
        }
    }

    /// A row in the order of expiry names a message that ends at that time.
    ///
    /// What was erased before, or went with the front of its conversation, keeps its row till then.
    private func verifyExpiry(_ key: Key, _ verification: inout Verification) throws(Trouble) {
        let id = ConversationID(key.number(at: 8))
        let place = ConversationSequence(key.number(at: 16))
        let head: ConversationRow? = try examine(
            .conversation(id), in: .conversation, &verification)
        if let head, place < head.first { return }
        let row: MessageRow? = try examine(.message(place, of: id), in: .message, &verification)
        switch row?.message.event {
        case .gone?: return
        case .message(let content)? where content.lifetimeSeconds > 0:
            let end = row?.message.time.adding(seconds: UInt64(content.lifetimeSeconds))
            if let end, key == .expiry(place, of: id, at: end) { return }
        default: break
        }
        verification.note(
            .index,
            "place \(place.number) of conversation \(id.digits) is to expire, and does not end then"
        )
    }

    /// What is found by another key than its own is what that key says.
    func verifyNames(_ verification: inout Verification) throws(Trouble) {
        try each(.handle) { key throws(Trouble) in
            let number: NumberRow? = try examine(key, in: .handle, &verification)
            guard let number = number?.number else { return }
            let row: AccountRow? = try examine(.number(number), in: .account, &verification)
            guard row.map({ Key.text($0.handle) }) != key else { return }
            verification.note(
                .index, "a handle leads to account \(hexadecimal(number)), which has another")
        }
        try each(.deviceKey) { key throws(Trouble) in
            let name: DeviceNameRow? = try examine(key, in: .deviceKey, &verification)
            guard let name else { return }
            let row: DeviceRow? = try examine(
                .device(name.device, of: name.account), in: .device, &verification)
            guard row.map({ Key.deviceKey($0.key) }) != key else { return }
            verification.note(
                .index,
                "a key leads to device \(name.device.number) of account \(name.account.digits), "
                    + "which has another")
        }
        try each(.pair) { key throws(Trouble) in
            let number: NumberRow? = try examine(key, in: .pair, &verification)
            guard let number else { return }
            let id = ConversationID(number.number)
            for account in [AccountID(key.number(at: 0)), AccountID(key.second)] {
                guard try !has(.member(account, of: id), in: .member) else { continue }
                verification.note(
                    .index,
                    "account \(account.digits) is led to conversation \(id.digits), "
                        + "which it is not in")
            }
        }
    }

    /// What belongs to no conversation, account, device or member.
    func verifyOrphans(_ verification: inout Verification) throws(Trouble) {
        let owners: [(TableName, of: TableName)] = [
            (.member, .conversation), (.message, .conversation), (.feed, .account),
            (.contact, .account), (.memberOf, .account), (.device, .account),
            (.accountHead, .account),
        ]
        for (table, owner) in owners {
            var known: UInt64?
            try each(table) { key throws(Trouble) in
                let number = key.number(at: 0)
                guard known != number else { return }
                known = number
                guard try !has(.number(number), in: owner) else { return }
                verification.note(
                    .index,
                    "\(table) has rows of \(owner) \(hexadecimal(number)), which is not there")
            }
        }
        try each(.watermark) { key throws(Trouble) in
            guard try !has(key, in: .device) else { return }
            verification.note(
                .index, "a cursor of account \(hexadecimal(key.number(at: 0))) is that of no device"
            )
        }
        try each(.hidden) { key throws(Trouble) in
            guard try !has(key, in: .member) else { return }
            verification.note(
                .index,
                "account \(hexadecimal(key.second)) hides places of conversation "
                    + "\(hexadecimal(key.number(at: 0))), which it was never in")
        }
        for table in [TableName.memberOf, .largeOf] {
            try each(table) { key throws(Trouble) in
                let account = AccountID(key.number(at: 0))
                let id = ConversationID(key.second)
                guard try !has(.member(account, of: id), in: .member) else { return }
                verification.note(
                    .membership,
                    "account \(account.digits) is listed in group \(id.digits), "
                        + "which it was never in"
                )
            }
        }
    }
}
