// What a device keeps, without any network: outbox, sync engine and store, and a server of values.

import PetrelBase
import PetrelClientData
import PetrelMessaging
import Testing

@testable import TestServer

/// A device that talks to its server by calling it.
private struct Device {
    var server = ServerModel()
    var store = MemoryClientStore()
    var outbox = Outbox(last: 0)
    var engine = SyncEngine(incarnation: 0, cursor: FeedSequence(0), conversations: [])
    var awaited = AwaitedReceipts()
    var now = Instant(nanoseconds: 0)
    private var requests: UInt64 = 0
    /// Requests whose answers are lost on the way, though the server has done what they ask.
    var losesAnswers = false

    mutating func write(_ text: String) throws {
        let index = outbox.nextIndex
        let entry = OutboxEntry(
            index: index, clientMessageID: ClientMessageID(high: 7, low: index),
            target: .handle("peer"),
            event: .message(Content(contentType: "", body: Array(text.utf8))),
            written: WallTime(milliseconds: 0))
        try store.apply([.enqueue(entry)])
        outbox.appended(entry)
    }

    /// The process dies, and another one starts over what is stored.
    mutating func restart() throws {
        let (incarnation, cursor) = try store.cursor()
        engine = SyncEngine(
            incarnation: incarnation, cursor: cursor, conversations: try store.conversations())
        outbox = Outbox(last: try store.lastOutboxIndex())
        awaited = AwaitedReceipts()
    }

    /// A session from beginning to end: all that can be said is said and answered.
    mutating func talk() throws {
        engine.sessionOpened(server.welcome, now: now)
        for _ in 0..<1_000 {
            try keep()
            if let (after, limit) = outbox.wanted {
                outbox.load(try store.outbox(after: after, limit: limit), limit: limit)
            }
            if let command = engine.nextCommand(now: now) {
                requests += 1
                engine.issued(command, as: requests, now: now)
                answer(server.answer(command), command)
            } else if let entry = outbox.nextToSend(now: now) {
                requests += 1
                _ = outbox.sent(entry.index, in: requests)
                let message = OutgoingMessage(
                    clientMessageID: entry.clientMessageID, target: .handle("peer"),
                    event: entry.event)
                let verdict = server.commit(own: message)
                if !losesAnswers { try settle(verdict, entry) }
            } else if engine.isCaughtUp, engine.deadline == .distantFuture {
                break
            } else {
                now = max(now, min(engine.deadline, now + .seconds(20)))
                engine.advance(now: now)
            }
        }
        engine.sessionEnded()
        outbox.sessionEnded()
    }

    private mutating func answer(_ notice: Notice.Kind?, _ command: Command.Kind) {
        switch (notice, command) {
        case (.syncPage(let page), _): engine.received(page, request: requests, now: now)
        case (.page(let page), _):
            for record in page.records where record.sender == ServerModel.me {
                let entry = outbox.settled(
                    record.clientMessageID, at: record.conversation, record.sequence)
                if let entry { try? store.apply([.dequeue(index: entry.index)]) }
            }
            engine.received(page, request: requests, now: now)
        case (_, .acknowledge(_, let watermarks, _)): engine.acknowledgementArrived(watermarks)
        default: return
        }
    }

    private mutating func settle(_ verdict: Verdict, _ entry: OutboxEntry) throws {
        #expect(outbox.committed(verdict.clientMessageID) == entry)
        let record = MessageRecord(
            conversation: verdict.conversation, sequence: verdict.sequence,
            sender: ServerModel.me, senderDevice: DeviceID(1), senderHandle: "anna",
            clientMessageID: entry.clientMessageID, time: verdict.time,
            event: entry.event)
        awaited.insert(
            .init(
                index: entry.index, clientMessageID: entry.clientMessageID,
                conversation: verdict.conversation, sequence: verdict.sequence))
        engine.received(verdict, own: record, now: now)
        try store.apply([.dequeue(index: entry.index)])
    }

    private mutating func keep() throws {
        let output = engine.takeOutput()
        if !output.changes.isEmpty { try store.apply(output.changes) }
    }

    func stored(_ conversation: ConversationID) throws -> [String] {
        try store.messages(conversation, from: ConversationSequence(1), limit: 1_000)
            .map { String(decoding: $0.content?.body ?? [], as: UTF8.self) }
    }
}

@Suite struct LocalDataTests {
    private let talk = ConversationID(10)

    @Test func whatIsWrittenOfflineAndSaidMeanwhileEndInOneOrder() throws {
        var device = Device()
        for i in 1...3 { _ = device.server.commit(talk, "theirs \(i)") }
        for i in 1...80 { try device.write("mine \(i)") }
        try device.restart()
        try device.talk()
        let stored = try device.stored(talk)
        #expect(stored.count == 83 && Set(stored).count == 83)
        #expect(stored == device.server.bodies(talk))
        #expect(stored.filter { $0.hasPrefix("mine") } == (1...80).map { "mine \($0)" })
        #expect(device.outbox.isEmpty)
        #expect(try device.store.outbox(after: 0, limit: 9).isEmpty)
    }

    @Test func receiptsCompleteWhatIsAwaited() throws {
        var device = Device()
        for i in 1...3 { try device.write("mine \(i)") }
        try device.talk()
        let reached = device.awaited.received(talk, upTo: ConversationSequence(2))
        #expect(reached.map(\.index) == [1, 2])
        #expect(device.awaited.received(talk, upTo: ConversationSequence(2)).isEmpty)
        #expect(device.awaited.received(talk, upTo: ConversationSequence(3)).map(\.index) == [3])
    }

    /// A verdict that was lost is found again where the message stands.
    @Test func aLostVerdictIsFoundInThePages() throws {
        var device = Device()
        device.losesAnswers = true
        try device.write("said once")
        try device.talk()
        #expect(try device.store.outbox(after: 0, limit: 9).count == 1)
        try device.restart()
        device.losesAnswers = false
        try device.talk()
        #expect(try device.stored(talk) == ["said once"])
        #expect(try device.store.outbox(after: 0, limit: 9).isEmpty && device.outbox.isEmpty)
    }
}

extension ServerModel {
    fileprivate func bodies(_ conversation: ConversationID) -> [String] {
        (records[conversation] ?? []).map {
            String(decoding: $0.content?.body ?? [], as: UTF8.self)
        }
    }
}
