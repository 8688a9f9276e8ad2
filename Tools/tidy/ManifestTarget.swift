// Reads the targets of Package.swift by their words, as far as they are written as plain lists.

/// One target and the names of what it depends on.
struct ManifestTarget: Equatable {
    /// The module.
    var name: String
    /// Where it is declared, counted from 1.
    var line: Int
    /// Whether it is Swift or C of ours, and no library of the system.
    var isSwift: Bool
    /// Whether it only tests.
    var isTest: Bool
    /// Targets and products, in order.
    var dependencies: [String] = []

    /// Returns the targets in the lines of a manifest.
    static func targets(in lines: [String]) -> [ManifestTarget] {
        let kinds = [".target(", ".executableTarget(", ".testTarget(", ".systemLibrary("]
        var targets: [ManifestTarget] = []
        for (index, line) in lines.enumerated() {
            let trimmed = line.drop { $0 == " " }
            guard let kind = kinds.first(where: trimmed.hasPrefix) else { continue }
            let text = call(in: lines[index...])
            guard let name = strings(in: text, after: "name:").first else { continue }
            // C targets have no Swift settings, and no table of imports.
            let isSwift = kind != ".systemLibrary(" && text.contains("swiftSettings:")
            targets.append(
                ManifestTarget(
                    name: name, line: index + 1, isSwift: isSwift, isTest: kind == ".testTarget(",
                    dependencies: strings(in: list(in: text), after: nil)))
        }
        return targets
    }

    /// Returns the text of the call that starts on the first line, up to its closing parenthesis.
    private static func call(in lines: ArraySlice<String>) -> String {
        var depth = 0
        var text = ""
        for character in lines.joined(separator: "\n") {
            text.append(character)
            if character == "(" { depth += 1 }
            if character == ")" { depth -= 1 }
            if character == ")", depth == 0 { break }
        }
        return text
    }

    /// Returns what stands between the brackets after `dependencies:`.
    private static func list(in call: String) -> String {
        let parts = call.split(separator: "dependencies:", maxSplits: 1)
        guard parts.count == 2, let open = parts[1].firstIndex(of: "[") else { return "" }
        return String(parts[1][open...].prefix { $0 != "]" })
    }

    /// Returns the string literals of `text`, or only those directly after that label.
    ///
    /// Without a label, names of packages are left out: products are what a target depends on.
    private static func strings(in text: String, after label: String?) -> [String] {
        let parts = text.split(separator: "\"", omittingEmptySubsequences: false)
        return stride(from: 1, to: parts.count, by: 2).compactMap { index in
            let before = parts[index - 1].filter { $0 != " " && $0 != "\n" }
            if let label { return before.hasSuffix(label) ? String(parts[index]) : nil }
            return before.hasSuffix("package:") ? nil : String(parts[index])
        }
    }
}
