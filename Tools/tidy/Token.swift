// Code cut into names and signs, each knowing its line.

/// A name, a number or one sign of code.
struct Token {
    /// What it says.
    let text: String
    /// Its line, counted from 1.
    let line: Int
    /// Whether nothing but space is before it on its line.
    let startsLine: Bool

    /// Whether `text` is a name and not a sign.
    static func isName(_ text: String) -> Bool { text.utf8.first.map(isWordByte) ?? false }

    /// Cuts lines of code, which hold no comments and no strings.
    static func tokens(of code: [String]) -> [Token] {
        var tokens: [Token] = []
        for (index, line) in code.enumerated() {
            let bytes = Array(line.utf8)
            var at = 0
            var startsLine = true
            while at < bytes.count {
                let start = at
                at += 1
                if bytes[start] == UInt8(ascii: " ") { continue }
                if isWordByte(bytes[start]) {
                    while at < bytes.count, isWordByte(bytes[at]) { at += 1 }
                }
                let text = String(decoding: bytes[start..<at], as: UTF8.self)
                tokens.append(Token(text: text, line: index + 1, startsLine: startsLine))
                startsLine = false
            }
        }
        return tokens
    }

    /// A name in backticks is one word, different from the keyword inside.
    private static func isWordByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "`"), 0x80...:
            true
        default: false
        }
    }
}
