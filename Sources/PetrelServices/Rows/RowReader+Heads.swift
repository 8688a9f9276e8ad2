// Where a conversation stands for one account: what sync, pushes and services go by.

public import PetrelMessaging

extension RowReader where Self: ~Copyable {
    /// Returns a conversation as an account sees it; `nil` if it never was in it.
    public func head(
        of id: ConversationID, for account: AccountID
    ) throws(Trouble) -> ConversationHead? {
        guard let own: MemberRow = try find(.member(account, of: id), in: .member),
            let row: ConversationRow = try find(.conversation(id), in: .conversation)
        else { return nil }
        var head = ConversationHead(
            conversation: id, last: own.until.number > 0 ? own.until : row.last,
            first: max(row.first, own.from), byteCount: row.byteCount, read: own.read,
            settings: try settings(own, of: account, in: id),
            retentionSeconds: row.retentionSeconds, kind: .peer(Person()))
        guard row.isGroup else {
            try addPeer(to: &head, for: account)
            return head
        }
        head.delivered = row.delivered.highest(besides: account)
        head.readByPeer = row.read.highest(besides: account)
        let isOver = row.isDissolved && own.standing == .member
        head.kind = .group(
            GroupState(
                name: row.name, membersCount: row.membersCount, role: own.role,
                standing: isOver ? .dissolved : own.standing, isOpen: row.isOpen,
                isLarge: row.isLarge, mutedUntil: own.silencedUntil))
        return head
    }

    private func settings(
        _ row: MemberRow, of account: AccountID, in id: ConversationID
    ) throws(Trouble) -> ConversationSettings {
        var settings = ConversationSettings(
            isPinned: row.isPinned, mutedUntil: row.mutedUntil, cleared: row.cleared)
        guard row.hiddenCount > 0 else { return settings }
        let hidden: HiddenRow? = try find(.member(account, of: id), in: .hidden)
        settings.hidden = hidden?.places ?? []
        return settings
    }

    private func addPeer(
        to head: inout ConversationHead, for account: AccountID
    ) throws(Trouble) {
        let id = head.conversation
        guard let peer = try peer(in: id, of: account) else { return }
        head.kind = .peer(peer)
        guard peer.account != account,
            let row: MemberRow = try find(.member(peer.account, of: id), in: .member)
        else { return }
        head.delivered = row.delivered
        if try showsReading(peer.account, to: account) { head.readByPeer = row.read }
    }

    /// Returns the other in a 1:1 conversation, in notes to oneself the account; `nil` in a group.
    public func peer(
        in id: ConversationID, of account: AccountID
    ) throws(Trouble) -> Person? {
        let row: ConversationRow? = try find(.conversation(id), in: .conversation)
        guard let row, !row.isGroup else { return nil }
        let members = try list(.member, from: .conversation(id), prefix: 8, limit: 2)
        let accounts = members.map { AccountID($0.second) }
        let peer = accounts.first { $0 != account } ?? account
        let known: AccountRow? = try find(.account(peer), in: .account)
        return Person(account: peer, handle: known?.handle ?? "")
    }

    /// Returns the large groups of an account after one, by number, `limit` at most.
    public func largeGroups(
        of account: AccountID, after id: ConversationID, limit: Int
    ) throws(Trouble) -> [ConversationHead] {
        guard id.number < .max else { return [] }
        let start = Key.group(ConversationID(id.number + 1), of: account)
        return try collect(.largeOf, from: start, prefix: 8, limit: limit) {
            key throws(Trouble) -> ConversationHead? in
            try head(of: ConversationID(key.second), for: account)
        }.items
    }

    /// Returns the present members of a conversation after one, by account, `limit` at most.
    public func members(
        of id: ConversationID, after account: AccountID, limit: Int
    ) throws(Trouble) -> [MemberRecord] {
        guard account.number < .max else { return [] }
        let start = Key.member(AccountID(account.number + 1), of: id)
        return try collect(.member, from: start, prefix: 8, limit: limit) {
            key throws(Trouble) -> MemberRecord? in
            guard let row: MemberRow = try find(key, in: .member), row.standing == .member
            else { return nil }
            return MemberRecord(
                account: AccountID(key.second), role: row.role, mutedUntil: row.silencedUntil,
                delivered: row.delivered, read: row.read)
        }.items
    }
}
