// The full-screen chat: one loop of keys, news of the client and the clock, which draws.

import Foundation
import Petrel
import PetrelBase
import Synchronization

/// What happens to a chat.
private enum ChatEvent: Sendable {
    case terminal(TerminalEvent)
    case link(ConnectionState, Carrier?)
    case obstacle(PetrelError?)
    /// Something in the store is new.
    case changed
    /// A second has passed.
    case tick
    case interrupted
}

/// A chat on the full screen.
struct FullScreenChat {
    private let client: PetrelClient
    private let directory: String
    private let renderer = ChatRenderer()
    private var controller: ChatController
    private var feed: ChatFeed

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
        let watching = Task { [client] in await Self.watch(client, continuation) }
        do {
            defer {
                screen.close()
                stopper.end()
                watching.cancel()
            }
            tellTime()
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
        _ event: ChatEvent, _ screen: TerminalScreen,
        _ continuation: AsyncStream<ChatEvent>.Continuation
    ) async throws -> Bool {
        tellTime()
        switch event {
        case .terminal(.key(let key)):
            for action in controller.press(key) {
                guard action != .quit else { return false }
                try await run(action, screen, continuation)
            }
        case .terminal(.resized(let size)): controller.size = size
        case .terminal(.gone), .interrupted: return false
        case .link(let state, let carrier):
            controller.model.status.link = ChatStatus.Link(
                state, carrier, now: controller.model.now)
            if case .connected = state { noteContact() }
            if case .closed = state { return false }
            try refresh()
        case .obstacle(let obstacle):
            controller.model.status.obstacle = obstacle?.description
        case .changed:
            noteContact()
            try refresh()
        case .tick: try refresh()
        }
        return true
    }

    private mutating func run(
        _ action: ChatAction, _ screen: TerminalScreen,
        _ continuation: AsyncStream<ChatEvent>.Continuation
    ) async throws {
        switch action {
        case .send(let text, let target): await send(text, to: target, continuation)
        case .open(let target): try open(target)
        case .loadOlder: feed.loadOlder(controller.model.timeline)
        case .showNet:
            controller.model.overlay = .net(controller.model, details: classLines)
            return
        case .explain(let number): return explain(number)
        case .repaint: return screen.repaint()
        case .quit: return
        }
        try refresh()
    }

    private mutating func send(
        _ text: String, to target: ChatTarget,
        _ continuation: AsyncStream<ChatEvent>.Continuation
    ) async {
        do throws(PetrelError) {
            let body = Array(text.utf8)
            let outgoing: Outgoing
            switch target {
            case .handle(let handle):
                outgoing = try await client.send(body, contentType: "", to: handle)
            case .conversation(let conversation):
                outgoing = try await client.send(body, contentType: "", in: conversation)
            }
            feed.note(outgoing, to: target, at: controller.model.now)
            Task {
                for await _ in outgoing.deliveries { continuation.yield(.changed) }
            }
        } catch {
            // Nothing was taken in: it can be sent again as it was.
            controller.model.input = InputLine(text)
            controller.model.notice = ChatNotice(text: "not sent: \(error)", isBad: true)
        }
    }

    private mutating func open(_ target: ChatTarget) throws(PetrelError) {
        controller.show(target)
        feed.open(target)
        let looked = try feed.lookedAt(in: target)
        let items = try feed.items(of: target, isConnected: false).items
        controller.model.timeline.firstUnread =
            items.lazy.compactMap { item -> UInt64? in
                guard case .message(let message) = item, !message.isOwn else { return nil }
                return message.number.flatMap { $0 > looked ? $0 : nil }
            }.first
    }

    private mutating func explain(_ number: UInt64?) {
        let messages = controller.model.timeline.items.compactMap { item -> ChatMessage? in
            if case .message(let message) = item { message } else { nil }
        }
        let found = messages.last { number == nil ? $0.isOwn : $0.number == number }
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
        controller.model.conversations = try feed.conversations()
        controller.model.status.sync = feed.sync()
        controller.model.status.outboxCount = try client.waiting(limit: 10_000).count
        guard let target = currentTarget else { return }
        var isConnected = false
        if case .connected = controller.model.status.link { isConnected = true }
        let (items, hasOlder) = try feed.items(of: target, isConnected: isConnected)
        controller.model.timeline.items = items
        controller.model.timeline.hasOlder = hasOlder
        guard controller.model.timeline.anchor == nil, try feed.look(at: target) else { return }
        try feed.marks.save(directory: directory)
        controller.model.conversations = try feed.conversations()
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

    private mutating func noteContact() {
        controller.model.status.lastContact = controller.model.now
    }

    /// Follows the client and the clock until it is cancelled.
    private static func watch(
        _ client: PetrelClient, _ continuation: AsyncStream<ChatEvent>.Continuation
    ) async {
        await withTaskGroup(of: Void.self) { group in
            group.addTask {
                for await state in client.states {
                    continuation.yield(.link(state, client.carrier))
                }
            }
            group.addTask {
                for await obstacle in client.obstacles { continuation.yield(.obstacle(obstacle)) }
            }
            group.addTask {
                guard let inbox = try? client.inbox() else { return }
                for await _ in inbox { continuation.yield(.changed) }
            }
            group.addTask {
                while !Task.isCancelled {
                    try? await Task.sleep(for: .seconds(1))
                    continuation.yield(.tick)
                }
            }
        }
    }
}
