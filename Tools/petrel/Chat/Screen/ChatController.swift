// Turns keys into changes of the model and into what the client is to do.

import Petrel

/// What the client is to do.
enum ChatAction: Equatable, Sendable {
    /// Sends a text, in answer to the message of a number.
    case send(String, to: ChatTarget, replyTo: UInt64? = nil)
    /// Shows a conversation.
    case open(ChatTarget)
    /// Adds older messages to the timeline, if there are any.
    case loadOlder
    /// Asks for what is missing before a number.
    case fetch(before: UInt64)
    /// Does what was asked for in a conversation, which orders about contacts and new groups have
    /// none of.
    case order(ChatOrder, in: ConversationID?)
    /// Lists the contacts and requests.
    case showContacts
    /// Lists the members of a conversation.
    case showMembers(ConversationID)
    /// Says how things stand with the server.
    case showNet
    /// Tells the story of a message.
    case explain(UInt64?)
    /// Repaints the terminal.
    case repaint
    /// Ends the chat.
    case quit
}

/// What a person does, applied to a model.
struct ChatController: Sendable {
    /// The model.
    var model: ChatModel
    /// How large the screen is.
    var size = ChatSize(rows: 24, columns: 80)
    /// What draws it, and knows how many rows messages take.
    var renderer = ChatRenderer()
    /// What was being typed in conversations that are not shown.
    private var drafts: [ChatTarget: InputLine] = [:]

    /// Creates a controller.
    init(model: ChatModel) { self.model = model }

    /// Applies a key; returns what is to be done.
    mutating func press(_ key: ChatKey) -> [ChatAction] {
        if case .focus = key { return [] }
        model.notice = nil
        if key == .quit { return [.quit] }
        if key == .repaint { return [.repaint] }
        if model.overlay != nil, let actions = pressInOverlay(key) { return actions }
        if model.open == nil, model.input.text.isEmpty, let actions = pressInList(key) {
            return actions
        }
        if edit(key) { return [] }
        switch key {
        case .enter: return enter()
        case .endOfInput:
            if model.input.text.isEmpty { return [.quit] }
            model.input.deleteForward()
        case .nextConversation: return step(by: 1)
        case .previousConversation: return step(by: -1)
        case .up: return scroll(up: 1)
        case .pageUp: return scroll(up: pageRows)
        case .down: model.timeline.anchor = rows.movedDown(by: 1)
        case .pageDown: model.timeline.anchor = rows.movedDown(by: pageRows)
        case .bottom: model.timeline.anchor = nil
        case .escape: leaveConversation()
        default: break
        }
        return []
    }

    /// Shows another conversation, with what was being typed there.
    mutating func show(_ target: ChatTarget?) {
        if let open = model.open, open != target {
            drafts[open] = model.input.text.isEmpty ? nil : model.input
            model.input = InputLine()
        }
        if let target, target != model.open {
            model.input = drafts.removeValue(forKey: target) ?? model.input
            model.timeline = ChatTimeline()
        }
        model.open = target
        model.overlay = nil
    }

    private var rows: TimelineRows { renderer.rows(model, size: size).rows }

    private var pageRows: Int { max(1, renderer.rows(model, size: size).height - 2) }

    private mutating func edit(_ key: ChatKey) -> Bool {
        switch key {
        case .text(let text): model.input.insert(text)
        case .newLine: model.input.insert("\n")
        case .backspace: model.input.deleteBackward()
        case .delete: model.input.deleteForward()
        case .left: model.input.move(by: -1)
        case .right: model.input.move(by: 1)
        case .wordLeft: model.input.moveWordLeft()
        case .wordRight: model.input.moveWordRight()
        case .start: model.input.moveToStart()
        case .end: model.input.moveToEnd()
        case .deleteWord: model.input.deleteWord()
        case .deleteToStart: model.input.deleteToStart()
        case .deleteToEnd: model.input.deleteToEnd()
        default: return false
        }
        return true
    }

