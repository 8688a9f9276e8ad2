// Commands and notices: what goes in comes out, and what breaks the rules is refused, never a trap.

import PetrelBase
import PetrelMessaging
import Testing

struct MessageCodingTests {
    @Test(arguments: 0..<40 as Range<UInt64>)
    func commandsSurviveTheTrip(seed: UInt64) throws {
        var random = RandomStream(seed: seed, label: "commands")
        for command in Sample.commands(&random) {
            let bytes = command.encoded()
            #expect(try Command(decoding: bytes.span.bytes) == command)
        }
    }

    @Test(arguments: 0..<40 as Range<UInt64>)
    func noticesSurviveTheTrip(seed: UInt64) throws {
        var random = RandomStream(seed: seed, label: "notices")
        for notice in Sample.notices(&random) {
            let bytes = notice.encoded()
            #expect(try Notice(decoding: bytes.span.bytes) == notice)
        }
    }

    /// A shorter message may still be one, but whatever comes out must survive the trip itself.
    @Test func truncationsNeverTrap() throws {
        var random = RandomStream(seed: 1, label: "truncations")
        for command in Sample.commands(&random) {
            let bytes = command.encoded()
            for count in 0..<bytes.count {
                let cut = Array(bytes[..<count])
                guard let decoded = try? Command(decoding: cut.span.bytes) else { continue }
                #expect(try Command(decoding: decoded.encoded().span.bytes) == decoded)
            }
        }
        for notice in Sample.notices(&random) {
            let bytes = notice.encoded()
            for count in 0..<bytes.count {
                let cut = Array(bytes[..<count])
                guard let decoded = try? Notice(decoding: cut.span.bytes) else { continue }
                #expect(try Notice(decoding: decoded.encoded().span.bytes) == decoded)
            }
        }
    }

    @Test(arguments: 0..<200 as Range<UInt64>)
    func damageNeverTraps(seed: UInt64) throws {
        var random = RandomStream(seed: seed, label: "damage")
        for command in Sample.commands(&random) {
            var bytes = command.encoded()
            bytes[Int(random.below(UInt64(bytes.count)))] ^= UInt8(1 + random.below(255))
            guard let decoded = try? Command(decoding: bytes.span.bytes) else { continue }
            #expect(try Command(decoding: decoded.encoded().span.bytes) == decoded)
        }
        for notice in Sample.notices(&random) {
            var bytes = notice.encoded()
            bytes[Int(random.below(UInt64(bytes.count)))] ^= UInt8(1 + random.below(255))
            guard let decoded = try? Notice(decoding: bytes.span.bytes) else { continue }
            #expect(try Notice(decoding: decoded.encoded().span.bytes) == decoded)
        }
    }

    static let badCommands: [(name: String, bytes: [UInt8], error: MalformedMessage)] = [
        ("nothing", [], .init(request: 0, reason: .missing("command.kind"))),
        ("only a request", [0x08, 7], .init(request: 7, reason: .missing("command.kind"))),
        (
            "an unknown kind", [0x08, 7, 0xFA, 0x01, 0],
            .init(request: 7, reason: .missing("command.kind"))
        ),
        ("an endless number", [0x08, 0xFF], .init(request: 0, reason: .undecodable)),
        ("a group that never ends", [0x0B], .init(request: 0, reason: .undecodable)),
        (
            "a length beyond the end", [0x22, 0xFF, 0xFF, 0x03],
            .init(request: 0, reason: .undecodable)
        ),
        ("broken UTF-8", [0x12, 3, 0x0A, 1, 0xFF], .init(request: 0, reason: .undecodable)),
        (
            "a send without cmid", [0x08, 1, 0x2A, 0],
            .init(request: 1, reason: .forbidden("send.cmid"))
        ),
        (
            "a send with 15 bytes of cmid",
            [0x08, 1, 0x2A, 17, 0x0A, 15] + [UInt8](repeating: 1, count: 15),
            .init(request: 1, reason: .forbidden("send.cmid"))
        ),
        (
            "a send to nobody",
            [0x08, 1, 0x2A, 18, 0x0A, 16] + [UInt8](repeating: 1, count: 16),
            .init(request: 1, reason: .missing("send.target"))
        ),
        (
            "a send of nothing",
            [0x08, 1, 0x2A, 20, 0x0A, 16] + [UInt8](repeating: 1, count: 16) + [0x20, 1],
            .init(request: 1, reason: .missing("send.event"))
        ),
        (
            "a change of nobody's relation", [0x08, 1, 0x52, 2, 0x18, 1],
            .init(request: 1, reason: .missing("person"))
        ),
        (
            "a change of nothing", [0x08, 1, 0x4A, 0],
            .init(request: 1, reason: .missing("change_account.change"))
        ),
        (
            "a pull from 0", [0x08, 2, 0x3A, 2, 0x18, 5],
            .init(request: 2, reason: .forbidden("pull.from"))
        ),
        (
            "a pull backwards", [0x08, 2, 0x3A, 4, 0x10, 5, 0x18, 4],
            .init(request: 2, reason: .forbidden("pull.to"))
        ),
    ]

