// What an account changes of itself, up to its end.

import PetrelBase
import PetrelMessaging

extension RowWriter where Self: ~Copyable {
    mutating func change(_ change: ChangeAccount) throws(Trouble) -> StoreOutcome {
        let account = change.account
        try requireDevice(change.device, of: account)
        guard var row: AccountRow = try find(.account(account), in: .account), !row.isDeleted
        else { throw .refused(Refused(.notEnrolled)) }
        var head = try accountHead(account)
        var changes = AccountChanges()
        switch change.change {
        case .profile(let profile):
            guard row.profile != profile else { break }
            row.profile = profile
            let sides = try othersSides(of: account, where: \.shows)
            changes.steps = [try write(&row, of: account, &head)]
            for side in sides { changes.steps.append(try write(side)) }
        case .privacy(let privacy):
            guard row.privacy != privacy else { break }
            row.privacy = privacy
            changes.steps = [try write(&row, of: account, &head)]
        case .password(let record, let recovery):
            row.password = record
            if let recovery { row.recovery = recovery }
            changes.steps = [try write(&row, of: account, &head)]
        case .deviceName(let device, let name):
            changes = try rename(device, name, of: account, &row, &head)
        case .revokeDevice(let device):
            changes = try revoke(device, of: account, &row, &head)
        case .delete:
            changes = try delete(account, row, head)
        }
        return .changed(changes)
    }

    /// Ends an account: its handle stays taken, its devices' keys known, its events where they are.
    private mutating func delete(
        _ account: AccountID, _ row: AccountRow, _ head: AccountHeadRow
    ) throws(Trouble) -> AccountChanges {
        let devices = try presentDevices(of: account)
        let contacts = try list(.contact, from: .account(account), prefix: 8, limit: .max)
        let feeds = try contacts.map { key throws(Trouble) in try contactFeed(key) }
        let sides = try othersSides(of: account) { $0.exists }
        let isInGroups = try !list(.memberOf, from: .account(account), prefix: 8, limit: 1).isEmpty

        var (row, head) = (row, head)
        row.isDeleted = true
        row.password = []
        row.recovery = nil
        row.profile = Profile()
        try set(row, at: .account(account), in: .account)
        head.contactsCount = 0
        try set(head, at: .account(account), in: .accountHead)
        for (key, feed) in zip(contacts, feeds) {
            try delete(key, in: .contact)
            if let feed { try delete(.feed(feed, of: account), in: .feed) }
        }
        if isInGroups { try set(EmptyRow(), at: .account(account), in: .deleting) }
        var changes = AccountChanges(revoked: try revoke(devices, of: account))
        for var side in sides {
            side.relation.become(.gone)
            changes.steps.append(try write(side))
        }
        return changes
    }

    /// Returns the entry of a relation in the feed; `nil` if there is none, or it cannot be read.
    private func contactFeed(_ key: Key) throws(Trouble) -> FeedSequence? {
        do throws(Trouble) {
            let row: ContactRow? = try find(key, in: .contact)
            return row.flatMap { $0.feed.number > 0 ? $0.feed : nil }
        } catch {
            guard case .damaged(let row) = error else { throw error }
            report(row)
            return nil
        }
    }

    /// Lets deleted accounts leave their groups, `limit` of them at most.
    mutating func continueDeletions(
        at time: WallTime, limit: Int
    ) throws(Trouble) -> StoreOutcome {
        var events: [AppendedMessage] = []
        var left = max(0, limit)
        for key in try list(.deleting, from: .number(0), prefix: 0, limit: left) {
            let account = AccountID(key.number(at: 0))
            let groups = try list(.memberOf, from: key, prefix: 8, limit: left)
            for group in groups {
                if let event = try leaveForGood(group, account, at: time) { events.append(event) }
            }
            left -= groups.count
            if try list(.memberOf, from: key, prefix: 8, limit: 1).isEmpty {
                try delete(key, in: .deleting)
            }
            guard left > 0 else { break }
        }
        return .expired(events)
    }

    /// Leaves the group that a key of `memberOf` names, and forgets the key whatever becomes of it.
    ///
    /// What cannot be left, because a row of it is damaged, must not be tried again for ever.
    private mutating func leaveForGood(
        _ key: Key, _ account: AccountID, at time: WallTime
    ) throws(Trouble) -> AppendedMessage? {
        var event: AppendedMessage?
        do throws(Trouble) {
            event = try leave(ConversationID(key.second), account, at: time)
        } catch {
            switch error {
            case .refused: break
            case .damaged(let row): report(row)
            case .full, .failed: throw error
            }
        }
        if try has(key, in: .memberOf) { try delete(key, in: .memberOf) }
        return event
    }
}

extension ContactRelation {
    /// Whether the account is told what the other shows.
    fileprivate var shows: Bool {
        switch state {
        case .requested, .asked, .contact: true
        case .none, .gone: false
        }
    }
}
