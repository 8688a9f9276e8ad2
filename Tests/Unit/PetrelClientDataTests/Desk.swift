// A sync engine at work: its store, a server of values, and what it asked and told.

import PetrelBase
import PetrelMessaging
import Testing

@testable import PetrelClientData
@testable import TestServer

/// An engine with a store and a server model, in one process without a network.
struct Desk {
    var server = ServerModel()
    var store = MemoryClientStore()
    var rules = SyncRules()
    var engine: SyncEngine
    var now = Instant(nanoseconds: 0)
    var requests: UInt64 = 0
    /// What was asked, oldest first.
    var asked: [Command.Kind] = []
    /// What the owner was told, oldest first.
    var told: [MessageRecord] = []

    init(rules: SyncRules = SyncRules()) {
        self.rules = rules
        engine = SyncEngine(
            incarnation: 0, cursor: FeedSequence(0), conversations: [], rules: rules)
    }

    mutating func open() {
        engine.sessionOpened(server.welcome, now: now)
    }

    /// Stores what the engine puts out, then tells.
    mutating func keep() throws {
        let output = engine.takeOutput()
        if !output.changes.isEmpty { try store.apply(output.changes) }
        told.append(contentsOf: output.messages)
    }

    /// The next command, with its number, as sent.
    mutating func ask() -> (Command.Kind, UInt64)? {
        guard let command = engine.nextCommand(now: now) else { return nil }
        requests += 1
        engine.issued(command, as: requests, now: now)
        asked.append(command)
        return (command, requests)
    }

    mutating func deliver(_ notice: Notice.Kind?, _ request: UInt64) {
        switch notice {
        case .syncPage(let page): engine.received(page, request: request, now: now)
        case .page(let page): engine.received(page, request: request, now: now)
        default: return
        }
    }

    /// Asks and answers, letting time pass, until nothing is left to do.
    mutating func settle() throws {
        for _ in 0..<2_000 {
            try keep()
            engine.advance(now: now)
            if let (command, request) = ask() {
                if case .acknowledge(_, let watermarks, _) = command {
                    engine.acknowledgementArrived(watermarks)
                }
                deliver(server.answer(command), request)
            } else {
                let next = engine.deadline
                guard next != .distantFuture else { return }
                now = max(now, next)
            }
        }
        Issue.record("does not come to rest")
    }

    /// What a crash leaves: a new engine over what is stored.
    mutating func crash() throws {
        let (incarnation, cursor) = try store.cursor()
        engine = SyncEngine(
            incarnation: incarnation, cursor: cursor, conversations: try store.conversations(),
            rules: rules)
    }

    var pulls: [ClosedRange<UInt64>] {
        asked.compactMap { if case .pull(_, let from, let to, _) = $0 { from...to } else { nil } }
    }
    var syncs: Int { asked.count { if case .sync = $0 { true } else { false } } }
    var acknowledged: [[Watermark]] {
        asked.compactMap { if case .acknowledge(_, let marks, _) = $0 { marks } else { nil } }
    }
    var reads: [Watermark] {
        var reads: [Watermark] = []
        for command in asked {
            if case .acknowledge(_, _, let marks) = command { reads += marks }
        }
        return reads
    }
}
