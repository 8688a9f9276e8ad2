// From the client to the model: reads its store and says it in the words of the screen.

import Petrel
import PetrelBase
import PetrelMessaging

/// Turns what the client knows into what a chat shows.
struct ChatFeed {
    /// An own message that was sent from this screen.
    struct Sent {
        var outgoing: Outgoing
        var target: ChatTarget
        /// When it was written, in milliseconds since 1970.
        var milliseconds: Int64
        /// The number of the message that it answers.
        var replyTo: UInt64?
    }

    /// Messages that are added to the timeline at a time.
    static let pageCount = 100
    /// The most messages of the timeline.
    static let windowMax = 3_000

    private let client: PetrelClient
    /// Up to where each conversation was looked at, for the commands that print what is new.
    private(set) var marks: ShownMarks
    /// Own messages that the history does not show yet, or not as far as they have come.
    private(set) var sent: [Sent] = []
    /// What is in the outbox and no message: its identifiers.
    private var changes: Set<String> = []
    /// Accounts that were opened and have no conversation yet, newest first.
    private var opened: [String] = []
    /// The first number of the timeline.
    private var windowStart: UInt64?
    /// The most messages that were missing since none were.
    private var missingMost: [ConversationID: UInt64] = [:]
    /// Conversations that older messages were asked for in.
    private var asked: Set<ConversationID> = []

    /// Creates the feed of a client.
    init(_ client: PetrelClient, marks: ShownMarks) {
        self.client = client
        self.marks = marks
    }

    /// Notes a message that was sent.
    mutating func note(
        _ outgoing: Outgoing, to target: ChatTarget, at milliseconds: Int64, replyTo: UInt64?
    ) {
        sent.append(
            Sent(
                outgoing: outgoing, target: target, milliseconds: milliseconds, replyTo: replyTo))
    }

    /// Notes that what was put into the outbox is no message.
    mutating func noteChange(_ outgoing: Outgoing) { changes.insert(outgoing.id) }

    /// Another conversation is shown: its newest messages first.
    mutating func open(_ target: ChatTarget) {
        windowStart = nil
        if case .handle(let handle) = target {
            opened.removeAll { $0 == handle }
            opened.insert(handle, at: 0)
        }
    }

    /// Adds older messages to the timeline.
    mutating func loadOlder(in target: ChatTarget) throws(PetrelError) {
        guard let found = try conversation(target), let start = windowStart else { return }
        windowStart =
            try client.history(of: found.id, before: start, limit: Self.pageCount).start
    }

    /// Asks the server for messages before a number.
    mutating func fetch(in target: ChatTarget, before number: UInt64) throws(PetrelError) {
        guard let found = try conversation(target) else { return }
        asked.insert(found.id)
        client.fetchOlder(in: found.id, before: number)
    }

    /// The conversations, in the client's order; before them who was opened here or asks, and has
    /// none yet.
    mutating func conversations(
        _ requests: [ChatRequest], now: Int64
    ) throws(PetrelError) -> [ChatConversation] {
        let presences = client.presences
        var listed: [ChatConversation] = []
        for conversation in try client.conversations() {
            listed.append(ChatConversation(conversation, presences, now: now))
            noteMissing(conversation)
        }
        let known = Set(listed.map(\.target))
        let asking = requests.map(\.handle).filter { !opened.contains($0) }
        let new = (opened + asking).filter { !known.contains(.handle($0)) }
            .map { ChatConversation(target: .handle($0), title: $0) }
        let asked = Set(requests.map { ChatTarget.handle($0.handle) })
        return (new + listed).map { conversation in
            var conversation = conversation
            if asked.contains(conversation.target) {
                conversation.subtitle = "asks to become contacts"
            }
            return conversation
        }
    }

    /// Who asks to become contacts.
    func requests() throws(PetrelError) -> [ChatRequest] {
        try client.contacts().filter { $0.state == .asked && !$0.isBlocked }
            .map { ChatRequest(handle: $0.person.handle, greeting: $0.greeting) }
    }

    /// What is being fetched in all conversations; `nil` if nothing is missing.
    func sync() -> ChatProgress? {
        let progress = client.syncProgress
        guard progress.eventsMissing > 0 else { return nil }
        return ChatProgress(
            done: progress.eventsHeld, total: progress.eventsHeld + progress.eventsMissing)
    }

    /// The messages of a conversation, those that wait at the end.
    mutating func items(
        of target: ChatTarget, isConnected: Bool
    ) throws(PetrelError) -> (items: [ChatItem], hasOlder: Bool) {
        let found = try conversation(target)
        var items: [ChatItem] = []
        var hasOlder = false
        if let found {
            let page = try window(of: found.id)
            hasOlder = page.hasOlder
            let progress = isConnected ? progress(of: found) : nil
            for item in page.items {
                switch item {
                case .hole(let numbers):
                    items.append(
                        .hole(
                            ChatHole(
                                first: numbers.lowerBound, last: numbers.upperBound,
                                progress: progress)))
                case .message(let message):
                    items.append(.message(try shown(message, found)))
                }
            }
        }
        let ids = Set(items.map(\.id))
        sent.removeAll { ids.contains($0.outgoing.id) && $0.outgoing.delivery.place != nil }
        items += try waiting(for: target, found, except: ids).map { .message($0) }
        return (items, hasOlder)
    }

