// What accounts do in a town, and an audit of its tables after that.

import PetrelBase
import PetrelMessaging
import Testing

@testable import PetrelServices

extension Town {
    mutating func enrol(
        _ account: UInt64, key: UInt64, name: String = ""
    ) throws -> StoreOutcome {
        try apply(.enrolDevice(Town.device(of: account, key: key, name: name, at: now)))
    }

    mutating func account(
        _ account: UInt64, _ change: ChangeAccount.Change, on device: UInt32 = 1
    ) throws -> StoreOutcome {
        try apply(
            .changeAccount(
                ChangeAccount(
                    account: .init(account), device: .init(device), change: change, time: now)))
    }

    mutating func invite(
        _ account: UInt64, code: UInt64, for time: Interval = .seconds(60)
    ) throws -> StoreOutcome {
        try apply(
            .createInvitation(
                CreateInvitation(
                    account: .init(account), device: .init(1), digest: Town.digest(code),
                    expires: Town.later(now, time), time: now)))
    }

    mutating func register(_ account: UInt64, code: UInt64? = nil) throws -> StoreOutcome {
        try apply(
            .createAccount(
                CreateAccount(
                    account: .init(account), handle: "p\(account)", password: [1],
                    key: Town.key(account), deviceName: "", helloCounter: 1, time: now,
                    invitation: code.map { Town.digest($0) })))
    }

    mutating func set(
        _ change: ConversationChange, of id: ConversationID, by account: UInt64
    ) throws -> StoreOutcome {
        try apply(
            .changeConversation(
                ChangeConversation(
                    account: .init(account), device: .init(1), conversation: id,
                    change: change)))
    }

    static func device(
        of account: UInt64, key: UInt64, name: String = "", at time: WallTime = start
    ) -> EnrolDevice {
        EnrolDevice(
            account: .init(account), key: Town.key(key), deviceName: name, helloCounter: 1,
            time: time)
    }

    static func key(_ number: UInt64) -> DeviceKey { DeviceKey(.init(number, 0, 0, 0)) }
    static func digest(_ code: UInt64) -> InlineWords4 { .init(7, 7, 7, code) }
    static func later(_ time: WallTime, _ more: Interval) -> WallTime {
        WallTime(milliseconds: time.milliseconds + more.nanoseconds / 1_000_000)
    }

    /// All rows of all tables, as bytes: tables, keys and rows.
    func tables() throws -> [[UInt8]] {
        var all: [[UInt8]] = []
        for table in TableName.ofServer {
            for key in try store.durable.list(table, from: Key([]), prefix: 0, limit: .max) {
                all.append([table.number] + key.bytes + (try row(key, in: table)))
            }
        }
        return all
    }

    private func row(_ key: Key, in table: TableName) throws -> [UInt8] {
        func bytes<R: Record>(_: R.Type) throws -> [UInt8] {
            let row: R? = try store.durable.find(key, in: table)
            return try #require(row).sealed()
        }
        switch table {
        case .account: return try bytes(AccountRow.self)
        case .accountHead: return try bytes(AccountHeadRow.self)
        case .device: return try bytes(DeviceRow.self)
        case .deviceKey: return try bytes(DeviceNameRow.self)
        case .contact: return try bytes(ContactRow.self)
        case .invitation: return try bytes(InvitationRow.self)
        case .conversation: return try bytes(ConversationRow.self)
        case .member: return try bytes(MemberRow.self)
        case .hidden: return try bytes(HiddenRow.self)
        case .message: return try bytes(MessageRow.self)
        case .feed: return try bytes(FeedRow.self)
        case .deduplication: return try bytes(DeduplicationRow.self)
        case .handle, .watermark, .pair: return try bytes(NumberRow.self)
        default: return try bytes(EmptyRow.self)
        }
    }

