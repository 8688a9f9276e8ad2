// The full-screen chat: one loop of keys, news of the client and the clock, which draws.

import Foundation
import Petrel
import PetrelBase
import PetrelMessaging

/// A chat on the full screen.
struct FullScreenChat {
    let client: PetrelClient
    let renderer = ChatRenderer()
    var controller: ChatController
    var feed: ChatFeed
    private let directory: String
    /// The conversation that the server was told is on the screen.
    private var viewed: ConversationID?

    /// Prepares a chat of a client that has an account.
    init(_ client: PetrelClient, _ options: ClientOptions) throws {
        self.client = client
        directory = options.directory
        var model = ChatModel(handle: client.account?.handle ?? "")
        model.status.server =
            (try? options.address())?.split(separator: "#").first.map(String.init) ?? ""
        controller = ChatController(model: model)
        feed = ChatFeed(client, marks: try ShownMarks(directory: directory))
    }

    /// Talks until the person leaves; shows the conversation with `peer` first, if one is named.
    consuming func run(with peer: String?) async throws {
        let (events, continuation) = AsyncStream.makeStream(of: ChatEvent.self)
        let screen = try TerminalScreen { continuation.yield(.terminal($0)) }
        let stopper = Interruption { continuation.yield(.interrupted) }
        let watching = Task { [client] in await ChatEvent.watch(client, continuation) }
        do {
            defer {
                screen.close()
                stopper.end()
                watching.cancel()
            }
            tellTime()
            client.visibilityChanged(to: .foreground)
            if let peer, peer != controller.model.handle { try open(.handle(peer)) }
            try refresh()
            for await event in events {
                guard try await take(event, screen, continuation) else { break }
                screen.show(renderer.draw(controller.model, size: controller.size))
            }
        } catch let error as PetrelError {
            await client.close()
            throw Failure(error)
        }
        await client.close()
    }
}

/// What happens.
extension FullScreenChat {
    /// Applies an event; `false` to leave.
    private mutating func take(
        _ event: ChatEvent, _ screen: TerminalScreen, _ continuation: ChatEvent.Continuation
    ) async throws -> Bool {
        tellTime()
        switch event {
        case .terminal(.key(.focus(let isOn))):
            client.visibilityChanged(to: isOn ? .foreground : .background)
        case .terminal(.key(let key)):
            let before = controller.model.input.text
            for action in controller.press(key) {
                guard action != .quit else { return false }
                try await run(action, screen, continuation)
            }
            tellTyping(before)
            // Scrolling brings other messages into view.
            if key == .pageDown || key == .down || key == .bottom { try refresh() }
        case .terminal(.resized(let size)): controller.size = size
        case .terminal(.gone), .interrupted: return false
        case .link(let state, let carrier):
            controller.model.status.link = ChatStatus.Link(
                state, carrier, now: controller.model.now)
            if case .closed = state { return false }
            try refresh()
        case .obstacle(let obstacle):
            controller.model.status.obstacle = obstacle?.description
        case .outcome(let text, let isBad):
            controller.model.notice = ChatNotice(text: text, isBad: isBad)
            try refresh()
        case .begun(let conversation):
            try refresh()
            try open(.conversation(conversation))
            try refresh()
        case .overlay(let overlay): controller.model.overlay = overlay
        case .changed, .tick: try refresh()
        }
        return true
    }

    private mutating func run(
        _ action: ChatAction, _ screen: TerminalScreen, _ continuation: ChatEvent.Continuation
    ) async throws {
        switch action {
        case .send(let text, let target, let replyTo):
            await send(text, to: target, replyTo: replyTo, continuation)
        case .open(let target): try open(target)
        case .loadOlder:
            guard let target = controller.model.open else { return }
            try feed.loadOlder(in: target)
        case .fetch(let number):
            guard let target = controller.model.open else { return }
            try feed.fetch(in: target, before: number)
        case .order(let order, let conversation): await run(order, conversation, continuation)
        case .showContacts:
            controller.model.overlay = .contacts(
                try client.contacts(), client.presences, now: controller.model.now)
            return
        case .showMembers(let conversation): return showMembers(conversation, continuation)
        case .showNet:
            controller.model.overlay = .net(controller.model, details: classLines)
            return
        case .explain(let number): return explain(number)
        case .repaint: return screen.repaint()
        case .quit: return
        }
        try refresh()
    }

