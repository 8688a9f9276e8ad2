// Draws a chat: the same model and size give the same screen.

/// Draws models.
struct ChatRenderer: Sendable {
    /// How times are written.
    var time = ChatTime()

    /// Draws a model on a screen of that size.
    func draw(_ model: ChatModel, size: ChatSize) -> ChatCanvas {
        var canvas = ChatCanvas(size: size)
        let layout = ChatLayout(model, size: canvas.size)
        if let list = layout.list { drawList(model, layout, list, &canvas) }
        if let pane = layout.pane {
            if let overlay = model.overlay {
                draw(overlay, layout, pane, &canvas)
            } else if model.open == nil {
                drawWelcome(model, layout, pane, &canvas)
            } else {
                drawTitle(model, layout, pane, &canvas)
                drawMessages(model, layout, pane, &canvas)
            }
            if pane.lowerBound > 0 {
                for row in 0..<layout.statusRow {
                    canvas.put("│", row: row, column: pane.lowerBound - 1, style: .dim)
                }
            }
        }
        let below = layout.pane ?? 0..<canvas.size.columns
        drawNotice(model, layout, below, &canvas)
        drawInput(model, layout, below, &canvas)
        drawStatus(model, layout, &canvas)
        return canvas
    }

    /// The rows of the open conversation, to move the view over them.
    func rows(_ model: ChatModel, size: ChatSize) -> (rows: TimelineRows, height: Int) {
        let layout = ChatLayout(model, size: size)
        return (rows(model, layout.pane ?? 0..<size.columns), layout.messages.count)
    }

    private func rows(_ model: ChatModel, _ pane: Range<Int>) -> TimelineRows {
        TimelineRows(timeline: model.timeline, width: pane.count, time: time)
    }
}

/// The messages.
extension ChatRenderer {
    private func drawTitle(
        _ model: ChatModel, _ layout: ChatLayout, _ pane: Range<Int>, _ canvas: inout ChatCanvas
    ) {
        guard let conversation = model.openConversation else { return }
        let words = [
            conversation.subtitle, Self.text(conversation.presence, now: model.now),
            marks(conversation),
        ]
        .filter { !$0.isEmpty }.joined(separator: " · ")
        canvas.put(
            [StyledText(conversation.title, .title), StyledText("  \(words)", .dim)],
            row: layout.titleRow, column: pane.lowerBound, limit: pane.upperBound)
    }

    /// Whether somebody is there, in words; empty if that is not known.
    static func text(_ presence: ChatPresence?, now: Int64) -> String {
        switch presence {
        case nil: ""
        case .online: "online"
        case .away: "away"
        case .offline(nil): "offline"
        case .offline(let time?): "last seen \(ChatTime.ago(time, now: now))"
        }
    }

    private func marks(_ conversation: ChatConversation) -> String {
        [conversation.isPinned ? "pinned" : "", conversation.isMuted ? "muted" : ""]
            .filter { !$0.isEmpty }.joined(separator: ", ")
    }

    private func drawMessages(
        _ model: ChatModel, _ layout: ChatLayout, _ pane: Range<Int>, _ canvas: inout ChatCanvas
    ) {
        let shown = rows(model, pane).visible(height: layout.messages.count)
        guard !shown.isEmpty else {
            let text = "No message yet. What you type is sent with Enter."
            return drawText(text, layout.messages, pane, &canvas)
        }
        for (offset, row) in shown.enumerated() {
            let line = layout.messages.upperBound - shown.count + offset
            let width = row.pieces.reduce(0) { $0 + DisplayText.width(of: $1.text) }
            let indent = row.isCentred ? max(0, (pane.count - width) / 2) : 0
            let edge = row.right.reduce(0) { $0 + DisplayText.width(of: $1.text) }
            canvas.put(
                row.pieces, row: line, column: pane.lowerBound + indent,
                limit: pane.upperBound - edge)
            canvas.put(
                row.right, row: line, column: max(pane.lowerBound, pane.upperBound - edge),
                limit: pane.upperBound)
        }
    }

    private func drawWelcome(
        _ model: ChatModel, _ layout: ChatLayout, _ pane: Range<Int>, _ canvas: inout ChatCanvas
    ) {
        canvas.put(
            "petrel", row: layout.titleRow, column: pane.lowerBound, limit: pane.upperBound,
            style: .title)
        let text =
            model.conversations.isEmpty
            ? "No conversation yet.\n\nType /to and a handle to open one, such as /to bob.\n"
                + "/help shows what else can be typed."
            : "Tab, or Up and Down and Enter, opens a conversation.\n\n/to and a handle begins one."
        drawText(text, layout.messages, pane, &canvas)
    }

    private func drawText(
        _ text: String, _ rows: Range<Int>, _ pane: Range<Int>, _ canvas: inout ChatCanvas
    ) {
        for (row, line) in zip(rows.dropFirst(), DisplayText.wrapped(text, to: pane.count - 2)) {
            canvas.put(
                line, row: row, column: pane.lowerBound + 1, limit: pane.upperBound, style: .dim)
        }
    }

    private func draw(
        _ overlay: ChatOverlay, _ layout: ChatLayout, _ pane: Range<Int>,
        _ canvas: inout ChatCanvas
    ) {
        canvas.put(
            [StyledText(overlay.title, .title), StyledText("  Esc goes back", .dim)],
            row: layout.titleRow, column: pane.lowerBound, limit: pane.upperBound)
        let rows = overlay.rows(width: pane.count)
        let first = min(overlay.scroll, max(0, rows.count - layout.messages.count))
        for (row, pieces) in zip(layout.messages, rows.dropFirst(first)) {
            canvas.put(pieces, row: row, column: pane.lowerBound, limit: pane.upperBound)
        }
    }
}

extension ChatOverlay {
    /// The lines, cut into rows; labels stand in a column of their own.
    func rows(width: Int) -> [[StyledText]] {
        let widest = lines.map { DisplayText.width(of: $0.label) }.max() ?? 0
        let column = min(widest, width / 2)
        return lines.flatMap { line -> [[StyledText]] in
            guard !line.label.isEmpty else {
                return DisplayText.wrapped(line.text, to: width).map { [StyledText($0)] }
            }
            let label = DisplayText.clipped(line.label, to: column)
            let padding = String(repeating: " ", count: column - DisplayText.width(of: label) + 2)
            let blank = String(repeating: " ", count: column + 2)
            let wrapped = DisplayText.wrapped(line.text, to: width - column - 2)
            return wrapped.enumerated().map { index, text in
                [StyledText(index == 0 ? label + padding : blank, .accent), StyledText(text)]
            }
        }
    }
}
