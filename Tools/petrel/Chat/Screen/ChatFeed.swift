// From the client to the model: reads its store and says it in the words of the screen.

import Petrel
import PetrelBase

/// Turns what the client knows into what a chat shows.
struct ChatFeed {
    /// An own message that was sent from this screen.
    struct Sent {
        var outgoing: Outgoing
        var target: ChatTarget
        /// When it was written, in milliseconds since 1970.
        var milliseconds: Int64
    }

    /// Messages that are added to the timeline at a time.
    static let pageCount: UInt64 = 100
    /// The most messages of the timeline.
    static let windowMax: UInt64 = 3_000

    private let client: PetrelClient
    /// Up to where each conversation was looked at.
    private(set) var marks: ShownMarks
    /// Own messages that the history does not show yet, or not as far as they have come.
    private(set) var sent: [Sent] = []
    /// Accounts that were opened and have no conversation yet, newest first.
    private var opened: [String] = []
    /// The first number of the timeline.
    private var windowStart: UInt64?
    /// When the newest message of a conversation was stored, by conversation and number.
    private var times: [Place: Int64] = [:]
    /// The most messages that were missing since none were.
    private var missingMost: [ConversationID: UInt64] = [:]

    /// Creates the feed of a client.
    init(_ client: PetrelClient, marks: ShownMarks) {
        self.client = client
        self.marks = marks
    }

    /// Notes a message that was sent.
    mutating func note(_ outgoing: Outgoing, to target: ChatTarget, at milliseconds: Int64) {
        sent.append(Sent(outgoing: outgoing, target: target, milliseconds: milliseconds))
    }

    /// Another conversation is shown: its newest messages first.
    mutating func open(_ target: ChatTarget) {
        windowStart = nil
        if case .handle(let handle) = target {
            opened.removeAll { $0 == handle }
            opened.insert(handle, at: 0)
        }
    }

    /// Adds older messages to the timeline.
    mutating func loadOlder(_ timeline: ChatTimeline) {
        guard timeline.hasOlder, let start = windowStart else { return }
        windowStart = start - min(start - 1, Self.pageCount)
    }

    /// The conversations, pinned ones first, then those that something was said in last.
    mutating func conversations() throws(PetrelError) -> [ChatConversation] {
        var listed: [(conversation: ChatConversation, time: Int64)] = []
        for conversation in try client.conversations() {
            let time = try time(of: conversation)
            listed.append((shown(conversation), time))
            noteMissing(conversation)
        }
        listed.sort { a, b in
            let (first, second) = (a.conversation, b.conversation)
            guard first.isPinned == second.isPinned else { return first.isPinned }
            return a.time == b.time ? first.title < second.title : a.time > b.time
        }
        let known = Set(listed.map(\.conversation.target))
        let new = opened.filter { !known.contains(.handle($0)) }
            .map { ChatConversation(target: .handle($0), title: $0) }
        return new + listed.map(\.conversation)
    }

    /// What is being fetched in all conversations; `nil` if nothing is missing.
    func sync() -> ChatProgress? {
        guard !missingMost.isEmpty else { return nil }
        let total = missingMost.values.reduce(0, +)
        let missing = ((try? client.conversations()) ?? []).reduce(UInt64(0)) { $0 + $1.missing }
        return missing == 0 ? nil : ChatProgress(done: total - min(total, missing), total: total)
    }

    /// The messages of a conversation, those that wait at the end.
    mutating func items(
        of target: ChatTarget, isConnected: Bool
    ) throws(PetrelError) -> (items: [ChatItem], hasOlder: Bool) {
        let found = try conversation(target)
        var messages: [Message] = []
        var start: UInt64 = 1
        if let found, found.newest > 0 {
            start = windowStart ?? (found.newest - min(found.newest - 1, Self.pageCount))
            if found.newest - start >= Self.windowMax { start = found.newest - Self.windowMax + 1 }
            windowStart = start
            messages = try page(of: found.id, from: start, to: found.newest)
        }
        let ids = Set(messages.map(\.id))
        sent.removeAll { ids.contains($0.outgoing.id) && $0.outgoing.delivery.isFinal }
        var items: [ChatItem] = []
        if let found {
            items = withHoles(messages, from: start, found, isConnected: isConnected)
        }
        for sent in sent where sent.target == target && !ids.contains(sent.outgoing.id) {
            items.append(.message(shown(sent)))
        }
        return (items, start > 1)
    }