    private mutating func open(_ target: ChatTarget) throws(PetrelError) {
        controller.show(target)
        feed.open(target)
        let read = try feed.read(in: target)
        let items = try feed.items(of: target, isConnected: false).items
        controller.model.timeline.firstUnread =
            items.lazy.compactMap { item -> UInt64? in
                guard case .message(let message) = item, !message.isOwn else { return nil }
                return message.number.flatMap { $0 > read ? $0 : nil }
            }.first
    }

    private mutating func explain(_ number: UInt64?) {
        let messages = controller.model.timeline.items.compactMap { item -> ChatMessage? in
            if case .message(let message) = item { message } else { nil }
        }
        let found = messages.last { message in
            if let number { return message.number == number }
            return message.isOwn && message.progress != nil
        }
        guard let found else {
            let text = number.map {
                "message \($0) is not among those shown; PageUp shows older ones"
            }
            controller.model.notice = ChatNotice(
                text: text ?? "you have sent no message here", isBad: true)
            return
        }
        controller.model.overlay = .story(of: found, controller.model, time: renderer.time)
    }

    private var classLines: [ChatOverlay.Line] {
        let names = client.classes.map(\.name)
        return names.isEmpty
            ? [] : [ChatOverlay.Line(label: "classes", text: names.joined(separator: ", "))]
    }

    /// Reads what may have changed.
    private mutating func refresh() throws {
        try readList()
        tellViewing()
        guard let target = currentTarget else { return }
        let (items, hasOlder) = try feed.items(of: target, isConnected: isConnected)
        controller.model.timeline.items = items
        controller.model.timeline.hasOlder = hasOlder
        guard controller.model.overlay == nil,
            try feed.look(at: target, controller.model.timeline)
        else { return }
        try feed.marks.save(directory: directory)
        try readList()
    }

    private mutating func readList() throws {
        controller.model.requests = try feed.requests()
        controller.model.conversations = try feed.conversations(
            controller.model.requests, now: controller.model.now)
        controller.model.status.sync = feed.sync()
        controller.model.status.outboxCount = try client.waiting(limit: 10_000).count
        let link = client.linkStatus
        controller.model.status.link = controller.model.status.link.with(
            roundTrip: link.roundTrip.map { Interval($0) })
        if let since = link.sinceLastContact {
            controller.model.status.lastContact =
                controller.model.now - Int64(Interval(since).milliseconds)
        }
    }

    /// The open conversation, which is called by its member's handle once that is known.
    private var currentTarget: ChatTarget? {
        mutating get {
            if case .conversation(let id) = controller.model.open,
                let named = controller.model.conversations.first(where: { $0.id == id })
            {
                controller.model.open = named.target
            }
            return controller.model.open
        }
    }

    private mutating func tellTime() {
        controller.model.now = Int64(Date().timeIntervalSince1970 * 1_000)
    }
}

/// What others are told of who sits here.
extension FullScreenChat {
    private mutating func tellViewing() {
        let current = controller.model.openConversation?.id
        guard current != viewed else { return }
        viewed = current
        client.viewing(current)
    }

    /// Tells that somebody types, which a command is not.
    private func tellTyping(_ before: String) {
        let text = controller.model.input.text
        guard text != before, let id = controller.model.openConversation?.id else { return }
        if !text.isEmpty, !text.hasPrefix("/") {
            client.typing(in: id)
        } else if !before.isEmpty, !before.hasPrefix("/") {
            client.stoppedTyping(in: id)
        }
    }
}