    @Test(arguments: badCommands.indices)
    func badCommandsAreRefused(index: Int) {
        let (name, bytes, error) = Self.badCommands[index]
        #expect(throws: error, "\(name)") { try Command(decoding: bytes.span.bytes) }
    }

    @Test func tooManyWatermarksAreRefused() {
        let mark = Watermark(conversation: .init(1), sequence: .init(1))
        for (count, isAccepted) in [(256, true), (257, false)] {
            let command = Command(
                request: 3,
                kind: .acknowledge(
                    feed: .init(0), delivered: Array(repeating: mark, count: count), read: []))
            let decoded = try? Command(decoding: command.encoded().span.bytes)
            #expect((decoded != nil) == isAccepted)
        }
    }

    @Test func longDeviceNamesAreRefused() {
        for (count, isAccepted) in [(64, true), (65, false)] {
            let registration = Registration(
                handle: "anna", password: [], deviceName: String(repeating: "n", count: count))
            let command = Command(request: 3, kind: .register(registration))
            let decoded = try? Command(decoding: command.encoded().span.bytes)
            #expect((decoded != nil) == isAccepted)
        }
    }

    @Test func noticesBeyondTheLimitsAreRefused() {
        var random = RandomStream(seed: 5, label: "limits")
        func isRefused(_ kind: Notice.Kind) -> Bool {
            let bytes = Notice(request: 1, kind: kind).encoded()
            return (try? Notice(decoding: bytes.span.bytes)) == nil
        }
        var record = Sample.record(&random)
        let page = { (records: [MessageRecord]) in
            Notice.Kind.page(
                Page(
                    conversation: record.conversation, records: records, unavailable: [],
                    isComplete: true))
        }
        #expect(!isRefused(page([record])))
        #expect(isRefused(page(Array(repeating: record, count: 51))))
        let body = [UInt8](repeating: 0, count: MessagingLimits.bodyBytesMax)
        record.event = .message(Content(contentType: "", body: body))
        #expect(!isRefused(page([record])))
        record.event = .message(Content(contentType: "", body: body + [0]))
        #expect(isRefused(page([record])))
        record.event = .joined
        record.sequence = .init(0)
        #expect(isRefused(page([record])))
        record.sequence = .init(1)
        record.senderHandle = String(repeating: "a", count: 33)
        #expect(isRefused(page([record])))
        record.senderHandle = ""
        let people = [Person](repeating: Person(account: .init(1)), count: 257)
        record.event = .added(people)
        #expect(isRefused(page([record])))
        #expect(
            isRefused(
                .refusal(
                    Refusal(
                        code: 1, reason: String(repeating: "r", count: 257), retryAfter: .zero,
                        clientMessageID: nil))))
    }

    @Test func aRecordOfAnotherConversationIsNoPartOfAPage() {
        var random = RandomStream(seed: 6, label: "pages")
        let record = Sample.record(&random)
        let page = Page(
            conversation: .init(record.conversation.number ^ 1), records: [record],
            unavailable: [], isComplete: true)
        #expect(
            throws: MalformedMessage(request: 4, reason: .forbidden("record.conversation"))
        ) {
            try Notice(decoding: Notice(request: 4, kind: .page(page)).encoded().span.bytes)
        }
    }

    @Test func unknownErrorNumbersSurvive() throws {
        let refusal = Refusal(
            code: 4_000_000, reason: "new", retryAfter: .milliseconds(250), clientMessageID: nil)
        let bytes = Notice(request: 1, kind: .refusal(refusal)).encoded()
        let decoded = try Notice(decoding: bytes.span.bytes)
        #expect(decoded.kind == .refusal(refusal))
        #expect(refusal.error == nil)
    }

    /// The arithmetic behind `bodyBytesMax`: the longest of everything fits one session message.
    @Test func theLongestMessageFits() {
        let record = MessageRecord(
            conversation: .init(.max), sequence: .init(.max), sender: .init(.max),
            senderDevice: .init(.max), senderHandle: String(repeating: "h", count: 32),
            clientMessageID: .init(high: .max, low: .max), time: WallTime(milliseconds: .min),
            event: .message(
                Content(
                    contentType: String(repeating: "t", count: 64),
                    body: [UInt8](repeating: 7, count: MessagingLimits.bodyBytesMax),
                    replyTo: .init(.max), lifetimeSeconds: .max)))
        let notices: [Notice.Kind] = [
            .message(
                PushedMessage(record: record, feed: .init(.max), previousFeed: .init(.max))),
            .page(
                Page(
                    conversation: .init(.max), records: [record], unavailable: [],
                    isComplete: true)),
        ]
        for kind in notices {
            let count = Notice(request: .max, kind: kind).encoded().count
            #expect(count <= MessagingLimits.messageBytesMax)
        }
        let send = Command(
            request: .max,
            kind: .send(
                OutgoingMessage(
                    clientMessageID: .init(high: .max, low: .max),
                    target: .handle(String(repeating: "h", count: 32)),
                    event: record.event)))
        #expect(send.encoded().count <= MessagingLimits.messageBytesMax)
    }

    /// The largest pages of many events fit as well, whatever the events are.
    @Test func theLargestPagesFit() {
        let handle = String(repeating: "h", count: 32)
        func page(of event: ConversationEvent) -> Notice.Kind {
            let record = MessageRecord(
                conversation: .init(.max), sequence: .init(.max), sender: .init(.max),
                senderDevice: .init(.max), senderHandle: handle,
                clientMessageID: .init(high: .max, low: .max),
                time: WallTime(milliseconds: .min), event: event)
            // As many as a server takes: it counts what they may take.
            let count = max(
                1,
                min(
                    MessagingLimits.pageRecordsMax,
                    MessagingLimits.pageBytesMax / max(1, event.byteCountMax)))
            return .page(
                Page(
                    conversation: .init(.max), records: Array(repeating: record, count: count),
                    unavailable: Array(
                        repeating: .init(.max), count: MessagingLimits.pageUnavailableMax),
                    isComplete: true))
        }
        let person = Person(account: .init(.max), handle: handle)
        let people = [Person](repeating: person, count: MessagingLimits.peopleMax)
        let name = String(repeating: "n", count: MessagingLimits.nameBytesMax)
        let body = [UInt8](
            repeating: 7, count: MessagingLimits.pageBytesMax / MessagingLimits.pageRecordsMax)
        let content = Content(
            contentType: String(repeating: "t", count: 64), body: body, replyTo: .init(.max),
            mentions: [AccountID](repeating: .init(.max), count: MessagingLimits.mentionsMax),
            lifetimeSeconds: .max)
        let events: [ConversationEvent] = [
            .message(content), .edit(sequence: .init(.max), content), .added(people),
            .created(GroupCreation(name: name, members: people, isOpen: true)),
            .removed(person), .muted(person, seconds: .max), .role(person, .owner),
            .changed(GroupChange(name: name, isOpen: true)), .retention(seconds: .max),
            .reaction(
                Reaction(
                    sequence: .init(.max), text: String(repeating: "r", count: 48),
                    isWithdrawn: true)),
            .recall(sequence: .init(.max)), .joined, .left, .dissolved, .gone(.hidden),
        ]
        for event in events {
            let count = Notice(request: .max, kind: page(of: event)).encoded().count
            #expect(count <= MessagingLimits.messageBytesMax, "\(event)")
        }
    }

    /// What a sync page counts of its items is at least what they take.
    @Test(arguments: 0..<40 as Range<UInt64>)
    func itemsTakeNoMoreThanIsCounted(seed: UInt64) {
        var random = RandomStream(seed: seed, label: "items")
        let empty = SyncPage(
            incarnation: .max, snapshot: .init(.max), cursor: .init(.max), remaining: .max,
            items: [])
        for item in Sample.items(&random) {
            var page = empty
            page.items = [item]
            let least = Notice(request: .max, kind: .syncPage(empty)).encoded().count
            let most = Notice(request: .max, kind: .syncPage(page)).encoded().count
            #expect(most - least <= item.byteCountMax)
        }
    }

    /// What stores keep of an event is what comes back.
    @Test(arguments: 0..<20 as Range<UInt64>)
    func eventsSurviveTheStore(seed: UInt64) throws {
        var random = RandomStream(seed: seed, label: "events")
        for event in Sample.events(&random) {
            #expect(try ConversationEvent(decoding: event.encoded().span.bytes) == event)
        }
    }
}
