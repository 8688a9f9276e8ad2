// Questions, events of all kinds, marks, presence and expiry, against a fake server.

import PetrelBase
import PetrelClientData
import PetrelMessaging
import Testing

@testable import PetrelClientCore
@testable import TestServer

@Suite struct AccountTests {
    private let talk = ConversationID(10)

    private func connected() throws -> Wire {
        let wire = try Wire()
        wire.client.connect(now: wire.now)
        wire.run(.seconds(1))
        wire.events.removeAll()
        return wire
    }

    private func finish(_ wire: Wire) {
        wire.client.finishBatch(now: wire.now, wall: wire.wall)
        wire.run(.seconds(1))
    }

    @Test func questionsAreAnsweredByTheirTickets() throws {
        let wire = try connected()
        let look = try wire.client.ask(.lookUp(handle: "peer"))
        let invite = try wire.client.ask(.invite(lifetimeSeconds: 60))
        let change = try wire.client.ask(.changeAccount(.profile(Profile(name: "Anna"))))
        finish(wire)
        let answers = wire.events.compactMap { event -> Ticket? in
            if case .answered(let ticket, _) = event { ticket } else { nil }
        }
        #expect(answers == [look, invite, change])
        #expect(wire.events.contains(.answered(change, .done)))
        let code = Answer.invitation(code: "code-60", expires: WallTime(milliseconds: 60))
        #expect(wire.events.contains(.answered(invite, code)))
    }

    @Test func aQuestionIsAskedAgainInTheNextSessionUnlessCancelled() throws {
        let wire = try connected()
        wire.server.answersQuestions = false
        let kept = try wire.client.ask(.changeConversation(talk, .pinned(true)))
        let given = try wire.client.ask(.lookUp(handle: "peer"))
        finish(wire)
        wire.client.cancel(given)
        wire.server.restart()
        wire.server.answersQuestions = true
        try wire.send("wakes the session")
        wire.run(.seconds(8))
        #expect(wire.events.contains(.answered(kept, .done)))
        #expect(wire.commands.count { $0 == .lookUp(handle: "peer") } == 1)
    }

