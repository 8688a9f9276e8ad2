// What the events of any conversation need and change besides their place.

import PetrelBase
import PetrelMessaging

extension RowWriter where Self: ~Copyable {
    /// Refuses the event if it is not allowed, and notes what it will change.
    func judge(_ appending: inout Appending) throws(Trouble) {
        switch appending.append.event {
        case .message(let content):
            try allow(.speak, appending)
            try judge(content, appending)
            noteSpoken(&appending)
        case .edit(let place, let content):
            let target = try target(place, appending)
            try allow(.edit(target.message), appending)
            try judgeMentions(content, appending)
            guard var row = target.row else { return }
            // The edit remembers the one before, so that a recall finds them all.
            appending.previousEdit = row.edit
            row.edit = appending.sequence
            row.editsCount += 1
            appending.rewritten.append(row)
        case .recall(let place):
            let target = try target(place, appending)
            try allow(.recall(target.message), appending)
            guard let row = target.row else { return }
            try erase(row, as: .recalled, in: &appending)
        case .reaction(let reaction):
            try allow(.react, appending)
            guard try target(reaction.sequence, appending).message.exists else {
                throw .refused(Refused(.targetInvalid))
            }
        case .retention(let seconds):
            try allow(.setRetention, appending)
            appending.row.retentionSeconds = seconds
        case .gone: throw .refused(Refused(.malformed))
        case .created, .added, .joined, .left, .removed, .role, .muted, .changed, .dissolved:
            try judgeGroup(&appending)
        }
    }

    func allow(_ action: Authority.Action, _ appending: Appending) throws(Trouble) {
        let refusal = Authority.refusal(of: action, by: appending.relation, limits: limits)
        if let refusal { throw .refused(refusal) }
    }

    /// Whether the place of that number may be seen by the sender of the event.
    private func isVisible(_ place: ConversationSequence, _ appending: Appending) -> Bool {
        guard let i = appending.index(of: appending.append.account) else { return false }
        let first = max(appending.row.first, appending.members[i].row.from)
        return place >= first && place <= appending.row.last
    }

    private func judge(_ content: Content, _ appending: Appending) throws(Trouble) {
        let reply = content.replyTo
        guard reply.number == 0 || isVisible(reply, appending) else {
            throw .refused(Refused(.targetInvalid))
        }
        try judgeMentions(content, appending)
    }

    /// Only members can be mentioned.
    private func judgeMentions(_ content: Content, _ appending: Appending) throws(Trouble) {
        for account in content.mentions {
            if appending.index(of: account) != nil { continue }
            let row: MemberRow? = try find(.member(account, of: appending.id), in: .member)
            guard row?.standing == .member else {
                throw .refused(Refused(.unknownRecipient))
            }
        }
    }

    /// In a 1:1 conversation: who wrote first, how much of it is unanswered, and the answer.
    private func noteSpoken(_ appending: inout Appending) {
        guard case .peer(let peer) = appending.relation, !peer.isSelf else { return }
        let account = appending.append.account
        if appending.row.initiator.number == 0 { appending.row.initiator = account }
        if appending.row.initiator != account {
            appending.row.isAnswered = true
        } else if !appending.row.isAnswered {
            appending.row.unansweredCount = min(appending.row.unansweredCount, .max - 1) + 1
        }
    }

    /// A message that an event is about, as far as its sender may see it.
    private func target(
        _ place: ConversationSequence, _ appending: Appending
    ) throws(Trouble) -> (row: MessageRow?, message: Authority.Message) {
        var row: MessageRow?
        if isVisible(place, appending) {
            row = try find(.message(place, of: appending.id), in: .message)
        }
        if row?.message.content == nil { row = nil }
        let message = row?.message
        return (
            row,
            Authority.Message(
                exists: row != nil, isOwn: message?.sender == appending.append.account,
                age: message.map { appending.append.time - $0.time } ?? .zero,
                editsCount: Int(row?.editsCount ?? 0))
        )
    }

    /// Erases a message and all its edits.
    func erase(
        _ row: MessageRow, as reason: Gone, in appending: inout Appending
    ) throws(Trouble) {
        var rows = [row]
        var next = row.edit
        while next.number > 0, rows.count <= MessagingLimits.editsMax,
            let edit: MessageRow = try find(.message(next, of: appending.id), in: .message)
        {
            rows.append(edit)
            next = edit.edit
        }
        #if PETREL_PLANTED
            if PlantedBug.recallKeepsEdits.isActive { rows.removeLast(rows.count - 1) }
        #endif
        var bytes: UInt64 = 0
        for var row in rows {
            bytes += UInt64(row.message.bodyByteCount)
            row.message.event = .gone(reason)
            appending.rewritten.append(row)
        }
        appending.erased.append((row.message.sender, bytes))
    }
}
