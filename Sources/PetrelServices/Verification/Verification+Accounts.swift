// Checking an account: its feed, its devices, its relations, and what is counted of it.

import PetrelMessaging

extension RowReader where Self: ~Copyable {
    func verify(account id: AccountID, _ verification: inout Verification) throws(Trouble) {
        let found: AccountRow? = try examine(.account(id), in: .account, &verification)
        guard let row = found else { return }
        let owner: NumberRow? = try examine(.text(row.handle), in: .handle, &verification)
        if owner?.number != id.number {
            verification.note(
                .index, "the handle \(row.handle) does not lead to account \(id.digits)")
        }
        if !row.isDeleted { verification.report.accounts += 1 }
        let head: AccountHeadRow? = try examine(.account(id), in: .accountHead, &verification)
        try verifyDevices(of: id, row, newest: head?.feed ?? .init(0), &verification)
        try verify(entry: row.feed, of: .account, in: id, &verification)
        try verifyFeed(of: id, newest: head?.feed ?? .init(0), &verification)
        let contacts = try verifyContacts(of: id, &verification)
        try verifyCounts(of: id, row, head ?? AccountHeadRow(), contacts, &verification)
    }

    private func verifyDevices(
        of id: AccountID, _ account: AccountRow, newest: FeedSequence,
        _ verification: inout Verification
    ) throws(Trouble) {
        var count = 0
        try each(.device, from: .account(id), prefix: 8) { key throws(Trouble) in
            let found: DeviceRow? = try examine(key, in: .device, &verification)
            guard let row = found else { return }
            let who = "device \(key.device.number) of account \(id.digits)"
            count += row.isRevoked ? 0 : 1
            if account.isDeleted, !row.isRevoked {
                verification.note(.relation, "\(who), which is deleted, is not shut out")
            }
            if key.device > account.lastDevice {
                verification.note(
                    .count, "\(who) is beyond the last one, \(account.lastDevice.number)")
            }
            let name: DeviceNameRow? = try examine(
                .deviceKey(row.key), in: .deviceKey, &verification)
            if name?.account != id || name?.device != key.device {
                verification.note(.index, "the key of \(who) leads elsewhere")
            }
            let mark: NumberRow? = try examine(key, in: .watermark, &verification)
            if mark?.number ?? 0 > newest.number {
                verification.note(.mark, "\(who) is beyond the newest entry of its feed")
            }
        }
        verification.report.devices += count
        if count > MessagingLimits.devicesMax {
            verification.note(
                .count,
                "account \(id.digits) has \(count) devices, \(MessagingLimits.devicesMax) allowed")
        }
    }

    /// Every entry is the newest of its subject; the subjects' own checks look for their entries.
    private func verifyFeed(
        of id: AccountID, newest: FeedSequence, _ verification: inout Verification
    ) throws(Trouble) {
        try each(.feed, from: .account(id), prefix: 8) { key throws(Trouble) in
            verification.report.feedEntries += 1
            let found: FeedRow? = try examine(key, in: .feed, &verification)
            guard let row = found else { return }
            let entry = try entry(of: row.subject, in: id, &verification)
            guard entry?.number != key.second || key.second > newest.number else { return }
            verification.note(
                .feed,
                "entry \(key.second) of the feed of account \(id.digits) is not that of its "
                    + "subject (\(entry?.number ?? 0), newest \(newest.number))")
        }
    }

    /// The entry that a subject says it has in an account's feed.
    private func entry(
        of subject: FeedSubject, in account: AccountID, _ verification: inout Verification
    ) throws(Trouble) -> FeedSequence? {
        switch subject {
        case .conversation(let id):
            let row: MemberRow? = try examine(
                .member(account, of: id), in: .member, &verification)
            return row?.feed
        case .contact(let peer):
            let row: ContactRow? = try examine(
                .contact(peer, of: account), in: .contact, &verification)
            return row?.feed
        case .account:
            let row: AccountRow? = try examine(.account(account), in: .account, &verification)
            return row?.feed
        }
    }

    /// Checks the relations of an account; returns how many count.
    private func verifyContacts(
        of id: AccountID, _ verification: inout Verification
    ) throws(Trouble) -> Int {
        var count = 0
        try each(.contact, from: .account(id), prefix: 8) { key throws(Trouble) in
            let peer = AccountID(key.second)
            let found: ContactRow? = try examine(key, in: .contact, &verification)
            guard let row = found else { return }
            count += row.relation.exists ? 1 : 0
            // A side that only the other has made says nothing, and makes no entry.
            if row.feed.number > 0 || row.relation.exists {
                try verify(entry: row.feed, of: .contact(peer), in: id, &verification)
            }
            try verify(row, of: id, to: peer, &verification)
        }
        return count
    }

    private func verifyCounts(
        of id: AccountID, _ row: AccountRow, _ head: AccountHeadRow, _ contacts: Int,
        _ verification: inout Verification
    ) throws(Trouble) {
        let groups = try count(.memberOf, from: .account(id), prefix: 8)
        let counts: [(String, UInt64, UInt64)] = [
            ("bytes stored", head.bytesUsed, verification.bytes[id] ?? 0),
            ("groups", UInt64(head.groupsCount), UInt64(groups)),
            ("relations", UInt64(head.contactsCount), UInt64(contacts)),
            (
                "invitations", UInt64(head.invitationsCount),
                UInt64(verification.invitations[id] ?? 0)
            ),
        ]
        for (what, counted, found) in counts where counted != found {
            verification.note(
                .count, "account \(id.digits) counts \(counted) \(what) and has \(found)")
        }
        if row.isDeleted, groups > 0, try !has(.account(id), in: .deleting) {
            verification.note(
                .membership, "account \(id.digits) is deleted, and never leaves its groups")
        }
    }

    /// What two accounts say of each other.
    private func verify(
        _ row: ContactRow, of account: AccountID, to peer: AccountID,
        _ verification: inout Verification
    ) throws(Trouble) {
        let other: ContactRow? = try examine(
            .contact(account, of: peer), in: .contact, &verification)
        let person: AccountRow? = try examine(.account(peer), in: .account, &verification)
        let isGone = person?.isDeleted ?? true
        let isSound =
            switch row.state {
            case .contact: other?.state == .contact && !isGone
            case .asked: other?.state == .requested && !isGone
            // Who was declined or blocked is not told.
            case .requested: other?.state != .contact && !isGone
            case .none: other?.state != .contact && other?.state != .asked
            case .gone: isGone
            }
        guard !isSound else { return }
        verification.note(
            .relation,
            "account \(account.digits) says \(row.state) of \(peer.digits), which "
                + (isGone ? "is gone" : "says \(other?.state ?? Contact.State.none)"))
    }
}
