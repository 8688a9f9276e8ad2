// Messages and holes as rows of a screen, and the view that moves over them.

/// A row of the messages.
struct TimelineRow: Equatable, Sendable {
    /// From the left.
    var pieces: [StyledText] = []
    /// At the right edge: how far the message has come, and its number.
    var right: [StyledText] = []
    /// Whether `pieces` stand in the middle.
    var isCentred = false
}

/// Turns items into rows, no more of them than are looked at.
struct TimelineRows {
    /// The items.
    var timeline: ChatTimeline
    /// Cells of a row.
    var width: Int
    /// How times are written.
    var time: ChatTime

    /// Messages of one author that close together share one line with the name.
    static let groupMilliseconds: Int64 = 300_000
    private static let margin = "  "

    /// The rows of an item, with what stands between it and the one before.
    func rows(of index: Int) -> [TimelineRow] {
        switch timeline.items[index] {
        case .hole(let hole): [row(of: hole)]
        case .message(let message): separators(before: index, message) + rows(of: message)
        }
    }

    /// The rows in view, the lowest last; fewer than `height` if there are no more.
    func visible(height: Int) -> [TimelineRow] {
        guard height > 0 else { return [] }
        var (index, below) = bottom
        var rows: [TimelineRow] = []
        while index >= 0, rows.count < height {
            rows = self.rows(of: index).dropLast(below) + rows
            below = 0
            index -= 1
        }
        return Array(rows.suffix(height))
    }

    /// The newest hole in view; `nil` if nothing is missing there.
    func newestHole(height: Int) -> ChatHole? {
        var (index, below) = bottom
        var count = 0
        while index >= 0, count < height {
            if case .hole(let hole) = timeline.items[index] { return hole }
            count += rows(of: index).count - below
            below = 0
            index -= 1
        }
        return nil
    }

    /// The lower edge after moving the view up by some rows, and whether that met the oldest item.
    func movedUp(by count: Int, height: Int) -> (anchor: ChatTimeline.Anchor?, isAtTop: Bool) {
        let (start, below) = bottom
        var (index, available) = (start, -below)
        while index >= 0, available < count + height {
            available += rows(of: index).count
            index -= 1
        }
        let step = min(count, max(0, available - height))
        return (anchor(start, below + step), available < count + height || index < 0)
    }

    /// The lower edge after moving the view down by some rows; `nil` at the newest item.
    func movedDown(by count: Int) -> ChatTimeline.Anchor? {
        var (index, below) = bottom
        var left = count
        while left > below {
            left -= below
            index += 1
            guard index < timeline.items.count else { return nil }
            below = rows(of: index).count
        }
        return anchor(index, below - left)
    }

    /// The item at the lower edge, and how many of its rows are below.
    private var bottom: (index: Int, below: Int) {
        let last = timeline.items.count - 1
        guard let anchor = timeline.anchor,
            let index = timeline.items.lastIndex(where: { $0.id == anchor.item })
        else { return (last, 0) }
        return (index, min(anchor.rowsBelow, max(0, rows(of: index).count - 1)))
    }

    /// The edge `below` rows above the end of an item, in one of those before if that is short.
    private func anchor(_ index: Int, _ below: Int) -> ChatTimeline.Anchor? {
        var (index, below) = (index, below)
        while index > 0, below >= rows(of: index).count {
            below -= rows(of: index).count
            index -= 1
        }
        guard index >= 0, index < timeline.items.count - 1 || below > 0 else { return nil }
        return ChatTimeline.Anchor(item: timeline.items[index].id, rowsBelow: below)
    }
}

/// What rows say.
extension TimelineRows {
    private func row(of hole: ChatHole) -> TimelineRow {
        let count = hole.last - hole.first + 1
        var text = "\(count.grouped) \(count == 1 ? "message" : "messages") not here yet"
        if let progress = hole.progress {
            text += " · loading \(progress.done.grouped) of \(progress.total.grouped)"
        }
        return TimelineRow(pieces: [StyledText("┄┄ \(text) ┄┄", .waiting)], isCentred: true)
    }

