// What accounts do to their relations: both sides in one change, each told by its own feed.

import PetrelMessaging

#if PETREL_PLANTED
    internal import PetrelBase
#endif

/// One side of a relation, read before anything is written.
struct ContactSide {
    /// Whose side.
    let account: AccountID
    /// The other.
    let peer: AccountID
    /// The relation as it stands in the table.
    let before: ContactRelation
    /// The relation as it will stand there.
    var relation: ContactRelation
    /// The entry in the account's feed so far.
    let feed: FeedSequence
    /// Whether it is not in the table yet.
    let isNew: Bool
    /// What changes often of the account.
    var head: AccountHeadRow

    /// Whether the side changes.
    var changes: Bool { relation != before }
    /// Whether the account knows one more than before.
    var adds: Bool { relation.exists && !before.exists }
}

extension RowWriter where Self: ~Copyable {
    mutating func change(
        _ change: ChangeContact, _ admission: Admission
    ) throws(Trouble) -> StoreOutcome {
        try requireDevice(change.device, of: change.account)
        guard change.peer != change.account else { throw .refused(Refused(.relationWrong)) }
        guard let peer: AccountRow = try find(.account(change.peer), in: .account),
            !peer.isDeleted || change.change.servesGone
        else { throw .refused(Refused(.unknownRecipient)) }
        var own = try side(of: change.account, about: change.peer)
        var other = try side(of: change.peer, about: change.account)
        do throws(Refused) {
            try ContactRelation.apply(
                change.change, own: &own.relation, other: &other.relation)
        } catch {
            throw .refused(error)
        }
        let sides = [own, other].filter(\.changes)
        for side in sides where side.adds {
            guard side.head.contactsCount < limits.contactsMax else {
                throw .refused(Refused(.tooManyContacts, limit: limits.contactsMax))
            }
        }
        guard admission == .all || !sides.contains(where: \.isNew) else { throw .full }
        var changes = AccountChanges()
        #if PETREL_PLANTED
            if PlantedBug.peerNotTold.isActive { return .changed(try changed(sides, of: own)) }
        #endif
        for side in sides { changes.steps.append(try write(side)) }
        // By its own rows an account that is deleted finds who must hear of it.
        if own.relation.exists, other.isNew, !other.changes {
            try set(ContactRow(), at: .contact(other.peer, of: other.account), in: .contact)
        }
        return .changed(changes)
    }

    #if PETREL_PLANTED
        private mutating func changed(
            _ sides: [ContactSide], of own: ContactSide
        ) throws(Trouble) -> AccountChanges {
            var changes = AccountChanges()
            for side in sides {
                guard side.account != own.account, side.feed.number > 0,
                    side.before.exists == side.relation.exists
                else {
                    changes.steps.append(try write(side))
                    continue
                }
                var row = ContactRow()
                row.relation = side.relation
                row.feed = side.feed
                try set(row, at: .contact(side.peer, of: side.account), in: .contact)
            }
            return changes
        }
    #endif

    /// Reads how an account stands to another, with all that a change of it needs.
    func side(
        of account: AccountID, about peer: AccountID
    ) throws(Trouble) -> ContactSide {
        let row: ContactRow? = try find(.contact(peer, of: account), in: .contact)
        return try side(of: account, about: peer, row)
    }

    private func side(
        of account: AccountID, about peer: AccountID, _ row: ContactRow?
    ) throws(Trouble) -> ContactSide {
        let relation = row?.relation ?? ContactRelation()
        return ContactSide(
            account: account, peer: peer, before: relation, relation: relation,
            feed: row?.feed ?? FeedSequence(0), isNew: row == nil,
            head: try accountHead(account))
    }

    /// Writes a side with the entry that tells of it.
    mutating func write(_ side: ContactSide) throws(Trouble) -> AccountChanges.Step {
        var side = side
        if side.adds { side.head.contactsCount += 1 }
        if side.before.exists, !side.relation.exists {
            side.head.contactsCount -= min(1, side.head.contactsCount)
        }
        let subject = FeedSubject.contact(side.peer)
        let feed = try step(subject, of: side.account, replacing: side.feed, head: &side.head)
        var row = ContactRow()
        row.relation = side.relation
        row.feed = feed.feed
        try set(row, at: .contact(side.peer, of: side.account), in: .contact)
        return AccountChanges.Step(feed: feed, subject: subject)
    }

    /// Reads the others' sides of an account's relations, as far as `isConcerned` of them.
    ///
    /// A damaged side is reported and passed over: it must not keep the account from changing.
    func othersSides(
        of account: AccountID, where isConcerned: (ContactRelation) -> Bool
    ) throws(Trouble) -> [ContactSide] {
        var sides: [ContactSide] = []
        for key in try list(.contact, from: .account(account), prefix: 8, limit: .max) {
            let peer = AccountID(key.second)
            do throws(Trouble) {
                let row: ContactRow? = try find(.contact(account, of: peer), in: .contact)
                guard let row, isConcerned(row.relation) else { continue }
                sides.append(try side(of: peer, about: account, row))
            } catch {
                guard case .damaged(let row) = error else { throw error }
                report(row)
            }
        }
        return sides
    }
}

extension ContactChange {
    /// Whether it makes sense towards an account that was deleted: clearing up.
    fileprivate var servesGone: Bool {
        switch self {
        case .remove, .unblock: true
        case .request, .accept, .decline, .block, .alias: false
        }
    }
}
