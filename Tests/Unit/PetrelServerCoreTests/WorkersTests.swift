// Several workers act as one server: packets, pushes, devices and passwords across them.

import PetrelBase
import PetrelCrypto
import PetrelMessaging
import PetrelServerCore
import PetrelServices
import Testing

struct WorkersTests {
    @Test func pushesReachEveryWorkerInTheOrderOfCommits() throws {
        let workers = Workers(3)
        let anna = try workers.member("anna", at: 0)
        let bob = try workers.member("bob", at: 1)
        let tablet = try workers.stranger(at: 2)
        try tablet.ask(.logIn(workers.form("anna")), now: workers.now)
        workers.run(.milliseconds(50))
        for peer in [anna, bob, tablet] { _ = peer.take() }
        workers.store.inner.holdsCompletions = true
        for number in 1...30 as ClosedRange<UInt64> {
            let (sender, other) = number % 2 == 0 ? (anna, "bob") : (bob, "anna")
            try sender.ask(.send(workers.message(number, to: other)), now: workers.now)
            workers.run(.milliseconds(2))
        }
        workers.store.inner.flush()
        workers.run(.milliseconds(100))
        for peer in [anna, bob, tablet] {
            var feeds: [UInt64] = []
            var pushed = 0
            for notice in peer.take() {
                switch notice.kind {
                case .verdict(let verdict): feeds.append(verdict.feed.number)
                case .message(let message):
                    feeds.append(message.feed.number)
                    pushed += 1
                    #expect(["anna", "bob"].contains(message.record.senderHandle))
                default: Issue.record("\(notice)")
                }
            }
            // What the device sent itself is told by its verdict.
            // The first entries are those of the accounts themselves.
            let first: UInt64 = peer === bob ? 2 : 3
            #expect(feeds == Array(first..<first + 30))
            #expect(pushed == (peer === tablet ? 30 : 15))
        }
        #expect(workers.metrics.messagesCommitted == 30)
    }

    @Test func receiptsAndHintsReachOtherWorkers() throws {
        let workers = Workers(2)
        let anna = try workers.member("anna", at: 0)
        let bob = try workers.member("bob", at: 1)
        try anna.ask(.send(workers.message(1, to: "bob")), now: workers.now)
        workers.run(.milliseconds(50))
        guard case .message(let push) = bob.take().first?.kind else {
            Issue.record("no push")
            return
        }
        _ = anna.take()
        let mark = Watermark(
            conversation: push.record.conversation, sequence: push.record.sequence)
        try bob.ask(.acknowledge(feed: push.feed, delivered: [mark]), now: workers.now)
        workers.run(.seconds(60))
        guard case .receipt(let receipt) = anna.take().first?.kind else {
            Issue.record("no receipt")
            return
        }
        #expect(receipt.delivered == push.record.sequence)
    }