    private func separators(before index: Int, _ message: ChatMessage) -> [TimelineRow] {
        var rows: [TimelineRow] = []
        var previous: ChatMessage?
        if index > 0, case .message(let before) = timeline.items[index - 1] { previous = before }
        let day = time.day(message.milliseconds)
        if previous.map({ time.day($0.milliseconds) != day }) ?? true {
            rows.append(TimelineRow(pieces: [StyledText("── \(day) ──", .dim)], isCentred: true))
        }
        if let number = message.number, number == timeline.firstUnread {
            rows.append(TimelineRow(pieces: [StyledText("── new ──", .accent)], isCentred: true))
        }
        if case .event = message.content { return rows }
        let isNear = previous.map { previous in
            if case .event = previous.content { return false }
            return previous.author == message.author
                && abs(message.milliseconds - previous.milliseconds) < Self.groupMilliseconds
        }
        guard rows.isEmpty, isNear == true else {
            let name = message.isOwn ? "you" : message.author
            let style = message.isOwn ? ChatStyle.bold : .title
            rows.append(
                TimelineRow(pieces: [
                    StyledText(DisplayText.clipped(name, to: max(2, width - 8)), style),
                    StyledText("  \(time.clock(message.milliseconds))", .dim),
                ]))
            return rows
        }
        return rows
    }

    private func rows(of message: ChatMessage) -> [TimelineRow] {
        if case .event(let text) = message.content {
            return DisplayText.wrapped(text, to: width - 4).map {
                TimelineRow(pieces: [StyledText($0, .dim)], isCentred: true)
            }
        }
        var rows = body(of: message)
        rows[rows.count - 1].right = right(of: message)
        if let quote = message.quote {
            let line = quote.text.split(whereSeparator: \.isNewline).first ?? ""
            let text = DisplayText.clipped("▎\(quote.author): \(line)", to: textWidth)
            rows.insert(TimelineRow(pieces: [StyledText(Self.margin + text, .dim)]), at: 0)
        }
        if !message.reactions.isEmpty {
            let pieces = message.reactions.map { reaction in
                StyledText(
                    "\(reaction.sign) \(reaction.count)  ", reaction.isOwn ? .accent : .plain)
            }
            rows.append(TimelineRow(pieces: [StyledText(Self.margin)] + pieces))
        }
        if case .failed(let reason) = message.progress {
            rows += DisplayText.wrapped("not sent: \(reason)", to: textWidth).map {
                TimelineRow(pieces: [StyledText(Self.margin + $0, .bad)])
            }
        }
        return rows
    }

    private func body(of message: ChatMessage) -> [TimelineRow] {
        switch message.content {
        case .text(let text):
            var rows = DisplayText.wrapped(text, to: textWidth).map {
                TimelineRow(pieces: [StyledText(Self.margin + $0)])
            }
            guard message.isEdited else { return rows }
            let mark = " (edited)"
            let last = rows[rows.count - 1].pieces[0].text
            if DisplayText.width(of: last + mark) <= textWidth + Self.margin.count {
                rows[rows.count - 1].pieces.append(StyledText(mark, .dim))
            } else {
                rows.append(TimelineRow(pieces: [StyledText(Self.margin + "(edited)", .dim)]))
            }
            return rows
        case .data(let type, let byteCount):
            let size = byteCount == 1 ? "1 byte" : "\(UInt64(byteCount).grouped) bytes"
            return [note("(\(size) of \(type))")]
        case .recalled(""): return [note("(taken back)")]
        case .recalled(let by): return [note("(taken back by \(by))")]
        case .expired: return [note("(expired)")]
        case .event(let text): return [note(text)]
        }
    }

    private func note(_ text: String) -> TimelineRow {
        TimelineRow(pieces: [
            StyledText(Self.margin + DisplayText.clipped(text, to: textWidth), .dim)
        ])
    }

    private func right(of message: ChatMessage) -> [StyledText] {
        let number = message.number.map(String.init) ?? ""
        let padding = String(repeating: " ", count: max(0, numberWidth - number.count))
        var tick = message.progress?.tick ?? ""
        tick += String(repeating: " ", count: max(0, 2 - tick.count))
        return [
            StyledText(tick, message.progress?.style ?? .plain),
            StyledText(" \(padding)\(number)", .dim),
        ]
    }

    /// Digits of the largest number.
    private var numberWidth: Int {
        let newest = timeline.items.lazy.reversed().compactMap { item in
            if case .message(let message) = item { message.number } else { nil }
        }.first
        return String(newest ?? 0).count
    }

    /// Cells of the text: without the margin, and without what stands at the right.
    private var textWidth: Int { max(8, width - Self.margin.count - numberWidth - 4) }
}
