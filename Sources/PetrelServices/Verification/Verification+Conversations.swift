// Checking a conversation: its members, their marks, what they see, and what is counted of them.

import PetrelBase
import PetrelMessaging

/// A conversation that is being checked.
struct ConversationCheck {
    let id: ConversationID
    let row: ConversationRow
    /// Its present and former members.
    var accounts: Set<AccountID> = []
    /// Present members.
    fileprivate var presentCount = 0
    fileprivate var ownersCount = 0

    /// A place, for a sentence.
    func name(_ place: ConversationSequence) -> String {
        "place \(place.number) of conversation \(id.digits)"
    }
}

extension RowReader where Self: ~Copyable {
    func verify(
        conversation id: ConversationID, at wall: WallTime, _ verification: inout Verification
    ) throws(Trouble) {
        verification.report.conversations += 1
        let found: ConversationRow? = try examine(
            .conversation(id), in: .conversation, &verification)
        guard let row = found else { return }
        var check = ConversationCheck(id: id, row: row)
        try verifyMembers(&check, &verification)
        try verifyEvents(in: check, at: wall, &verification)
        for (what, marks) in [("received", row.delivered), ("read", row.read)] {
            try verify(marks, what, check, &verification)
        }
        if row.retentionSeconds > 0, try !has(.retention(id, due: row.retentionDue), in: .retention)
        {
            verification.note(
                .index,
                "conversation \(id.digits) keeps messages for a time, and is not looked after")
        }
    }

    /// Checks the present and former members of a conversation.
    private func verifyMembers(
        _ check: inout ConversationCheck, _ verification: inout Verification
    ) throws(Trouble) {
        let (id, row) = (check.id, check.row)
        try each(.member, from: .conversation(id), prefix: 8) { key throws(Trouble) in
            let account = AccountID(key.second)
            check.accounts.insert(account)
            let found: MemberRow? = try examine(key, in: .member, &verification)
            guard let member = found else { return }
            if try !has(.account(account), in: .account) {
                verification.note(
                    .index,
                    "account \(account.digits) in conversation \(id.digits) is not there")
            }
            try verify(
                entry: member.feed, of: .conversation(id), in: account, &verification)
            verifyMarks(of: account, member, in: check, &verification)
            try verifyHidden(of: account, member, in: check, &verification)
            guard row.isGroup else { return }
            try verifyMembership(of: account, member, in: &check, &verification)
            try verifyEnds(of: account, member, in: check, &verification)
        }
        guard row.isGroup else { return try verifyPair(check, &verification) }
        if check.presentCount != Int(row.membersCount) {
            verification.note(
                .membership,
                "group \(id.digits) counts \(row.membersCount) members and has "
                    + "\(check.presentCount)")
        }
        if !row.isDissolved, check.ownersCount != 1 {
            verification.note(
                .membership, "group \(id.digits) has \(check.ownersCount) owners")
        }
    }

    private func verifyMarks(
        of account: AccountID, _ member: MemberRow, in check: ConversationCheck,
        _ verification: inout Verification
    ) {
        let row = check.row
        let who = "account \(account.digits) in conversation \(check.id.digits)"
        if max(member.delivered, member.read, member.until, member.cleared) > row.last {
            verification.note(.mark, "marks of \(who) are beyond place \(row.last.number)")
        }
        if member.read > member.delivered {
            verification.note(.mark, "\(who) has read what it has not received")
        }
    }

    /// The places that a member hides are as many as its row says, in order, and what it may see.
    private func verifyHidden(
        of account: AccountID, _ member: MemberRow, in check: ConversationCheck,
        _ verification: inout Verification
    ) throws(Trouble) {
        let row: HiddenRow? = try examine(
            .member(account, of: check.id), in: .hidden, &verification)
        let places = row?.places ?? []
        let who = "account \(account.digits) in conversation \(check.id.digits)"
        if places.count != Int(member.hiddenCount) {
            verification.note(
                .count, "\(who) counts \(member.hiddenCount) hidden places and has \(places.count)")
        }
        var before = member.cleared
        for place in places {
            guard place > before, place <= check.row.last else {
                return verification.note(
                    .index, "\(who) hides places that are not there, or hides them twice")
            }
            before = place
        }
    }

