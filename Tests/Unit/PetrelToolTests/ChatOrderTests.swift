// Commands that change people, groups and messages: how they are read, and why they are refused.

import PetrelBase
import PetrelMessaging
import Testing

@testable import PetrelCommand

@Suite struct ChatOrderTests {
    @Test(arguments: [
        ("/add bob", ChatOrder.contact(.add(greeting: ""), "bob")),
        ("/add @Bob It is  me", .contact(.add(greeting: "It is  me"), "bob")),
        ("/add", .contact(.add(greeting: ""), nil)), ("/accept", .contact(.accept, nil)),
        ("/accept bob", .contact(.accept, "bob")), ("/decline bob", .contact(.decline, "bob")),
        ("/block bob", .contact(.block, "bob")), ("/unblock bob", .contact(.unblock, "bob")),
        ("/group Hikers bob @Carol bob", .group("Hikers", ["bob", "carol"])),
        ("/group \"The hikers\" bob", .group("The hikers", ["bob"])),
        ("/group “周末 徒步” bob", .group("周末 徒步", ["bob"])),
        ("/invite dave erin", .change(.invite(["dave", "erin"]))),
        ("/leave", .change(.leave)), ("/kick bob", .change(.kick("bob"))),
        ("/silence bob 10min", .change(.silence("bob", .seconds(600)))),
        ("/silence bob off", .change(.silence("bob", nil))),
        ("/role bob Admin", .change(.role("bob", .admin))),
        ("/rename The lake", .change(.rename("The lake"))),
        ("/dissolve", .change(.dissolve)),
        ("/edit 4 See  you", .message(4, .edit("See  you"))),
        ("/recall #4", .message(4, .recall)), ("/delete 4", .message(4, .delete)),
        ("/react 4 👍", .message(4, .react("👍"))),
        ("/pin", .setting(.pin(true))), ("/unpin", .setting(.pin(false))),
        ("/mute", .setting(.mute(.seconds(365 * 86_400)))),
        ("/mute 8h", .setting(.mute(.seconds(8 * 3_600)))),
        ("/mute off", .setting(.mute(nil))), ("/clear", .setting(.clear)),
    ]) func reads(_ text: String, _ order: ChatOrder) throws {
        #expect(try ChatEntry(text) == .command(.order(order)))
    }

    @Test(arguments: [
        "/accept bob carol", "/add @", "/group Hikers", "/group", "/group \"The hikers bob",
        "/group \"\" bob", "/invite", "/invite bob @", "/leave now", "/kick", "/kick a b",
        "/silence bob", "/silence bob soon", "/silence bob 0s", "/role bob king", "/role bob",
        "/rename", "/dissolve it", "/edit 4", "/edit last word", "/recall", "/recall 0",
        "/delete 1 2", "/react 4", "/pin it", "/mute never", "/clear all", "/reply 4",
        "/members of", "/contacts all",
    ]) func saysHowItIsTyped(_ text: String) throws {
        let name = text.dropFirst().prefix { $0 != " " }
        let form = try #require(SlashForm.all.first { $0.name == name })
        #expect(throws: SlashError("/\(name) is typed as \(form.usage)")) { try ChatEntry(text) }
    }

    @Test func everyCommandHasItsOwnName() {
        #expect(Set(SlashForm.all.map(\.name)).count == SlashForm.all.count)
    }

    private func controller(_ open: ChatTarget?) -> ChatController {
        var event = ChatFixture.message(3, "bob", "")
        event.content = .event("bob joined")
        var recalled = ChatFixture.message(4, "alice", "")
        recalled.content = .recalled(by: "alice")
        var model = ChatFixture.model([
            .message(ChatFixture.message(1, "alice", "one")),
            .message(ChatFixture.message(2, "bob", "two")), .message(event), .message(recalled),
        ])
        model.conversations[0].id = ConversationID(7)
        model.conversations[1].id = ConversationID(8)
        model.open = open
        return ChatController(model: model)
    }

    private static let bob = ChatTarget.handle("bob")
    private static let team = ChatTarget.conversation(ConversationID(7))

