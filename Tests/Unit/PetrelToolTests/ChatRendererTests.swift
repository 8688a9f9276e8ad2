// Screens as text, of what they must show on wide, narrow and tiny terminals.

import PetrelBase
import Testing

@testable import PetrelCommand

@Suite struct ChatRendererTests {
    private func capture(_ model: ChatModel, _ rows: Int, _ columns: Int) -> [String] {
        let size = ChatSize(rows: rows, columns: columns)
        return ChatFixture.renderer.draw(model, size: size).lines
    }

    private var conversation: [ChatItem] {
        var answer = ChatFixture.message(13, "alice", "Fine, 谢谢你 👍", minute: 1, .read(by: 1))
        answer.quote = .init(author: "bob", text: "How is the subway today?")
        answer.isEdited = true
        var question = ChatFixture.message(12, "bob", "How is the subway today?")
        question.reactions = [.init(sign: "👍", count: 2, isOwn: true)]
        var recalled = ChatFixture.message(14, "bob", "", minute: 2)
        recalled.content = .recalled(by: "bob")
        return [
            .hole(ChatHole(first: 1, last: 11, progress: ChatProgress(done: 50, total: 1_240))),
            .message(question), .message(answer), .message(recalled),
            .message(ChatFixture.message(15, "alice", "In the tunnel now", minute: 3, .delivered)),
            .message(ChatFixture.message(nil, "alice", "Are you there?", minute: 4, .queued)),
        ]
    }

