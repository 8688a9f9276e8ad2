// What is read of messages: a range of places, within limits.

import PetrelMessaging

extension RowReader where Self: ~Copyable {
    /// Returns messages of a conversation in a range of places, as many as both limits allow.
    ///
    /// At least one message is returned if there is any in the range, whatever `byteLimit` says.
    public func messages(_ request: MessageRequest) throws(Trouble) -> MessageSlice {
        var slice = MessageSlice(messages: [], damaged: [], isComplete: true)
        let id = request.conversation
        guard let row: ConversationRow = try find(.conversation(id), in: .conversation)
        else { return slice }
        let view = try view(of: id, for: request.reader)
        let low = max(request.range.lowerBound, row.first.number, view.first, 1)
        let high = min(request.range.upperBound, row.last.number, view.last)
        guard low <= high else { return slice }
        var bytes = 0
        for step in 0...(high - low) {
            // Damaged places do not count against the limit, but a read must end soon.
            guard slice.messages.count < request.limit,
                slice.damaged.count < StoreLimits.damagedPlacesMax
            else {
                slice.isComplete = false
                return slice
            }
            let place = ConversationSequence(
                request.order == .oldestFirst ? low + step : high - step)
            guard var message = try message(place, of: id) else {
                slice.damaged.append(place)
                continue
            }
            if view.hides(place) { message.event = .gone(.hidden) }
            bytes += message.event.byteCountMax
            guard bytes <= request.byteLimit || slice.messages.isEmpty else {
                slice.isComplete = false
                return slice
            }
            slice.messages.append(message)
        }
        return slice
    }

    /// Returns what a reader may see of a conversation; everything for nobody in particular.
    private func view(
        of id: ConversationID, for reader: AccountID?
    ) throws(Trouble) -> ReaderView {
        guard let reader else { return ReaderView(first: 1, last: .max) }
        guard let row: MemberRow = try find(.member(reader, of: id), in: .member) else {
            return ReaderView(first: .max, last: 0)
        }
        var view = ReaderView(
            first: row.from.number, last: row.until.number > 0 ? row.until.number : .max,
            cleared: row.cleared)
        if row.hiddenCount > 0 {
            let hidden: HiddenRow? = try find(.member(reader, of: id), in: .hidden)
            view.hidden = Set(hidden?.places ?? [])
        }
        return view
    }

    /// Returns a message that must be there; `nil` if it is damaged or missing.
    func message(
        _ place: ConversationSequence, of conversation: ConversationID
    ) throws(Trouble) -> MessageRecord? {
        let key = Key.message(place, of: conversation)
        let row: MessageRow? = try find(key, in: .message)
        guard let message = row?.message, message.conversation == conversation,
            message.sequence == place
        else {
            report(DamagedRow(table: .message, key: key))
            return nil
        }
        return message
    }
}

/// What one account may see of a conversation.
private struct ReaderView {
    var first: UInt64
    var last: UInt64
    var cleared = ConversationSequence(0)
    var hidden: Set<ConversationSequence> = []

    func hides(_ place: ConversationSequence) -> Bool {
        place <= cleared || hidden.contains(place)
    }
}
