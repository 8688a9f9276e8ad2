// The list of all rules, and which files each of them reads.

/// The rules of the house that are checked by reading; each group has a file of its own.
enum Rules {
    /// Returns what is wrong with a repository of these paths and these text files, in order.
    static func findings(paths: [String], sources: [SourceText]) -> [Finding] {
        var findings = layout(paths)
        var declarations: [(source: SourceText, all: [Declaration])] = []
        for source in sources where !source.isGenerated {
            findings += machinePaths(in: source)
            findings += unsafeFlags(in: source)
            guard source.isCode else { continue }
            findings += fileLength(of: source)
            findings += openingSentence(of: source)
            findings += unnumberedReminders(in: source)
            guard source.isSwift else { continue }
            declarations.append((source, DeclarationParser.declarations(in: source)))
            findings += columns(of: source)
            findings += imports(in: source)
            findings += bannedWords(in: source)
            if source.path == "Package.swift" { findings += manifest(source) }
        }
        let contracts = Contracts(declarations.flatMap(\.all))
        for (source, all) in declarations {
            findings += functionLengths(of: source, all)
            findings += documentation(of: source, all, contracts)
        }
        return findings.sorted()
    }
}
