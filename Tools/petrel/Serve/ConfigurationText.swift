// A configuration file as text: the part of TOML that settings need, each value with its line.

/// A value of a configuration file.
enum ConfigurationValue: Equatable, Sendable, CustomStringConvertible {
    case text(String)
    case number(Int)
    case flag(Bool)

    /// As it would be written in a file.
    var description: String {
        switch self {
        case .text(let text): "\"\(text)\""
        case .number(let number): "\(number)"
        case .flag(let flag): "\(flag)"
        }
    }
}

/// One setting of a configuration file.
struct ConfigurationEntry: Equatable, Sendable {
    var key: String
    var value: ConfigurationValue
    var line: Int
}

/// The settings under one heading; those before the first heading have no name.
struct ConfigurationTable: Equatable, Sendable {
    var name: [String]
    var line: Int
    var entries: [ConfigurationEntry]
}

/// What is wrong in which line of a configuration file, and what would be right.
struct ConfigurationFault: Error, Equatable, CustomStringConvertible {
    var line: Int
    var sentence: String

    var description: String { "line \(line): \(sentence)" }
}

/// Reads `key = value` lines under `[headings]`, which mean what they mean in TOML 1.0.
///
/// Keys and headings are bare: letters, digits, `-` and `_`, headings with dots between. A value is
/// text in quotes, a whole number, `true` or `false`. What else TOML has is refused by name, so
/// that nothing is read as something else. (Libraries that read all of TOML do not tell the line of
/// a value, which is what an operator wants to know.)
struct ConfigurationText {
    /// Characters of a file, at most: a larger one is something else.
    static let characterCountMax = 65_536

    private(set) var tables = [ConfigurationTable(name: [], line: 1, entries: [])]
    private var line = 0

    /// Reads a whole file.
    ///
    /// - Throws: the first fault.
    init(_ text: String) throws(ConfigurationFault) {
        guard text.utf8.count <= Self.characterCountMax else {
            throw fault("the file has \(text.utf8.count) bytes, \(Self.characterCountMax) at most")
        }
        // CR LF is one character.
        for part in text.split(omittingEmptySubsequences: false, whereSeparator: Self.endsLine) {
            line += 1
            try read(part)
        }
    }

    private static func endsLine(_ character: Character) -> Bool {
        character == "\n" || character == "\r\n"
    }

    private func fault(_ sentence: String) -> ConfigurationFault {
        ConfigurationFault(line: max(line, 1), sentence: sentence)
    }

    private mutating func read(_ whole: Substring) throws(ConfigurationFault) {
        for scalar in whole.unicodeScalars where scalar.value < 0x20 || scalar.value == 0x7F {
            if scalar != "\t" { throw fault("a control character, number \(scalar.value)") }
        }
        var rest = whole
        Self.skipBlanks(&rest)
        guard let first = rest.first, first != "#" else { return }
        if first == "[" {
            try readHeading(&rest)
        } else {
            try readEntry(&rest)
        }
        Self.skipBlanks(&rest)
        guard rest.isEmpty || rest.first == "#" else {
            throw fault("'\(rest)' stands behind what the line says; put it on a line of its own")
        }
    }

    private mutating func readHeading(_ rest: inout Substring) throws(ConfigurationFault) {
        rest.removeFirst()
        if rest.first == "[" { throw fault("[[ ]] is not used here; write [class.NAME]") }
        var name: [String] = []
        repeat {
            if rest.first == "." { rest.removeFirst() }
            Self.skipBlanks(&rest)
            name.append(try readKey(&rest))
            Self.skipBlanks(&rest)
        } while rest.first == "."
        guard rest.first == "]" else { throw fault("the heading does not end with ]") }
        rest.removeFirst()
        for table in tables where table.name == name {
            throw fault(
                "[\(name.joined(separator: "."))] stands in line \(table.line) already; use it once"
            )
        }
        tables.append(ConfigurationTable(name: name, line: line, entries: []))
    }

