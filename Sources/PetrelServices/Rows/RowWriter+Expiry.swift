// Erasing what must not be kept any longer: messages with a lifetime, and what retention ends.

import PetrelBase
import PetrelMessaging

extension RowWriter where Self: ~Copyable {
    mutating func expire(at time: WallTime, limit: Int) throws(Trouble) -> StoreOutcome {
        var left = min(max(0, limit), StoreLimits.erasedEventsMax)
        left -= try expireMessages(at: time, limit: left)
        left -= try endRetention(at: time, limit: left)
        _ = try expireInvitations(at: time, limit: left)
        return .expired([])
    }

    /// Erases messages whose lifetime is over; returns how many.
    private mutating func expireMessages(
        at time: WallTime, limit: Int
    ) throws(Trouble) -> Int {
        let end = Key.time(time)
        var count = 0
        for key in try list(.expiry, from: Key.number(0), prefix: 0, limit: limit) {
            guard key < end else { break }
            count += 1
            let id = ConversationID(key.number(at: 8))
            try expire(ConversationSequence(key.number(at: 16)), of: id)
            try delete(key, in: .expiry)
        }
        return count
    }

    /// Erases a message and its edits; a damaged one is nothing to erase.
    private mutating func expire(
        _ place: ConversationSequence, of id: ConversationID
    ) throws(Trouble) {
        let key = Key.message(place, of: id)
        do throws(Trouble) {
            guard let row: MessageRow = try find(key, in: .message), row.message.content != nil
            else { return }
            let nobody = AppendMessage(
                account: row.message.sender, device: DeviceID(0),
                clientMessageID: row.message.clientMessageID, target: .conversation(id),
                event: .gone(.expired), digest: InlineWords4(0, 0, 0, 0), time: row.message.time)
            var erasing = Appending(nobody, in: id, ConversationRow(), relation: .none)
            try erase(row, as: .expired, in: &erasing)
            let head = try accountHead(row.message.sender)
            for row in erasing.rewritten {
                try set(row, at: .message(row.message.sequence, of: id), in: .message)
            }
            try release(erasing.erased.reduce(0) { $0 + $1.bytes }, of: row.message.sender, head)
        } catch {
            guard case .damaged(let row) = error else { throw error }
            report(row)
        }
    }

    /// An account has so many bytes less stored.
    private mutating func release(
        _ bytes: UInt64, of account: AccountID, _ head: AccountHeadRow
    ) throws(Trouble) {
        guard bytes > 0 else { return }
        var head = head
        head.bytesUsed -= min(bytes, head.bytesUsed)
        try set(head, at: .account(account), in: .accountHead)
    }

    /// Removes from the front of conversations what they keep no longer; returns how many events.
    private mutating func endRetention(
        at time: WallTime, limit: Int
    ) throws(Trouble) -> Int {
        let end = Key.time(time)
        var count = 0
        for key in try list(.retention, from: Key.number(0), prefix: 0, limit: limit) {
            guard key < end, count < limit else { break }
            let id = ConversationID(key.number(at: 8))
            try delete(key, in: .retention)
            guard var row: ConversationRow = try find(.conversation(id), in: .conversation),
                row.retentionSeconds > 0
            else { continue }
            let (removed, next) = try removeFront(of: id, &row, at: time, limit: limit - count)
            count += removed
            row.retentionDue = next
            try set(EmptyRow(), at: .retention(id, due: next), in: .retention)
            try set(row, at: .conversation(id), in: .conversation)
        }
        return count
    }

    /// Removes the oldest events of a conversation as far as their time is over; returns how many,
    /// and when to look again.
    ///
    /// The newest event stays whatever its age: places go on from it.
    private mutating func removeFront(
        of id: ConversationID, _ row: inout ConversationRow, at time: WallTime, limit: Int
    ) throws(Trouble) -> (count: Int, next: WallTime) {
        var count = 0
        while row.first < row.last, count < limit {
            let key = Key.message(row.first, of: id)
            let message = try message(row.first, of: id)
            if let message {
                let due = message.time.adding(seconds: row.retentionSeconds)
                guard due < time else { return (count, due) }
                let head = try accountHead(message.sender)
                try release(UInt64(message.bodyByteCount), of: message.sender, head)
            }
            try delete(key, in: .message)
            row.first = ConversationSequence(row.first.number + 1)
            count += 1
        }
        return (count, row.first < row.last ? time : time.adding(seconds: row.retentionSeconds))
    }
}
