// Checking the events of a conversation: contiguous, by members, once, and erased as a whole.

import PetrelBase
import PetrelMessaging

extension RowReader where Self: ~Copyable {
    /// Checks places and senders; what stands beyond the ends is foreign.
    func verifyEvents(
        in check: ConversationCheck, at wall: WallTime, _ verification: inout Verification
    ) throws(Trouble) {
        let (id, row) = (check.id, check.row)
        var expected = row.first
        var bytes: UInt64 = 0
        try each(.message, from: .conversation(id), prefix: 8) { key throws(Trouble) in
            let place = ConversationSequence(key.second)
            guard place >= row.first, place <= row.last else {
                return verification.note(
                    .foreign,
                    "\(check.name(place)) is outside \(row.first.number)...\(row.last.number)")
            }
            if place > expected { note(gap: expected, place.number - 1, in: check, &verification) }
            expected = ConversationSequence(place.number + 1)
            let found: MessageRow? = try examine(key, in: .message, &verification)
            guard let event = found else { return }
            bytes += UInt64(event.message.bodyByteCount)
            try verify(event, at: place, in: check, wall, &verification)
        }
        if expected <= row.last { note(gap: expected, row.last.number, in: check, &verification) }
        if bytes > row.byteCount {
            verification.note(
                .count,
                "conversation \(id.digits) counts \(row.byteCount) bytes of bodies and has \(bytes)"
            )
        }
    }

    private func note(
        gap first: ConversationSequence, _ last: UInt64, in check: ConversationCheck,
        _ verification: inout Verification
    ) {
        verification.note(
            .gap, "places \(first.number)...\(last) of conversation \(check.id.digits) are missing")
    }

    private func verify(
        _ row: MessageRow, at place: ConversationSequence, in check: ConversationCheck,
        _ wall: WallTime, _ verification: inout Verification
    ) throws(Trouble) {
        let event = row.message
        verification.report.events += 1
        verification.report.bytes += UInt64(event.bodyByteCount)
        verification.bytes[event.sender, default: 0] += UInt64(event.bodyByteCount)
        if event.conversation != check.id || event.sequence != place {
            verification.note(
                .foreign,
                "at \(check.name(place)) stands place \(event.sequence.number) of "
                    + "\(event.conversation.digits)")
        }
        if !check.accounts.contains(event.sender) {
            verification.note(
                .foreign,
                "\(check.name(place)) is by account \(event.sender.digits), never a member")
        }
        let name = Verification.MessageName(account: event.sender, id: event.clientMessageID)
        if event.senderDevice.number > 0, !verification.names.insert(name).inserted {
            verification.note(
                .double, "the identifier at \(check.name(place)) took effect before")
        }
        try verifyMemory(of: event, check.name(place), wall, &verification)
        if let end = event.end, try !has(.expiry(place, of: check.id, at: end), in: .expiry) {
            verification.note(.index, "the message at \(check.name(place)) never expires")
        }
        try verifyTarget(of: row, at: place, in: check, &verification)
        try verifyEdits(of: row, at: place, in: check, &verification)
    }

    /// What was committed lately must be known again when it is repeated.
    private func verifyMemory(
        of event: MessageRecord, _ place: String, _ wall: WallTime,
        _ verification: inout Verification
    ) throws(Trouble) {
        guard event.senderDevice.number > 0, wall - event.time < MessagingLimits.deduplication
        else { return }
        let row: DeduplicationRow? = try examine(
            .deduplication(event.clientMessageID, of: event.sender), in: .deduplication,
            &verification)
        guard row?.conversation != event.conversation || row?.sequence != event.sequence else {
            return
        }
        verification.note(
            .deduplication, "the identifier at \(place) is not remembered, or for another place")
    }

    /// What is taken back is gone; what is edited is not.
    private func verifyTarget(
        of row: MessageRow, at place: ConversationSequence, in check: ConversationCheck,
        _ verification: inout Verification
    ) throws(Trouble) {
        let target: ConversationSequence
        switch row.message.event {
        case .edit(let place, _), .recall(let place): target = place
        default: return
        }
        guard target < place else {
            return verification.note(
                .foreign, "\(check.name(place)) is about place \(target.number), which came later")
        }
        guard target >= check.row.first else { return }
        let found: MessageRow? = try examine(
            .message(target, of: check.id), in: .message, &verification)
        switch (row.message.event, found?.message.event) {
        // A place that is missing or damaged is told of as such.
        case (_, nil), (.edit, .message?), (.recall, .gone?): return
        case (.recall, _):
            verification.note(
                .erased, "\(check.name(target)) was taken back at \(place.number), and is there")
        default:
            verification.note(
                .erased,
                "\(check.name(place)) edits place \(target.number), where there is no message")
        }
    }

    /// A message knows its edits, newest first; with one that is gone they are gone as well.
    private func verifyEdits(
        of row: MessageRow, at place: ConversationSequence, in check: ConversationCheck,
        _ verification: inout Verification
    ) throws(Trouble) {
        var (next, count) = (row.edit, UInt32(0))
        while next.number > 0, count < MessagingLimits.editsMax {
            let found: MessageRow? = try examine(
                .message(next, of: check.id), in: .message, &verification)
            guard let edit = found else { return }
            switch (row.message.event, edit.message.event) {
            case (.gone, .gone): break
            case (.message, .edit(let target, _)) where target == place: break
            case (.edit(let target, _), .edit(let other, _)) where target == other: break
            case (.gone, _):
                verification.note(
                    .erased, "\(check.name(place)) is gone, and place \(next.number), its edit, not"
                )
            default:
                verification.note(
                    .erased, "\(check.name(place)) has place \(next.number) for an edit")
            }
            count += 1
            next = edit.edit
        }
        guard case .message = row.message.event else { return }
        guard row.editsCount != count || next.number > 0 else { return }
        verification.note(
            .count, "\(check.name(place)) counts \(row.editsCount) edits and has \(count)")
    }
}

extension MessageRecord {
    /// When its lifetime is over; `nil` if it has none.
    fileprivate var end: WallTime? {
        guard let seconds = content?.lifetimeSeconds, seconds > 0 else { return nil }
        return time.adding(seconds: UInt64(seconds))
    }
}
