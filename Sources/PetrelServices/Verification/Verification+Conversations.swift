// Checking a conversation: contiguous places, senders, members, marks and counts.

import PetrelBase
import PetrelMessaging

extension RowReader where Self: ~Copyable {
    func verify(
        conversation id: ConversationID, at wall: WallTime, _ verification: inout Verification
    ) throws(Trouble) {
        verification.report.conversations += 1
        guard let row: ConversationRow = try find(.conversation(id), in: .conversation) else {
            return verification.report.note(
                .damaged, "the head of conversation \(id.number) cannot be read")
        }
        let members = try verifyMembers(of: id, row, &verification)
        try verifyEvents(of: id, row, members, at: wall, &verification)
        if row.retentionSeconds > 0, try !has(.retention(id, due: row.retentionDue), in: .retention)
        {
            verification.report.note(
                .index,
                "conversation \(id.number) keeps messages for a time, and is not looked after")
        }
    }

    /// Checks places and senders; what stands beyond the ends is foreign.
    private func verifyEvents(
        of id: ConversationID, _ row: ConversationRow, _ members: Set<AccountID>,
        at wall: WallTime, _ verification: inout Verification
    ) throws(Trouble) {
        var expected = row.first
        try each(.message, from: .conversation(id), prefix: 8) { key throws(Trouble) in
            let place = ConversationSequence(key.second)
            guard place >= row.first, place <= row.last else {
                return verification.report.note(
                    .foreign,
                    "place \(place.number) of conversation \(id.number) is outside "
                        + "\(row.first.number)...\(row.last.number)")
            }
            if place > expected { noteGap(of: id, expected, place.number - 1, &verification) }
            expected = ConversationSequence(place.number + 1)
            guard let event: MessageRow = try find(key, in: .message) else {
                return verification.report.note(
                    .damaged, "place \(place.number) of conversation \(id.number) cannot be read")
            }
            try verify(event, at: place, of: id, members, wall, &verification)
        }
        if expected <= row.last { noteGap(of: id, expected, row.last.number, &verification) }
    }

    private func noteGap(
        of id: ConversationID, _ first: ConversationSequence, _ last: UInt64,
        _ verification: inout Verification
    ) {
        verification.report.note(
            .gap, "places \(first.number)...\(last) of conversation \(id.number) are missing")
    }

    private func verify(
        _ row: MessageRow, at place: ConversationSequence, of id: ConversationID,
        _ members: Set<AccountID>, _ wall: WallTime, _ verification: inout Verification
    ) throws(Trouble) {
        let event = row.message
        verification.report.events += 1
        verification.report.bytes += UInt64(event.bodyByteCount)
        verification.bytes[event.sender, default: 0] += UInt64(event.bodyByteCount)
        let place_ = "place \(place.number) of conversation \(id.number)"
        if event.conversation != id || event.sequence != place {
            verification.report.note(
                .foreign,
                "at \(place_) stands place \(event.sequence.number) of "
                    + "\(event.conversation.number)")
        }
        if !members.contains(event.sender) {
            verification.report.note(
                .foreign, "\(place_) is by account \(event.sender.number), never a member")
        }
        let name = Verification.MessageName(account: event.sender, id: event.clientMessageID)
        if event.senderDevice.number > 0, !verification.names.insert(name).inserted {
            verification.report.note(
                .double, "the identifier at \(place_) took effect before")
        }
        try verifyMemory(of: event, place_, wall, &verification)
        if case .message(let content) = event.event, content.lifetimeSeconds > 0 {
            let end = event.time.adding(seconds: UInt64(content.lifetimeSeconds))
            if try !has(.expiry(place, of: id, at: end), in: .expiry) {
                verification.report.note(.index, "the message at \(place_) never expires")
            }
        }
    }

    /// What was committed lately must be known again when it is repeated.
    private func verifyMemory(
        of event: MessageRecord, _ place_: String, _ wall: WallTime,
        _ verification: inout Verification
    ) throws(Trouble) {
        guard event.senderDevice.number > 0, wall - event.time < MessagingLimits.deduplication
        else { return }
        let key = Key.deduplication(event.clientMessageID, of: event.sender)
        let row: DeduplicationRow? = try find(key, in: .deduplication)
        guard row?.conversation != event.conversation || row?.sequence != event.sequence else {
            return
        }
        verification.report.note(
            .deduplication, "the identifier at \(place_) is not remembered, or for another place")
    }

    /// Checks the members of a conversation; returns the present and former ones.
    private func verifyMembers(
        of id: ConversationID, _ row: ConversationRow, _ verification: inout Verification
    ) throws(Trouble) -> Set<AccountID> {
        var members: Set<AccountID> = []
        var present = 0
        var owners = 0
        try each(.member, from: .conversation(id), prefix: 8) { key throws(Trouble) in
            let account = AccountID(key.second)
            members.insert(account)
            guard let member: MemberRow = try find(key, in: .member) else {
                return verification.report.note(
                    .damaged, "member \(account.number) of \(id.number) cannot be read")
            }
            if max(member.delivered, member.read, member.until, member.cleared) > row.last {
                verification.report.note(
                    .mark,
                    "marks of account \(account.number) are beyond place \(row.last.number) of "
                        + "conversation \(id.number)")
            }
            guard row.isGroup else { return }
            let isPresent = member.standing == .member && !row.isDissolved
            present += member.standing == .member ? 1 : 0
            owners += isPresent && member.role == .owner ? 1 : 0
            let isListed = try has(.group(id, of: account), in: .memberOf)
            let isLarge = try has(.group(id, of: account), in: .largeOf)
            if isListed != isPresent || isLarge != (isPresent && row.isLarge) {
                verification.report.note(
                    .membership,
                    "account \(account.number) and group \(id.number) disagree: present "
                        + "\(isPresent), listed \(isListed), listed as large \(isLarge)")
            }
        }
        if row.isGroup, present != Int(row.membersCount) {
            verification.report.note(
                .membership,
                "group \(id.number) counts \(row.membersCount) members and has \(present)")
        }
        if row.isGroup, !row.isDissolved, owners != 1 {
            verification.report.note(.membership, "group \(id.number) has \(owners) owners")
        }
        if !row.isGroup { try verifyPair(id, members, &verification) }
        return members
    }

    private func verifyPair(
        _ id: ConversationID, _ members: Set<AccountID>, _ verification: inout Verification
    ) throws(Trouble) {
        let sorted = members.sorted()
        guard let low = sorted.first, let high = sorted.last, sorted.count <= 2 else {
            return verification.report.note(
                .membership, "conversation \(id.number) of two has \(members.count) members")
        }
        let number: NumberRow? = try find(.pair(low, high), in: .pair)
        guard number?.number != id.number else { return }
        verification.report.note(
            .index, "conversation \(id.number) is not that of its two members")
    }
}
