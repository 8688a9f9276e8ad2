// Keys, and what they do to a chat.

import Testing

@testable import PetrelCommand

@Suite struct ChatControllerTests {
    private func controller(_ items: [ChatItem] = ChatFixture.lines(100)) -> ChatController {
        var controller = ChatController(model: ChatFixture.model(items))
        controller.renderer = ChatFixture.renderer
        return controller
    }

    private func type(_ text: String, _ controller: inout ChatController) -> [ChatAction] {
        _ = controller.press(.text(text))
        return controller.press(.enter)
    }

    @Test func sends() {
        var controller = controller()
        #expect(type("Good morning", &controller) == [.send("Good morning", to: .handle("bob"))])
        #expect(controller.model.input.text.isEmpty)
        #expect(type("//shrug", &controller) == [.send("/shrug", to: .handle("bob"))])
        #expect(type("  ", &controller).isEmpty)
        _ = controller.press(.deleteToStart)
        _ = controller.press(.text("one"))
        _ = controller.press(.newLine)
        #expect(type("two", &controller) == [.send("one\ntwo", to: .handle("bob"))])
    }

    @Test func runsCommands() {
        var controller = controller()
        #expect(type("/to dave", &controller) == [.open(.handle("dave"))])
        #expect(type("/net", &controller) == [.showNet])
        #expect(type("/why 3", &controller) == [.explain(3)])
        #expect(type("/help", &controller).isEmpty)
        #expect(controller.model.overlay?.title == "Help")
        #expect(controller.press(.escape).isEmpty)
        #expect(controller.model.overlay == nil)
        #expect(type("/quit", &controller) == [.quit])
    }

    @Test func refusesAndKeepsWhatWasTyped() {
        var controller = controller()
        #expect(type("/why me", &controller).isEmpty)
        #expect(controller.model.notice?.text == "/why is typed as /why [N]")
        #expect(controller.model.input.text == "/why me")
        _ = controller.press(.backspace)
        #expect(controller.model.notice == nil)
        _ = controller.press(.deleteToStart)
        #expect(type("/to alice", &controller).isEmpty)
        #expect(controller.model.notice?.isBad == true)
        controller.show(nil)
        #expect(type("hello", &controller).isEmpty)
        #expect(controller.model.input.text == "hello")
        #expect(controller.model.notice?.isBad == true)
    }

    @Test func switchesConversationsAndKeepsDrafts() {
        var controller = controller()
        _ = controller.press(.text("for bob"))
        #expect(controller.press(.nextConversation) == [.open(.handle("carol"))])
        controller.show(.handle("carol"))
        #expect(controller.model.input.text.isEmpty)
        #expect(controller.model.timeline.items.isEmpty)
        #expect(
            controller.press(.nextConversation) == [.open(controller.model.conversations[0].target)]
        )
        #expect(controller.press(.previousConversation) == [.open(.handle("bob"))])
        controller.show(.handle("bob"))
        #expect(controller.model.input.text == "for bob")
    }

    @Test func leavesAConversationForTheList() {
        var controller = controller()
        #expect(controller.press(.escape).isEmpty)
        #expect(controller.model.open == nil)
        #expect(controller.model.highlighted == 1)
        _ = controller.press(.down)
        _ = controller.press(.down)
        #expect(controller.press(.enter) == [.open(.handle("carol"))])
        _ = controller.press(.up)
        #expect(controller.press(.enter) == [.open(.handle("bob"))])
        // With nobody to talk to there is nothing to open.
        controller.model.conversations = []
        for key in [ChatKey.up, .down, .enter, .nextConversation, .pageUp, .pageDown] {
            #expect(controller.press(key).isEmpty)
        }
    }

    @Test func scrollsAndAsksForOlderMessages() {
        var controller = controller()
        controller.model.timeline.hasOlder = true
        var pages = 0
        while controller.press(.pageUp) != [.loadOlder] { pages += 1 }
        #expect((4...7).contains(pages))
        #expect(controller.press(.bottom).isEmpty)
        #expect(controller.model.timeline.anchor == nil)
        _ = controller.press(.pageUp)
        _ = controller.press(.up)
        _ = controller.press(.down)
        _ = controller.press(.pageDown)
        #expect(controller.model.timeline.anchor == nil)
        // Sending shows what is sent.
        _ = controller.press(.pageUp)
        _ = type("here", &controller)
        #expect(controller.model.timeline.anchor == nil)
    }

    @Test func leaves() {
        var controller = controller()
        _ = controller.press(.text("ab"))
        _ = controller.press(.start)
        #expect(controller.press(.endOfInput).isEmpty)
        #expect(controller.model.input.text == "b")
        _ = controller.press(.delete)
        #expect(controller.press(.endOfInput) == [.quit])
        #expect(controller.press(.quit) == [.quit])
    }

    @Test func anyKeyAtAnySizeIsHarmless() {
        let keys: [ChatKey] = [
            .text("你"), .text("/help"), .enter, .newLine, .backspace, .left, .up, .down, .pageUp,
            .pageDown, .bottom, .nextConversation, .escape, .wordLeft, .deleteWord, .end,
        ]
        for seed in 1...30 as ClosedRange<UInt64> {
            var generator = SeededGenerator(state: seed)
            var controller = controller(ChatFixture.lines(seed * 3))
            for _ in 0..<100 {
                controller.size = ChatSize(
                    rows: .random(in: 1...12, using: &generator),
                    columns: .random(in: 1...90, using: &generator))
                for action in controller.press(keys.randomElement(using: &generator) ?? .enter) {
                    if case .open(let target) = action { controller.show(target) }
                }
                let canvas = ChatFixture.renderer.draw(controller.model, size: controller.size)
                #expect(canvas.size == controller.size)
                if let cursor = canvas.cursor {
                    #expect((0..<canvas.size.rows).contains(cursor.row))
                    #expect((0..<canvas.size.columns).contains(cursor.column))
                }
            }
        }
    }
}
