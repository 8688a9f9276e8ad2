// The view over the messages: it stays where it is while messages come, and moves by rows.

import Testing

@testable import PetrelCommand

@Suite struct TimelineRowsTests {
    private func rows(_ items: [ChatItem], _ anchor: ChatTimeline.Anchor? = nil) -> TimelineRows {
        TimelineRows(
            timeline: ChatTimeline(items: items, anchor: anchor), width: 40,
            time: ChatFixture.renderer.time)
    }

    private func texts(_ rows: TimelineRows, _ height: Int) -> [String] {
        rows.visible(height: height).map { row in
            String(row.pieces.map(\.text).joined().drop { $0 == " " })
        }
    }

    @Test func showsTheNewest() {
        let rows = rows(ChatFixture.lines(50))
        #expect(texts(rows, 3) == ["line 48", "line 49", "line 50"])
        #expect(texts(rows, 0).isEmpty)
        #expect(
            texts(self.rows(ChatFixture.lines(2)), 9)
                == ["── Tue 24 Nov 2026 ──", "bob  14:00", "line 1", "line 2"])
        #expect(texts(self.rows([]), 9).isEmpty)
    }

    @Test func movesByRows() {
        var rows = rows(ChatFixture.lines(50))
        let up = rows.movedUp(by: 10, height: 5)
        #expect(!up.isAtTop)
        rows.timeline.anchor = up.anchor
        #expect(texts(rows, 5).last == "line 40")
        rows.timeline.anchor = rows.movedDown(by: 3)
        #expect(texts(rows, 5).last == "line 43")
        rows.timeline.anchor = rows.movedDown(by: 7)
        #expect(rows.timeline.anchor == nil)
        // The last row of the oldest item may not leave the screen.
        let top = rows.movedUp(by: 500, height: 5)
        #expect(top.isAtTop)
        rows.timeline.anchor = top.anchor
        #expect(
            texts(rows, 5)
                == ["── Tue 24 Nov 2026 ──", "bob  14:00", "line 1", "line 2", "line 3"])
        #expect(rows.movedUp(by: 1, height: 5).anchor == top.anchor)
    }

    @Test func movesThroughLongMessages() {
        let long = (1...30).map { "row \($0)" }.joined(separator: "\n")
        var rows = rows([
            .message(ChatFixture.message(1, "bob", "first")),
            .message(ChatFixture.message(2, "bob", long)),
            .message(ChatFixture.message(3, "bob", "last")),
        ])
        for count in 1...28 {
            rows.timeline.anchor = rows.movedUp(by: 1, height: 3).anchor
            #expect(texts(rows, 3).last == "row \(31 - count)")
        }
        for count in 2...28 {
            rows.timeline.anchor = rows.movedDown(by: 1)
            #expect(texts(rows, 3).last == "row \(count + 2)")
        }
        rows.timeline.anchor = rows.movedDown(by: 1)
        #expect(rows.timeline.anchor == nil)
    }

    @Test func staysWhereItIs() {
        var rows = rows(ChatFixture.lines(50))
        rows.timeline.anchor = rows.movedUp(by: 10, height: 5).anchor
        let before = texts(rows, 5)
        rows.timeline.items.append(.message(ChatFixture.message(51, "bob", "a\nb\nc", minute: 1)))
        #expect(texts(rows, 5) == before)
        rows.timeline.items.removeFirst(20)
        #expect(texts(rows, 5) == before)
        // What it stood on is gone: the newest is shown.
        rows.timeline.items.removeFirst(25)
        #expect(texts(rows, 5).last == "c")
    }

    @Test(arguments: 1...20) func movingThereAndBackIsNothing(_ seed: UInt64) {
        var generator = SeededGenerator(state: seed)
        let items = (1...40).map { number in
            let count = Int.random(in: 1...7, using: &generator)
            return ChatItem.message(
                ChatFixture.message(
                    UInt64(number), Bool.random(using: &generator) ? "bob" : "carol",
                    Array(repeating: "word", count: count * count).joined(separator: " "),
                    minute: Int64(number * 3)))
        }
        var rows = rows(items)
        for _ in 0..<20 {
            let start = rows.timeline.anchor
            let count = Int.random(in: 1...30, using: &generator)
            let (up, isAtTop) = rows.movedUp(by: count, height: 7)
            rows.timeline.anchor = up
            #expect(texts(rows, 7).count == 7)
            guard !isAtTop else { break }
            #expect(rows.movedDown(by: count) == start)
        }
    }
}