    /// Who is in a group finds it by its account.
    private func verifyMembership(
        of account: AccountID, _ member: MemberRow, in check: inout ConversationCheck,
        _ verification: inout Verification
    ) throws(Trouble) {
        let (id, row) = (check.id, check.row)
        let isPresent = member.standing == .member && !row.isDissolved
        check.presentCount += member.standing == .member ? 1 : 0
        check.ownersCount += isPresent && member.role == .owner ? 1 : 0
        let isListed = try has(.group(id, of: account), in: .memberOf)
        let isLarge = try has(.group(id, of: account), in: .largeOf)
        guard isListed != isPresent || isLarge != (isPresent && row.isLarge) else { return }
        verification.note(
            .membership,
            "account \(account.digits) and group \(id.digits) disagree: present \(isPresent), "
                + "listed \(isListed), listed as large \(isLarge)")
    }

    /// What a member of a group sees begins with the event that made it one, and ends with the one
    /// by which it went.
    private func verifyEnds(
        of account: AccountID, _ member: MemberRow, in check: ConversationCheck,
        _ verification: inout Verification
    ) throws(Trouble) {
        let who = "account \(account.digits) of group \(check.id.digits)"
        if let event = try event(member.from, in: check, &verification) {
            let isBeginning =
                switch event.event {
                case .created(let creation):
                    event.sender == account || creation.members.names(account)
                case .added(let people): people.names(account)
                case .joined: event.sender == account
                default: false
                }
            if !isBeginning {
                verification.note(
                    .membership, "\(who) did not come in at place \(member.from.number)")
            }
        }
        let isOver = member.standing != .member
        guard isOver == (member.until.number > 0) else {
            return verification.note(
                .membership, "\(who) is \(member.standing), and sees to \(member.until.number)")
        }
        guard isOver, let event = try event(member.until, in: check, &verification) else { return }
        let isEnd =
            switch event.event {
            case .left: event.sender == account
            case .removed(let person): person.account == account
            default: false
            }
        guard !isEnd else { return }
        verification.note(.membership, "\(who) did not go at place \(member.until.number)")
    }

    /// Returns the event at a place; `nil` if it is not kept any longer, or missing.
    private func event(
        _ place: ConversationSequence, in check: ConversationCheck,
        _ verification: inout Verification
    ) throws(Trouble) -> MessageRecord? {
        guard place >= check.row.first else { return nil }
        let row: MessageRow? = try examine(
            .message(place, of: check.id), in: .message, &verification)
        return row?.message
    }

    /// The highest marks of a group are within it, and the highest of all is its member's own.
    private func verify(
        _ marks: TopMarks, _ what: String, _ check: ConversationCheck,
        _ verification: inout Verification
    ) throws(Trouble) {
        let name = "the highest mark of what was \(what) in conversation \(check.id.digits)"
        if marks.highest > check.row.last || marks.second > marks.highest {
            verification.note(
                .mark,
                "\(name) is \(marks.highest.number), the second \(marks.second.number), the last "
                    + "place \(check.row.last.number)")
        }
        guard marks.account.number > 0 else { return }
        let member: MemberRow? = try examine(
            .member(marks.account, of: check.id), in: .member, &verification)
        let own = what == "read" ? member?.read : member?.delivered
        guard own ?? .init(0) < marks.highest else { return }
        verification.note(
            .mark, "\(name) is not that of account \(marks.account.digits), which it names")
    }

    private func verifyPair(
        _ check: ConversationCheck, _ verification: inout Verification
    ) throws(Trouble) {
        let id = check.id
        let sorted = check.accounts.sorted()
        guard let low = sorted.first, let high = sorted.last, sorted.count <= 2 else {
            return verification.note(
                .membership, "conversation \(id.digits) of two has \(sorted.count) members")
        }
        let initiator = check.row.initiator
        if initiator.number > 0, !check.accounts.contains(initiator) {
            verification.note(
                .membership,
                "conversation \(id.digits) was begun by account \(initiator.digits), "
                    + "which is not in it")
        }
        let number: NumberRow? = try examine(.pair(low, high), in: .pair, &verification)
        guard number?.number != id.number else { return }
        verification.note(
            .index, "conversation \(id.digits) is not that of its two members")
    }
}

extension [Person] {
    fileprivate func names(_ account: AccountID) -> Bool { contains { $0.account == account } }
}
