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
        let low = max(request.range.lowerBound, row.first.number, 1)
        let high = min(request.range.upperBound, row.last.number)
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
            guard let message = try message(place, of: id) else {
                slice.damaged.append(place)
                continue
            }
            bytes += message.body.count
            guard bytes <= request.byteLimit || slice.messages.isEmpty else {
                slice.isComplete = false
                return slice
            }
            slice.messages.append(message)
        }
        return slice
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
