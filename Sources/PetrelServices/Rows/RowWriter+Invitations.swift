// Invitations: made by an account, used once by a new one, or forgotten when their time is over.

import PetrelBase
import PetrelMessaging

/// An invitation, and the digest that it stands under.
struct OpenInvitation {
    var digest: InlineWords4
    var row: InvitationRow
}

extension RowWriter where Self: ~Copyable {
    mutating func add(
        _ create: CreateInvitation, _ admission: Admission
    ) throws(Trouble) -> StoreOutcome {
        try requireDevice(create.device, of: create.account)
        let key = Key.digest(create.digest)
        if let row: InvitationRow = try find(key, in: .invitation) {
            // The code was drawn at random; whoever asks again draws another one.
            guard row.account == create.account, row.expires == create.expires else {
                throw .refused(Refused(.busy))
            }
            return .changed(AccountChanges())
        }
        var head = try accountHead(create.account)
        guard head.invitationsCount < MessagingLimits.invitationsMax else {
            throw .refused(
                Refused(.tooManyInvitations, limit: MessagingLimits.invitationsMax))
        }
        guard admission == .all else { throw .full }
        head.invitationsCount += 1
        try set(head, at: .account(create.account), in: .accountHead)
        let row = InvitationRow(account: create.account, expires: create.expires)
        try set(row, at: key, in: .invitation)
        let order = Key.invited(create.digest, until: create.expires)
        try set(EmptyRow(), at: order, in: .invited)
        return .changed(AccountChanges())
    }

    /// Returns the invitation that a new account uses; `nil` if it uses none and needs none.
    func invitation(for create: CreateAccount) throws(Trouble) -> OpenInvitation? {
        guard let digest = create.invitation else {
            guard !limits.needsInvitation else {
                throw .refused(Refused(.invitationInvalid))
            }
            return nil
        }
        // Those of a deleted account stay until their time is over, but serve nobody.
        guard let row: InvitationRow = try find(.digest(digest), in: .invitation),
            create.time < row.expires,
            let inviter: AccountRow = try find(.account(row.account), in: .account),
            !inviter.isDeleted
        else { throw .refused(Refused(.invitationInvalid)) }
        return OpenInvitation(digest: digest, row: row)
    }

    /// Removes a used invitation; the caller counts one less of its account.
    mutating func use(_ invitation: OpenInvitation) throws(Trouble) {
        try delete(.digest(invitation.digest), in: .invitation)
        let order = Key.invited(invitation.digest, until: invitation.row.expires)
        try delete(order, in: .invited)
    }

    /// Forgets invitations whose time is over, `limit` at most; returns how many.
    mutating func expireInvitations(at time: WallTime, limit: Int) throws(Trouble) -> Int {
        let end = Key.time(time.adding(milliseconds: 1))
        var count = 0
        for key in try list(.invited, from: .number(0), prefix: 0, limit: max(0, limit)) {
            guard key < end else { break }
            count += 1
            let invitation = Key(Array(key.bytes.dropFirst(8)))
            do throws(Trouble) {
                if let row: InvitationRow = try find(invitation, in: .invitation) {
                    var head = try accountHead(row.account)
                    head.invitationsCount -= min(1, head.invitationsCount)
                    try set(head, at: .account(row.account), in: .accountHead)
                }
            } catch {
                guard case .damaged(let row) = error else { throw error }
                report(row)
            }
            try delete(invitation, in: .invitation)
            try delete(key, in: .invited)
        }
        return count
    }
}

extension WallTime {
    /// The moment so much later; the last one that there is if that is beyond it.
    fileprivate func adding(milliseconds more: Int64) -> WallTime {
        let (sum, overflow) = milliseconds.addingReportingOverflow(more)
        return WallTime(milliseconds: overflow ? .max : sum)
    }
}