    private mutating func readEntry(_ rest: inout Substring) throws(ConfigurationFault) {
        let key = try readKey(&rest)
        Self.skipBlanks(&rest)
        if rest.first == "." { throw fault("keys with dots are not used here; write a [heading]") }
        guard rest.first == "=" else { throw fault("no = behind '\(key)'; write \(key) = VALUE") }
        rest.removeFirst()
        Self.skipBlanks(&rest)
        let value = try readValue(&rest, of: key)
        let table = tables.count - 1
        for entry in tables[table].entries where entry.key == key {
            throw fault("'\(key)' has a value in line \(entry.line) already; give it once")
        }
        tables[table].entries.append(ConfigurationEntry(key: key, value: value, line: line))
    }

    private func readKey(_ rest: inout Substring) throws(ConfigurationFault) -> String {
        let key = rest.prefix { character in
            character.isASCII && (character.isLetter || character.isNumber)
                || character == "-" || character == "_"
        }
        guard !key.isEmpty else {
            throw fault("'\(rest)' does not begin with a name of letters, digits, - and _")
        }
        rest = rest.dropFirst(key.count)
        return String(key)
    }

    private func readValue(
        _ rest: inout Substring, of key: String
    ) throws(ConfigurationFault) -> ConfigurationValue {
        switch rest.first {
        case "\"": return .text(try readBasic(&rest, of: key))
        case "'": return .text(try readLiteral(&rest, of: key))
        case "[", "{": throw fault("\(key): lists and tables are not used as values here")
        default: break
        }
        let word = rest.prefix { !$0.isWhitespace && $0 != "#" }
        rest = rest.dropFirst(word.count)
        switch word {
        case "true": return .flag(true)
        case "false": return .flag(false)
        default: break
        }
        guard let number = Self.number(word) else {
            throw fault(
                "\(key) = \(word): write text in quotes, a whole number, true or false")
        }
        return .number(number)
    }

    /// Digits, which may have single `_` between them, and a sign.
    private static func number(_ word: Substring) -> Int? {
        var digits = word
        if let sign = digits.first, sign == "-" || sign == "+" { digits.removeFirst() }
        let groups = digits.split(separator: "_", omittingEmptySubsequences: false)
        for group in groups {
            let isPlain = group.allSatisfy { ("0"..."9").contains($0) }
            guard !group.isEmpty, isPlain else { return nil }
        }
        guard digits == "0" || digits.first != "0" else { return nil }
        return Int(word.filter { $0 != "_" })
    }

    private func readLiteral(
        _ rest: inout Substring, of key: String
    ) throws(ConfigurationFault) -> String {
        if rest.hasPrefix("'''") { throw fault("\(key): text of several lines is not used here") }
        rest.removeFirst()
        let text = rest.prefix { $0 != "'" }
        rest = rest.dropFirst(text.count)
        guard !rest.isEmpty else { throw fault("\(key): the text does not end with '") }
        rest.removeFirst()
        return String(text)
    }

    private func readBasic(
        _ rest: inout Substring, of key: String
    ) throws(ConfigurationFault) -> String {
        if rest.hasPrefix("\"\"\"") {
            throw fault("\(key): text of several lines is not used here")
        }
        rest.removeFirst()
        var text = ""
        while let character = rest.first {
            rest.removeFirst()
            switch character {
            case "\"": return text
            case "\\": text.unicodeScalars.append(try readEscape(&rest, of: key))
            default: text.append(character)
            }
        }
        throw fault("\(key): the text does not end with \"")
    }

    private func readEscape(
        _ rest: inout Substring, of key: String
    ) throws(ConfigurationFault) -> Unicode.Scalar {
        let single: [Character: Unicode.Scalar] = [
            "\"": "\"", "\\": "\\", "n": "\n", "t": "\t", "r": "\r", "b": "\u{8}", "f": "\u{C}",
        ]
        let digitCounts: [Character: Int] = ["u": 4, "U": 8]
        guard let mark = rest.popFirst() else { throw fault("\(key): the text ends with \\") }
        if let scalar = single[mark] { return scalar }
        if let count = digitCounts[mark], rest.prefix(count).allSatisfy(\.isHexDigit),
            let scalar = UInt32(rest.prefix(count), radix: 16).flatMap(Unicode.Scalar.init),
            rest.prefix(count).count == count
        {
            rest = rest.dropFirst(count)
            return scalar
        }
        throw fault("\(key): \\\(mark) means nothing; for a backslash write \\\\, or use ' '")
    }

    private static func skipBlanks(_ rest: inout Substring) {
        while rest.first == " " || rest.first == "\t" { rest.removeFirst() }
    }
}
