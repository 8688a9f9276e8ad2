// What each thing of the client is on the screen.

import Petrel
import PetrelBase
import PetrelMessaging

extension ChatConversation {
    /// A conversation as it is listed at a time in milliseconds since 1970.
    init(_ conversation: Conversation, _ presences: [AccountID: Presence], now: Int64) {
        var target = ChatTarget.conversation(conversation.id)
        if case .direct = conversation.kind, !conversation.peer.isEmpty {
            target = .handle(conversation.peer)
        }
        self.init(target: target, id: conversation.id, title: conversation.title)
        switch conversation.kind {
        case .unknown, .notes: break
        case .direct(let person):
            presence = presences[person.account].map { ChatPresence($0) }
            if title != conversation.peer { subtitle = conversation.peer }
        case .group(let group):
            kind = .group
            subtitle = Self.subtitle(group, now: now)
        }
        if title.isEmpty {
            title = "conversation \(ShownMessage.hexadecimal(conversation.id).suffix(6))"
        }
        unread = conversation.unread
        isMuted = conversation.mutedUntilMilliseconds.map { $0 > now } ?? false
        isPinned = conversation.isPinned
        typing = conversation.typing.map { ChatSentences().name($0) }
        missing = conversation.missing
    }

    private static func subtitle(_ group: Group, now: Int64) -> String {
        switch group.standing {
        case .left: return "you left; it can be read"
        case .removed: return "you were removed; it can be read"
        case .dissolved: return "ended; it can be read"
        case .member: break
        }
        var words = ["\(group.membersCount) member\(group.membersCount == 1 ? "" : "s")"]
        switch group.role {
        case .owner: words.append("yours")
        case .admin: words.append("you are an admin")
        case .member: break
        }
        if let until = group.silencedUntilMilliseconds, until > now {
            let time = Interval.seconds(max(1, (until - now) / 1_000))
            words.append("you are silenced for \(ChatSentences.length(time))")
        }
        return words.joined(separator: ", ")
    }
}

extension ChatPresence {
    /// Whether somebody is there.
    init(_ presence: Presence) {
        self =
            switch presence.state {
            case .online: .online
            case .away: .away
            case .offline: .offline(lastSeen: presence.lastSeenMilliseconds)
            }
    }
}

extension ChatMessage {
    /// A message of a conversation as the account `own` sees it, without what it answers.
    init(_ message: Message, _ conversation: Conversation, own: Account?) {
        let sender = Person(account: message.senderAccount, handle: message.sender)
        self.init(
            id: message.id, number: message.place.number,
            author: ChatSentences().name(sender), isOwn: message.isOwn,
            milliseconds: message.milliseconds,
            content: Content(message, conversation.kind, own: own))
        isEdited = message.isEdited
        reactions = message.reactions.map { reaction in
            Reaction(
                sign: reaction.text, count: reaction.people.count,
                isOwn: reaction.people.contains { $0.account.number == own?.number })
        }
        guard isOwn, message.kind == .said else { return }
        if message.place.number <= conversation.readByPeer {
            progress = .read(by: 1)
        } else if message.place.number <= conversation.delivered {
            progress = .delivered
        } else {
            progress = .committed
        }
    }
}

extension ChatMessage.Content {
    /// What a message says.
    init(_ message: Message, _ kind: Conversation.Kind, own: Account?) {
        let sender = Person(account: message.senderAccount, handle: message.sender)
        let sentences = ChatSentences(own: own)
        switch message.kind {
        case .said:
            if let text = message.text, message.contentType.hasPrefix("text/") {
                self = .text(text)
            } else {
                self = .data(type: message.contentType, byteCount: message.body.count)
            }
        case .gone(.recalled):
            // In a group an admin may have been it, which the message does not tell.
            if case .group = kind {
                self = .recalled(by: "")
            } else {
                self = .recalled(by: sentences.name(sender))
            }
        case .gone(.expired): self = .expired
        case .gone(.deletedForMe): self = .event("a message that you deleted")
        case .gone(.unknown): self = .event("a message that is gone")
        case .event(let event): self = .event(sentences.sentence(of: event, by: sender))
        case .change: self = .event("\(sentences.name(sender)) changed a message")
        }
    }
}

extension ChatMessage.Quote {
    /// What a message is where another one answers it.
    init(_ message: Message, own: Account?) {
        let sender = Person(account: message.senderAccount, handle: message.sender)
        author = ChatSentences(own: own).name(sender)
        text =
            switch ChatMessage.Content(message, .unknown, own: own) {
            case .text(let text), .event(let text): text
            case .data(let type, _): "(\(type))"
            case .recalled: "(taken back)"
            case .expired: "(expired)"
            }
    }
}

extension ChatTimeline {
    /// The number of what stands at the lower edge of the view, where a conversation ends at
    /// `newest`; 0 if nothing does that has one.
    func numberInView(newest: UInt64) -> UInt64 {
        let last = anchor.flatMap { anchor in items.lastIndex { $0.id == anchor.item } }
        guard let edge = last ?? items.indices.last else { return 0 }
        // Reactions and other changes stand behind the newest message, and are seen with it.
        if last == nil, let end = items.last(where: \.hasNumber), case .message = end {
            return newest
        }
        for case .message(let message) in items[...edge].reversed() {
            if let number = message.number { return number }
        }
        return 0
    }
}

extension ChatItem {
    /// Whether it has a place in the conversation.
    fileprivate var hasNumber: Bool {
        if case .message(let message) = self { message.number != nil } else { true }
    }
}

extension HistoryPage {
    /// Two pages of which one follows the other, as one; a hole that they share is not cut in two.
    static func joined(_ older: HistoryPage, _ newer: HistoryPage) -> HistoryPage {
        var page = newer
        page.start = older.start
        page.hasOlder = older.hasOlder
        if case .hole(let before)? = older.items.last, case .hole(let after)? = newer.items.first {
            page.items[0] = .hole(before.lowerBound...after.upperBound)
            page.items.insert(contentsOf: older.items.dropLast(), at: 0)
        } else {
            page.items.insert(contentsOf: older.items, at: 0)
        }
        return page
    }
}

extension ChatMessage.Progress {
    /// What a delivery is on the screen.
    init(_ delivery: Delivery) {
        self =
            switch delivery {
            case .queued: .queued
            case .sent: .sent
            case .committed: .committed
            case .delivered: .delivered
            case .read: .read(by: 1)
            case .failed(let error): .failed(error.description)
            }
    }
}

extension ChatStatus.Link {
    /// What a state of the connection is on the screen at a time in milliseconds since 1970.
    init(_ state: ConnectionState, _ carrier: Carrier?, now: Int64) {
        self =
            switch state {
            case .idle: .connecting(attempt: 1)
            case .connecting(let attempt): .connecting(attempt: attempt)
            case .connected(let roundTrip):
                .connected(
                    roundTrip: roundTrip.map { Interval($0) }, isOverTCP: carrier == .tcp)
            case .waiting(let after, let reason):
                .waiting(until: now + Int64(Interval(after).milliseconds), reason: reason)
            case .storeFailed(let error): .ended(error.sentence)
            case .revoked: .ended("this device was revoked")
            case .closed: .ended("closed")
            }
    }

    /// The same with a newer round trip, where the server is reached.
    func with(roundTrip newer: Interval?) -> ChatStatus.Link {
        guard case .connected(let known, let isOverTCP) = self else { return self }
        return .connected(roundTrip: newer ?? known, isOverTCP: isOverTCP)
    }
}
