// The import law: what a file imports and what the manifest declares, against the table.

extension Rules {
    /// Refuses imports that the table does not grant to the file's module.
    static func imports(in source: SourceText) -> [Finding] {
        guard let module = ImportTable.module(ofPath: source.path) else { return [] }
        guard let room = ImportTable.rooms[module] else {
            return [
                source.finding(
                    1, "import", "module \(module) is not in the table; add it to ImportTable")
            ]
        }
        let allowed = Set(room.modules + room.system)
        var findings: [Finding] = []
        for (index, line) in source.code.enumerated() {
            guard let imported = importedModule(line), !allowed.contains(imported) else { continue }
            findings.append(
                source.finding(
                    index + 1, "import",
                    "\(module) may not import \(imported); move the code to a room that may"))
        }
        return findings
    }

    /// Compares the dependencies that `Package.swift` declares with the table.
    ///
    /// A library declares exactly what the table grants; a tool may declare less.
    static func manifest(_ source: SourceText) -> [Finding] {
        ManifestTarget.targets(in: source.lines).flatMap { target -> [Finding] in
            guard !target.isTest else { return [] }
            guard let room = ImportTable.rooms[target.name] else {
                return target.isSwift
                    ? [
                        source.finding(
                            target.line, "manifest",
                            "target \(target.name) is not in the table; add it to ImportTable")
                    ] : []
            }
            let declared = Set(target.dependencies)
            let granted = Set(room.modules)
            let excess = declared.subtracting(granted).sorted().map { name in
                source.finding(
                    target.line, "manifest",
                    "\(target.name) may not depend on \(name); remove it or change ImportTable")
            }
            guard room.floor < 7 else { return excess }
            return excess
                + granted.subtracting(declared).sorted().map { name in
                    source.finding(
                        target.line, "manifest",
                        "\(target.name) does not declare \(name); add it or change ImportTable")
                }
        }
    }

    /// Returns the module that a line of code imports.
    static func importedModule(_ line: String) -> String? {
        let words = line.split { " .;".contains($0) }.map(String.init)
        guard let position = words.firstIndex(of: "import") else { return nil }
        let before = words[..<position]
        let access: Set = ["public", "package", "internal", "fileprivate", "private"]
        guard before.allSatisfy({ $0.hasPrefix("@") || access.contains($0) }) else { return nil }
        let kinds: Set = [
            "struct", "class", "enum", "protocol", "typealias", "func", "let", "var", "actor",
        ]
        return words[(position + 1)...].first { !kinds.contains($0) }
    }
}
