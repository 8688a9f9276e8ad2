// Messages of every kind with random contents, for properties.

import PetrelBase
import PetrelMessaging

enum Sample {
    static func text(_ random: inout RandomStream, max: UInt64) -> String {
        String(decoding: bytes(&random, max: max).map { $0 % 26 + 97 }, as: UTF8.self)
    }

    static func bytes(_ random: inout RandomStream, max: UInt64) -> [UInt8] {
        (0..<random.below(max + 1)).map { _ in UInt8(truncatingIfNeeded: random.next()) }
    }

    static func identifier(_ random: inout RandomStream) -> ClientMessageID {
        let time = WallTime(milliseconds: Int64(random.below(1 << 45)))
        return ClientMessageID(time: time, random: &random)
    }

    static func record(_ random: inout RandomStream) -> MessageRecord {
        MessageRecord(
            conversation: .init(random.next()), sequence: .init(1 + random.below(1 << 60)),
            sender: .init(random.next()), senderDevice: .init(UInt32(random.below(1 << 32))),
            senderHandle: text(&random, max: 32), clientMessageID: identifier(&random),
            time: WallTime(milliseconds: Int64(bitPattern: random.next())),
            contentType: text(&random, max: 64), body: bytes(&random, max: 300))
    }

    static func commands(_ random: inout RandomStream) -> [Command] {
        let registration = Registration(
            handle: text(&random, max: 40), password: bytes(&random, max: 128),
            deviceName: text(&random, max: 64))
        func message(_ target: OutgoingMessage.Target) -> OutgoingMessage {
            OutgoingMessage(
                clientMessageID: identifier(&random), target: target,
                contentType: text(&random, max: 80), body: bytes(&random, max: 300))
        }
        let from = 1 + random.below(1 << 40)
        let kinds: [Command.Kind] = [
            .register(registration), .logIn(registration),
            .send(message(.conversation(.init(random.next())))),
            .send(message(.handle(text(&random, max: 40)))),
            .sync(
                incarnation: random.next(), cursor: .init(random.next()),
                limit: UInt32(random.below(1 << 32))),
            .pull(
                conversation: .init(random.next()), from: from, to: from + random.below(1 << 40),
                newestFirst: random.chance(0.5)),
            .acknowledge(
                feed: .init(random.next()),
                delivered: (0..<random.below(20)).map { _ in
                    Watermark(conversation: .init(random.next()), sequence: .init(random.next()))
                }),
        ]
        return kinds.map { Command(request: random.next(), kind: $0) }
    }

    static func notices(_ random: inout RandomStream) -> [Notice] {
        let record = record(&random)
        let kinds: [Notice.Kind] = [
            .welcome(
                Welcome(
                    account: .init(random.next()), device: .init(UInt32(random.below(1 << 32))),
                    handle: text(&random, max: 32), incarnation: random.next(),
                    feed: .init(random.next()), time: record.time)),
            .stranger,
            .refusal(
                Refusal(
                    code: UInt32(random.below(1 << 32)), reason: text(&random, max: 256),
                    retryAfter: .milliseconds(Int64(random.below(1 << 32))),
                    clientMessageID: random.chance(0.5) ? identifier(&random) : nil)),
            .verdict(
                Verdict(
                    clientMessageID: identifier(&random), conversation: record.conversation,
                    sequence: record.sequence, time: record.time, feed: .init(random.next()),
                    previousFeed: .init(random.next()), peer: .init(random.next()),
                    peerHandle: text(&random, max: 32))),
            .message(
                PushedMessage(
                    record: record, feed: .init(random.next()),
                    previousFeed: .init(random.next()))),
            .receipt(
                Receipt(
                    conversation: record.conversation, account: record.sender,
                    sequence: record.sequence, feed: .init(random.next()),
                    previousFeed: .init(random.next()))),
            .syncPage(
                SyncPage(
                    incarnation: random.next(), snapshot: .init(random.next()),
                    cursor: .init(random.next()), remaining: random.next(),
                    heads: (0..<random.below(5)).map { _ in
                        ConversationHead(
                            conversation: .init(random.next()), feed: .init(random.next()),
                            last: .init(random.next()), first: .init(random.next()),
                            peer: .init(random.next()), peerHandle: text(&random, max: 32),
                            delivered: .init(random.next()))
                    })),
            .page(
                Page(
                    conversation: record.conversation, records: [record],
                    unavailable: (0..<random.below(5)).map { _ in .init(random.next()) },
                    isComplete: random.chance(0.5))),
        ]
        return kinds.map { Notice(request: random.next(), kind: $0) }
    }
}
