// Catching up: what changed since a cursor, pages of events and of members, and raising watermarks.

public import PetrelMessaging

/// Answers what a device asks to catch up.
public enum SyncService {
    /// Returns what changed for the principal since the cursor, and its large groups at the end.
    ///
    /// A cursor of another life of the store means nothing here: the page starts from the first.
    /// A limit of 0 means as many as are allowed.
    public static func changes(
        _ request: SyncRequest, for principal: Principal, store: any Store
    ) throws(Refused) -> SyncPage {
        let start = request.incarnation == store.incarnation ? request.cursor : FeedSequence(0)
        let max = MessagingLimits.syncHeadsMax
        let count = request.limit == 0 ? max : min(max, Int(clamping: request.limit))
        do throws(StoreFailure) {
            let slice = try store.changes(of: principal.account, after: start, limit: count)
            var room = MessagingLimits.messageBytesMax - 256
            let items = fitting(slice.items, into: &room) { $0.byteCountMax }
            let remaining = slice.remaining + slice.items.count - items.count
            let last = items.last?.feed ?? slice.newest
            var page = SyncPage(
                incarnation: store.incarnation, snapshot: slice.newest,
                cursor: remaining == 0 ? slice.newest : last, remaining: UInt64(remaining),
                items: items)
            guard remaining == 0 else { return page }
            let large = try store.largeGroups(
                of: principal.account, after: request.largeAfter,
                limit: MessagingLimits.largeHeadsMax + 1)
            let heads = Array(large.prefix(MessagingLimits.largeHeadsMax))
            // A page that is full of items leaves all of them for the next.
            page.large = fitting(heads, into: &room, atLeast: items.isEmpty ? 1 : 0) {
                $0.byteCountMax
            }
            page.largeRemain = large.count > page.large.count
            return page
        } catch {
            throw Refused(error)
        }
    }

    /// The first of `all` that fit into what room is left.
    private static func fitting<Element>(
        _ all: [Element], into room: inout Int, atLeast least: Int = 1,
        _ size: (Element) -> Int
    ) -> [Element] {
        var taken: [Element] = []
        for element in all {
            guard taken.count < least || size(element) <= room else { break }
            room -= size(element)
            taken.append(element)
        }
        return taken
    }

    /// Returns events of a conversation, as many as one page holds.
    public static func page(
        of id: ConversationID, from: UInt64, to: UInt64, order: MessageRequest.Order,
        for principal: Principal, store: any Store
    ) throws(Refused) -> Page {
        let head = try head(of: id, for: principal, store: store)
        let low = max(from, head.first.number)
        let high = min(to, head.last.number)
        guard low <= high else {
            return Page(conversation: id, records: [], unavailable: [], isComplete: true)
        }
        do throws(StoreFailure) {
            let slice = try store.messages(
                MessageRequest(
                    conversation: id, reader: principal.account, range: low...high,
                    order: order, limit: MessagingLimits.pageRecordsMax,
                    byteLimit: MessagingLimits.pageBytesMax))
            var names = NameCache()
            var records = slice.messages
            for i in records.indices {
                records[i].senderHandle =
                    try names.account(records[i].sender, store: store)?.handle ?? ""
            }
            let listed = slice.damaged.prefix(MessagingLimits.pageUnavailableMax)
            return Page(
                conversation: id, records: records, unavailable: Array(listed),
                isComplete: slice.isComplete && listed.count == slice.damaged.count)
        } catch {
            throw Refused(error)
        }
    }

    /// Returns the members of a conversation after one, as many as one page holds.
    public static func members(
        of id: ConversationID, after account: AccountID, for principal: Principal,
        store: any Store
    ) throws(Refused) -> MembersPage {
        let head = try head(of: id, for: principal, store: store)
        var hasMarks = true
        if case .group(let group) = head.kind {
            switch group.standing {
            case .member: break
            case .left, .removed: throw Refused(.notMember)
            case .dissolved: throw Refused(.dissolved)
            }
            hasMarks = group.membersCount <= MessagingLimits.receiptsGroupMembersMax
        }
        let max = MessagingLimits.membersPageMax
        do throws(StoreFailure) {
            let records = try store.members(of: id, after: account, limit: max + 1)
            var members: [GroupMember] = []
            for record in records.prefix(max) {
                members.append(try member(record, hasMarks, for: principal, store: store))
            }
            return MembersPage(
                conversation: id, members: members, isComplete: records.count <= max)
        } catch {
            throw Refused(error)
        }
    }

    private static func member(
        _ record: MemberRecord, _ hasMarks: Bool, for principal: Principal, store: any Store
    ) throws(StoreFailure) -> GroupMember {
        let account = try store.account(record.account)
        var member = GroupMember(
            person: Person(account: record.account, handle: account?.handle ?? ""),
            name: account?.profile.name ?? "", role: record.role,
            mutedUntil: record.mutedUntil, delivered: .init(0), read: .init(0))
        guard hasMarks else { return member }
        member.delivered = record.delivered
        if record.account == principal.account {
            member.read = record.read
        } else if try Visibility.receipts(of: account, to: principal.account, store: store) {
            member.read = record.read
        }
        return member
    }

    /// Returns the operation that raises the device's watermarks.
    public static func acknowledgement(
        feed: FeedSequence, delivered: [Watermark], read: [Watermark], by principal: Principal
    ) -> AcknowledgeDelivery {
        AcknowledgeDelivery(
            account: principal.account, device: principal.device, feed: feed,
            delivered: delivered.map(DeliveredMark.init), read: read.map(DeliveredMark.init))
    }

    private static func head(
        of id: ConversationID, for principal: Principal, store: any Store
    ) throws(Refused) -> ConversationHead {
        let head: ConversationHead?
        do throws(StoreFailure) {
            head = try store.head(of: id, for: principal.account)
        } catch {
            throw Refused(error)
        }
        let relation = Authority.Relation(head)
        if let refusal = Authority.refusal(of: .read, by: relation, limits: store.limits) {
            throw refusal
        }
        guard let head else { throw Refused(.unknownConversation) }
        return head
    }
}

/// The accounts of the few senders of one page.
private struct NameCache {
    private var known: [AccountRecord] = []

    mutating func account(
        _ id: AccountID, store: any Store
    ) throws(StoreFailure) -> AccountRecord? {
        if let record = known.first(where: { $0.id == id }) { return record }
        guard let record = try store.account(id) else { return nil }
        known.append(record)
        return record
    }
}

extension DeliveredMark {
    fileprivate init(_ mark: Watermark) {
        self.init(conversation: mark.conversation, sequence: mark.sequence)
    }
}

extension Authority.Relation {
    /// How an account stands to a conversation that it sees like that, as far as reading goes.
    init(_ head: ConversationHead?) {
        switch head?.kind {
        case nil: self = .none
        case .peer: self = .peer(Authority.Peer())
        case .group(let group):
            var member = Authority.Member(standing: group.standing)
            member.role = group.role
            self = .group(member)
        }
    }
}
