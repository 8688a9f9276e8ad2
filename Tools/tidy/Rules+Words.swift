// Words that may not be written, each with its reason.

extension Rules {
    /// Words that break the purity of floors 1 to 4.
    private static let impureWords: [(word: String, reason: String)] = [
        ("Foundation", "it brings clocks, files and 7 MB; write it with the standard library"),
        ("Dispatch", "the core has no threads; the caller drives it"),
        ("Task", "the core never waits; return an event or a deadline"),
        ("ContinuousClock", "the core has no clock; take `now: Instant`"),
        ("SuspendingClock", "the core has no clock; take `now: Instant`"),
        ("clock_gettime", "the core has no clock; take `now: Instant`"),
        ("Date(", "the core has no clock; take `wall: WallTime`"),
        ("SystemRandomNumberGenerator", "a run must repeat from its seed; take a RandomStream"),
        ("print(", "the core does no output; return an event or count it"),
    ]

    /// Words that turn a mistake into a crash, or hide it.
    private static let crashingWords: [(word: String, reason: String)] = [
        ("try!", "an error would end the process; handle it or let it pass on"),
        ("as!", "a wrong type would end the process; use `as?` or a closed enum"),
        ("fatalError", "state what must hold with `precondition`, or throw"),
    ]

    /// Refuses banned words in the code of `Sources/`.
    static func bannedWords(in source: SourceText) -> [Finding] {
        guard source.path.hasPrefix("Sources/") else { return [] }
        let module = ImportTable.module(ofPath: source.path) ?? ""
        let isCore = (ImportTable.rooms[module]?.floor ?? 7) <= 4
        var findings: [Finding] = []
        for (index, line) in source.code.enumerated() {
            for banned in crashingWords + (isCore ? impureWords : [])
            where contains(line, word: banned.word) {
                findings.append(
                    source.finding(index + 1, "word", "`\(banned.word)`: \(banned.reason)"))
            }
            if isCore, declaresObject(line) {
                findings.append(
                    source.finding(
                        index + 1, "word",
                        "class or actor on a core floor: use a struct, in a Slab if it needs a name"
                    ))
            }
        }
        return findings
    }

    /// Refuses compiler flags that take checks away, in the manifest and in scripts.
    static func unsafeFlags(in source: SourceText) -> [Finding] {
        guard source.path == "Package.swift" || source.isScript else { return [] }
        return lines(source.lines, with: ["-Ounchecked", "-enforce-exclusivity=unchecked"]).map {
            source.finding($0.line, "flag", "`\($0.word)` hides mistakes; remove it")
        }
    }

    /// Refuses reminders in code and comments that no issue keeps.
    static func unnumberedReminders(in source: SourceText) -> [Finding] {
        var findings: [Finding] = []
        for (index, line) in source.code.enumerated() {
            let text = line + " " + source.comments[index]
            for word in ["TODO", "FIXME", "XXX"] where contains(text, word: word) {
                let rest = text.split(separator: "#", omittingEmptySubsequences: false).dropFirst()
                if rest.contains(where: { $0.first?.isNumber == true }) { continue }
                findings.append(
                    source.finding(
                        index + 1, "reminder", "`\(word)` without an issue: write its #number"))
            }
        }
        return findings
    }

    /// Refuses paths of the machine that a file was written on, which no other machine has.
    static func machinePaths(in source: SourceText) -> [Finding] {
        let folders = [["", "work", ""], ["", "tmp", "wt"], ["", "tmp", "brief"]]
        return lines(source.lines, with: folders.map { $0.joined(separator: "/") }).map {
            source.finding($0.line, "path", "`\($0.word)` exists on one machine; write it relative")
        }
    }

    private static func lines(_ lines: [String], with words: [String]) -> [(
        line: Int, word: String
    )] {
        lines.enumerated().flatMap { index, line in
            words.filter(line.contains).map { (index + 1, $0) }
        }
    }

    /// Whether `line` has `word`, and not as a part of a longer one.
    static func contains(_ line: String, word: String) -> Bool {
        let line = Array(line.utf8)
        let word = Array(word.utf8)
        guard line.count >= word.count else { return false }
        return (0...line.count - word.count).contains { start in
            let end = start + word.count
            guard line[start..<end].elementsEqual(word) else { return false }
            let startsWord = start == 0 || !isNameByte(line[start - 1])
            let endsWord = end == line.count || !isNameByte(word[word.count - 1])
            return startsWord && (endsWord || !isNameByte(line[end]))
        }
    }

    private static func isNameByte(_ byte: UInt8) -> Bool {
        byte == UInt8(ascii: "_") || byte >= 0x80 || Character(UnicodeScalar(byte)).isLetter
            || Character(UnicodeScalar(byte)).isNumber
    }

    /// Whether a line declares a class or an actor; `AnyObject` bounds are no declarations.
    private static func declaresObject(_ line: String) -> Bool {
        let words = line.split { $0 == " " || $0 == ":" || $0 == "{" }
        return zip(words, words.dropFirst()).contains { word, next in
            (word == "class" || word == "actor") && next.first?.isUppercase == true
        }
    }
}
