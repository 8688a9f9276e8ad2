// Text in cells: widths, clipping and wrapping of the scripts that people write in.

import Testing

@testable import PetrelCommand

@Suite struct DisplayTextTests {
    @Test(arguments: [
        ("", 0), ("alice", 5), ("你好", 4), ("日本語 text", 11), ("한국어", 6), ("ｆｕｌｌ", 8),
        // A letter and its mark, in one scalar and in two; four marks and more.
        ("é", 1), ("e\u{301}", 1), ("a\u{301}\u{302}\u{303}\u{304}\u{305}\u{306}", 1),
        ("👍", 2), ("👍👍", 4),
        // Joined pictures are shown one by one, and a letter that may be a picture as a letter.
        ("👩\u{200D}👧", 4), ("❤\u{FE0F}", 1),
        ("नमस्ते", 4), ("שלום", 4), ("ก\u{E33}", 2),
    ]) func widths(_ text: String, _ width: Int) {
        #expect(DisplayText.width(of: text) == width)
    }

    @Test(arguments: [
        ("\u{1B}[31mred", "\u{FFFD}[31mred"), ("a\u{7}b", "a\u{FFFD}b"),
        ("a\u{9B}1m", "a\u{FFFD}1m"),
        ("tab\there", "tab here"), ("a\u{202E}cba", "acba"), ("\u{301}a", "\u{FFFD}a"),
    ]) func nothingMovesTheTerminal(_ text: String, _ shown: String) {
        #expect(DisplayText.clusters(of: text).map(\.text).joined() == shown)
    }

    @Test(arguments: [
        ("conversation", 12, "conversation"), ("conversation", 11, "conversati…"),
        ("你好世界", 8, "你好世界"), ("你好世界", 7, "你好世…"), ("你好世界", 6, "你好…"),
        ("ab", 1, "…"), ("ab", 0, ""), ("", 0, ""),
    ]) func clipping(_ text: String, _ width: Int, _ shown: String) {
        #expect(DisplayText.clipped(text, to: width) == shown)
        #expect(DisplayText.width(of: shown) <= width)
    }

    @Test(arguments: [
        ("one two three", 7, ["one two", "three"]),
        ("one two three", 8, ["one two ", "three"]),
        ("onetwothree", 4, ["onet", "woth", "ree"]),
        ("a verylongword", 6, ["a ", "verylo", "ngword"]),
        ("first\n\nthird", 20, ["first", "", "third"]),
        ("你好世界", 5, ["你好", "世界"]),
        ("我们走吧，好吗", 8, ["我们走", "吧，好吗"]),
        ("say 你好世界", 7, ["say 你", "好世界"]),
        ("", 5, [""]),
    ]) func wrapping(_ text: String, _ width: Int, _ lines: [String]) {
        #expect(DisplayText.wrapped(text, to: width) == lines)
    }

    @Test(arguments: 1...40) func wrappedLinesFitAndLoseNothing(_ seed: UInt64) {
        var generator = SeededGenerator(state: seed)
        let alphabet: [Character] = ["a", "b", " ", " ", "你", "，", "e\u{301}", "👍", "z"]
        let text = String((0..<60).map { _ in alphabet.randomElement(using: &generator) ?? "a" })
        for width in 2...20 {
            let lines = DisplayText.wrapped(text, to: width)
            #expect(lines.allSatisfy { DisplayText.width(of: $0) <= width })
            #expect(lines.joined().filter { $0 != " " } == text.filter { $0 != " " })
        }
    }
}

/// Numbers that a seed repeats.
struct SeededGenerator: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return state ^ (state >> 33)
    }
}
