// What is kept for a time only: erased here at its second, whether or not the server is reached.

internal import PetrelBase
internal import PetrelClientData
internal import PetrelMessaging

extension ClientCore {
    /// Learns from the store when something is to be erased, if that may be another time than it
    /// was.
    mutating func planExpiry() throws(ClientStoreError) {
        var due = try store.expiring(limit: 1).first?.time
        for id in retained {
            guard let local = sync.conversation(id), local.retentionSeconds > 0,
                let oldest = try store.messages(id, from: ConversationSequence(0), limit: 1).first
            else { continue }
            let end = Self.end(of: oldest, in: local)
            if end < due ?? WallTime(milliseconds: .max) { due = end }
        }
        expiryDue = due
    }

    /// When `expire` is due.
    func expiryDeadline(now: Instant, wall: WallTime) -> Instant {
        guard let due = expiryDue else { return .distantFuture }
        let time = serverTime(wall).milliseconds
        let (left, isOver) = due.milliseconds.subtractingReportingOverflow(time)
        // A day is far enough ahead: the calendar may be set meanwhile.
        return now
            + .milliseconds(isOver ? Self.lookAheadMax : min(max(left, 0), Self.lookAheadMax))
    }

    /// Erases what has been kept long enough, as part of the batch.
    mutating func expire(now: Instant, wall: WallTime) {
        guard stalled == nil, let due = expiryDue, due <= serverTime(wall) else { return }
        do throws(ClientStoreError) {
            let time = serverTime(wall)
            for expiry in try store.expiring(limit: ClientChange.trimMax)
            where expiry.time <= time {
                changes.append(.erase(expiry.conversation, expiry.sequence, .expired))
                sync.noteErased(expiry.conversation, expiry.sequence)
            }
            for id in retained { try trim(id, at: time) }
            mustPlanExpiry = true
        } catch {
            events.append(.storeFailed(error))
            expiryDue = nil
        }
    }

    private mutating func trim(
        _ id: ConversationID, at time: WallTime
    ) throws(ClientStoreError) {
        guard let local = sync.conversation(id), local.retentionSeconds > 0 else { return }
        let oldest = try store.messages(
            id, from: ConversationSequence(0), limit: ClientChange.trimMax)
        let over = oldest.prefix { Self.end(of: $0, in: local) <= time }
        guard let last = over.last else { return }
        let end = ConversationSequence(last.sequence.number + 1)
        changes.append(.trim(id, below: end))
        sync.noteTrimmed(id, below: end)
    }

    private static func end(of record: MessageRecord, in local: LocalConversation) -> WallTime {
        let kept = Int64(clamping: min(local.retentionSeconds, UInt64(Int64.max / 1_000)) * 1_000)
        let (end, isOver) = record.time.milliseconds.addingReportingOverflow(kept)
        return WallTime(milliseconds: isOver ? .max : end)
    }

    /// Learns from what is about to be stored whether another time may be due.
    mutating func noteExpiry(_ batch: [ClientChange]) {
        for change in batch {
            switch change {
            case .message(let record):
                if Expiry(of: record) != nil || retained.contains(record.conversation) {
                    mustPlanExpiry = true
                }
            case .conversation(let local):
                let isRetained = retained.contains(local.id)
                guard isRetained != (local.retentionSeconds > 0) else { continue }
                mustPlanExpiry = true
                if isRetained {
                    retained.removeAll { $0 == local.id }
                } else {
                    retained.append(local.id)
                }
            default: continue
            }
        }
    }

    private static let lookAheadMax: Int64 = 24 * 3_600 * 1_000
}