    /// Checks what must be true of people whatever happened: counts, feeds, both sides.
    func audit(_ where: SourceLocation = #_sourceLocation) throws {
        let rows = store.durable
        for key in try rows.list(.account, from: Key([]), prefix: 0, limit: .max) {
            let account = AccountID(key.number(at: 0))
            try auditCounts(account, `where`)
            try auditFeed(account, `where`)
            for key in try rows.list(.contact, from: key, prefix: 8, limit: .max) {
                try auditContact(account, AccountID(key.second), `where`)
            }
            let live = try rows.presentDevices(of: account).count
            #expect(live <= MessagingLimits.devicesMax, sourceLocation: `where`)
            let row: AccountRow? = try rows.find(key, in: .account)
            if row?.isDeleted == true { #expect(live == 0, sourceLocation: `where`) }
        }
    }

    private func auditCounts(_ account: AccountID, _ where: SourceLocation) throws {
        let rows = store.durable
        let head = try rows.accountHead(account)
        let contacts = try rows.list(.contact, from: .account(account), prefix: 8, limit: .max)
        var known: UInt32 = 0
        for key in contacts {
            let row: ContactRow? = try rows.find(key, in: .contact)
            if row?.relation.exists == true { known += 1 }
        }
        #expect(head.contactsCount == known, "\(account)", sourceLocation: `where`)
        var open: UInt32 = 0
        for key in try rows.list(.invitation, from: Key([]), prefix: 0, limit: .max) {
            let row: InvitationRow? = try rows.find(key, in: .invitation)
            if row?.account == account { open += 1 }
        }
        #expect(head.invitationsCount == open, "\(account)", sourceLocation: `where`)
        let groups = try rows.count(.memberOf, from: .account(account), prefix: 8)
        #expect(Int(head.groupsCount) == groups, "\(account)", sourceLocation: `where`)
    }

    /// Each entry is the live one of its subject, and each subject's live entry is there.
    private func auditFeed(_ account: AccountID, _ where: SourceLocation) throws {
        let rows = store.durable
        var live: [FeedSubject: FeedSequence] = [:]
        if let row: AccountRow = try rows.find(.account(account), in: .account) {
            live[.account] = row.feed
        }
        for key in try rows.list(.contact, from: .account(account), prefix: 8, limit: .max) {
            let row: ContactRow? = try rows.find(key, in: .contact)
            live[.contact(AccountID(key.second))] = row?.feed
        }
        for key in try rows.list(.member, from: Key([]), prefix: 0, limit: .max)
        where key.second == account.number {
            let row: MemberRow? = try rows.find(key, in: .member)
            live[.conversation(ConversationID(key.number(at: 0)))] = row?.feed
        }
        live = live.filter { $0.value.number > 0 }
        var entries: [FeedSubject: FeedSequence] = [:]
        for key in try rows.list(.feed, from: .account(account), prefix: 8, limit: .max) {
            let row: FeedRow? = try rows.find(key, in: .feed)
            let subject = try #require(row).subject
            #expect(entries[subject] == nil, sourceLocation: `where`)
            entries[subject] = FeedSequence(key.second)
        }
        #expect(entries == live, "\(account)", sourceLocation: `where`)
        let newest = try rows.newestFeed(account)
        #expect(entries.values.allSatisfy { $0 <= newest }, sourceLocation: `where`)
    }

    private func auditContact(
        _ account: AccountID, _ peer: AccountID, _ where: SourceLocation
    ) throws {
        let own = try store.durable.side(of: account, about: peer).relation
        let other = try store.durable.side(of: peer, about: account).relation
        if own.state == .contact { #expect(other.state == .contact, sourceLocation: `where`) }
        if own.state == .asked { #expect(other.state == .requested, sourceLocation: `where`) }
        if own.isBlocked {
            #expect([.none, .gone].contains(own.state), sourceLocation: `where`)
        }
        if !own.exists { #expect(own.alias.isEmpty, sourceLocation: `where`) }
        if own.state != .asked { #expect(own.greeting.isEmpty, sourceLocation: `where`) }
    }
}
