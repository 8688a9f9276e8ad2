// Separates the code of a Swift file from its comments and the words of its string literals.

/// A lexer that knows comments, strings and their interpolations, and nothing else of Swift.
///
/// Both results are as long as the text, blanks standing for what belongs elsewhere, so that line
/// numbers stay true. Code inside `\( )` is code. Regex literals in bare slashes are not known.
struct SourceScanner {
    private enum Place {
        /// Inside an interpolation, that many parentheses deep.
        case interpolation(depth: Int)
        /// Inside a string literal that has that many `#` before its quote.
        case string(pounds: Int, isMultiline: Bool)
    }

    private let text: [UInt8]
    private var at = 0
    private var places: [Place] = []
    /// The text without comments and words of strings.
    private(set) var code: [UInt8]
    /// The text of the comments.
    private(set) var comments: [UInt8]

    /// Prepares to read `text`.
    init(text: String) {
        self.text = Array(text.utf8)
        code = self.text.map { $0 == UInt8(ascii: "\n") ? $0 : UInt8(ascii: " ") }
        comments = code
    }

    /// Reads to the end.
    mutating func run() {
        while at < text.count {
            switch places.last {
            case .string(let pounds, let isMultiline):
                readString(pounds: pounds, isMultiline: isMultiline)
            case .interpolation(let depth): readCode(depth: depth)
            case nil: readCode(depth: nil)
            }
        }
    }

    private mutating func readCode(depth: Int?) {
        if sees("//") { return readLineComment() }
        if sees("/*") { return readBlockComment() }
        var pounds = 0
        while at + pounds < text.count, text[at + pounds] == UInt8(ascii: "#") { pounds += 1 }
        if sees("\"", ahead: pounds) {
            let isMultiline = sees("\"\"\"", ahead: pounds)
            places.append(.string(pounds: pounds, isMultiline: isMultiline))
            at += pounds + (isMultiline ? 3 : 1)
            return
        }
        code[at] = text[at]
        if let depth {
            let change = sees("(") ? 1 : sees(")") ? -1 : 0
            places.removeLast()
            if depth + change > 0 { places.append(.interpolation(depth: depth + change)) }
        }
        at += 1
    }

    private mutating func readLineComment() {
        while at < text.count, text[at] != UInt8(ascii: "\n") {
            comments[at] = text[at]
            at += 1
        }
    }

    private mutating func readBlockComment() {
        var depth = 0
        repeat {
            let step = sees("/*") || sees("*/") ? 2 : 1
            if sees("/*") { depth += 1 } else if sees("*/") { depth -= 1 }
            for i in at..<min(at + step, text.count) { comments[i] = text[i] }
            at += step
        } while depth > 0 && at < text.count
    }

    private mutating func readString(pounds: Int, isMultiline: Bool) {
        let fence = String(repeating: "#", count: pounds)
        if sees("\\" + fence) {
            at += 1 + pounds
            if sees("(") {
                code[at] = text[at]
                places.append(.interpolation(depth: 1))
            }
            at += 1
        } else if sees((isMultiline ? "\"\"\"" : "\"") + fence) {
            places.removeLast()
            at += (isMultiline ? 3 : 1) + pounds
        } else {
            // A line end closes a broken literal, so that one mistake does not hide the rest.
            if !isMultiline, text[at] == UInt8(ascii: "\n") { places.removeLast() }
            at += 1
        }
    }

    private func sees(_ word: String, ahead: Int = 0) -> Bool {
        var i = at + ahead
        for byte in word.utf8 {
            guard i < text.count, text[i] == byte else { return false }
            i += 1
        }
        return true
    }
}
