// The store in memory as a disk: slow, full, failing, and torn away.

import PetrelBase
import PetrelMessaging
import PetrelServices
import Testing

@Suite struct MemoryStoreTests {
    private func tickets(_ store: inout MemoryStore) -> [UInt64] {
        var completions: [StoreCompletion] = []
        store.takeCompletions(into: &completions)
        return completions.map(\.ticket)
    }

    private func held(_ accounts: ClosedRange<UInt64>) throws -> MemoryStore {
        var store = MemoryStore()
        store.holdsCompletions = true
        for account in accounts {
            try store.submit(.sample(createAccount: account), ticket: account)
        }
        return store
    }

    @Test func operationsWaitForTheDisk() throws {
        var store = try held(1...3)
        #expect(tickets(&store) == [])
        #expect(try store.account(.init(1)) == nil)
        store.flush(2)
        #expect(try store.account(.init(2)) != nil)
        #expect(try store.account(.init(3)) == nil)
        #expect(tickets(&store) == [1, 2])
        store.flush()
        #expect(tickets(&store) == [3])
        #expect(store.pendingCount == 0)
    }

    @Test func aCrashKeepsWholeOperationsInOrder() throws {
        var store = try held(1...4)
        store.flush(1)
        store.crash(keeping: 2)
        #expect(tickets(&store) == [], "nobody is left to be told")
        let kept = try (1...4).map { try store.account(.init($0)) != nil }
        #expect(kept == [true, true, true, false])
        #expect(store.pendingCount == 0)
    }

    @Test func aFailedDiskAcknowledgesNothing() throws {
        var store = try held(1...3)
        store.fail(keeping: 1)
        var completions: [StoreCompletion] = []
        store.takeCompletions(into: &completions)
        #expect(completions.map(\.result) == Array(repeating: .failure(.failed), count: 3))
        #expect(throws: StoreFailure.failed) {
            try store.submit(.sample(createAccount: 4), ticket: 4)
        }
        #expect(throws: StoreFailure.failed) { try store.account(.init(1)) }
        store.restart()
        #expect(try store.account(.init(1)) != nil)
        #expect(try store.account(.init(2)) == nil)
    }

    @Test func aFullDiskStillTakesAcknowledgements() throws {
        var store = MemoryStore()
        for account in UInt64(1)...2 {
            try store.submit(.sample(createAccount: account), ticket: 0)
        }
        try store.submit(.sample(append: 1, from: 1, to: .peer(2, new: 70)), ticket: 0)
        _ = tickets(&store)
        store.isFull = true
        let operations: [StoreOperation] = [
            .sample(createAccount: 3), .sample(enrolDevice: 1, key: 9),
            .sample(append: 1, from: 1, to: .to(70)), .sample(append: 2, from: 1, to: .to(70)),
            .sample(createAccount: 1), .sample(acknowledge: 2, feed: 1, delivered: [(70, 1)]),
        ]
        for operation in operations { try store.submit(operation, ticket: 1) }
        var completions: [StoreCompletion] = []
        store.takeCompletions(into: &completions)
        let isFull = completions.map { $0.result == .failure(.full) }
        // What needs no room is answered: a repetition, a refusal, an acknowledgement.
        #expect(isFull == [true, true, false, true, false, false])
        #expect(try store.delivered(70) == [1, 1])
    }

    /// Otherwise the second message of a device could be committed before the first is tried again.
    @Test func aRefusalTakesWithItWhatWasSubmittedBeforeItWasTold() throws {
        var store = try held(1...2)
        store.flush()
        _ = tickets(&store)
        for message in UInt64(1)...3 {
            let target = AppendMessage.Target.peer(.init(2), ifNew: .init(70))
            try store.submit(
                .sample(append: message, from: 1, to: target), ticket: message)
        }
        store.isFull = true
        store.flush(1)
        store.isFull = false
        store.flush(1)
        #expect(tickets(&store) == [1, 2])
        try store.submit(
            .sample(append: 4, from: 1, to: .peer(.init(2), ifNew: .init(70))), ticket: 4)
        store.flush()
        var completions: [StoreCompletion] = []
        store.takeCompletions(into: &completions)
        let isFull = completions.map { $0.result == .failure(.full) }
        #expect(isFull == [true, false], "3 was submitted before 1 was told, 4 after it")
        let kept = try store.messages(
            MessageRequest(
                conversation: .init(70), range: 1...9, order: .oldestFirst, limit: 9,
                byteLimit: 9_999))
        #expect(kept.messages.count == 1)
    }

    @Test func aFullQueueIsBusy() throws {
        var store = MemoryStore(queueCountMax: 2)
        store.holdsCompletions = true
        for ticket in UInt64(1)...2 {
            try store.submit(.sample(createAccount: ticket), ticket: ticket)
        }
        #expect(throws: StoreFailure.busy) {
            try store.submit(.sample(createAccount: 3), ticket: 3)
        }
        store.flush(1)
        try store.submit(.sample(createAccount: 3), ticket: 3)
        store.flush()
        #expect(tickets(&store) == [1, 2, 3])
    }
}
