// What somebody may have meant who typed a command that does not exist.

import ArgumentParser

/// Finds the command whose name is closest to what was typed.
enum Suggestion {
    /// Returns a sentence if the first argument is no command and no option; `nil` otherwise.
    static func forCommand(
        _ arguments: [String], in configuration: CommandConfiguration
    ) -> String? {
        guard arguments.count > 1, let typed = arguments.dropFirst().first, !typed.hasPrefix("-")
        else { return nil }
        let names = configuration.subcommands.map { $0._commandName } + ["help"]
        guard !names.contains(typed) else { return nil }
        let closest = names.min { distance($0, typed) < distance($1, typed) }
        let start = "petrel: '\(typed)' is no command"
        guard let closest, distance(closest, typed) <= 2 else {
            return "\(start); see petrel --help"
        }
        return "\(start); did you mean '\(closest)'? See petrel --help"
    }

    /// How many letters must be put in, left out, changed or exchanged with their neighbour.
    static func distance(_ a: String, _ b: String) -> Int {
        let (a, b) = (Array(a), Array(b))
        var rows = [Array(0...b.count)]
        for i in 0..<a.count {
            var row = [i + 1]
            for j in 0..<b.count {
                let changed = rows[i][j] + (a[i] == b[j] ? 0 : 1)
                var best = min(changed, row[j] + 1, rows[i][j + 1] + 1)
                if i > 0, j > 0, a[i] == b[j - 1], a[i - 1] == b[j] {
                    best = min(best, rows[i - 1][j - 1] + 1)
                }
                row.append(best)
            }
            rows.append(row)
        }
        return rows[a.count][b.count]
    }
}
