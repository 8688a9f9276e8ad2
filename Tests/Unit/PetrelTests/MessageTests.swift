// How an event and what became of it look to the application.

import PetrelBase
import PetrelClientData
import PetrelMessaging
import Testing

@testable import Petrel

/// Records of one conversation, by an account that is not the reader's.
enum Records {
    static let conversation = PetrelMessaging.ConversationID(77)
    static let anna = PetrelMessaging.AccountID(1)
    static let bob = PetrelMessaging.AccountID(2)
    static let me = Account(number: 1, device: 1, handle: "anna")

    static func record(
        _ place: UInt64, _ event: ConversationEvent, from sender: PetrelMessaging.AccountID = bob,
        device: UInt32 = 1, handle: String = "bob"
    ) -> MessageRecord {
        MessageRecord(
            conversation: conversation, sequence: ConversationSequence(place), sender: sender,
            senderDevice: PetrelMessaging.DeviceID(device), senderHandle: handle,
            clientMessageID: ClientMessageID(high: place, low: place),
            time: WallTime(milliseconds: Int64(place) * 1_000), event: event)
    }

    static func text(_ text: String, replyTo: UInt64 = 0, lifetime: UInt32 = 0) -> Content {
        Content(
            contentType: "", body: Array(text.utf8), replyTo: ConversationSequence(replyTo),
            mentions: [bob], lifetimeSeconds: lifetime)
    }

    static func mark(
        _ account: PetrelMessaging.AccountID, _ text: String, _ place: UInt64,
        isWithdrawn: Bool = false
    ) -> Overlay.Mark {
        Overlay.Mark(
            account: account, text: text, sequence: ConversationSequence(place),
            isWithdrawn: isWithdrawn)
    }
}

@Suite struct MessageTests {
    private let viewpoint = Viewpoint(account: Records.me, names: [Records.bob: "bob"])

    private func message(_ event: ConversationEvent, _ overlay: Overlay? = nil) -> Message {
        Message(Records.record(5, event), overlay, seenFrom: viewpoint)
    }

    private var overlay: Overlay {
        Overlay(conversation: Records.conversation, target: ConversationSequence(5))
    }

    @Test func aMessageSaysWhatWasSaid() {
        let shown = message(.message(Records.text("hello", replyTo: 3, lifetime: 60)))
        #expect(shown.place == Place(conversation: Records.conversation, number: 5))
        #expect(shown.kind == .said && shown.text == "hello" && shown.origin == .other)
        #expect(shown.contentType == "text/plain" && shown.sender == "bob")
        #expect(shown.replyTo == 3 && shown.mentions == [Records.bob])
        #expect(shown.expiresMilliseconds == 65_000)
        #expect(!shown.isEdited && shown.reactions.isEmpty)
        let plain = message(.message(Content(contentType: "image/png", body: [0xFF])))
        #expect(plain.replyTo == nil && plain.expiresMilliseconds == nil && plain.text == nil)
        #expect(plain.contentType == "image/png")
    }

    @Test func anEditShowsInTheMessageAndKeepsReplyAndLifetime() {
        var edited = overlay
        edited.edit = .init(sequence: ConversationSequence(9), content: Records.text("better"))
        let shown = message(.message(Records.text("worse", replyTo: 3, lifetime: 60)), edited)
        #expect(shown.text == "better" && shown.isEdited)
        #expect(shown.replyTo == 3 && shown.expiresMilliseconds == 65_000)
    }

    @Test func reactionsStandByTextInTheOrderInWhichTheyCame() {
        var marked = overlay
        marked.marks = [
            Records.mark(Records.anna, "🎉", 12), Records.mark(Records.anna, "👍", 8),
            Records.mark(Records.bob, "👍", 7),
            Records.mark(Records.bob, "😢", 6, isWithdrawn: true),
        ]
        let shown = message(.message(Records.text("hello")), marked)
        #expect(shown.reactions.map(\.text) == ["👍", "🎉"])
        #expect(shown.reactions[0].people.map(\.handle) == ["bob", "anna"])
    }

    @Test func whatIsTakenBackLeavesOnlyItsPlace() {
        var recalled = overlay
        recalled.recall = ConversationSequence(9)
        recalled.marks = [Records.mark(Records.anna, "👍", 8)]
        let before = message(.message(Records.text("secret", lifetime: 5)), recalled)
        #expect(before.isRecalled && before.body.isEmpty && before.mentions.isEmpty)
        #expect(before.reactions.isEmpty && before.expiresMilliseconds == nil)
        let after = message(.gone(.recalled), recalled)
        #expect(after.isRecalled && after.place.number == 5 && after.sender == "bob")
        #expect(message(.gone(.expired)).isExpired)
        #expect(message(.gone(.hidden)).kind == .gone(.deletedForMe))
    }

    @Test func whoseDeviceItComesFrom() {
        let cases: [(PetrelMessaging.AccountID, UInt32, Message.Origin)] = [
            (Records.anna, 1, .thisDevice), (Records.anna, 2, .ownDevice), (Records.bob, 1, .other),
        ]
        for (sender, device, origin) in cases {
            let record = Records.record(
                1, .message(Records.text("x")), from: sender, device: device, handle: "")
            let shown = Message(record, nil, seenFrom: viewpoint)
            #expect(shown.origin == origin)
            #expect(shown.isOwn == (origin != .other))
            #expect(shown.sender == (sender == Records.anna ? "anna" : "bob"))
        }
    }

    @Test func everyEventHasItsKind() {
        let bob = Person(account: Records.bob, handle: "bob")
        let cases: [(ConversationEvent, Message.Kind)] = [
            (.edit(sequence: .init(2), Records.text("x")), .change(.edit(of: 2))),
            (.recall(sequence: .init(2)), .change(.recall(of: 2))),
            (
                .reaction(.init(sequence: .init(2), text: "👍", isWithdrawn: true)),
                .change(.reaction(to: 2, text: "👍", isWithdrawn: true))
            ),
            (
                .created(GroupCreation(name: "g", members: [bob], isOpen: true)),
                .event(.created(name: "g", members: [bob], isOpen: true))
            ),
            (.added([bob]), .event(.added([bob]))), (.joined, .event(.joined)),
            (.left, .event(.left)), (.removed(bob), .event(.removed(bob))),
            (.role(bob, .admin), .event(.role(bob, .admin))),
            (.muted(bob, seconds: 60), .event(.muted(bob, for: .seconds(60)))),
            (.muted(bob, seconds: 0), .event(.muted(bob, for: nil))),
            (.changed(GroupChange(name: "h")), .event(.changed(name: "h", isOpen: nil))),
            (.changed(GroupChange(isOpen: true)), .event(.changed(name: nil, isOpen: true))),
            (.retention(seconds: 0), .event(.retention(nil))),
            (.retention(seconds: 90), .event(.retention(.seconds(90)))),
            (.dissolved, .event(.dissolved)),
        ]
        for (event, kind) in cases { #expect(message(event).kind == kind) }
    }
}