    /// Notes that a conversation was looked at, up to what is missing; says if there was news.
    mutating func look(at target: ChatTarget) throws(PetrelError) -> Bool {
        guard let found = try conversation(target), (marks[found.id] ?? 0) < found.contiguous
        else { return false }
        marks[found.id] = found.contiguous
        return true
    }

    /// The number up to which a conversation was looked at.
    func lookedAt(in target: ChatTarget) throws(PetrelError) -> UInt64 {
        try conversation(target).flatMap { marks[$0.id] } ?? 0
    }

    private func conversation(_ target: ChatTarget) throws(PetrelError) -> Conversation? {
        try client.conversations().first { Self.target(of: $0) == target }
    }
}

/// How things of the client are shown.
extension ChatFeed {
    private static func target(of conversation: Conversation) -> ChatTarget {
        conversation.peer.isEmpty ? .conversation(conversation.id) : .handle(conversation.peer)
    }

    private func shown(_ conversation: Conversation) -> ChatConversation {
        var shown = ChatConversation(
            target: Self.target(of: conversation), id: conversation.id, title: conversation.peer)
        if shown.title.isEmpty {
            shown.title = "conversation \(ShownMessage.hexadecimal(conversation.id).suffix(6))"
        }
        shown.unread = conversation.newest - min(conversation.newest, marks[conversation.id] ?? 0)
        shown.missing = conversation.missing
        return shown
    }

    private func shown(_ message: Message, _ conversation: Conversation) -> ChatMessage {
        var shown = ChatMessage(
            id: message.id, number: message.place.number, author: message.sender,
            isOwn: message.origin != .other, milliseconds: message.milliseconds,
            content: message.text.map { .text($0) }
                ?? .data(type: message.contentType, byteCount: message.body.count))
        if shown.isOwn {
            shown.progress =
                message.place.number <= conversation.delivered ? .delivered : .committed
        }
        return shown
    }

    private func shown(_ sent: Sent) -> ChatMessage {
        ChatMessage(
            id: sent.outgoing.id, number: sent.outgoing.delivery.place?.number,
            author: client.account?.handle ?? "", isOwn: true, milliseconds: sent.milliseconds,
            content: .text(String(decoding: sent.outgoing.body, as: UTF8.self)),
            progress: ChatMessage.Progress(sent.outgoing.delivery))
    }

    private func page(
        of conversation: ConversationID, from start: UInt64, to end: UInt64
    ) throws(PetrelError) -> [Message] {
        var messages: [Message] = []
        var next = start
        while next <= end {
            let page = try client.history(of: conversation, from: next, limit: 200)
            guard let last = page.last else { break }
            messages += page
            next = last.place.number + 1
        }
        return messages
    }

    private func withHoles(
        _ messages: [Message], from start: UInt64, _ conversation: Conversation, isConnected: Bool
    ) -> [ChatItem] {
        var progress: ChatProgress?
        if isConnected, let most = missingMost[conversation.id] {
            progress = ChatProgress(done: most - min(most, conversation.missing), total: most)
        }
        var items: [ChatItem] = []
        var next = start
        for message in messages {
            let number = message.place.number
            if number > next {
                items.append(.hole(ChatHole(first: next, last: number - 1, progress: progress)))
            }
            items.append(.message(shown(message, conversation)))
            next = number + 1
        }
        if next <= conversation.newest {
            let hole = ChatHole(first: next, last: conversation.newest, progress: progress)
            items.append(.hole(hole))
        }
        return items
    }

    private mutating func time(of conversation: Conversation) throws(PetrelError) -> Int64 {
        let place = Place(conversation: conversation.id, number: conversation.newest)
        if let time = times[place] { return time }
        let newest = try client.history(of: conversation.id, from: place.number, limit: 1).first
        guard let newest else { return 0 }
        times = times.filter { $0.key.conversation != conversation.id }
        times[place] = newest.milliseconds
        return newest.milliseconds
    }

    private mutating func noteMissing(_ conversation: Conversation) {
        if conversation.missing == 0 {
            missingMost[conversation.id] = nil
        } else {
            missingMost[conversation.id] = max(
                missingMost[conversation.id] ?? 0, conversation.missing)
        }
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
}
