// Tables for people: columns that stay aligned where names are Chinese.

/// Rows under a heading, aligned by the cells that a terminal gives them.
struct Table: Equatable {
    /// A column.
    struct Column: Equatable {
        /// What stands above it.
        var title: String
        /// Whether it holds numbers, which end under each other.
        var isNumeric = false
        /// The most cells that it takes; what is longer is cut.
        var widthMax = 32
    }

    /// The columns.
    var columns: [Column]
    /// The rows; each has as many texts as there are columns.
    private(set) var rows: [[String]] = []

    /// Creates a table of columns with these titles; those of `numeric` hold numbers.
    init(_ titles: [String], numeric: Set<String> = []) {
        columns = titles.map { Column(title: $0, isNumeric: numeric.contains($0)) }
    }

    /// Adds a row.
    mutating func append(_ row: [String]) {
        precondition(row.count == columns.count, "a row has a text for each column")
        rows.append(zip(columns, row).map { DisplayText.clipped($1, to: $0.widthMax) })
    }

    /// The heading and the rows.
    var lines: [String] {
        let all = [columns.map(\.title)] + rows
        let widths = columns.indices.map { index in
            all.map { DisplayText.width(of: $0[index]) }.max() ?? 0
        }
        return all.map { row in
            var line = ""
            for (index, text) in row.enumerated() {
                let gap = String(repeating: " ", count: widths[index] - DisplayText.width(of: text))
                line += columns[index].isNumeric ? gap + text : text + gap
                line += "  "
            }
            while line.hasSuffix(" ") { line.removeLast() }
            return line
        }
    }
}
