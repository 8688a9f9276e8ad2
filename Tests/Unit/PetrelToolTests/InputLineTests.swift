// Editing of what is typed, and the keys that do it.

import Testing

@testable import PetrelCommand

@Suite struct InputLineTests {
    /// The line with its cursor shown as a bar.
    private func shown(_ line: InputLine) -> String {
        "\(line.head)|\(line.text.dropFirst(line.cursor))"
    }

    @Test func edits() {
        var line = InputLine("one two")
        let steps: [((inout InputLine) -> Void, String)] = [
            ({ $0.move(by: -3) }, "one |two"), ({ $0.insert("and ") }, "one and |two"),
            ({ $0.moveWordLeft() }, "one |and two"), ({ $0.moveWordLeft() }, "|one and two"),
            ({ $0.moveWordLeft() }, "|one and two"), ({ $0.moveWordRight() }, "one| and two"),
            ({ $0.deleteForward() }, "one|and two"), ({ $0.deleteBackward() }, "on|and two"),
            ({ $0.moveToEnd() }, "onand two|"), ({ $0.deleteForward() }, "onand two|"),
            ({ $0.deleteWord() }, "onand |"), ({ $0.insert("x y") }, "onand x y|"),
            ({ $0.move(by: -2) }, "onand x| y"), ({ $0.deleteToEnd() }, "onand x|"),
            ({ $0.deleteToStart() }, "|"), ({ $0.deleteBackward() }, "|"),
        ]
        for (step, result) in steps {
            step(&line)
            #expect(shown(line) == result)
        }
    }

    @Test func treatsCharactersAsPeopleDo() {
        var line = InputLine()
        for scalar in "e\u{301}👩\u{200D}👧你".unicodeScalars { line.insert(String(scalar)) }
        #expect(line.cursor == 3)
        line.deleteBackward()
        line.deleteBackward()
        #expect(shown(line) == "e\u{301}|")
        line.deleteBackward()
        #expect(line.text.isEmpty)
        // A mark typed in the middle joins what is before it.
        line = InputLine("ab")
        line.move(by: -1)
        line.insert("\u{301}")
        #expect(shown(line) == "a\u{301}|b")
    }

    @Test(
        arguments: [
            ("", ["", 0, 0]), ("abc", ["abc", 0, 3]), ("abcdefg", ["abcdefg", 0, 7]),
            ("abcdefgh", ["abcdefg/h", 1, 1]), ("你好吗吧", ["你好吗/吧", 1, 2]),
            ("a\n\nb", ["a//b", 2, 1]), ("a\n", ["a/", 1, 0]),
        ] as [(String, [any Sendable])]) func layout(_ text: String, _ expected: [any Sendable])
    {
        let layout = InputLayout(InputLine(text), width: 10)
        #expect(layout.rows.joined(separator: "/") == expected[0] as? String)
        #expect(layout.cursorRow == expected[1] as? Int)
        #expect(layout.cursorColumn == expected[2] as? Int)
    }
}

@Suite struct KeyDecoderTests {
    private func keys(_ inputs: [KeyDecoder.Input]) -> [ChatKey] {
        var decoder = KeyDecoder()
        return inputs.compactMap { decoder.decode($0) } + [decoder.flush()].compactMap { $0 }
    }

    private func typed(_ text: String) -> [KeyDecoder.Input] {
        text.unicodeScalars.map { .scalar($0.value) }
    }

    @Test func textAndControls() {
        #expect(keys(typed("a你\r\u{3}")) == [.text("a"), .text("你"), .enter, .quit])
        #expect(
            keys(typed("\u{7F}\u{8}\u{17}\t")) == [
                .backspace, .backspace, .deleteWord, .nextConversation,
            ])
        // Keys without a meaning write nothing.
        #expect(keys(typed("\u{1A}\u{0}")).isEmpty)
        #expect(keys([.scalar(0x110000), .scalar(0xD800)]).isEmpty)
    }

    @Test func escapes() {
        #expect(keys(typed("\u{1B}")) == [.escape])
        #expect(keys(typed("\u{1B}\u{1B}")) == [.escape])
        #expect(keys(typed("\u{1B}\rx")) == [.newLine, .text("x")])
        #expect(keys(typed("\u{1B}b\u{1B}f")) == [.wordLeft, .wordRight])
        #expect(keys(typed("\u{1B}q")).isEmpty)
        #expect(keys([.scalar(27), .key(.up)]) == [.up])
    }

    @Test func pastes() {
        let pasted = typed("one\rtwo\u{3}\t")
        #expect(
            keys([.pasteStart] + pasted + [.key(.up), .pasteEnd] + typed("\r"))
                == [.text("one\ntwo\u{3}\t"), .enter])
        #expect(keys([.pasteStart, .pasteEnd, .pasteEnd]).isEmpty)
        let long = Array(repeating: KeyDecoder.Input.scalar(97), count: KeyDecoder.pastedMax + 1)
        #expect(
            keys([.pasteStart] + long + [.pasteEnd])
                == [.text(String(repeating: "a", count: KeyDecoder.pastedMax))])
    }
}
