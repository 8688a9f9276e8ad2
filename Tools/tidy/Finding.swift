// What a rule reports: where, which rule, what is wrong and what to do about it.

/// One breach of one rule.
struct Finding: Hashable, Comparable, CustomStringConvertible {
    /// The file, relative to the root of the repository.
    var path: String
    /// The line, counted from 1.
    var line: Int
    /// The name of the rule.
    var rule: String
    /// What is wrong, and what to do.
    var text: String

    /// The form that editors recognise: `path:line: rule: text`.
    var description: String { "\(path):\(line): \(rule): \(text)" }

    static func < (a: Finding, b: Finding) -> Bool {
        (a.path, a.line, a.rule, a.text) < (b.path, b.line, b.rule, b.text)
    }
}
