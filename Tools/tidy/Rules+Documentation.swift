// Public declarations say what they mean.

extension Rules {
    /// Refuses public declarations of `Sources/` without a `///` comment.
    ///
    /// What only fulfils a contract needs none: what `Contracts` knows to be documented by its
    /// protocol, and `==`, operators, `hash(into:)`, `description`, `init(from:)` and `deinit`.
    static func documentation(
        of source: SourceText, _ declarations: [Declaration], _ contracts: Contracts
    ) -> [Finding] {
        guard source.path.hasPrefix("Sources/") else { return [] }
        return declarations.compactMap { declaration in
            guard declaration.isPublic, !isExempt(declaration),
                declaration.isRequirement || !contracts.ask(for: declaration),
                !isDocumented(declaration, in: source)
            else { return nil }
            return source.finding(
                declaration.keywordLine, "documentation",
                "public \(declaration.keyword) \(declaration.name) has no `///`; "
                    + "say what it means, its unit and its errors")
        }
    }

    private static func isExempt(_ declaration: Declaration) -> Bool {
        switch declaration.keyword {
        case "import", "extension", "deinit", "operator", "precedencegroup": true
        case "func":
            declaration.name == "hash" || !Token.isName(declaration.name)
        case "var": declaration.name == "description"
        case "init": declaration.name == "init(from"
        default: false
        }
    }

    private static func isDocumented(_ declaration: Declaration, in source: SourceText) -> Bool {
        // Attributes of the declaration may stand between, and notes to the formatter.
        var index = declaration.keywordLine - 2
        while index >= 0 {
            let line = source.lines[index].drop { $0 == " " }
            if line.hasPrefix("///") { return true }
            guard index + 1 >= declaration.firstLine || line.hasPrefix("//") else { return false }
            index -= 1
        }
        return false
    }
}
