// What each thing of the client is on the screen, and screens made of such things.

import PetrelBase
import PetrelMessaging
import Testing

@testable import Petrel
@testable import PetrelCommand

@Suite struct ChatMappingTests {
    private static let own = Account(number: 1, device: 1, handle: "alice")
    private static let alice = Person(account: AccountID(1), handle: "alice")
    private static let bob = Person(account: AccountID(2), handle: "bob")
    private static let carol = Person(account: AccountID(3), handle: "carol")
    private static let group = Conversation.Kind.group(
        Group(
            name: "Hikers", membersCount: 3, role: .owner, standing: .member, isOpen: false,
            isLarge: false))

    private static func message(
        _ number: UInt64, _ sender: Person, _ text: String, _ kind: Message.Kind = .said
    ) -> Message {
        Message(
            place: Place(conversation: ConversationID(7), number: number), id: "id \(number)",
            kind: kind, origin: sender == alice ? .thisDevice : .other, sender: sender.handle,
            senderAccount: sender.account,
            milliseconds: ChatFixture.afternoon + Int64(number) * 60_000,
            contentType: "text/plain", body: Array(text.utf8), isEdited: false, reactions: [],
            mentions: [])
    }

    private static func conversation(_ kind: Conversation.Kind) -> Conversation {
        Conversation(
            id: ConversationID(7), kind: kind, title: "bob", peer: "bob", newest: 9, contiguous: 9,
            delivered: 6, readByPeer: 3, read: 2, unread: 4, isUnreadExact: true, missing: 0,
            isPinned: false, typing: [])
    }

    // MARK: Messages

    private static let contentsTable: [(Message.Kind, Conversation.Kind, ChatMessage.Content)] = [
        (Message.Kind.said, group, ChatMessage.Content.text("hello")),
        (.gone(.recalled), .direct(bob), .recalled(by: "bob")),
        (.gone(.recalled), group, .recalled(by: "")), (.gone(.expired), group, .expired),
        (.gone(.deletedForMe), group, .event("a message that you deleted")),
        (.gone(.unknown), group, .event("a message that is gone")),
        (.event(.joined), group, .event("bob joined")),
        (.change(.recall(of: 1)), group, .event("bob changed a message")),
    ]

    @Test(arguments: contentsTable) func contents(
        _ kind: Message.Kind, _ conversation: Conversation.Kind, _ content: ChatMessage.Content
    ) {
        let message = Self.message(1, Self.bob, "hello", kind)
        #expect(ChatMessage.Content(message, conversation, own: Self.own) == content)
    }

