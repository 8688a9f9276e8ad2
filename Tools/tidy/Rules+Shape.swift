// Sizes that keep a file readable, and the sentence that opens it.

extension Rules {
    /// The most lines of a file.
    static let fileLinesMax = 500
    /// The most lines of a function, from its name to its closing brace.
    static let functionLinesMax = 60
    /// The most characters of a line of Swift.
    static let columnsMax = 100

    /// Refuses files that are too long.
    static func fileLength(of source: SourceText) -> [Finding] {
        guard source.lines.count > fileLinesMax else { return [] }
        let text = "\(source.lines.count) lines; cut it in two by what changes together"
        return [source.finding(fileLinesMax + 1, "length", text)]
    }

    /// Refuses functions that are too long.
    static func functionLengths(
        of source: SourceText, _ declarations: [Declaration]
    ) -> [Finding] {
        declarations.flatMap { declaration in
            declaration.bodies.filter { $0.count > functionLinesMax }.map { body in
                source.finding(
                    body.lowerBound, "length",
                    "\(declaration.keyword) \(declaration.name) has \(body.count) lines; "
                        + "move its steps into functions below it")
            }
        }
    }

    /// Refuses lines that are too wide.
    static func columns(of source: SourceText) -> [Finding] {
        source.lines.enumerated().compactMap { index, line in
            // Most lines are short in bytes already, which is cheaper to know.
            guard line.utf8.count > columnsMax, line.count > columnsMax else { return nil }
            return source.finding(index + 1, "columns", "\(line.count) columns; break the line")
        }
    }

    /// Refuses files that do not say in one line what they are for.
    static func openingSentence(of source: SourceText) -> [Finding] {
        guard !source.path.hasSuffix("Package.swift") else { return [] }
        let index = source.isScript ? 1 : 0
        let line = index < source.lines.count ? source.lines[index] : ""
        guard !isSentence(line, in: source) else { return [] }
        return [
            source.finding(
                index + 1, "opening",
                "the file does not open with a comment of one sentence; say what it is for")
        ]
    }

    private static func isSentence(_ line: String, in source: SourceText) -> Bool {
        let marks: [(open: String, close: String)]
        if source.isSwift {
            marks = [("// ", "")]
        } else if source.path.hasSuffix(".c") || source.path.hasSuffix(".h") {
            marks = [("// ", ""), ("/* ", " */")]
        } else {
            marks = [("# ", ""), ("\"\"\"", "\"\"\""), ("\"\"\"", "")]
        }
        return marks.contains { mark in
            line.hasPrefix(mark.open) && line.hasSuffix("." + mark.close)
                && line.count > mark.open.count + mark.close.count + 1
        }
    }
}
