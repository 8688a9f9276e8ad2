// Draws what stands around the messages: the list, the input, the status line.

import PetrelBase

extension ChatRenderer {
    func drawList(
        _ model: ChatModel, _ layout: ChatLayout, _ columns: Range<Int>,
        _ canvas: inout ChatCanvas
    ) {
        canvas.put(
            "Conversations", row: layout.titleRow, column: columns.lowerBound,
            limit: columns.upperBound, style: .bold)
        let end = layout.pane == nil ? layout.notice.lowerBound : layout.statusRow
        let rows = 1..<max(1, end)
        let marked =
            model.open == nil
            ? model.highlighted : model.conversations.firstIndex { $0.target == model.open } ?? 0
        let first = max(0, min(marked - rows.count / 2, model.conversations.count - rows.count))
        for (row, index) in zip(rows, model.conversations.indices.dropFirst(first)) {
            let conversation = model.conversations[index]
            draw(conversation, row: row, columns, &canvas)
            if index == marked, model.open != nil || !model.conversations.isEmpty {
                canvas.restyle(
                    row: row, from: columns.lowerBound, to: columns.upperBound, .reverse)
            }
        }
    }

    private func draw(
        _ conversation: ChatConversation, row: Int, _ columns: Range<Int>,
        _ canvas: inout ChatCanvas
    ) {
        let unread = conversation.unread == 0 ? "" : conversation.unread.grouped
        var right = conversation.typing.isEmpty ? "" : "…"
        if conversation.isPinned { right += "⇡" }
        if conversation.isMuted { right += "⊘" }
        if !unread.isEmpty { right += right.isEmpty ? unread : " \(unread)" }
        let edge = columns.upperBound - DisplayText.width(of: right) - 1
        let isLoud = conversation.unread > 0 && !conversation.isMuted
        let (mark, style) = mark(of: conversation)
        canvas.put(mark, row: row, column: columns.lowerBound, style: style)
        let room = edge - columns.lowerBound - 3
        canvas.put(
            DisplayText.clipped(conversation.title, to: room), row: row,
            column: columns.lowerBound + 2, limit: edge, style: isLoud ? .bold : .plain)
        canvas.put(
            right, row: row, column: edge, limit: columns.upperBound,
            style: isLoud ? .title : .dim)
    }

    private func mark(of conversation: ChatConversation) -> (String, ChatStyle) {
        guard conversation.kind == .direct else { return ("#", .dim) }
        return switch conversation.presence {
        case nil: (" ", .plain)
        case .online: ("●", .good)
        case .away: ("◐", .waiting)
        case .offline: ("○", .dim)
        }
    }

    func drawNotice(
        _ model: ChatModel, _ layout: ChatLayout, _ columns: Range<Int>,
        _ canvas: inout ChatCanvas
    ) {
        let rule = String(repeating: "─", count: columns.count)
        canvas.put(rule, row: layout.notice.lowerBound, column: columns.lowerBound, style: .dim)
        guard let piece = word(model) else { return }
        let width = ChatLayout.noticeWidth(columns.count)
        var lines = [piece.text]
        if layout.notice.count > 1 { lines = DisplayText.wrapped(piece.text, to: width) }
        for (row, line) in zip(layout.notice, lines) {
            let isCut = row == layout.notice.upperBound - 1 && lines.count > layout.notice.count
            var text = line
            while text.last == " " { text.removeLast() }
            if isCut { text += "…" }
            canvas.put(
                " \(DisplayText.clipped(text, to: width)) ", row: row,
                column: columns.lowerBound + 1, limit: columns.upperBound, style: piece.style)
        }
    }

    /// What is most worth saying: the answer to what was typed, trouble, who types, what is below.
    private func word(_ model: ChatModel) -> StyledText? {
        if let notice = model.notice {
            return StyledText(notice.text, notice.isBad ? .bad : .plain)
        }
        if let obstacle = model.status.obstacle {
            return StyledText("\(obstacle); what you write waits here until then", .waiting)
        }
        let typing = model.openConversation?.typing ?? []
        switch typing.count {
        case 0: break
        case 1: return StyledText("\(typing[0]) is typing…", .accent)
        case 2: return StyledText("\(typing[0]) and \(typing[1]) are typing…", .accent)
        default: return StyledText("\(typing.count) people are typing…", .accent)
        }
        if let request = model.requests.first {
            let name = model.requests.count > 1 ? " \(request.handle)" : ""
            let greeting = request.greeting.isEmpty ? "" : ": “\(request.greeting)”"
            return StyledText(
                "\(request.handle) asks for contact, /accept\(name) or /decline\(name)\(greeting)",
                .accent)
        }
        if model.timeline.anchor != nil, model.open != nil {
            return StyledText("newer messages are below: PageDown, or Ctrl-End", .dim)
        }
        return nil
    }

    func drawInput(
        _ model: ChatModel, _ layout: ChatLayout, _ columns: Range<Int>,
        _ canvas: inout ChatCanvas
    ) {
        let input = InputLayout(model.input, width: columns.count)
        // The row of the cursor is always among those shown.
        let first = max(0, min(input.cursorRow, input.rows.count - layout.input.count))
        let prompt = columns.lowerBound + InputLayout.prompt.count
        canvas.put(
            InputLayout.prompt, row: layout.input.lowerBound, column: columns.lowerBound,
            style: .accent)
        for (row, text) in zip(layout.input, input.rows.dropFirst(first)) {
            canvas.put(text, row: row, column: prompt, limit: columns.upperBound)
        }
        let row = layout.input.lowerBound + input.cursorRow - first
        canvas.cursor = (row, min(prompt + input.cursorColumn, columns.upperBound - 1))
    }

    func drawStatus(_ model: ChatModel, _ layout: ChatLayout, _ canvas: inout ChatCanvas) {
        let columns = canvas.size.columns
        var parts = [model.status.link.text(now: model.now)]
        if columns >= ChatLayout.wideColumns { parts.insert(model.handle, at: 0) }
        if let progress = model.status.sync {
            parts.append("catching up \(progress.done.grouped) of \(progress.total.grouped)")
        }
        parts.append(
            model.status.outboxCount == 0 ? "outbox empty" : "outbox \(model.status.outboxCount)")
        if let time = model.status.lastContact {
            parts.append("last contact \(ChatTime.ago(time, now: model.now))")
        }
        let hint = "/help "
        let text = DisplayText.clipped(parts.joined(separator: " · "), to: columns - 2)
        canvas.put(" \(text)", row: layout.statusRow, column: 0)
        if DisplayText.width(of: text) + hint.count + 3 <= columns {
            canvas.put(hint, row: layout.statusRow, column: columns - hint.count)
        }
        canvas.restyle(row: layout.statusRow, .reverse)
    }
}

extension ChatStatus.Link {
    /// The link in a few words.
    func text(now: Int64) -> String {
        switch self {
        case .connecting(let attempt): attempt > 1 ? "connecting, attempt \(attempt)" : "connecting"
        case .connected(let roundTrip, let isOverTCP):
            "connected" + (isOverTCP ? " over TCP" : "")
                + (roundTrip.map { ", round trip \(ChatTime.length($0))" } ?? "")
        case .waiting(let until, let reason):
            "\(reason), next try in \(max(0, until - now + 999) / 1_000) s"
        case .ended(let sentence): sentence
        }
    }
}
