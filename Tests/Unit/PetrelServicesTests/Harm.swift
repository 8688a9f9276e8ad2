// Ways to break the promises of a store, one row at a time.

import PetrelBase
import PetrelMessaging

@testable import PetrelServices

/// Damage to a town in which person 1 owns a group of 2, where 3 was, and has written to 2.
struct Harm {
    /// The promise that is broken.
    var rule: VerificationReport.Rule
    /// What the finding says, among other things.
    var words: String
    /// Does it.
    var act: (inout MemoryRows) throws -> Void

    init(
        _ rule: VerificationReport.Rule, _ words: String,
        _ act: @escaping (inout MemoryRows) throws -> Void
    ) {
        self.rule = rule
        self.words = words
        self.act = act
    }

    /// The row of that type under `key` is changed by `change`.
    static func changing<R: Record>(
        _ rule: VerificationReport.Rule, _ words: String, _ key: Key, _ table: TableName,
        _ type: R.Type, _ change: @escaping (inout R) -> Void
    ) -> Harm {
        Harm(rule, words) { rows in
            guard var row: R = try rows.find(key, in: table) else { return }
            change(&row)
            try rows.set(row, at: key, in: table)
        }
    }

    /// The row under `key` is removed.
    static func removing(
        _ rule: VerificationReport.Rule, _ words: String, _ key: Key, _ table: TableName
    ) -> Harm {
        Harm(rule, words) { try $0.delete(key, in: table) }
    }

    /// A row is put under `key`.
    static func adding(
        _ rule: VerificationReport.Rule, _ words: String, _ row: some Record, _ key: Key,
        _ table: TableName
    ) -> Harm {
        Harm(rule, words) { try $0.set(row, at: key, in: table) }
    }
}

extension Harm {
    static func all(in id: ConversationID) -> [Harm] {
        ofEvents(in: id) + ofMembers(in: id) + ofAccounts(in: id) + ofTables(in: id)
    }

    private static func ofEvents(in id: ConversationID) -> [Harm] {
        func place(_ number: UInt64) -> Key { .message(.init(number), of: id) }
        return [
            .removing(.gap, "places 2...2", place(2), .message),
            .changing(
                .gap, "places 11...13", .conversation(id), .conversation, ConversationRow.self
            ) { $0.last = .init(13) },
            .changing(
                .foreign, "outside 4...", .conversation(id), .conversation,
                ConversationRow.self
            ) { $0.first = .init(4) },
            .changing(.foreign, "stands place 9", place(2), .message, MessageRow.self) {
                $0.message.sequence = .init(9)
            },
            .removing(.foreign, "never a member", .member(.init(1), of: id), .member),
            .changing(.double, "took effect before", place(4), .message, MessageRow.self) {
                $0.message.clientMessageID = ClientMessageID(high: 7, low: 2)
            },
            Harm(.deduplication, "is not remembered") { $0.removeAll(in: .deduplication) },
            .changing(
                .deduplication, "where another stands",
                .deduplication(ClientMessageID(high: 7, low: 2), of: .init(1)), .deduplication,
                DeduplicationRow.self
            ) { $0.sequence = .init(4) },
            .changing(.erased, "was taken back", place(3), .message, MessageRow.self) {
                $0.message.event = .message(Content(contentType: "", body: [1]))
            },
            .changing(.erased, "its edit, not", place(6), .message, MessageRow.self) {
                $0.message.event = .edit(sequence: .init(3), Content(contentType: "", body: [1]))
            },
            .changing(.erased, "where there is no message", place(5), .message, MessageRow.self) {
                $0.message.event = .edit(sequence: .init(1), Content(contentType: "", body: [1]))
            },
            .changing(.count, "counts 4 edits and has 1", place(2), .message, MessageRow.self) {
                $0.editsCount = 4
            },
            .changing(
                .count, "bytes of bodies", .conversation(id), .conversation,
                ConversationRow.self
            ) { $0.byteCount = 1 },
            .adding(.damaged, "message/", EmptyRow(), place(2), .message),
            .adding(.damaged, "conversation/", EmptyRow(), .conversation(id), .conversation),
        ]
    }

    private static func ofMembers(in id: ConversationID) -> [Harm] {
        let second = Key.member(.init(2), of: id)
        let third = Key.member(.init(3), of: id)
        func member(
            _ rule: VerificationReport.Rule, _ words: String, _ key: Key,
            _ change: @escaping (inout MemberRow) -> Void
        ) -> Harm {
            .changing(rule, words, key, .member, MemberRow.self, change)
        }
        return [
            member(.mark, "are beyond place", second) { $0.delivered = .init(99) },
            member(.mark, "has not received", second) { $0.read = .init(9) },
            .changing(
                .mark, "the highest mark of what was received", .conversation(id),
                .conversation, ConversationRow.self
            ) { $0.delivered.highest = .init(99) },
            .changing(
                .mark, "is not that of account", .conversation(id), .conversation,
                ConversationRow.self
            ) {
                $0.read.highest = .init(3)
                $0.read.account = .init(2)
            },
            .removing(.membership, "disagree", .group(id, of: .init(2)), .memberOf),
            .adding(.membership, "was never in", EmptyRow(), .group(id, of: .init(4)), .memberOf),
            member(.membership, "has 0 owners", .member(.init(1), of: id)) { $0.role = .admin },
            member(.membership, "did not come in", second) { $0.from = .init(2) },
            member(.membership, "did not go", third) { $0.until = .init(2) },
            member(.membership, "and sees to 0", third) { $0.until = .init(0) },
            .changing(
                .membership, "counts 7 members", .conversation(id), .conversation,
                ConversationRow.self
            ) { $0.membersCount = 7 },
            member(.count, "counts 3 hidden places and has 1", second) { $0.hiddenCount = 3 },
            .adding(
                .index, "hides them twice",
                HiddenRow([ConversationSequence(2), ConversationSequence(2)]), second, .hidden),
            member(.feed, "does not name conversation", second) { $0.feed = .init(0) },
            .removing(.index, "is not that of its two members", .pair(.init(1), .init(2)), .pair),
        ]
    }