    /// Notes that a conversation was looked at, up to the item at the lower edge of the view; says
    /// if that was news.
    mutating func look(at target: ChatTarget, _ timeline: ChatTimeline) throws(PetrelError) -> Bool
    {
        guard let found = try conversation(target) else { return false }
        let number = timeline.numberInView(newest: found.newest)
        if number > found.read {
            client.markRead(upTo: Place(conversation: found.id, number: number))
        }
        let contiguous = min(number, found.contiguous)
        guard contiguous > marks[found.id] ?? 0 else { return false }
        marks[found.id] = contiguous
        return true
    }

    /// The number up to which a conversation was read.
    func read(in target: ChatTarget) throws(PetrelError) -> UInt64 {
        try conversation(target)?.read ?? 0
    }

    private func conversation(_ target: ChatTarget) throws(PetrelError) -> Conversation? {
        switch target {
        case .handle(let handle): try client.conversation(with: handle)
        case .conversation(let id): try client.conversation(id)
        }
    }
}

/// How things of the client are put together.
extension ChatFeed {
    /// The newest page, and those before it as far as the timeline goes.
    private mutating func window(of id: ConversationID) throws(PetrelError) -> HistoryPage {
        var page = try client.history(of: id, before: nil, limit: Self.pageCount)
        while let start = windowStart, page.start > start, page.hasOlder,
            page.items.count < Self.windowMax
        {
            let older = try client.history(of: id, before: page.start, limit: Self.pageCount)
            page = HistoryPage.joined(older, page)
        }
        windowStart = page.start
        return page
    }

    private func shown(
        _ message: Message, _ conversation: Conversation
    ) throws(PetrelError) -> ChatMessage {
        var shown = ChatMessage(message, conversation, own: client.account)
        if let number = message.replyTo { shown.quote = try quote(number, conversation.id) }
        return shown
    }

    private func quote(
        _ number: UInt64, _ id: ConversationID
    ) throws(PetrelError) -> ChatMessage.Quote {
        guard let quoted = try client.message(at: Place(conversation: id, number: number)) else {
            return ChatMessage.Quote(author: "message \(number)", text: "not here")
        }
        return ChatMessage.Quote(quoted, own: client.account)
    }

    /// Own messages that have no place in the history yet: those of this screen, and those that
    /// an earlier one left in the outbox.
    private func waiting(
        for target: ChatTarget, _ found: Conversation?, except ids: Set<String>
    ) throws(PetrelError) -> [ChatMessage] {
        var messages: [ChatMessage] = []
        let own = Set(sent.map(\.outgoing.id)).union(ids).union(changes)
        for entry in try client.outbox(limit: 1_000) where !own.contains(entry.id) {
            guard !entry.body.isEmpty, isFor(entry.target, target, found) else { continue }
            messages.append(
                ChatMessage(
                    id: entry.id, author: client.account?.handle ?? "", isOwn: true,
                    milliseconds: entry.writtenMilliseconds,
                    content: .text(String(decoding: entry.body, as: UTF8.self)),
                    progress: .queued))
        }
        for sent in sent where sent.target == target && !ids.contains(sent.outgoing.id) {
            var message = ChatMessage(
                id: sent.outgoing.id, number: sent.outgoing.delivery.place?.number,
                author: client.account?.handle ?? "", isOwn: true,
                milliseconds: sent.milliseconds,
                content: .text(String(decoding: sent.outgoing.body, as: UTF8.self)),
                progress: ChatMessage.Progress(sent.outgoing.delivery))
            if let number = sent.replyTo, let found {
                message.quote = try quote(number, found.id)
            }
            messages.append(message)
        }
        return messages
    }

    private func isFor(
        _ waiting: WaitingMessage.Target, _ target: ChatTarget, _ found: Conversation?
    ) -> Bool {
        switch waiting {
        case .handle(let handle): target == .handle(handle)
        case .conversation(let id): found?.id == id
        case .newGroup: false
        }
    }

    private func progress(of conversation: Conversation) -> ChatProgress? {
        if case .group(let group) = conversation.kind, group.isLarge,
            !asked.contains(conversation.id)
        {
            return nil
        }
        guard let most = missingMost[conversation.id] else { return nil }
        return ChatProgress(done: most - min(most, conversation.missing), total: most)
    }

    private mutating func noteMissing(_ conversation: Conversation) {
        if conversation.missing == 0 {
            missingMost[conversation.id] = nil
            asked.remove(conversation.id)
        } else {
            missingMost[conversation.id] = max(
                missingMost[conversation.id] ?? 0, conversation.missing)
        }
    }
}
