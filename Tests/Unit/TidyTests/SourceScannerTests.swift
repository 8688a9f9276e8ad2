// Code, comments and strings are told apart, and every line keeps its number.

import Testing

@testable import tidy

@Suite struct SourceScannerTests {
    /// Source, what of it is code and what is comment; runs of blanks count as one.
    @Test(arguments: [
        ("a // b", "a", "// b"),
        ("a /* b /* c */ d */ e", "a e", "/* b /* c */ d */"),
        ("a \"b // c\" d", "a d", ""),
        ("a \"b \\\" c\" d", "a d", ""),
        ("a \"b \\(c(d) + \"e\") f\" g", "a (c(d) + ) g", ""),
        ("a #\"b \" \\(c) \\#(d) \"# e", "a (d) e", ""),
        ("a \"\"\"\n b \" c\n \"\"\" d", "a \n \n d", ""),
        ("a \"\" b", "a b", ""),
        ("a \"b\nc", "a \nc", ""),
        ("#if a\nb", "#if a\nb", ""),
        ("a /* b", "a", "/* b"),
        ("/* a\nb */ c", "\n c", "/* a\nb */"),
    ])
    func separates(text: String, code: String, comments: String) {
        var scanner = SourceScanner(text: text)
        scanner.run()
        #expect(squeezed(scanner.code) == squeezed(Array(code.utf8)))
        #expect(squeezed(scanner.comments) == squeezed(Array(comments.utf8)))
        #expect(lineEnds(scanner.code) == lineEnds(Array(text.utf8)))
        #expect(lineEnds(scanner.comments) == lineEnds(Array(text.utf8)))
    }

    private func lineEnds(_ bytes: [UInt8]) -> [Int] {
        bytes.indices.filter { bytes[$0] == UInt8(ascii: "\n") } + [bytes.count]
    }

    private func squeezed(_ bytes: [UInt8]) -> [String] {
        String(decoding: bytes, as: UTF8.self)
            .split { " \n".contains($0) }.map(String.init)
    }
}