    private static let followsTable: [(String, ChatTarget, ChatOrder, ConversationID?)] = [
        ("/edit 1 better", bob, ChatOrder.message(1, .edit("better")), ConversationID(8)),
        ("/delete 3", bob, .message(3, .delete), ConversationID(8)),
        ("/recall 2", team, .message(2, .recall), ConversationID(7)),
        ("/pin", team, .setting(.pin(true)), ConversationID(7)),
        ("/kick bob", team, .change(.kick("bob")), ConversationID(7)),
        ("/block", bob, .contact(.block, "bob"), nil),
        ("/add dave", team, .contact(.add(greeting: ""), "dave"), nil),
        ("/group Hikers bob", team, .group("Hikers", ["bob"]), nil),
    ]

    @Test(arguments: followsTable) func follows(
        _ text: String, _ open: ChatTarget, _ order: ChatOrder, _ conversation: ConversationID?
    ) {
        var controller = controller(open)
        _ = controller.press(.text(text))
        #expect(controller.press(.enter) == [.order(order, in: conversation)])
        #expect(controller.model.input.text.isEmpty)
        #expect(controller.model.notice == nil)
    }

    private static let refusesAndSaysWhatToDoTable: [(String, ChatTarget?, String)] = [
        ("/kick bob", bob, "/group NAME HANDLE..."), ("/leave", nil, "/group NAME HANDLE..."),
        ("/kick alice", team, "/leave"), ("/invite alice", team, "name others"),
        ("/silence alice 1h", team, "another member"),
        ("/group Alone alice", bob, "name others"),
        ("/pin", nil, "Tab opens one"), ("/members", nil, "Tab opens one"),
        ("/clear", .handle("carol"), "send a message first"),
        ("/edit 2 no", bob, "only its author"), ("/recall 2", bob, "/delete"),
        ("/react 3 👍", bob, "choose one that somebody wrote"),
        ("/edit 4 again", bob, "nothing is left"), ("/reply 9 what", bob, "PageUp"),
        ("/accept", bob, "/add"), ("/add alice", bob, "is you"),
        ("/add", team, "name a handle"),
    ]

    @Test(arguments: refusesAndSaysWhatToDoTable) func refusesAndSaysWhatToDo(
        _ text: String, _ open: ChatTarget?, _ advice: String
    ) {
        var controller = controller(open)
        _ = controller.press(.text(text))
        #expect(controller.press(.enter).isEmpty)
        #expect(controller.model.notice?.isBad == true)
        #expect(controller.model.notice?.text.contains(advice) == true)
        #expect(controller.model.input.text == text)
    }

    @Test func answersRequests() {
        var controller = controller(Self.team)
        controller.model.requests = [ChatRequest(handle: "dave", greeting: "")]
        _ = controller.press(.text("/accept"))
        #expect(controller.press(.enter) == [.order(.contact(.accept, "dave"), in: nil)])
        // Of two it must be said which, unless one of them is shown.
        controller.model.requests.append(ChatRequest(handle: "bob", greeting: ""))
        _ = controller.press(.text("/decline"))
        #expect(controller.press(.enter).isEmpty)
        #expect(controller.model.notice?.text == "name one of those who ask: dave, bob")
        controller.model.open = Self.bob
        #expect(controller.press(.enter) == [.order(.contact(.decline, "bob"), in: nil)])
    }

    @Test func repliesAndListsMembers() {
        var controller = controller(Self.bob)
        _ = controller.press(.text("/reply 2 three"))
        #expect(controller.press(.enter) == [.send("three", to: Self.bob, replyTo: 2)])
        _ = controller.press(.text("/members"))
        #expect(controller.press(.enter) == [.showMembers(ConversationID(8))])
    }

    @Test func asksForWhatIsMissingInView() {
        let hole = ChatItem.hole(ChatHole(first: 1, last: 40, progress: nil))
        let lines = (41...80 as ClosedRange<UInt64>).map {
            ChatItem.message(ChatFixture.message($0, "bob", "line \($0)"))
        }
        var controller = controller(Self.bob)
        controller.renderer = ChatFixture.renderer
        controller.model.timeline.items = [hole] + lines
        #expect(controller.press(.pageUp).isEmpty)
        var actions: [ChatAction] = []
        for _ in 0..<5 { actions = controller.press(.pageUp) }
        #expect(actions == [.fetch(before: 41)])
    }

    @Test func noticesStayWhenTheWindowIsLookedAt() {
        var controller = controller(Self.bob)
        controller.model.notice = ChatNotice(text: "not done", isBad: true)
        #expect(controller.press(.focus(false)).isEmpty)
        #expect(controller.model.notice != nil)
    }
}
