// Catching up: what changed since a cursor, pages of messages, and raising watermarks.

public import PetrelMessaging

/// Answers what a device asks to catch up.
public enum SyncService {
    /// Returns what changed in the principal's conversations since `cursor`.
    ///
    /// A cursor of another life of the store means nothing here: the page starts from the first.
    /// A limit of 0 means as many as are allowed.
    public static func changes(
        since cursor: FeedSequence, incarnation: UInt64, limit: UInt32, for principal: Principal,
        store: any Store
    ) throws(Refused) -> SyncPage {
        let start = incarnation == store.incarnation ? cursor : FeedSequence(0)
        let max = MessagingLimits.syncHeadsMax
        let count = limit == 0 ? max : min(max, Int(limit))
        do throws(StoreFailure) {
            let slice = try store.feed(principal.account, after: start, limit: count)
            var heads: [ConversationHead] = []
            heads.reserveCapacity(slice.entries.count)
            for entry in slice.entries {
                heads.append(try head(entry, for: principal, store: store))
            }
            let last = slice.entries.last?.feed ?? slice.newest
            return SyncPage(
                incarnation: store.incarnation, snapshot: slice.newest,
                cursor: slice.remaining == 0 ? slice.newest : last,
                remaining: UInt64(slice.remaining), heads: heads)
        } catch {
            throw Refused(error)
        }
    }

    /// Returns messages of a conversation, as many as one page holds.
    public static func page(
        of id: ConversationID, from: UInt64, to: UInt64, order: MessageRequest.Order,
        for principal: Principal, store: any Store
    ) throws(Refused) -> Page {
        let conversation = try Authority.conversation(
            id, for: .read, by: principal, store: store)
        let low = max(from, conversation.first.number)
        let high = min(to, conversation.last.number)
        guard low <= high else {
            return Page(conversation: id, records: [], unavailable: [], isComplete: true)
        }
        do throws(StoreFailure) {
            let slice = try store.messages(
                MessageRequest(
                    conversation: id, range: low...high, order: order,
                    limit: MessagingLimits.pageRecordsMax,
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
            throw Refused(error)
        }
    }

    /// Returns the operation that raises the device's watermarks.
    public static func acknowledgement(
        feed: FeedSequence, delivered: [Watermark], by principal: Principal
    ) -> AcknowledgeDelivery {
        AcknowledgeDelivery(
            account: principal.account, device: principal.device, feed: feed,
            delivered: delivered.map {
                DeliveredMark(conversation: $0.conversation, sequence: $0.sequence)
            })
    }

    private static func head(
        _ entry: FeedSlice.Entry, for principal: Principal, store: any Store
    ) throws(StoreFailure) -> ConversationHead {
        let conversation = entry.conversation
        let peer = conversation.peer(of: principal.account)
        var handle = principal.handle
        if let peer, peer.account != principal.account {
            handle = try store.account(peer.account)?.handle ?? ""
        }
        return ConversationHead(
            conversation: conversation.id, feed: entry.feed, last: conversation.last,
            first: conversation.first, peer: peer?.account ?? principal.account,
            peerHandle: handle, delivered: peer?.delivered ?? .init(0))
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
