// Catching up: what changed since a cursor, pages of messages, and raising watermarks.

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
        let count = request.limit == 0 ? max : min(max, Int(request.limit))
        do throws(StoreFailure) {
            let slice = try store.changes(of: principal.account, after: start, limit: count)
            let last = slice.items.last?.feed ?? slice.newest
            var page = SyncPage(
                incarnation: store.incarnation, snapshot: slice.newest,
                cursor: slice.remaining == 0 ? slice.newest : last,
                remaining: UInt64(slice.remaining), items: slice.items)
            guard slice.remaining == 0 else { return page }
            let large = try store.largeGroups(
                of: principal.account, after: request.largeAfter,
                limit: MessagingLimits.largeHeadsMax + 1)
            page.large = Array(large.prefix(MessagingLimits.largeHeadsMax))
            page.largeRemain = large.count > page.large.count
            return page
        } catch {
            throw Refused(error)
        }
    }

    /// Returns events of a conversation, as many as one page holds.
    public static func page(
        of id: ConversationID, from: UInt64, to: UInt64, order: MessageRequest.Order,
        for principal: Principal, store: any Store
    ) throws(Refused) -> Page {
        do throws(StoreFailure) {
            guard let head = try store.head(of: id, for: principal.account) else {
                throw StoreFailure.busy
            }
            let low = max(from, head.first.number)
            let high = min(to, head.last.number)
            guard low <= high else {
                return Page(conversation: id, records: [], unavailable: [], isComplete: true)
            }
            let slice = try store.messages(
                MessageRequest(
                    conversation: id, reader: principal.account, range: low...high,
                    order: order, limit: MessagingLimits.pageRecordsMax,
                    byteLimit: MessagingLimits.pageBytesMax))
            var handles = HandleCache(principal)
            var records = slice.messages
            for i in records.indices {
                records[i].senderHandle = try handles.handle(of: records[i].sender, store: store)
            }
            let listed = slice.damaged.prefix(MessagingLimits.pageUnavailableMax)
            return Page(
                conversation: id, records: records, unavailable: Array(listed),
                isComplete: slice.isComplete && listed.count == slice.damaged.count)
        } catch {
            throw error == .busy ? Refused(.unknownConversation) : Refused(error)
        }
    }

    /// Returns the operation that raises the device's watermarks.
    public static func acknowledgement(
        feed: FeedSequence, delivered: [Watermark], read: [Watermark], by principal: Principal
    ) -> AcknowledgeDelivery {
        AcknowledgeDelivery(
            account: principal.account, device: principal.device, feed: feed,
            delivered: delivered.map(DeliveredMark.init), read: read.map(DeliveredMark.init))
    }
}

/// The handles of the few senders of one page.
private struct HandleCache {
    private var known: [(account: AccountID, handle: String)]

    init(_ principal: Principal) { known = [(principal.account, principal.handle)] }

    mutating func handle(
        of account: AccountID, store: any Store
    ) throws(StoreFailure) -> String {
        if let entry = known.first(where: { $0.account == account }) { return entry.handle }
        let handle = try store.account(account)?.handle ?? ""
        known.append((account, handle))
        return handle
    }
}

extension DeliveredMark {
    fileprivate init(_ mark: Watermark) {
        self.init(conversation: mark.conversation, sequence: mark.sequence)
    }
}
