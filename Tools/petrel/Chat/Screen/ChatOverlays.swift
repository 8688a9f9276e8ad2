// What the overlays say: help, the state of the network, and the story of a message.

extension ChatOverlay {
    /// The commands, the keys and the signs.
    static var help: ChatOverlay {
        let commands = SlashForm.all.map { Line(label: $0.usage, text: $0.summary) }
        let keys = [
            Line(label: "Enter", text: "sends; Alt-Enter begins a new line"),
            Line(label: "Tab", text: "next conversation; Shift-Tab or Alt-Up the one before"),
            Line(label: "PageUp", text: "older messages; PageDown newer, Ctrl-End the newest"),
            Line(label: "Esc", text: "closes what covers the messages, then the conversation"),
            Line(label: "Ctrl-C", text: "leaves; nothing is lost"),
        ]
        let signs = [
            Line(label: "·  ↑", text: "waits on this disk; is on its way"),
            Line(label: "✓  ✓✓", text: "the server has it; the other side has it"),
            Line(label: "●●", text: "was read"),
            Line(label: "✗", text: "will not be sent, and why"),
            Line(label: "⇡  ⊘", text: "a pinned, a muted conversation"),
        ]
        let blank = Line(text: "")
        return ChatOverlay(
            title: "Help",
            lines: commands + [
                Line(label: "//", text: "a message that begins with a slash"), blank,
            ]
                + keys + [blank] + signs)
    }

    /// How things stand with the server.
    static func net(_ model: ChatModel, details: [Line] = []) -> ChatOverlay {
        let status = model.status
        var lines = [
            Line(label: "server", text: status.server),
            Line(label: "state", text: status.link.text(now: model.now)),
            Line(
                label: "last contact",
                text: status.lastContact.map { ChatTime.ago($0, now: model.now) } ?? "never"),
            Line(
                label: "outbox",
                text: status.outboxCount == 0
                    ? "empty: the server has everything"
                    : "\(status.outboxCount) wait, and are sent in order by themselves"),
        ]
        if let progress = status.sync {
            lines.append(
                Line(
                    label: "catching up",
                    text: "\(progress.done.grouped) of \(progress.total.grouped) messages"))
        }
        if let obstacle = status.obstacle { lines.append(Line(label: "obstacle", text: obstacle)) }
        return ChatOverlay(title: "Network", lines: lines + details)
    }

    /// What became of a message.
    static func story(
        of message: ChatMessage, _ model: ChatModel, time: ChatTime
    ) -> ChatOverlay {
        let name = message.number.map { "Message \($0)" } ?? "A message without a number yet"
        let said: String =
            switch message.content {
            case .text(let text): text
            case .data(let type, let byteCount): "\(byteCount) bytes of \(type)"
            case .recalled(""): "taken back"
            case .recalled(let by): "taken back by \(by)"
            case .expired: "expired"
            case .event(let text): text
            }
        var lines = [
            Line(label: "from", text: message.isOwn ? "you" : message.author),
            Line(
                label: message.number == nil ? "written" : "stored",
                text: "\(time.day(message.milliseconds)), \(time.clock(message.milliseconds))"),
            Line(label: "id", text: message.id),
            Line(label: "says", text: said),
        ]
        lines += [Line(text: "")] + story(of: message.progress, model).map { Line(text: $0) }
        return ChatOverlay(title: name, lines: lines)
    }

    private static func story(
        of progress: ChatMessage.Progress?, _ model: ChatModel
    ) -> [String] {
        let stored = "The server has stored it at its place, for good."
        let link = model.status.link.text(now: model.now)
        switch progress {
        case nil: return ["It is on this disk, and on the server's."]
        case .queued:
            return [
                "It is on this disk, and was not sent yet.",
                model.status.obstacle.map { "In the way: \($0)." } ?? "The connection: \(link).",
                "\(model.status.outboxCount) wait in the outbox; they are sent in order.",
            ]
        case .sent:
            return [
                "It is on its way; the server has not said yet that it is stored.",
                "The connection: \(link).",
                "If the answer is lost it is sent again, and stored once.",
            ]
        case .committed: return [stored, "No device of the other side has it yet."]
        case .delivered: return [stored, "A device of the other side has it."]
        case .read(let count):
            return [stored, count == 1 ? "It was read." : "\(count) members have read it."]
        case .failed(let reason):
            return ["The server will never take it: \(reason).", "It is kept on this disk."]
        }
    }
}