    @Test func wide() {
        var model = ChatFixture.model(conversation)
        model.input = InputLine("你好")
        model.status.outboxCount = 1
        #expect(
            capture(model, 20, 80) == [
                "Conversations       │bob  online",
                "# 周末徒步小…  ⇡ 12 │",
                "● bob               │",
                "○ carol     ⊘ 1,240 │",
                "                    │   ┄┄ 11 messages not here yet · loading 50 of 1,240 ┄┄",
                "                    │                   ── Tue 24 Nov 2026 ──",
                "                    │bob  14:00",
                "                    │  How is the subway today?                               12",
                "                    │  👍 2",
                "                    │you  14:01",
                "                    │  ▎bob: How is the subway today?",
                "                    │  Fine, 谢谢你 👍 (edited)                            ●● 13",
                "                    │bob  14:02",
                "                    │  (taken back by bob)                                    14",
                "                    │you  14:03",
                "                    │  In the tunnel now                                   ✓✓ 15",
                "                    │  Are you there?                                      ·",
                "                    │───────────────────────────────────────────────────────────",
                "                    │> 你好",
                " alice · connected, round trip 48 ms · outbox 1 · last contact 3 s ago    /help",
            ])
    }

    @Test func narrow() {
        #expect(
            capture(ChatFixture.model(conversation), 12, 36) == [
                "bob  online",
                "you  14:01",
                "  ▎bob: How is the subway tod…",
                "  Fine, 谢谢你 👍 (edited)     ●● 13",
                "bob  14:02",
                "  (taken back by bob)             14",
                "you  14:03",
                "  In the tunnel now            ✓✓ 15",
                "  Are you there?               ·",
                "────────────────────────────────────",
                ">",
                " connected, round trip 48 ms · out…",
            ])
    }

    @Test func narrowList() {
        var model = ChatFixture.model()
        model.open = nil
        model.conversations[1].typing = ["bob"]
        #expect(
            capture(model, 7, 36) == [
                "Conversations",
                "# 周末徒步小组 weekend hikers  ⇡ 12",
                "● bob                             …",
                "○ carol                     ⊘ 1,240",
                "────────────────────────────────────",
                ">",
                " connected, round trip 48 ms · out…",
            ])
    }

    @Test func groupsAndTrouble() {
        var joined = ChatFixture.message(3, "bob", "")
        joined.content = .event("bob added carol")
        let failed = ChatFixture.message(
            nil, "alice", "to nobody", .failed("there is no account nobody; check the handle"))
        let long = String(repeating: "我们明天早上七点在地铁站见面，不要迟到。", count: 2)
        var model = ChatFixture.model([
            .message(joined), .message(failed), .message(ChatFixture.message(4, "bob", long)),
        ])
        model.timeline.firstUnread = 4
        model.status.link = .waiting(until: model.now + 2_500, reason: "no answer from the server")
        model.conversations[1].typing = ["bob", "carol"]
        #expect(
            capture(model, 15, 62) == [
                "Conversations       │bob  online",
                "# 周末徒步小…  ⇡ 12 │          ── Tue 24 Nov 2026 ──",
                "● bob             … │             bob added carol",
                "○ carol     ⊘ 1,240 │you  14:00",
                "                    │  to nobody                          ✗",
                "                    │  not sent: there is no account",
                "                    │  nobody; check the handle",
                "                    │                ── new ──",
                "                    │bob  14:00",
                "                    │  我们明天早上七点在地铁站见面，不要",
                "                    │  迟到。我们明天早上七点在地铁站见",
                "                    │  面，不要迟到。                        4",
                "                    │─ bob and carol are typing… ─────────────",
                "                    │>",
                " alice · no answer from the server, next try in 3 s · outbox…",
            ])
    }

    @Test func newcomer() {
        var model = ChatFixture.model()
        model.conversations = []
        model.open = nil
        model.notice = ChatNotice(text: "there is no /hi", isBad: true)
        #expect(
            capture(model, 8, 60) == [
                "Conversations       │petrel",
                "                    │",
                "                    │ No conversation yet.",
                "                    │",
                "                    │ Type /to and a handle to open one,",
                "                    │─ there is no /hi ─────────────────────",
                "                    │>",
                " alice · connected, round trip 48 ms · outbox empty · last…",
            ])
    }

    @Test func network() {
        var model = ChatFixture.model()
        model.status.outboxCount = 2
        model.status.sync = ChatProgress(done: 50, total: 1_240)
        model.overlay = .net(model)
        #expect(
            capture(model, 10, 56) == [
                "Network  Esc goes back",
                "server        petrel://127.0.0.1:7700/",
                "state         connected, round trip 48 ms",
                "last contact  3 s ago",
                "outbox        2 wait, and are sent in order by",
                "              themselves",
                "catching up   50 of 1,240 messages",
                "────────────────────────────────────────────────────────",
                ">",
                " connected, round trip 48 ms · catching up 50 of 1,240…",
            ])
    }

    @Test func storyOfAMessage() {
        var model = ChatFixture.model()
        model.status.outboxCount = 1
        model.status.obstacle = "the server's disk is full"
        let message = ChatFixture.message(nil, "alice", "Are you there?", .queued)
        model.overlay = .story(of: message, model, time: ChatFixture.renderer.time)
        #expect(
            capture(model, 13, 58) == [
                "A message without a number yet  Esc goes back",
                "from     you",
                "written  Tue 24 Nov 2026, 14:00",
                "id       message 0 Are you",
                "says     Are you there?",
                "",
                "It is on this disk, and was not sent yet.",
                "In the way: the server's disk is full.",
                "1 wait in the outbox; they are sent in order.",
                "",
                "─ the server's disk is full; what you write waits here … ─",
                ">",
                " connected, round trip 48 ms · outbox 1 · last contact 3…",
            ])
    }

    @Test func everyProgressIsTold() {
        let all: [ChatMessage.Progress] = [
            .queued, .sent, .committed, .delivered, .read(by: 2), .failed("the group is gone"),
        ]
        let model = ChatFixture.model()
        let told = all.map { progress in
            let message = ChatFixture.message(5, "alice", "hello", progress)
            return ChatOverlay.story(of: message, model, time: ChatFixture.renderer.time).lines
                .map(\.text).joined(separator: "\n")
        }
        #expect(Set(told).count == all.count)
        #expect(Set(all.map(\.tick)).count == all.count)
        #expect(told[5].contains("the group is gone"))
    }

    @Test func longInputShowsItsCursor() {
        var model = ChatFixture.model()
        model.input = InputLine((1...9).map { "row \($0)" }.joined(separator: "\n"))
        let size = ChatSize(rows: 12, columns: 40)
        let end = ChatFixture.renderer.draw(model, size: size)
        #expect(end.lines[10] == "  row 9")
        #expect(end.cursor.map { [$0.row, $0.column] } == [10, 7])
        model.input.moveToStart()
        let start = ChatFixture.renderer.draw(model, size: size)
        #expect(start.lines[6] == "> row 1")
        #expect(start.cursor.map { [$0.row, $0.column] } == [6, 2])
    }

    @Test(
        arguments: [
            (0, "just now"), (59_000, "59 s ago"), (61_000, "1 min ago"), (7_200_000, "2 h ago"),
            (400_000_000, "4 days ago"), (-5, "just now"),
        ] as [(Int64, String)]) func howLongAgo(_ passed: Int64, _ text: String)
    {
        #expect(ChatTime.ago(1_000_000_000 - passed, now: 1_000_000_000) == text)
    }

    @Test(
        arguments: [
            (0, "0 ms"), (48_400, "48 ms"), (999_400, "999 ms"), (999_600, "1.0 s"),
            (1_940_000, "1.9 s"), (61_000_000, "61.0 s"),
        ] as [(Int64, String)]) func howLong(_ microseconds: Int64, _ text: String)
    {
        #expect(ChatTime.length(.microseconds(microseconds)) == text)
    }
}
