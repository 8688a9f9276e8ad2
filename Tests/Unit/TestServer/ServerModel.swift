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
    var peerRead: [ConversationID: UInt64] = [:]
    /// What the account has read.
    var read: [ConversationID: UInt64] = [:]
    /// The groups among the conversations; large ones make no entries in the feed.
    var groups: [ConversationID: GroupState] = [:]
    /// The oldest places that are kept, where that is not 1.
    var first: [ConversationID: UInt64] = [:]
    /// What conversations are for the account alone.
    var settings: [ConversationID: ConversationSettings] = [:]
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
            time: WallTime(milliseconds: Int64(feed)),
            event: .message(Content(contentType: "", body: Array(text.utf8))))
        return push(record)
    }

    /// Commits an event of somebody else; returns the push that tells of it.
    mutating func commit(_ conversation: ConversationID, _ event: ConversationEvent)
        -> PushedMessage
    {
        let place = UInt64(records[conversation]?.count ?? 0) + 1
        return push(
            MessageRecord(
                conversation: conversation, sequence: ConversationSequence(place),
                sender: Self.peer, senderDevice: DeviceID(1), senderHandle: "peer",
                clientMessageID: ClientMessageID(high: conversation.number, low: place),
                time: WallTime(milliseconds: Int64(feed)), event: event))
    }

    private mutating func push(_ record: MessageRecord) -> PushedMessage {
        let conversation = record.conversation
        records[conversation, default: []].append(record)
        guard groups[conversation]?.isLarge != true else {
            return PushedMessage(
                record: record, feed: FeedSequence(0), previousFeed: FeedSequence(0))
        }
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
            event: message.event)
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
            conversation: conversation, account: Self.peer,
            delivered: ConversationSequence(place), read: ConversationSequence(0),
            feed: FeedSequence(feed), previousFeed: FeedSequence(previous))
    }

    func answer(_ command: Command.Kind) -> Notice.Kind? {
        switch command {
        case .sync(let asked):
            let from = asked.incarnation == incarnation ? asked.cursor.number : 0
            return .syncPage(
                page(
                    after: from, limit: min(Int(asked.limit), headsMax),
                    largeAfter: asked.largeAfter))
        case .pull(let conversation, let from, let to, _):
            return .page(page(conversation, from, to))
        case .changeAccount, .changeContact, .changeConversation: return .done
        case .invite(let seconds):
            return .invitation(
                code: "code-\(seconds)", expires: WallTime(milliseconds: Int64(seconds)))
        case .lookUp(let handle):
            let person = Person(account: Self.peer, handle: handle)
            return .card(Card(person: person, profile: Profile(name: "Peer")))
        case .listMembers(let id, _):
            return .members(MembersPage(conversation: id, members: [], isComplete: true))
        case .register, .logIn, .recover, .send, .acknowledge, .activity: return nil
        }
    }

    /// Where a conversation stands.
    func head(_ id: ConversationID) -> ConversationHead {
        let all = records[id] ?? []
        return ConversationHead(
            conversation: id, last: ConversationSequence(UInt64(all.count)),
            first: ConversationSequence(first[id] ?? 1),
            byteCount: all.reduce(0) { $0 + UInt64($1.bodyByteCount) },
            delivered: ConversationSequence(peerDelivered[id] ?? 0),
            readByPeer: ConversationSequence(peerRead[id] ?? 0),
            read: ConversationSequence(read[id] ?? 0), settings: settings[id] ?? .init(),
            kind: groups[id].map { .group($0) }
                ?? .peer(Person(account: Self.peer, handle: "peer")))
    }

    mutating func noteChange(_ conversation: ConversationID) {
        feed += 1
        changes.removeAll { $0.conversation == conversation }
        changes.append((feed, conversation))
    }

    private func page(
        after cursor: UInt64, limit: Int, largeAfter: ConversationID
    ) -> SyncPage {
        let newer = changes.filter { $0.feed > cursor }
        let chosen = newer.prefix(limit)
        let items = chosen.map { change in
            SyncItem(
                feed: FeedSequence(change.feed), kind: .conversation(head(change.conversation)))
        }
        let large = groups.filter { $0.value.isLarge && $0.key > largeAfter }.map(\.key).sorted()
        let isLast = chosen.count == newer.count
        return SyncPage(
            incarnation: incarnation, snapshot: FeedSequence(feed),
            cursor: FeedSequence(chosen.last?.feed ?? cursor),
            remaining: UInt64(newer.count - chosen.count), items: items,
            large: isLast ? large.prefix(headsMax).map { head($0) } : [],
            largeRemain: isLast && large.count > headsMax)
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
