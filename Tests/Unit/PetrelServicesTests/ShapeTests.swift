// Forms of events and changes that are refused whatever the store holds.

import PetrelBase
import PetrelMessaging
import PetrelServices
import Testing

struct ShapeTests {
    private static func content(
        _ body: Int = 1, type: String = "", mentions: Int = 0, lifetime: UInt32 = 0,
        reply: UInt64 = 0
    ) -> Content {
        Content(
            contentType: type, body: [UInt8](repeating: 0, count: body), replyTo: .init(reply),
            mentions: (0..<mentions).map { AccountID(UInt64($0) + 1) }, lifetimeSeconds: lifetime)
    }

    private static func long(_ count: Int) -> String { String(repeating: "x", count: count) }

    @Test(
        arguments: [
            (.message(content(65_024)), nil),
            (.message(content(65_025)), Refused(.tooLarge, limit: 65_024)),
            (.message(content(65_020, mentions: 1)), Refused(.tooLarge, limit: 65_024)),
            (.message(content(type: long(65))), Refused(.tooLarge, limit: 64)),
            (.message(content(mentions: 51)), Refused(.malformed)),
            (.message(content(lifetime: 31_536_000)), nil),
            (.message(content(lifetime: 31_536_001)), Refused(.malformed)),
            (.edit(sequence: .init(1), content(reply: 1)), Refused(.malformed)),
            (.edit(sequence: .init(1), content(lifetime: 1)), Refused(.malformed)),
            (.edit(sequence: .init(0), content()), Refused(.malformed)),
            (.recall(sequence: .init(0)), Refused(.malformed)),
            (.reaction(Reaction(sequence: .init(1), text: long(48))), nil),
            (
                .reaction(Reaction(sequence: .init(1), text: long(49))),
                Refused(.textInvalid, limit: 48)
            ),
            (.reaction(Reaction(sequence: .init(1), text: "")), Refused(.textInvalid)),
            (.changed(GroupChange(name: "a\u{7}")), Refused(.textInvalid)),
            (.changed(GroupChange(name: "a\u{85}")), Refused(.textInvalid)),
            (.changed(GroupChange(name: long(65))), Refused(.textInvalid, limit: 64)),
            (.changed(GroupChange()), Refused(.malformed)),
            (.changed(GroupChange(isOpen: true)), nil),
            (.added([]), Refused(.malformed)),
            (.muted(Person(account: .init(1)), seconds: 31_536_001), Refused(.malformed)),
            (.retention(seconds: 0), nil), (.retention(seconds: 60), nil),
            (.retention(seconds: 59), Refused(.malformed)),
            (.retention(seconds: 315_360_001), Refused(.malformed)),
            (.created(GroupCreation(name: "us", members: [])), Refused(.malformed)),
            (.gone(.recalled), Refused(.malformed)),
        ] as [(ConversationEvent, Refused?)])
    func shapesAreJudged(event: ConversationEvent, refusal: Refused?) throws {
        let town = try Town(1...2)
        #expect(admission(of: event, in: town.store).failure == refusal)
    }

    @Test func peopleAreNamedWholeAndOnce() throws {
        var world = World()
        for (handle, number) in [("anna", 1), ("bob", 2), ("carol", 3)] as [(String, UInt64)] {
            _ = try world.person(handle, number)
        }
        let people = [
            Person(handle: "BOB"), Person(account: .init(2)),
            Person(account: .init(3), handle: "anna"),
        ]
        let append = try admission(of: .added(people), in: world.store).get()
        let whole = [("bob", 2), ("carol", 3)].map {
            Person(account: .init(UInt64($0.1)), handle: $0.0)
        }
        #expect(append.event == .added(whole))
        let created = ConversationEvent.created(GroupCreation(name: "us", members: people))
        let group = try admission(of: created, to: .newGroup, in: world.store).get()
        #expect(group.target == .newGroup(.init(77)))
    }

    private func admission(
        of event: ConversationEvent, to target: OutgoingMessage.Target = .conversation(.init(5)),
        in store: MemoryStore
    ) -> Result<AppendMessage, Refused> {
        let message = OutgoingMessage(
            clientMessageID: ClientMessageID(
                high: UInt64(clamping: Town.start.milliseconds) << 16 | 0x7000, low: 1),
            target: target, event: event)
        let sender = Principal(account: .init(1), device: .init(1), handle: "p1")
        return Result { () throws(Refused) in
            try MessageService.admit(
                message, from: sender, digest: .init(1, 2, 3, 4), newConversation: .init(77),
                wall: Town.start, store: store)
        }
    }

    @Test func pagesOfLargeItemsFitIntoAMessage() throws {
        var town = try Town(1...300)
        let line = String(repeating: "g", count: 256)
        for number in 2...300 as ClosedRange<UInt64> {
            _ = try town.apply(
                .changeAccount(
                    ChangeAccount(
                        account: .init(number), device: .init(1),
                        change: .profile(Profile(name: String(line.prefix(64)), about: line)),
                        time: town.now)))
            #expect(try town.change(number, 1, .request(greeting: line)) == nil)
        }
        let reader = Principal(account: .init(1), device: .init(1), handle: "p1")
        var cursor = FeedSequence(0)
        var count = 0
        for _ in 0..<10 {
            let page = try SyncService.changes(
                SyncRequest(incarnation: 1, cursor: cursor, limit: 0), for: reader,
                store: town.store)
            let bytes = Notice(request: .max, kind: .syncPage(page)).encoded()
            #expect(bytes.count <= MessagingLimits.messageBytesMax)
            #expect(page.cursor > cursor)
            cursor = page.cursor
            count += page.items.count
            guard page.remaining > 0 else { break }
        }
        #expect(count == 300)
    }
}
