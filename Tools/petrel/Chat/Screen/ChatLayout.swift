// Which rows and columns of a terminal show what.

/// Where the parts of a chat are on a screen.
struct ChatLayout: Equatable, Sendable {
    /// From that width on the list of conversations stays beside the messages.
    static let wideColumns = 60
    /// The most rows of what is being typed.
    static let inputRowsMax = 5
    /// The most rows of a notice.
    static let noticeRowsMax = 4

    /// The columns of the list; `nil` if it is not shown.
    var list: Range<Int>?
    /// The columns of messages and input; `nil` if the list has the whole screen.
    var pane: Range<Int>?
    /// The row of the conversation's title, the first of the list too.
    let titleRow = 0
    /// The rows of the messages.
    var messages: Range<Int>
    /// The rows between messages and input, which tell who types and what was refused; one, or as
    /// many as a refusal needs.
    var notice: Range<Int>
    /// The rows of what is being typed.
    var input: Range<Int>
    /// The row of the status line.
    var statusRow: Int

    /// Divides a screen.
    init(_ model: ChatModel, size: ChatSize) {
        if size.columns >= Self.wideColumns {
            let width = min(30, max(20, size.columns / 4))
            list = 0..<width
            pane = width + 1..<size.columns
        } else if model.open == nil, model.overlay == nil, !model.conversations.isEmpty {
            list = 0..<size.columns
        } else {
            pane = 0..<size.columns
        }
        let width = pane?.count ?? size.columns
        let wanted = InputLayout(model.input, width: width).rows.count
        let rows = max(1, min(wanted, Self.inputRowsMax, size.rows - 4))
        statusRow = size.rows - 1
        input = max(0, statusRow - rows)..<max(0, statusRow)
        let text = model.notice?.text ?? ""
        let lines = DisplayText.wrapped(text, to: Self.noticeWidth(width)).count
        let most = min(Self.noticeRowsMax, input.lowerBound - 2)
        notice = input.lowerBound - max(1, min(lines, most))..<input.lowerBound
        messages = 1..<max(1, notice.lowerBound)
    }
}

extension ChatLayout {
    /// The cells of a notice in a pane that has so many.
    static func noticeWidth(_ width: Int) -> Int { max(1, width - 4) }
}

/// What is being typed, cut into rows behind a prompt.
struct InputLayout: Equatable, Sendable {
    /// What stands before the text.
    static let prompt = "> "

    /// The rows, without the prompt.
    var rows: [String] = [""]
    /// The row of the cursor.
    var cursorRow = 0
    /// The cells between the prompt and the cursor.
    var cursorColumn = 0

    /// Cuts a line for a screen `width` cells wide, the prompt included.
    init(_ line: InputLine, width: Int) {
        let width = max(2, width - Self.prompt.count)
        (rows, _) = Self.cut(line.text, width)
        let (before, column) = Self.cut(line.head, width)
        (cursorRow, cursorColumn) = (before.count - 1, column)
    }

    private static func cut(_ text: some StringProtocol, _ width: Int) -> ([String], Int) {
        var rows = [""]
        var column = 0
        for (index, part) in text.split(
            omittingEmptySubsequences: false, whereSeparator: \.isNewline
        ).enumerated() {
            if index > 0 {
                rows.append("")
                column = 0
            }
            for cluster in DisplayText.clusters(of: part) {
                // The cursor needs a cell behind the last one.
                if column + cluster.width >= width {
                    rows.append("")
                    column = 0
                }
                rows[rows.count - 1] += cluster.text
                column += cluster.width
            }
        }
        return (rows, column)
    }
}
