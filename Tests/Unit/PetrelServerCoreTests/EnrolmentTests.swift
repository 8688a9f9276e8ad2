// Strangers, registration, log-in, and sessions that replace each other: real sessions, no network.

import PetrelBase
import PetrelMessaging
import PetrelServerCore
import PetrelServices
import PetrelTransport
import Testing

struct EnrolmentTests {
    @Test func aDeviceRegistersAndComesBackByItsKey() throws {
        let bench = Bench()
        let anna = try bench.stranger()
        let request = try anna.ask(.register(bench.form("Anna")), now: bench.now)
        bench.run(.milliseconds(50))
        guard case .welcome(let welcome) = try anna.answer(request) else {
            Issue.record("not welcome")
            return
        }
        #expect(welcome.handle == "anna")
        #expect(welcome.device == .init(1))
        #expect(welcome.incarnation == 1)
        _ = anna.take()
        anna.close(now: bench.now)
        bench.run(.milliseconds(50))
        #expect(bench.sessionsCount == 0)
        try anna.connect(now: bench.now)
        bench.run(.milliseconds(50))
        guard case .welcome(let again) = anna.take().first?.kind else {
            Issue.record("not known")
            return
        }
        #expect(again.account == welcome.account)
        #expect(again.device == welcome.device)
    }

    @Test func anotherDeviceLogsIn() throws {
        let bench = Bench()
        _ = try bench.member("anna")
        let tablet = try bench.stranger()
        let wrong = try tablet.ask(
            .logIn(bench.form("anna", password: Array("not the word".utf8))), now: bench.now)
        bench.run(.milliseconds(50))
        guard case .refusal(let refusal) = try tablet.answer(wrong) else {
            Issue.record("not refused")
            return
        }
        #expect(refusal.error == .credentialsWrong)
        let right = try tablet.ask(.logIn(bench.form("ANNA")), now: bench.now)
        bench.run(.milliseconds(50))
        guard case .welcome(let welcome) = try tablet.answer(right) else {
            Issue.record("not welcome")
            return
        }
        #expect(welcome.device == .init(2))
    }

    /// What a stranger and a member may not ask, and what is said to it.
    @Test func theTableOfRefusals() throws {
        let bench = Bench()
        let anna = try bench.member("anna")
        let stranger = try bench.stranger()
        let message = bench.message(1, "hi", to: .handle("anna"))
        let table: [(Peer, Command.Kind, MessagingError)] = [
            (stranger, .send(message), .notEnrolled),
            (stranger, .sync(incarnation: 0, cursor: .init(0), limit: 0), .notEnrolled),
            (
                stranger, .pull(conversation: .init(1), from: 1, to: 1, newestFirst: false),
                .notEnrolled
            ),
            (stranger, .acknowledge(feed: .init(0), delivered: []), .notEnrolled),
            (stranger, .register(bench.form("anna")), .handleTaken),
            (stranger, .register(bench.form("1anna")), .handleInvalid),
            (stranger, .register(bench.form("bob", password: [1])), .passwordUnacceptable),
            (stranger, .logIn(bench.form("nobody")), .credentialsWrong),
            (anna, .register(bench.form("other")), .alreadyEnrolled),
            (anna, .logIn(bench.form("anna")), .alreadyEnrolled),
            (anna, .send(bench.message(1, "hi", to: .handle("nobody"))), .unknownRecipient),
            (
                anna, .pull(conversation: .init(1), from: 1, to: 1, newestFirst: false),
                .unknownConversation
            ),
        ]
        for (peer, command, error) in table {
            let request = try peer.ask(command, now: bench.now)
            bench.run(.milliseconds(50))
            guard case .refusal(let refusal) = try peer.answer(request) else {
                Issue.record("\(command) is not refused")
                continue
            }
            #expect(refusal.error == error)
            if case .send(let message) = command {
                #expect(refusal.clientMessageID == message.clientMessageID)
            }
        }
        #expect(bench.metrics.commandsRefused == UInt64(table.count))
    }

    @Test func guessingIsSlowedDown() throws {
        let bench = Bench()
        _ = try bench.member("anna")
        let guesser = try bench.stranger()
        var errors: [MessagingError?] = []
        for _ in 0..<6 {
            let request = try guesser.ask(
                .logIn(bench.form("anna", password: Array("not the word".utf8))), now: bench.now)
            bench.run(.milliseconds(10))
            guard case .refusal(let refusal) = try guesser.answer(request) else { continue }
            errors.append(refusal.error)
            #expect((refusal.error == .tooManyAttempts) == (refusal.retryAfter > .zero))
        }
        #expect(errors.prefix(5).allSatisfy { $0 == .credentialsWrong })
        #expect(errors.last == .tooManyAttempts)
    }

    @Test func oneEnrolmentAtATime() throws {
        let bench = Bench()
        bench.hashes = false
        let peer = try bench.stranger()
        let first = try peer.ask(.register(bench.form("anna")), now: bench.now)
        let second = try peer.ask(.register(bench.form("bob")), now: bench.now)
        bench.run(.milliseconds(50))
        guard case .refusal(let refusal) = try peer.answer(second) else {
            Issue.record("not refused")
            return
        }
        #expect(refusal.error == .busy)
        bench.hashAll()
        bench.run(.milliseconds(50))
        guard case .welcome(let welcome) = try peer.answer(first) else {
            Issue.record("not welcome")
            return
        }
        #expect(welcome.handle == "anna")
    }

    @Test func tooManyPasswordsAtOnceAreRefused() throws {
        let bench = Bench { $0.hashJobsMax = 2 }
        bench.hashes = false
        var errors: [MessagingError?] = []
        for number in 0..<3 {
            let peer = try bench.stranger()
            try peer.ask(.register(bench.form("peer\(number)")), now: bench.now)
            bench.run(.milliseconds(50))
            for notice in peer.take() {
                if case .refusal(let refusal) = notice.kind { errors.append(refusal.error) }
            }
        }
        #expect(errors == [.busy])
    }

    @Test func whoLeavesWhileHashingIsNotEnrolled() throws {
        let bench = Bench()
        bench.hashes = false
        let peer = try bench.stranger()
        try peer.ask(.register(bench.form("anna")), now: bench.now)
        bench.run(.milliseconds(50))
        peer.close(now: bench.now)
        bench.run(.milliseconds(50))
        bench.hashAll()
        bench.run(.milliseconds(50))
        #expect(try bench.store.account(handle: "anna") == nil)
    }

    @Test func aNewerSessionReplacesTheOlder() throws {
        let bench = Bench()
        let anna = try bench.member("anna")
        let bob = try bench.member("bob")
        // The old session hears nothing of the new one's beginning: it is the same peer.
        try anna.connect(now: bench.now)
        bench.run(.milliseconds(50))
        #expect(bench.metrics.sessionsReplaced == 1)
        #expect(bench.sessionsCount == 2)
        _ = anna.take()
        try bob.ask(.send(bench.message(1, "hi", to: .handle("anna"))), now: bench.now)
        bench.run(.milliseconds(50))
        #expect(anna.take().count == 1)
    }
}
