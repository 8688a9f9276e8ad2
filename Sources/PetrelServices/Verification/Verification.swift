// Checks a store against its promises, from one snapshot: what anybody may check from outside.

public import PetrelBase
import PetrelMessaging

/// What the walk over a store has met so far.
struct Verification {
    var report = VerificationReport()
    /// Bytes of bodies by sender.
    var bytes: [AccountID: UInt64] = [:]
    /// Open invitations by who made them.
    var invitations: [AccountID: Int] = [:]
    /// Identifiers by sender, to find one that took effect twice.
    var names: Set<MessageName> = []
    /// Rows that cannot be read; each is told once.
    private var damaged: Set<RowName> = []

    struct MessageName: Hashable {
        var account: AccountID
        var id: ClientMessageID
    }

    private struct RowName: Hashable {
        var table: TableName
        var key: Key
    }

    /// Notes a broken promise.
    mutating func note(
        _ rule: VerificationReport.Rule, _ sentence: @autoclosure () -> String
    ) {
        report.note(rule, sentence())
    }

    mutating func noteDamaged(_ key: Key, in table: TableName) {
        guard damaged.insert(RowName(table: table, key: key)).inserted else { return }
        let digits = key.bytes.map { byte in
            (byte < 16 ? "0" : "") + String(byte, radix: 16)
        }
        report.note(.damaged, "the record \(table)/\(digits.joined()) cannot be read")
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
        try verifyInvitations(&verification)
        try each(.account) { key throws(Trouble) in
            try verify(account: .init(key.number(at: 0)), &verification)
        }
        try verifyIdentifiers(&verification)
        try verifyOrders(&verification)
        try verifyNames(&verification)
        try verifyOrphans(&verification)
        return verification.report
    }

    /// Calls `body` with every key of a table, in order; no key is empty, or below one zero.
    func each(
        _ table: TableName, from start: Key = Key([0]), prefix: Int = 0,
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

    /// Returns the row under `key`; one that cannot be read is noted, and taken for none.
    func examine<R: Record>(
        _ key: Key, in table: TableName, _ verification: inout Verification
    ) throws(Trouble) -> R? {
        if let row: R = try find(key, in: table) { return row }
        if try has(key, in: table) { verification.noteDamaged(key, in: table) }
        return nil
    }

    /// What a subject says is its entry in a feed must be there, and be about it.
    func verify(
        entry feed: FeedSequence, of subject: FeedSubject, in account: AccountID,
        _ verification: inout Verification
    ) throws(Trouble) {
        let key = Key.feed(feed, of: account)
        let row: FeedRow? =
            feed.number == 0 ? nil : try examine(key, in: .feed, &verification)
        guard row?.subject != subject else { return }
        verification.note(
            .feed,
            "the feed of account \(account.digits) does not name \(subject.words) at entry "
                + "\(feed.number)")
    }

    /// Every identifier that is remembered names a message that is there, or was.
    private func verifyIdentifiers(_ verification: inout Verification) throws(Trouble) {
        try each(.deduplication) { key throws(Trouble) in
            verification.report.identifiers += 1
            let found: DeduplicationRow? = try examine(key, in: .deduplication, &verification)
            guard let row = found else { return }
            let (account, high, low) = (key.number(at: 0), key.number(at: 8), key.number(at: 16))
            let id = ClientMessageID(high: high, low: low)
            let order = Key.deduplicated(id, of: .init(account), at: row.time)
            if try !has(order, in: .deduplicated) {
                verification.note(.index, "the identifier of \(row.place) is never forgotten")
            }
            let head: ConversationRow? = try examine(
                .conversation(row.conversation), in: .conversation, &verification)
            guard let head else {
                return verification.note(
                    .deduplication, "an identifier names \(row.place), which does not exist")
            }
            guard row.sequence >= head.first else { return }
            let message: MessageRow? = try examine(
                .message(row.sequence, of: row.conversation), in: .message, &verification)
            guard message?.message.clientMessageID == id,
                message?.message.sender.number == account
            else {
                return verification.note(
                    .deduplication,
                    "an identifier of account \(AccountID(account).digits) names \(row.place), "
                        + "where another stands"
                )
            }
        }
    }
}

extension DeduplicationRow {
    fileprivate var place: String {
        "place \(sequence.number) of conversation \(conversation.digits)"
    }
}

extension FeedSubject {
    fileprivate var words: String {
        switch self {
        case .conversation(let id): "conversation \(id.digits)"
        case .contact(let peer): "the relation to account \(peer.digits)"
        case .account: "the account itself"
        }
    }
}

extension AccountID {
    /// The number as people see it: 16 hexadecimal digits.
    var digits: String { hexadecimal(number) }
}

extension ConversationID {
    /// The number as people see it: 16 hexadecimal digits.
    var digits: String { hexadecimal(number) }
}

/// Writes a number as 16 hexadecimal digits.
func hexadecimal(_ number: UInt64) -> String {
    let digits = String(number, radix: 16)
    return String(repeating: "0", count: 16 - digits.count) + digits
}
