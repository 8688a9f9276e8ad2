// Checks a store against its promises, from one snapshot: what anybody may check from outside.

public import PetrelBase
import PetrelMessaging

/// What the walk over a store has met so far.
struct Verification {
    var report = VerificationReport()
    /// Bytes of bodies by sender.
    var bytes: [AccountID: UInt64] = [:]
    /// Identifiers by sender, to find one that took effect twice.
    var names: Set<MessageName> = []

    struct MessageName: Hashable {
        var account: AccountID
        var id: ClientMessageID
    }
}

extension RowReader where Self: ~Copyable {
    /// Checks everything; damaged records are reported and taken for none.
    ///
    /// `wall` is what the clock shows: of the last seven days every identifier must be remembered.
    public func verification(at wall: WallTime) throws(Trouble) -> VerificationReport {
        var verification = Verification()
        try each(.conversation) { key throws(Trouble) in
            try verify(conversation: .init(key.number(at: 0)), at: wall, &verification)
        }
        try each(.account) { key throws(Trouble) in
            try verify(account: .init(key.number(at: 0)), &verification)
        }
        try verifyIdentifiers(&verification)
        try verifyOrphans(&verification)
        return verification.report
    }

    /// Calls `body` with every key of a table, in order.
    func each(
        _ table: TableName, from start: Key = Key([]), prefix: Int = 0,
        _ body: (Key) throws(Trouble) -> Void
    ) throws(Trouble) {
        var next = start
        while true {
            let keys = try list(table, from: next, prefix: prefix, limit: 512)
            for key in keys { try body(key) }
            guard keys.count == 512, let last = keys.last else { return }
            next = last.successor
        }
    }

    /// Every identifier that is remembered names a message that is there, or was.
    private func verifyIdentifiers(_ verification: inout Verification) throws(Trouble) {
        try each(.deduplication) { key throws(Trouble) in
            verification.report.identifiers += 1
            guard let row: DeduplicationRow = try find(key, in: .deduplication) else {
                return verification.report.note(.damaged, "an identifier cannot be read")
            }
            let (account, high, low) = (key.number(at: 0), key.number(at: 8), key.number(at: 16))
            let id = ClientMessageID(high: high, low: low)
            let order = Key.deduplicated(id, of: .init(account), at: row.time)
            if try !has(order, in: .deduplicated) {
                verification.report.note(
                    .index, "the identifier of \(row.place) is never forgotten")
            }
            let conversation: ConversationRow? = try find(
                .conversation(row.conversation), in: .conversation)
            guard let conversation else {
                return verification.report.note(
                    .deduplication, "an identifier names \(row.place), which does not exist")
            }
            guard row.sequence >= conversation.first else { return }
            let key = Key.message(row.sequence, of: row.conversation)
            let message: MessageRow? = try find(key, in: .message)
            guard message?.message.clientMessageID == id,
                message?.message.sender.number == account
            else {
                return verification.report.note(
                    .deduplication,
                    "an identifier of account \(account) names \(row.place), where another stands")
            }
        }
    }

    /// What belongs to no conversation or account.
    private func verifyOrphans(_ verification: inout Verification) throws(Trouble) {
        let tables: [(TableName, TableName)] = [
            (.member, .conversation), (.message, .conversation), (.hidden, .conversation),
            (.feed, .account), (.contact, .account), (.memberOf, .account), (.device, .account),
            (.largeOf, .memberOf),
        ]
        for (table, owner) in tables {
            var known: (number: UInt64, isThere: Bool)?
            try each(table) { key throws(Trouble) in
                if owner == .memberOf {
                    guard try !has(key, in: .memberOf) else { return }
                    return verification.report.note(
                        .membership,
                        "account \(key.number(at: 0)) is listed for the large group "
                            + "\(key.second), which it is not in")
                }
                let number = key.number(at: 0)
                if known?.number != number {
                    known = (number, try has(.number(number), in: owner))
                    if known?.isThere == false {
                        verification.report.note(
                            .index, "\(table) has rows of \(owner) \(number), which is not there")
                    }
                }
            }
        }
    }
}

extension DeduplicationRow {
    fileprivate var place: String {
        "place \(sequence.number) of conversation \(conversation.number)"
    }
}
