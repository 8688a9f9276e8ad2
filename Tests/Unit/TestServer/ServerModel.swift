// A server as a value: the least that answers what a sync engine asks.

import PetrelBase
import PetrelMessaging

/// Conversations and one account's feed, with the messages that were committed.
struct ServerModel {
    static let me = AccountID(1)
    static let peer = AccountID(2)

    var incarnation: UInt64 = 77
    private(set) var feed: UInt64 = 0
    /// The newest change of each conversation, oldest change first: one live entry each.
    private var changes: [(feed: UInt64, conversation: ConversationID)] = []
    private(set) var records: [ConversationID: [MessageRecord]] = [:]
    var peerDelivered: [ConversationID: UInt64] = [:]
    /// Records of a page.
    var pageMax = 3
    /// Places whose records the server cannot read.
    var damaged: Set<UInt64> = []
    var headsMax = 2
    /// The server's clock.
    var time = WallTime(milliseconds: 5)

    var welcome: Welcome {
        Welcome(
            account: Self.me, device: DeviceID(1), handle: "anna", incarnation: incarnation,
            feed: FeedSequence(feed), time: time)
    }

    /// Commits a message of the peer; returns the push that tells of it.
    mutating func commit(_ conversation: ConversationID, _ text: String) -> PushedMessage {
        let place = UInt64(records[conversation]?.count ?? 0) + 1
        let record = MessageRecord(
            conversation: conversation, sequence: ConversationSequence(place), sender: Self.peer,
            senderDevice: DeviceID(1), senderHandle: "peer",
            clientMessageID: ClientMessageID(high: conversation.number, low: place),
            time: WallTime(milliseconds: Int64(feed)), contentType: "", body: Array(text.utf8))
        records[conversation, default: []].append(record)
        let previous = feed
        noteChange(conversation)
        return PushedMessage(
            record: record, feed: FeedSequence(feed), previousFeed: FeedSequence(previous))
    }

    /// Commits a message of this account's first device, always in conversation 10.
    mutating func commit(own message: OutgoingMessage) -> Verdict {
        let conversation = ConversationID(10)
        let place = UInt64(records[conversation]?.count ?? 0) + 1
        let record = MessageRecord(
            conversation: conversation, sequence: ConversationSequence(place), sender: Self.me,
            senderDevice: DeviceID(1), senderHandle: "anna",
            clientMessageID: message.clientMessageID, time: WallTime(milliseconds: 5),
            contentType: message.contentType, body: message.body)
        records[conversation, default: []].append(record)
        let previous = feed
        noteChange(conversation)
        return Verdict(
            clientMessageID: message.clientMessageID, conversation: conversation,
            sequence: record.sequence, time: record.time, feed: FeedSequence(feed),
            previousFeed: FeedSequence(previous), peer: Self.peer, peerHandle: "peer")
    }

    /// The peer has received; returns the push that tells of it.
    mutating func receipt(_ conversation: ConversationID, upTo place: UInt64) -> Receipt {
        let previous = feed
        peerDelivered[conversation] = place
        noteChange(conversation)
        return Receipt(
            conversation: conversation, account: Self.peer, sequence: ConversationSequence(place),
            feed: FeedSequence(feed), previousFeed: FeedSequence(previous))
    }

    func answer(_ command: Command.Kind) -> Notice.Kind? {
        switch command {
        case .sync(let incarnation, let cursor, let limit):
            let from = incarnation == self.incarnation ? cursor.number : 0
            return .syncPage(page(after: from, limit: min(Int(limit), headsMax)))
        case .pull(let conversation, let from, let to, _):
            return .page(page(conversation, from, to))
        case .register, .logIn, .send, .acknowledge: return nil
        }
    }

    private mutating func noteChange(_ conversation: ConversationID) {
        feed += 1
        changes.removeAll { $0.conversation == conversation }
        changes.append((feed, conversation))
    }

    private func page(after cursor: UInt64, limit: Int) -> SyncPage {
        let newer = changes.filter { $0.feed > cursor }
        let chosen = newer.prefix(limit)
        let heads = chosen.map { change in
            ConversationHead(
                conversation: change.conversation, feed: FeedSequence(change.feed),
                last: ConversationSequence(UInt64(records[change.conversation]?.count ?? 0)),
                first: ConversationSequence(1), peer: Self.peer, peerHandle: "peer",
                delivered: ConversationSequence(peerDelivered[change.conversation] ?? 0))
        }
        return SyncPage(
            incarnation: incarnation, snapshot: FeedSequence(feed),
            cursor: FeedSequence(chosen.last?.feed ?? cursor),
            remaining: UInt64(newer.count - chosen.count), heads: heads)
    }

    private func page(_ conversation: ConversationID, _ from: UInt64, _ to: UInt64) -> Page {
        let asked = (records[conversation] ?? [])
            .filter { (from...to).contains($0.sequence.number) }
            .reversed()
        let chosen = asked.prefix(pageMax)
        return Page(
            conversation: conversation,
            records: chosen.filter { !damaged.contains($0.sequence.number) },
            unavailable: chosen.map(\.sequence).filter { damaged.contains($0.number) },
            isComplete: chosen.count == asked.count)
    }
}