    @Test(arguments: [0, 1, 2]) func strayDatagramsAreForwarded(_ stray: Int) throws {
        let workers = Workers(3)
        let anna = try workers.member("anna", at: 1)
        workers.stray = stray
        let request = try anna.ask(
            .send(workers.message(1, to: "anna")), now: workers.now)
        workers.run(.milliseconds(50))
        guard case .verdict = try anna.answer(request) else {
            Issue.record("no verdict")
            return
        }
        #expect((workers.metrics.datagramsForwarded > 0) == (stray != 1))
        // A HELLO as well: its copies meet at one worker, whoever got them.
        try anna.connect(now: workers.now)
        workers.run(.milliseconds(50))
        guard case .welcome = anna.take().last?.kind else {
            Issue.record("not welcome")
            return
        }
        let metrics = workers.metrics
        #expect(
            metrics.datagramsReceived
                == metrics.datagramsAccepted + metrics.datagramsForwarded
                + metrics.datagramsDropped)
    }

    @Test func aFloodOfStrayDatagramsIsBounded() throws {
        let workers = Workers(2)
        workers.stray = 0
        workers.delivers = false
        var packet = [UInt8](repeating: 7, count: 60)
        packet[0] = 0x40
        packet[1] = 1
        for _ in 0..<20 { workers.hand(packet, from: Address(v4: 9, port: 9)) }
        #expect(workers.boxes[0].metrics.datagramsForwarded == 8)
        #expect(workers.boxes[0].metrics.droppedNotForwarded == 12)
        // No such worker: nobody to forward to.
        packet[1] = 2
        workers.hand(packet, from: Address(v4: 9, port: 9))
        #expect(workers.boxes[0].metrics.droppedUnknownSession == 1)
    }

    @Test func aDeviceHasOneSessionAmongAllWorkers() throws {
        let workers = Workers(2)
        let anna = try workers.member("anna", at: 0)
        try workers.connect(anna, at: 1)
        guard case .welcome(let welcome) = anna.take().last?.kind else {
            Issue.record("not welcome")
            return
        }
        #expect(workers.home(of: welcome.device, welcome.account) == 1)
        #expect(workers.boxes[0].metrics.sessionsReplaced == 1)
        #expect(anna.isConnected)
        // Back again, as soon as it likes.
        try workers.connect(anna, at: 0)
        #expect(workers.home(of: welcome.device, welcome.account) == 0)
    }

    @Test func theNewerSessionStaysWhoeverHearsFirst() throws {
        let workers = Workers(2)
        let anna = try workers.member("anna", at: 1)
        guard let device = try workers.store.device(key: .init(anna)) else {
            Issue.record("no device")
            return
        }
        func hear(counter: UInt64, worker: Int) {
            workers.boxes[1].core.read(
                .sessionBegan(
                    .init(
                        account: device.account, device: device.device, helloCounter: counter,
                        worker: worker)), now: workers.now, wall: workers.wall)
        }
        hear(counter: device.helloCounter - 1, worker: 0)
        #expect(workers.home(of: device.device, device.account) == 1)
        var letters: [WorkerLetter] = []
        workers.boxes[1].core.takeLetters(into: &letters)
        // The other one is told that it is the older one.
        #expect(letters.map(\.reader) == [0])
        hear(counter: device.helloCounter, worker: 0)
        #expect(workers.home(of: device.device, device.account) == 1)
        hear(counter: device.helloCounter + 1, worker: 0)
        #expect(workers.home(of: device.device, device.account) == nil)
    }

    @Test func guessesAtAPasswordCountAtAllWorkers() throws {
        let workers = Workers(4)
        _ = try workers.member("anna", at: 0)
        var refusals: [MessagingError] = []
        for attempt in 0..<8 {
            let guesser = try workers.stranger(at: attempt % 4)
            _ = guesser.take()
            try guesser.ask(
                .logIn(workers.form("anna", password: "wrong word \(attempt)")), now: workers.now)
            workers.run(.milliseconds(20))
            if case .refusal(let refusal) = guesser.take().first?.kind {
                refusals += [refusal.error].compactMap { $0 }
            }
        }
        #expect(refusals.prefix(5).allSatisfy { $0 == .credentialsWrong })
        #expect(refusals.contains(.tooManyAttempts))
        #expect(refusals.count == 8)
    }

    @Test func allWorkersStopWhenTheDiskFails() throws {
        let workers = Workers(3)
        let anna = try workers.member("anna", at: 2)
        workers.store.inner.holdsCompletions = true
        try anna.ask(.send(workers.message(1, to: "anna")), now: workers.now)
        workers.run(.milliseconds(20))
        workers.store.inner.fail()
        workers.run(.milliseconds(20))
        for box in workers.boxes { #expect(box.hasFailed) }
    }
}

extension DeviceKey {
    /// The key of a peer as the store has it.
    init(_ peer: Peer) {
        var words: [UInt64] = []
        var reader = ByteReader(peer.key.bytes)
        while let word = try? reader.readUInt64() { words.append(word) }
        self.init(InlineWords4(words[0], words[1], words[2], words[3]))
    }
}