    @Test func whatIsNoText() {
        var message = Self.message(1, Self.bob, "hello")
        message.contentType = "image/png"
        let content = ChatMessage.Content(message, Self.group, own: Self.own)
        #expect(content == .data(type: "image/png", byteCount: 5))
        #expect(ChatMessage.Quote(message, own: Self.own).text == "(image/png)")
        message.contentType = "text/plain"
        message.body = [0xFF]
        #expect(
            ChatMessage.Content(message, Self.group, own: Self.own)
                == .data(type: "text/plain", byteCount: 1))
    }

    private static let progressTable: [(UInt64, ChatMessage.Progress)] = [
        (3, ChatMessage.Progress.read(by: 1)), (4, .delivered), (6, .delivered),
        (7, .committed),
    ]

    @Test(arguments: progressTable) func progress(
        _ number: UInt64, _ progress: ChatMessage.Progress
    ) {
        let conversation = Self.conversation(.direct(Self.bob))
        let ours = ChatMessage(
            Self.message(number, Self.alice, "hello"), conversation, own: Self.own)
        #expect(ours.progress == progress)
        #expect(ours.isOwn)
        let theirs = ChatMessage(
            Self.message(number, Self.bob, "hello"), conversation, own: Self.own)
        #expect(theirs.progress == nil)
        let event = ChatMessage(
            Self.message(number, Self.alice, "", .event(.joined)), conversation, own: Self.own)
        #expect(event.progress == nil)
    }

    @Test func reactionsAndUnknownSenders() {
        var message = Self.message(1, Person(account: AccountID(9)), "hello")
        message.isEdited = true
        message.reactions = [
            .init(text: "👍", people: [Self.bob, Self.alice]), .init(text: "🎉", people: [Self.bob]),
        ]
        let shown = ChatMessage(message, Self.conversation(Self.group), own: Self.own)
        #expect(shown.author == "account 9")
        #expect(shown.isEdited)
        #expect(
            shown.reactions == [
                .init(sign: "👍", count: 2, isOwn: true), .init(sign: "🎉", count: 1, isOwn: false),
            ])
    }

    // MARK: Sentences

    private static let sentencesTable: [(GroupEvent, Person, String)] = [
        (
            GroupEvent.created(name: "Hikers", members: [bob, carol], isOpen: false), alice,
            "you began the group Hikers with bob and carol"
        ),
        (.created(name: "All", members: [], isOpen: true), bob, "bob began the open group All"),
        (.added([alice, carol]), bob, "bob added you and carol"), (.joined, bob, "bob joined"),
        (.left, alice, "you left"), (.removed(carol), bob, "bob removed carol"),
        (.role(alice, .owner), bob, "bob made you the owner"),
        (.role(carol, .admin), alice, "you made carol an admin"),
        (.role(carol, .member), bob, "bob made carol an ordinary member"),
        (.muted(carol, for: .seconds(600)), bob, "bob silenced carol for 10 minutes"),
        (.muted(alice, for: nil), bob, "bob lets you speak again"),
        (.changed(name: "Lake", isOpen: nil), bob, "bob called the group Lake"),
        (.changed(name: nil, isOpen: true), bob, "bob opened it to everybody"),
        (.changed(name: nil, isOpen: nil), bob, "bob changed the group"),
        (.retention(.seconds(86_400)), bob, "bob keeps messages for 1 day from now on"),
        (.retention(nil), bob, "bob keeps messages for ever from now on"),
        (.dissolved, bob, "bob ended the group; it can be read, and nobody writes"),
    ]

    @Test(arguments: sentencesTable) func sentences(
        _ event: GroupEvent, _ sender: PetrelMessaging.Person, _ sentence: String
    ) {
        #expect(ChatSentences(own: Self.own).sentence(of: event, by: sender) == sentence)
    }

    @Test func manyPeople() {
        let people = (1...8 as ClosedRange<UInt64>).map {
            Person(account: AccountID(20 + $0), handle: "p\($0)")
        }
        #expect(ChatSentences().list(people) == "p1, p2, p3, p4, p5 and 3 more")
        #expect(ChatSentences().list(Array(people.prefix(3))) == "p1, p2 and p3")
    }

    // MARK: Conversations

    @Test func directConversation() {
        var conversation = Self.conversation(.direct(Self.bob))
        conversation.title = "Robert"
        conversation.isPinned = true
        conversation.mutedUntilMilliseconds = 2_000
        conversation.typing = [Self.bob]
        let seen = Presence(
            account: AccountID(2), state: .offline, lastSeen: WallTime(milliseconds: 500))
        let shown = ChatConversation(conversation, [AccountID(2): seen], now: 1_000)
        #expect(shown.target == .handle("bob"))
        #expect(shown.title == "Robert")
        #expect(shown.subtitle == "bob")
        #expect(shown.presence == .offline(lastSeen: 500))
        #expect(shown.isPinned && shown.isMuted)
        #expect(shown.unread == 4)
        #expect(shown.typing == ["bob"])
        let later = ChatConversation(conversation, [:], now: 2_000)
        #expect(!later.isMuted)
        #expect(later.presence == nil)
    }

    private static let groupsTable: [(Role, Standing, Int64?, String)] = [
        (Role.owner, Standing.member, nil, "3 members, yours"),
        (.admin, .member, nil, "3 members, you are an admin"),
        (.member, .member, nil, "3 members"),
        (.member, .member, 121_000, "3 members, you are silenced for 2 minutes"),
        (.member, .left, nil, "you left; it can be read"),
        (.member, .removed, nil, "you were removed; it can be read"),
        (.owner, .dissolved, nil, "ended; it can be read"),
    ]

    @Test(arguments: groupsTable) func groups(
        _ role: PetrelMessaging.Role, _ standing: PetrelMessaging.Standing, _ until: Int64?,
        _ subtitle: String
    ) {
        let group = Group(
            name: "Hikers", membersCount: 3, role: role, standing: standing, isOpen: false,
            isLarge: false, silencedUntilMilliseconds: until)
        let shown = ChatConversation(Self.conversation(.group(group)), [:], now: 1_000)
        #expect(shown.kind == .group)
        #expect(shown.target == .conversation(ConversationID(7)))
        #expect(shown.subtitle == subtitle)
    }

    // MARK: The timeline

    @Test func whatIsInView() {
        var timeline = ChatTimeline(items: ChatFixture.lines(5))
        // Changes stand behind the last message, and are seen with it.
        #expect(timeline.numberInView(newest: 8) == 8)
        timeline.items.append(.message(ChatFixture.message(nil, "alice", "waits", .queued)))
        #expect(timeline.numberInView(newest: 8) == 8)
        timeline.anchor = .init(item: timeline.items[2].id, rowsBelow: 0)
        #expect(timeline.numberInView(newest: 8) == 3)
        timeline.anchor = nil
        timeline.items.append(.hole(ChatHole(first: 6, last: 8, progress: nil)))
        #expect(timeline.numberInView(newest: 8) == 5)
        #expect(ChatTimeline().numberInView(newest: 8) == 0)
    }

    @Test func pagesJoinAcrossAHole() {
        let newer = HistoryPage(
            items: [.hole(5...8), .message(Self.message(9, Self.bob, "nine"))], start: 5,
            hasOlder: true)
        let older = HistoryPage(
            items: [.message(Self.message(2, Self.bob, "two")), .hole(3...4)], start: 2,
            hasOlder: false)
        let joined = HistoryPage.joined(older, newer)
        #expect(joined.items == [older.items[0], .hole(3...8), newer.items[1]])
        #expect(joined.start == 2)
        #expect(!joined.hasOlder)
    }

    @Test func roundTripsAreRenewed() {
        let link = ChatStatus.Link(.connected(roundTrip: nil), .tcp, now: 0)
        #expect(
            link.with(roundTrip: .milliseconds(9))
                == .connected(roundTrip: .milliseconds(9), isOverTCP: true))
        #expect(
            ChatStatus.Link.connecting(attempt: 2).with(roundTrip: .milliseconds(9))
                == .connecting(attempt: 2))
    }

    // MARK: Screens

    private static func screen(_ model: ChatModel, _ rows: Int) -> [String] {
        ChatFixture.renderer.draw(model, size: ChatSize(rows: rows, columns: 66)).lines
    }

    @Test func aGroupOnTheScreen() {
        let conversation = Self.conversation(Self.group)
        var said = Self.message(3, Self.alice, "Saturday at nine?")
        said.reactions = [.init(text: "🎉", people: [Self.carol])]
        let messages = [
            Self.message(
                1, Self.alice, "",
                .event(.created(name: "Hikers", members: [Self.bob, Self.carol], isOpen: false))),
            Self.message(2, Self.bob, "", .gone(.recalled)), said,
        ]
        var model = ChatFixture.model(
            messages.map { .message(ChatMessage($0, conversation, own: Self.own)) })
        model.conversations = [ChatConversation(conversation, [:], now: model.now)]
        model.conversations[0].title = "Hikers"
        model.open = .conversation(ConversationID(7))
        model.requests = [ChatRequest(handle: "dave", greeting: "hello")]
        #expect(
            Self.screen(model, 12) == [
                "Conversations       │Hikers  3 members, yours",
                "# Hikers          4 │            ── Tue 24 Nov 2026 ──",
                "                    │  you began the group Hikers with bob and",
                "                    │                    carol",
                "                    │bob  14:02",
                "                    │  (taken back)                              2",
                "                    │you  14:03",
                "                    │  Saturday at nine?                      ●● 3",
                "                    │  🎉 1",
                "                    │─ dave asks for contact, /accept or /decli… ─",
                "                    │>",
                " alice · connected, round trip 48 ms · outbox empty · last conta…",
            ])
    }

    @Test func anOfflineSpellOnTheScreen() {
        var model = ChatFixture.model([
            .message(ChatFixture.message(8, "alice", "Into the tunnel", .read(by: 1))),
            .message(ChatFixture.message(nil, "alice", "Are you there?", minute: 1, .queued)),
            .message(ChatFixture.message(nil, "alice", "I wait", minute: 1, .queued)),
        ])
        model.conversations = [ChatConversation(target: .handle("bob"), title: "bob")]
        model.status.link = .connecting(attempt: 3)
        model.status.outboxCount = 2
        model.notice = ChatNotice(
            text:
                "not done: the server refused: only an admin may do that (26); "
                + "ask an admin or the owner of the group", isBad: true)
        #expect(
            Self.screen(model, 12) == [
                "Conversations       │bob",
                "  bob               │",
                "                    │            ── Tue 24 Nov 2026 ──",
                "                    │you  14:00",
                "                    │  Into the tunnel                        ●● 8",
                "                    │  Are you there?                         ·",
                "                    │  I wait                                 ·",
                "                    │─ not done: the server refused: only an ─────",
                "                    │  admin may do that (26); ask an admin or",
                "                    │  the owner of the group",
                "                    │>",
                " alice · connecting, attempt 3 · outbox 2 · last contact 3 s ago",
            ])
    }

    @Test func changesAreTold() async {
        let (stream, continuation) = AsyncStream.makeStream(of: Void.self)
        let signal = ChangeSignal { continuation.yield() }
        let start = ContinuousClock.now
        for _ in 0..<10_000 { signal.note() }
        var told = stream.makeAsyncIterator()
        await told.next()
        signal.note()
        await told.next()
        // Each was gathered for as long as it takes.
        #expect(ContinuousClock.now - start >= ChangeSignal.interval)
    }
}
