// Checking an account: its feed, its devices, its relations, and what is counted of it.

import PetrelMessaging

extension RowReader where Self: ~Copyable {
    func verify(account id: AccountID, _ verification: inout Verification) throws(Trouble) {
        guard let row: AccountRow = try find(.account(id), in: .account) else {
            return verification.report.note(.damaged, "account \(id.number) cannot be read")
        }
        let owner: NumberRow? = try find(.text(row.handle), in: .handle)
        if owner?.number != id.number {
            verification.report.note(
                .index, "the handle \(row.handle) does not lead to account \(id.number)")
        }
        if !row.isDeleted { verification.report.accounts += 1 }
        try verifyDevices(of: id, row, &verification)
        try verifyFeed(of: id, &verification)
        try verifyCounts(of: id, &verification)
    }

    private func verifyDevices(
        of id: AccountID, _ account: AccountRow, _ verification: inout Verification
    ) throws(Trouble) {
        let newest = try newestFeed(id)
        try each(.device, from: .account(id), prefix: 8) { key throws(Trouble) in
            guard let row: DeviceRow = try find(key, in: .device) else {
                return verification.report.note(
                    .damaged, "a device of account \(id.number) cannot be read")
            }
            if !row.isRevoked { verification.report.devices += 1 }
            if account.isDeleted, !row.isRevoked {
                verification.report.note(
                    .relation, "a device of the deleted account \(id.number) is not shut out")
            }
            let name: DeviceNameRow? = try find(.deviceKey(row.key), in: .deviceKey)
            if name?.account != id {
                verification.report.note(
                    .index, "the key of a device of account \(id.number) leads elsewhere")
            }
            let mark: NumberRow? = try find(key, in: .watermark)
            if mark?.number ?? 0 > newest.number {
                verification.report.note(
                    .mark, "a device of account \(id.number) is beyond its feed")
            }
        }
    }

    /// Every entry is the newest of its subject, and every subject knows its entry.
    private func verifyFeed(
        of id: AccountID, _ verification: inout Verification
    ) throws(Trouble) {
        let newest = try newestFeed(id)
        try each(.feed, from: .account(id), prefix: 8) { key throws(Trouble) in
            verification.report.feedEntries += 1
            guard let row: FeedRow = try find(key, in: .feed) else {
                return verification.report.note(
                    .damaged, "entry \(key.second) of feed \(id.number) cannot be read")
            }
            let entry = try entry(of: row.subject, in: id)
            guard entry?.number != key.second || key.second > newest.number else { return }
            verification.report.note(
                .feed,
                "entry \(key.second) of feed \(id.number) is not that of its subject "
                    + "(\(entry?.number ?? 0), newest \(newest.number))")
        }
        try each(.memberOf, from: .account(id), prefix: 8) { key throws(Trouble) in
            let row: MemberRow? = try find(.member(id, of: .init(key.second)), in: .member)
            guard let feed = row?.feed, feed.number > 0 else { return }
            if try !has(.feed(feed, of: id), in: .feed) {
                verification.report.note(
                    .feed, "feed \(id.number) does not name group \(key.second)")
            }
        }
    }

    /// The entry that a subject says it has in an account's feed.
    private func entry(
        of subject: FeedSubject, in account: AccountID
    ) throws(Trouble) -> FeedSequence? {
        switch subject {
        case .conversation(let id):
            let row: MemberRow? = try find(.member(account, of: id), in: .member)
            return row?.feed
        case .contact(let peer):
            let row: ContactRow? = try find(.contact(peer, of: account), in: .contact)
            return row?.feed
        case .account:
            let row: AccountRow? = try find(.account(account), in: .account)
            return row?.feed
        }
    }

    private func verifyCounts(
        of id: AccountID, _ verification: inout Verification
    ) throws(Trouble) {
        let head = try accountHead(id)
        let bytes = verification.bytes[id] ?? 0
        let groups = try count(.memberOf, from: .account(id), prefix: 8)
        var contacts = 0
        try each(.contact, from: .account(id), prefix: 8) { key throws(Trouble) in
            guard let row: ContactRow = try find(key, in: .contact) else {
                return verification.report.note(
                    .damaged, "a relation of account \(id.number) cannot be read")
            }
            contacts += row.state != .none || row.isBlocked ? 1 : 0
            try verify(row, of: id, to: .init(key.second), &verification)
        }
        let counts: [(String, UInt64, UInt64)] = [
            ("bytes stored", head.bytesUsed, bytes),
            ("groups", UInt64(head.groupsCount), UInt64(groups)),
            ("relations", UInt64(head.contactsCount), UInt64(contacts)),
        ]
        for (what, counted, found) in counts where counted != found {
            verification.report.note(
                .count, "account \(id.number) counts \(counted) \(what) and has \(found)")
        }
    }

    /// What two accounts say of each other.
    private func verify(
        _ row: ContactRow, of account: AccountID, to peer: AccountID,
        _ verification: inout Verification
    ) throws(Trouble) {
        let other: ContactRow? = try find(.contact(account, of: peer), in: .contact)
        let isSound =
            switch row.state {
            case .contact: other?.state == .contact
            case .asked: other?.state == .requested
            // Who was declined or blocked is not told.
            case .requested: other?.state != .contact
            case .none: other?.state != .contact && other?.state != .asked
            case .gone: true
            }
        guard !isSound else { return }
        verification.report.note(
            .relation,
            "account \(account.number) says \(row.state) of \(peer.number), which says "
                + "\(other?.state ?? Contact.State.none)")
    }
}
