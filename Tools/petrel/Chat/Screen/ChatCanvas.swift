// A screen in memory: rows of cells, filled with text and compared in tests.

/// How a piece of text looks; colours have meanings, not names.
struct ChatStyle: Hashable, Sendable {
    /// What a colour says.
    enum Tone: UInt8, Sendable {
        case plain
        /// All is well.
        case good
        /// Something waits.
        case waiting
        /// Something failed.
        case bad
        /// Who or what is talked about.
        case accent
    }

    /// What the colour says.
    var tone = Tone.plain
    var isBold = false
    var isDim = false
    var isReverse = false

    static let plain = ChatStyle()
    static let bold = ChatStyle(isBold: true)
    static let dim = ChatStyle(isDim: true)
    static let reverse = ChatStyle(isReverse: true)
    static let good = ChatStyle(tone: .good)
    static let waiting = ChatStyle(tone: .waiting)
    static let bad = ChatStyle(tone: .bad)
    static let accent = ChatStyle(tone: .accent)
    static let title = ChatStyle(tone: .accent, isBold: true)
}

/// Text in one style.
struct StyledText: Equatable, Sendable {
    var text: String
    var style: ChatStyle

    init(_ text: String, _ style: ChatStyle = .plain) {
        self.text = text
        self.style = style
    }
}

/// How large a screen is.
struct ChatSize: Equatable, Sendable {
    var rows: Int
    var columns: Int
}

/// A screen in memory.
struct ChatCanvas: Equatable, Sendable {
    /// What one cell shows.
    struct Cell: Equatable, Sendable {
        /// A character with its marks; empty for the second cell of a wide one.
        var text = " "
        var style = ChatStyle.plain
    }

    /// Cells of a row that look the same.
    struct Run: Equatable, Sendable {
        var column: Int
        var text: String
        var style: ChatStyle
    }

    /// How large it is.
    let size: ChatSize
    /// Where the cursor stands; `nil` if it is not shown.
    var cursor: (row: Int, column: Int)?
    private var cells: [Cell]

    /// Creates an empty screen.
    init(size: ChatSize) {
        self.size = ChatSize(rows: max(1, size.rows), columns: max(1, size.columns))
        cells = Array(repeating: Cell(), count: self.size.rows * self.size.columns)
    }

    /// Writes text from a cell on, and not into `limit`; returns the column after it.
    ///
    /// Rows that are not there take nothing. A wide character that does not fit is not begun.
    @discardableResult
    mutating func put(
        _ text: some StringProtocol, row: Int, column: Int, limit: Int? = nil,
        style: ChatStyle = .plain
    ) -> Int {
        let limit = min(limit ?? size.columns, size.columns)
        guard (0..<size.rows).contains(row), column >= 0 else { return column }
        var column = column
        for cluster in DisplayText.clusters(of: text) {
            guard column + cluster.width <= limit else { break }
            clear(row, column)
            self[row, column] = Cell(text: cluster.text, style: style)
            if cluster.width == 2 {
                clear(row, column + 1)
                self[row, column + 1] = Cell(text: "", style: style)
            }
            column += cluster.width
        }
        return column
    }

    /// Writes pieces one after the other; returns the column after them.
    @discardableResult
    mutating func put(_ pieces: [StyledText], row: Int, column: Int, limit: Int? = nil) -> Int {
        pieces.reduce(column) { column, piece in
            put(piece.text, row: row, column: column, limit: limit, style: piece.style)
        }
    }

    /// Gives the cells of a row another style, and keeps what they show.
    mutating func restyle(row: Int, from column: Int = 0, to limit: Int? = nil, _ style: ChatStyle)
    {
        guard (0..<size.rows).contains(row) else { return }
        for column in column..<max(column, min(limit ?? size.columns, size.columns)) {
            self[row, column].style = style
        }
    }

    /// What a row shows, piece by piece, from the first column to the last.
    func runs(row: Int) -> [Run] {
        var runs: [Run] = []
        for column in 0..<size.columns {
            let cell = self[row, column]
            if let last = runs.last, last.style == cell.style {
                runs[runs.count - 1].text += cell.text
            } else {
                runs.append(Run(column: column, text: cell.text, style: cell.style))
            }
        }
        return runs
    }

    /// The rows as text, without the spaces at their ends.
    var lines: [String] {
        (0..<size.rows).map { row in
            let text = (0..<size.columns).map { self[row, $0].text }.joined()
            return String(text.reversed().drop { $0 == " " }.reversed())
        }
    }

    /// Whether a row shows the same as that of another screen.
    func hasSameRow(_ row: Int, as other: ChatCanvas) -> Bool {
        guard other.size == size else { return false }
        let range = row * size.columns..<(row + 1) * size.columns
        return cells[range] == other.cells[range]
    }

    static func == (a: ChatCanvas, b: ChatCanvas) -> Bool {
        a.size == b.size && a.cells == b.cells && a.cursor?.row == b.cursor?.row
            && a.cursor?.column == b.cursor?.column
    }

    private subscript(row: Int, column: Int) -> Cell {
        get { cells[row * size.columns + column] }
        set { cells[row * size.columns + column] = newValue }
    }

    /// Makes room at a cell: half a wide character is none.
    private mutating func clear(_ row: Int, _ column: Int) {
        if self[row, column].text.isEmpty, column > 0 { self[row, column - 1].text = " " }
        if column + 1 < size.columns, self[row, column + 1].text.isEmpty {
            self[row, column + 1].text = " "
        }
    }
}
