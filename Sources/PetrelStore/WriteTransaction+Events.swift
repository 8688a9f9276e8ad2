// The tables of a client's events on its disk, to be changed by the rules of PetrelClientData.

import PetrelClientData
import PetrelMessaging
import PetrelServices

extension WriteTransaction: EventTables {
    func event(
        _ conversation: ConversationID, _ sequence: ConversationSequence
    ) throws(StoreError) -> MessageRecord? {
        // A damaged record is healed by the same event, pulled again.
        let row: EventRow? = try readable(.message(sequence, of: conversation), in: .message)
        return row?.record
    }

    func places(
        _ conversation: ConversationID, below end: ConversationSequence, limit: Int
    ) throws(StoreError) -> [ConversationSequence] {
        let start = Key.message(ConversationSequence(0), of: conversation)
        return try keys(in: .message, from: start, prefix: 8, limit: limit)
            .map { ConversationSequence($0.second) }
            .filter { $0 < end }
    }

    mutating func set(_ record: MessageRecord) throws(StoreError) {
        let key = Key.message(record.sequence, of: record.conversation)
        try put(EventRow(record), at: key, in: .message)
    }

    mutating func removeEvent(
        _ conversation: ConversationID, _ sequence: ConversationSequence
    ) throws(StoreError) {
        try remove(.message(sequence, of: conversation), in: .message)
    }

    func overlay(
        _ conversation: ConversationID, _ target: ConversationSequence
    ) throws(StoreError) -> Overlay? {
        let row: OverlayRow? = try readable(.message(target, of: conversation), in: .overlay)
        return row?.overlay
    }

    mutating func set(_ overlay: Overlay) throws(StoreError) {
        let key = Key.message(overlay.target, of: overlay.conversation)
        try put(OverlayRow(overlay), at: key, in: .overlay)
    }

    mutating func removeOverlay(
        _ conversation: ConversationID, _ target: ConversationSequence
    ) throws(StoreError) {
        try remove(.message(target, of: conversation), in: .overlay)
    }

    mutating func note(_ expiry: Expiry) throws(StoreError) {
        try put(MarkRow(), at: expiry.key, in: .expiry)
    }

    mutating func forget(_ expiry: Expiry) throws(StoreError) {
        try remove(expiry.key, in: .expiry)
    }

    /// A record that can be read; one that is damaged is reported, and taken for none.
    private func readable<R: Record>(
        _ key: Key, in table: TableName
    ) throws(StoreError) -> R? {
        do throws(StoreError) {
            return try row(key, in: table)
        } catch {
            guard case .damaged(let record) = error.kind else { throw error }
            damageMet(record)
            return nil
        }
    }
}

extension Expiry {
    fileprivate var key: Key { .expiry(sequence, of: conversation, at: time) }
}
