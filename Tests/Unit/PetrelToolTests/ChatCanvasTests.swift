// A screen in memory: wide characters are shown whole or not at all, and nothing leaves its place.

import Testing

@testable import PetrelCommand

@Suite struct ChatCanvasTests {
    @Test func clipsAtItsEdges() {
        var canvas = ChatCanvas(size: ChatSize(rows: 2, columns: 6))
        #expect(canvas.put("hello world", row: 0, column: 2) == 6)
        canvas.put("below", row: 2, column: 0)
        canvas.put("above", row: -1, column: 0)
        canvas.put("left", row: 1, column: -2)
        #expect(canvas.lines == ["  hell", ""])
    }

    @Test func beginsNoWideCharacterThatDoesNotFit() {
        var canvas = ChatCanvas(size: ChatSize(rows: 2, columns: 5))
        #expect(canvas.put("你好吗", row: 0, column: 0) == 4)
        #expect(canvas.put("你好吗", row: 1, column: 0, limit: 3) == 2)
        #expect(canvas.lines == ["你好", "你"])
    }

    @Test func leavesNoHalves() {
        var canvas = ChatCanvas(size: ChatSize(rows: 3, columns: 6))
        for row in 0..<3 { canvas.put("你好吗", row: row, column: 0) }
        canvas.put("x", row: 0, column: 1)
        canvas.put("x", row: 1, column: 2)
        canvas.put("世", row: 2, column: 1)
        #expect(canvas.lines == [" x好吗", "你x 吗", " 世 吗"])
    }

    @Test func combinesMarks() {
        var canvas = ChatCanvas(size: ChatSize(rows: 1, columns: 4))
        #expect(canvas.put("e\u{301}é", row: 0, column: 1) == 3)
        #expect(canvas.lines == [" e\u{301}é"])
    }

    @Test func cutsRowsByStyle() {
        var canvas = ChatCanvas(size: ChatSize(rows: 1, columns: 6))
        canvas.put([StyledText("ab", .bold), StyledText("你")], row: 0, column: 0)
        canvas.restyle(row: 0, from: 4, .reverse)
        #expect(
            canvas.runs(row: 0) == [
                .init(column: 0, text: "ab", style: .bold),
                .init(column: 2, text: "你", style: .plain),
                .init(column: 4, text: "  ", style: .reverse),
            ])
    }

    @Test func knowsWhichRowsChanged() {
        var canvas = ChatCanvas(size: ChatSize(rows: 2, columns: 6))
        let before = canvas
        canvas.put("x", row: 1, column: 0)
        #expect(canvas.hasSameRow(0, as: before))
        #expect(!canvas.hasSameRow(1, as: before))
        #expect(!canvas.hasSameRow(0, as: ChatCanvas(size: ChatSize(rows: 2, columns: 5))))
    }
}