    private static func ofAccounts(in id: ConversationID) -> [Harm] {
        let device = Key.device(.init(1), of: .init(2))
        func head(
            _ words: String, _ change: @escaping (inout AccountHeadRow) -> Void
        ) -> Harm {
            .changing(
                .count, words, .account(.init(1)), .accountHead, AccountHeadRow.self, change)
        }
        return [
            .adding(
                .feed, "is not that of its subject", FeedRow(.conversation(id)),
                .feed(.init(1), of: .init(2)), .feed),
            Harm(.feed, "does not name the relation") { rows in
                let key = Key.contact(.init(1), of: .init(2))
                guard let row: ContactRow = try rows.find(key, in: .contact) else { return }
                try rows.delete(.feed(row.feed, of: .init(2)), in: .feed)
            },
            .changing(
                .feed, "does not name the account itself", .account(.init(2)), .account,
                AccountRow.self
            ) { $0.feed = .init(77) },
            .removing(.relation, "says contact", .contact(.init(1), of: .init(2)), .contact),
            .changing(.relation, "is gone", .account(.init(2)), .account, AccountRow.self) {
                $0.isDeleted = true
            },
            head("bytes stored") { $0.bytesUsed += 1 },
            head("groups") { $0.groupsCount += 1 },
            head("relations") { $0.contactsCount += 1 },
            head("invitations") { $0.invitationsCount = 0 },
            .changing(
                .count, "is beyond the last one", .account(.init(2)), .account,
                AccountRow.self
            ) { $0.lastDevice = .init(0) },
            .adding(.mark, "is beyond the newest entry", NumberRow(999), device, .watermark),
            .changing(.index, "leads elsewhere", device, .device, DeviceRow.self) {
                $0.key = DeviceKey(.init(1, 0, 0, 0))
            },
            .removing(.index, "the handle p2", .text("p2"), .handle),
            .changing(
                .membership, "never leaves its groups", .account(.init(2)), .account,
                AccountRow.self
            ) { $0.isDeleted = true },
        ]
    }

    private static func ofTables(in id: ConversationID) -> [Harm] {
        let time = Town.start
        return [
            Harm(.index, "an invitation of account") { $0.removeAll(in: .invited) },
            Harm(.index, "an invitation is to expire") { $0.removeAll(in: .invitation) },
            Harm(.index, "is never forgotten") { $0.removeAll(in: .deduplicated) },
            .adding(
                .index, "is to be forgotten", EmptyRow(),
                .deduplicated(ClientMessageID(high: 1, low: 1), of: .init(1), at: time),
                .deduplicated),
            Harm(.index, "never expires") { $0.removeAll(in: .expiry) },
            .adding(
                .index, "does not end then", EmptyRow(),
                .expiry(.init(2), of: id, at: time), .expiry),
            Harm(.index, "is not looked after") { $0.removeAll(in: .retention) },
            .adding(
                .index, "looked after at a time", EmptyRow(),
                .retention(id, due: WallTime(milliseconds: 5)), .retention),
            .adding(.index, "is not deleted", EmptyRow(), .account(.init(1)), .deleting),
            .adding(.index, "a handle leads", NumberRow(1), .text("nobody"), .handle),
            .adding(
                .index, "a key leads",
                DeviceNameRow(account: .init(1), device: .init(1)),
                .deviceKey(DeviceKey(.init(9, 9, 9, 9))), .deviceKey),
            .adding(
                .index, "is led to conversation", NumberRow(id.number),
                .pair(.init(1), .init(4)), .pair),
            .adding(
                .index, "message has rows of conversation", EmptyRow(),
                .message(.init(1), of: .init(5)), .message),
            .adding(
                .index, "is that of no device", NumberRow(1),
                .device(.init(8), of: .init(1)), .watermark),
            .adding(
                .index, "hides places of conversation", HiddenRow([ConversationSequence(1)]),
                .member(.init(4), of: id), .hidden),
            .adding(
                .deduplication, "does not exist",
                DeduplicationRow(
                    conversation: .init(5), sequence: .init(1), digest: .init(0, 0, 0, 0),
                    time: time),
                .deduplication(ClientMessageID(high: 3, low: 3), of: .init(1)), .deduplication),
        ]
    }
}