    private mutating func pressInOverlay(_ key: ChatKey) -> [ChatAction]? {
        let height = renderer.rows(model, size: size).height
        let pane = ChatLayout(model, size: size).pane?.count ?? size.columns
        let most = max(0, (model.overlay?.rows(width: pane).count ?? 0) - height)
        let scroll = model.overlay?.scroll ?? 0
        switch key {
        case .up: model.overlay?.scroll = max(0, scroll - 1)
        case .down: model.overlay?.scroll = min(most, scroll + 1)
        case .pageUp: model.overlay?.scroll = max(0, scroll - height)
        case .pageDown: model.overlay?.scroll = min(most, scroll + height)
        case .escape: model.overlay = nil
        case .enter where model.input.text.isEmpty: model.overlay = nil
        default: return nil
        }
        return []
    }

    private mutating func pressInList(_ key: ChatKey) -> [ChatAction]? {
        let last = model.conversations.count - 1
        switch key {
        case .up: model.highlighted = max(0, min(model.highlighted, last) - 1)
        case .down: model.highlighted = max(0, min(model.highlighted + 1, last))
        case .enter:
            guard last >= 0 else { return [] }
            return [.open(model.conversations[min(model.highlighted, last)].target)]
        default: return nil
        }
        return []
    }

    private mutating func enter() -> [ChatAction] {
        let text = model.input.text
        guard text.contains(where: { !$0.isWhitespace }) else { return [] }
        do throws(SlashError) {
            switch try ChatEntry(text) {
            case .message(let message):
                guard let target = model.open else {
                    refuse("no conversation is open; type /to and a handle first")
                    return []
                }
                model.input = InputLine()
                model.timeline.anchor = nil
                return [.send(message, to: target)]
            case .command(let command):
                if let reason = model.refusal(of: command) {
                    refuse(reason)
                    return []
                }
                model.input = InputLine()
                return run(command)
            }
        } catch {
            refuse(error.description)
            return []
        }
    }

    private mutating func run(_ command: SlashCommand) -> [ChatAction] {
        switch command {
        case .to(let handle):
            guard handle != model.handle else {
                refuse("\(handle) is you; name somebody else")
                return []
            }
            return [.open(.handle(handle))]
        case .reply(let number, let text):
            guard let target = model.open, openID != nil else { return [] }
            model.timeline.anchor = nil
            return [.send(text, to: target, replyTo: number)]
        case .order(let order): return run(order)
        case .contacts: return [.showContacts]
        case .members: return openID.map { [.showMembers($0)] } ?? []
        case .net: return [.showNet]
        case .why(let number): return [.explain(number)]
        case .help:
            model.overlay = .help
            return []
        case .quit: return [.quit]
        }
    }

    private mutating func run(_ order: ChatOrder) -> [ChatAction] {
        switch order {
        case .contact(let deed, let handle):
            guard let handle = handle ?? model.meant(by: deed) else { return [] }
            return [.order(.contact(deed, handle), in: nil)]
        case .group: return [.order(order, in: nil)]
        case .change, .message, .setting: return openID.map { [.order(order, in: $0)] } ?? []
        }
    }

    private var openID: ConversationID? { model.openConversation?.id }

    private mutating func refuse(_ text: String) {
        model.notice = ChatNotice(text: text, isBad: true)
    }

    private func step(by step: Int) -> [ChatAction] {
        let count = model.conversations.count
        guard count > 0 else { return [] }
        guard let index = model.conversations.firstIndex(where: { $0.target == model.open }) else {
            return [.open(model.conversations[step > 0 ? 0 : count - 1].target)]
        }
        return [.open(model.conversations[(index + step + count) % count].target)]
    }

    private mutating func scroll(up count: Int) -> [ChatAction] {
        let (rows, height) = renderer.rows(model, size: size)
        guard model.open != nil, !model.timeline.items.isEmpty else { return [] }
        let (anchor, isAtTop) = rows.movedUp(by: count, height: height)
        model.timeline.anchor = anchor
        // What is missing within view is asked for, whoever does not fetch it by itself.
        if let hole = self.rows.newestHole(height: height) {
            return [.fetch(before: hole.last + 1)]
        }
        return isAtTop && model.timeline.hasOlder ? [.loadOlder] : []
    }

    private mutating func leaveConversation() {
        if model.timeline.anchor != nil {
            model.timeline.anchor = nil
        } else if model.open != nil, model.input.text.isEmpty {
            model.highlighted =
                model.conversations.firstIndex { $0.target == model.open } ?? model.highlighted
            show(nil)
        }
    }
}