    @Test func questionsAreBoundedAndChecked() throws {
        let wire = try Wire()
        #expect(throws: ClientRefusal.notAQuestion) {
            _ = try wire.client.ask(.pull(conversation: talk, from: 1, to: 2, newestFirst: true))
        }
        #expect(throws: ClientRefusal.handleInvalid("!")) {
            _ = try wire.client.ask(.lookUp(handle: "!"))
        }
        let long = String(repeating: "n", count: 65)
        #expect(throws: ClientRefusal.nameTooLong(byteCount: 65, limit: 64)) {
            _ = try wire.client.ask(.changeAccount(.profile(Profile(name: long))))
        }
        for _ in 0..<64 { _ = try wire.client.ask(.lookUp(handle: "peer")) }
        #expect(throws: ClientRefusal.tooManyQuestions(limit: 64)) {
            _ = try wire.client.ask(.lookUp(handle: "peer"))
        }
    }

    @Test func eventsAreCheckedBeforeTheyAreStored() throws {
        let wire = try Wire()
        let place = ConversationSequence(1)
        let body = Content(contentType: "", body: [1])
        var mentions = body
        mentions.mentions = (0..<51).map { AccountID($0) }
        var lasting = body
        lasting.lifetimeSeconds = 31_536_001
        var reply = body
        reply.replyTo = place
        let cases: [(ConversationEvent, ClientRefusal)] = [
            (.message(mentions), .tooManyMentions(count: 51, limit: 50)),
            (.message(lasting), .lifetimeTooLong(seconds: 31_536_001, limit: 31_536_000)),
            (.edit(sequence: place, reply), .editInvalid),
            (.recall(sequence: ConversationSequence(0)), .placeInvalid),
            (
                .reaction(Reaction(sequence: place, text: "")),
                .reactionInvalid(byteCount: 0, limit: 48)
            ),
            (.added([]), .peopleInvalid(count: 0, limit: 256)),
            (.changed(GroupChange()), .nameEmpty),
            (.retention(seconds: 59), .retentionInvalid(seconds: 59, limit: 60...315_360_000)),
            (.gone(.hidden), .eventNotAllowed),
            (.created(GroupCreation(name: "here", members: [])), .eventNotAllowed),
        ]
        for (event, refusal) in cases {
            #expect(throws: refusal) {
                _ = try wire.client.send(to: .conversation(talk), event: event, wall: wire.wall)
            }
        }
        #expect(throws: ClientRefusal.eventNotAllowed) {
            _ = try wire.client.send(to: .newGroup, event: .message(body), wall: wire.wall)
        }
        #expect(try wire.store.lastOutboxIndex() == 0)
        let group = ConversationEvent.created(GroupCreation(name: "we", members: []))
        _ = try wire.client.send(to: .newGroup, event: group, wall: wire.wall)
        #expect(try wire.store.outbox(after: 0, limit: 9).map(\.event) == [group])
    }

    @Test func anOwnMessageIsReadAfterItWasDelivered() throws {
        let wire = try connected()
        try wire.send("hello")
        wire.run(.seconds(1))
        var receipt = wire.server.model.receipt(talk, upTo: 1)
        wire.server.push(.receipt(receipt), now: wire.now)
        wire.run(.seconds(1))
        receipt.read = ConversationSequence(1)
        wire.server.push(.receipt(receipt), now: wire.now)
        wire.run(.seconds(1))
        #expect(
            wire.steps(1)
                == [.queued, .sent, .committed(talk, ConversationSequence(1)), .delivered, .read])
    }

    @Test func tooFastIsOnlyAPause() throws {
        let wire = try connected()
        wire.server.refusal = (.tooFast, .zero)
        try wire.send("quick")
        wire.run(.milliseconds(200))
        wire.server.refusal = nil
        wire.run(.seconds(2))
        #expect(wire.committedBodies == ["quick"])
    }

    @Test func aRevokedDeviceStopsAndAnswersWhatIsOpen() throws {
        let wire = try Wire()
        wire.server.isEnrolled = false
        wire.server.stranger = Stranger(isRevoked: true)
        let ticket = try wire.client.ask(.lookUp(handle: "peer"))
        wire.client.connect(now: wire.now)
        wire.run(.seconds(60))
        #expect(wire.events.contains(.revoked))
        #expect(
            wire.events.contains { event in
                guard case .answered(ticket, .refused(let refusal)) = event else { return false }
                return refusal.error == .deviceRevoked
            })
        #expect(wire.counters.count == 1 && wire.state == .idle)
    }

    @Test func aLostPasswordIsReplacedByTheCode() throws {
        let wire = try Wire()
        wire.server.isEnrolled = false
        wire.server.stranger = Stranger(needsInvitation: true)
        wire.client.connect(now: wire.now)
        wire.run(.seconds(1))
        #expect(wire.events.contains(.stranger(needsInvitation: true)))
        try wire.client.recover(
            handle: "anna", code: "code", password: Array("long enough".utf8), deviceName: "new")
        finish(wire)
        let identity = ClientIdentity(account: AccountID(1), device: DeviceID(1), handle: "anna")
        #expect(wire.events.contains(.enrolled(identity)))
        let isEnrolling = wire.client.isEnrolling
        #expect(!isEnrolling)
    }

    @Test func whatThePersonDoesIsToldOnceInAWhile() throws {
        let wire = try connected()
        wire.client.setForeground(true)
        wire.client.setForeground(true)
        wire.client.setViewing(talk)
        for _ in 0..<20 {
            wire.client.setTyping(in: talk, now: wire.now)
            wire.client.finishBatch(now: wire.now, wall: wire.wall)
            wire.run(.milliseconds(200))
        }
        _ = try wire.client.send(to: .conversation(talk), body: [1], wall: wire.wall)
        finish(wire)
        let told = wire.commands.compactMap { command -> Activity? in
            if case .activity(let activity) = command { activity } else { nil }
        }
        #expect(
            told == [
                .presence(.online), .viewing(talk), .typing(talk, isStopped: false),
                .typing(talk, isStopped: false), .typing(talk, isStopped: true),
            ])
    }

    @Test func whoTypesStopsAfterAWhileAndPresencesEndWithTheSession() throws {
        let wire = try connected()
        let peer = ServerModel.peer
        let presence = Presence(account: peer, state: .online)
        wire.server.push(.presences([presence]), now: wire.now)
        wire.server.push(.typing(TypingNotice(conversation: talk, account: peer)), now: wire.now)
        wire.run(.seconds(5))
        let typing = TypingNotice(conversation: talk, account: peer)
        let stopped = TypingNotice(conversation: talk, account: peer, isStopped: true)
        let seen = wire.client.presence(of: peer)
        #expect(seen == presence)
        #expect(wire.events.contains(.typing(typing)) && !wire.events.contains(.typing(stopped)))
        wire.run(.seconds(2))
        #expect(wire.events.contains(.typing(stopped)))
        wire.client.close(now: wire.now)
        let left = wire.client.presence(of: peer)
        #expect(left == nil)
        wire.run(.milliseconds(1))
        #expect(wire.events.contains(.presencesForgotten))
    }

    @Test func aMessageIsGoneAtTheSecondWithoutAnyNetwork() throws {
        let wire = try connected()
        let content = Content(contentType: "", body: [7], lifetimeSeconds: 30)
        var push = wire.server.model.commit(talk, .message(content))
        push.record.time = wire.server.model.time
        wire.server.push(.message(push), now: wire.now)
        wire.run(.seconds(2))
        wire.lossToClient = 1
        wire.lossToServer = 1
        wire.run(.seconds(26))
        #expect(try wire.store.messages(talk, from: .init(1), limit: 1).first?.isGone == false)
        try wire.crash()
        wire.run(.seconds(4))
        // The server's clock, an hour ahead, is not known any more; the message lives longer.
        wire.run(.seconds(3_600))
        #expect(
            try wire.store.messages(talk, from: .init(1), limit: 1).first?.event
                == .gone(.expired))
    }

    /// A welcome that was 20 s on its way says too little of the server's clock; a message more.
    @Test func aMessageTellsTheServersClockBetterThanAnOldWelcome() throws {
        let wire = try connected()
        let content = Content(contentType: "", body: [7], lifetimeSeconds: 30)
        var push = wire.server.model.commit(talk, .message(content))
        let time = wire.server.model.time.milliseconds
        push.record.time = WallTime(milliseconds: time + 20_000)
        wire.server.push(.message(push), now: wire.now)
        wire.run(.seconds(28))
        #expect(try wire.store.messages(talk, from: .init(1), limit: 1).first?.isGone == false)
        wire.run(.seconds(4))
        #expect(
            try wire.store.messages(talk, from: .init(1), limit: 1).first?.event
                == .gone(.expired))
    }

    @Test func aConversationThatForgetsIsTrimmedHere() throws {
        let wire = try connected()
        for i in 1...100 { wire.peerSays("old \(i)") }
        wire.run(.seconds(2))
        var head = wire.server.model.head(talk)
        head.retentionSeconds = 60
        wire.server.model.noteChange(talk)
        let feed = wire.server.model.welcome.feed
        let change = PushedChange(
            item: SyncItem(feed: feed, kind: .conversation(head)),
            previousFeed: FeedSequence(feed.number - 1))
        wire.server.push(.change(change), now: wire.now)
        wire.run(.seconds(2))
        #expect(wire.events.contains(.conversationChanged(talk)))
        let left = try wire.store.messages(talk, from: .init(0), limit: 1_000)
        #expect(left.isEmpty, "they are of 1970")
        #expect(wire.isCaughtUp)
    }

    @Test func whatIsHiddenIsLeftOutOfReads() throws {
        let wire = try connected()
        var settings = ConversationSettings()
        settings.cleared = ConversationSequence(2)
        settings.hidden = [ConversationSequence(4)]
        wire.server.model.settings[talk] = settings
        for i in 1...6 { wire.peerSays("\(i)") }
        wire.server.model.noteChange(talk)
        wire.run(.seconds(60))
        let seen = try wire.client.messages(talk, from: .init(0), limit: 3)
        #expect(seen.map(\.sequence.number) == [3, 5, 6])
        let strict = try wire.client.contiguousMessages(talk, after: .init(0), limit: 2)
        #expect(strict.map(\.sequence.number) == [3, 5])
        let all = try wire.client.conversations()
        let local = try #require(all.first)
        #expect(local.unreadCount == 3 && local.unreadIsExact)
        wire.client.read(talk, upTo: .init(5), now: wire.now)
        finish(wire)
        #expect(
            wire.commands.contains { command in
                guard case .acknowledge(_, _, let read) = command else { return false }
                return read == [Watermark(conversation: talk, sequence: .init(5))]
            })
    }
}
