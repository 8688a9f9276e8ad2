// One text file as the rules see it: its lines, and for Swift the code without words of prose.

/// A text file, cut into lines.
struct SourceText {
    /// The path from the root of the repository.
    let path: String
    /// The lines as they are, without line ends.
    let lines: [String]
    /// The lines of a Swift file with comments and the words of string literals blanked.
    let code: [String]
    /// The lines of a Swift file with everything but comments blanked.
    let comments: [String]

    /// Cuts `text` into lines.
    init(path: String, text: String) {
        self.path = path
        lines = Self.lines(of: Array(text.utf8))
        guard path.hasSuffix(".swift") else {
            code = lines
            comments = lines
            return
        }
        var scanner = SourceScanner(text: text)
        scanner.run()
        code = Self.lines(of: scanner.code)
        comments = Self.lines(of: scanner.comments)
    }

    /// Whether it is Swift.
    var isSwift: Bool { path.hasSuffix(".swift") }

    /// Whether it is a program, or part of one.
    var isCode: Bool {
        [".swift", ".c", ".h", ".py", ".sh"].contains(where: path.hasSuffix) || isScript
    }

    /// Whether it starts with the line that names its interpreter.
    var isScript: Bool { lines.first?.hasPrefix("#!") == true }

    /// Whether a tool wrote it, so that no rule applies.
    var isGenerated: Bool { path.hasSuffix(".pb.swift") }

    /// Returns a finding at `line`, counted from 1.
    func finding(_ line: Int, _ rule: String, _ text: String) -> Finding {
        Finding(path: path, line: line, rule: rule, text: text)
    }

    private static func lines(of bytes: [UInt8]) -> [String] {
        var lines = bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        if lines.last?.isEmpty == true { lines.removeLast() }
        return lines.map { String(decoding: $0, as: UTF8.self) }
    }
}
